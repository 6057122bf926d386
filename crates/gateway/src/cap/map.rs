//! A CAP alert as one ALERT, or several in one thread.

use barid_message::{caps, digest::Digest};
use barid_proto::message::v1 as pb;

use super::{
    alert::{Alert, Words},
    area::{Area, metres},
    fields::source_fields,
    merge::{Matter, matters},
    stamp::Stamp,
};
use crate::{
    source::{
        Dissemination, ExternalRef, Mapped, OriginalTimes, Part, Reason, RoutingFacts,
        SeverityFacts, SourceRef, Status,
    },
    text,
};

/// Every message that an alert becomes, or why it becomes none.
pub(crate) fn map(alert: &Alert, source: &SourceRef) -> Result<Vec<Mapped>, Reason> {
    match alert.message_type {
        "Alert" | "Update" => {}
        refused => return Err(Reason::MessageType(refused)),
    }
    let envelope = Envelope {
        external_ref: external_ref(alert),
        status: status(alert)?,
        dissemination: dissemination(alert)?,
    };
    if alert.infos.is_empty() {
        return Err(Reason::NoInfo);
    }
    let matters = matters(&alert.infos);
    let of = u32::try_from(matters.len()).unwrap_or(u32::MAX);
    (1..)
        .zip(&matters)
        .map(|(number, matter)| {
            let part = (of > 1).then_some(Part { number, of });
            mapped(alert, &envelope, matter, part, source)
        })
        .collect()
}

/// What all messages of one alert share.
struct Envelope {
    external_ref: ExternalRef,
    status: Status,
    dissemination: Dissemination,
}

fn mapped(
    alert: &Alert,
    envelope: &Envelope,
    matter: &Matter<'_>,
    part: Option<Part>,
    source: &SourceRef,
) -> Result<Mapped, Reason> {
    let codes = matter.codes();
    let instant = |stamp: &Option<Stamp>| stamp.as_ref().and_then(|stamp| stamp.instant);
    Mapped {
        source: source.clone(),
        body: body(alert, matter, part)?.into(),
        external_ref: envelope.external_ref.clone(),
        part,
        status: envelope.status.clone(),
        dissemination: envelope.dissemination.clone(),
        unchecked_free_text: true,
        times: OriginalTimes {
            occurred: None,
            sent: alert.sent.instant,
            effective: instant(&codes.effective),
            onset: instant(&codes.onset),
            expires: instant(&codes.expires),
        },
        severity: SeverityFacts {
            dead_and_missing: None,
            attack: None,
            severity: Some(codes.severity.to_owned()),
            urgency: Some(codes.urgency.to_owned()),
            certainty: Some(certainty(codes.certainty).to_owned()),
            all_clear: codes.response_types.contains(&"AllClear"),
        },
        routing: routing(matter),
    }
    .within_limits()
}

fn body(alert: &Alert, matter: &Matter<'_>, part: Option<Part>) -> Result<pb::Alert, Reason> {
    let first = matter.first();
    let codes = matter.codes();
    limit("categories", codes.categories.len(), caps::TEXTS_MAX)?;
    limit("languages", matter.infos().len(), caps::TEXTS_MAX)?;
    limit("areas", first.areas.len(), caps::AREAS_MAX)?;
    limit("event codes", codes.event_codes.len(), caps::LIST_MAX)?;
    if first.areas.is_empty() {
        return Err(Reason::NoArea);
    }
    let texts = |of: fn(&Words) -> &String| -> Vec<pb::Text> {
        let texts = matter.infos().iter().map(|info| &info.words);
        texts.filter_map(|words| text::original(&words.language, of(words).clone())).collect()
    };
    let headline =
        texts(|words| if words.headline.is_empty() { &words.event } else { &words.headline });
    let source_fields = source_fields(alert, matter, part)?;
    limit("source fields", source_fields.len(), caps::SOURCE_FIELDS_MAX)?;
    Ok(pb::Alert {
        categories: codes.categories.iter().map(|code| (*code).to_owned()).collect(),
        event: texts(|words| &words.event),
        urgency: codes.urgency.to_owned(),
        severity: codes.severity.to_owned(),
        certainty: certainty(codes.certainty).to_owned(),
        headline,
        description: texts(|words| &words.description),
        instruction: texts(|words| &words.instruction),
        response_types: codes.response_types.iter().map(|code| (*code).to_owned()).collect(),
        areas: areas(matter),
        actions_to_take: actions(&codes.response_types),
        hit_contact: Some(hit_contact(alert, &first.words)),
        sender_name: text::short_line(
            "senderName",
            &first.words.sender_name,
            caps::LINE_CHARS_MAX,
        )?,
        web: first.words.web_address().unwrap_or_default().to_owned(),
        audience: texts(|words| &words.audience),
        event_codes: codes.event_codes.clone(),
        source_fields,
        special_handling: alert.special_handling.clone(),
        source_name: alert.source.clone(),
        note: note(alert, &first.words),
        ..pb::Alert::default()
    })
}

/// The note, which stands outside of the blocks: in the language of the first.
fn note(alert: &Alert, words: &Words) -> Vec<pb::Text> {
    let note = alert.note.clone().unwrap_or_default();
    text::original(&words.language, note).into_iter().collect()
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), Reason> {
    if found > limit { Err(Reason::TooMany { what, found, limit }) } else { Ok(()) }
}

/// "sender,identifier,sent", which CAP says is unique; as a digest where too long.
fn external_ref(alert: &Alert) -> ExternalRef {
    let id = format!("{},{},{}", alert.sender, alert.identifier, alert.sent.printed);
    if id.chars().count() <= caps::EXTERNAL_ID_CHARS_MAX {
        ExternalRef { scheme: "cap", id }
    } else {
        ExternalRef { scheme: "cap-sha256", id: Digest::of(id.as_bytes()).to_string() }
    }
}

/// CAP 1.2 says that the note of an exercise names it; where it does not, or not in
/// the space that a name has, the alert's identifier does.
fn status(alert: &Alert) -> Result<Status, Reason> {
    let fits = |name: &&String| name.chars().count() <= caps::EXERCISE_NAME_CHARS_MAX;
    Ok(match alert.status {
        "Actual" => Status::Actual,
        "Exercise" => {
            let name = alert.note.as_ref().filter(fits).unwrap_or(&alert.identifier);
            let name = text::short_line("identifier", name, caps::EXERCISE_NAME_CHARS_MAX)?;
            Status::Exercise { name }
        }
        "System" => Status::System,
        "Test" => Status::Test,
        _ => return Err(Reason::Draft),
    })
}

/// CAP calls for a restriction or addresses with a narrower scope; without them
/// nobody can keep to it. Who is addressed cannot be told from addresses of another
/// system, and nobody else may get it.
fn dissemination(alert: &Alert) -> Result<Dissemination, Reason> {
    let incomplete = |scope, lacks| Reason::ScopeIncomplete { scope, lacks };
    Ok(match alert.scope {
        "Restricted" => {
            let restriction = alert.restriction.as_ref();
            let restriction = restriction.ok_or_else(|| incomplete("Restricted", "restriction"))?;
            let chars_max = caps::HANDLING_TEXT_CHARS_MAX;
            let restriction = text::short_line("restriction", restriction, chars_max)?;
            Dissemination::Restricted { restriction }
        }
        "Private" => {
            alert.addresses.as_ref().ok_or_else(|| incomplete("Private", "addresses"))?;
            return Err(Reason::ScopePrivate);
        }
        _ => Dissemination::Public,
    })
}

pub(super) fn certainty(code: &'static str) -> &'static str {
    if code == "Very Likely" { "Likely" } else { code }
}

/// What a post can do that meets what the alert speaks of, from what the public is
/// told to do; REPORT where nothing follows.
fn actions(response_types: &[&str]) -> Vec<String> {
    let mut actions = Vec::new();
    for response in response_types {
        let action = match *response {
            "Shelter" | "Evacuate" | "Avoid" | "Prepare" => "PROTECT",
            "Monitor" | "Assess" => "OBSERVE",
            _ => "REPORT",
        };
        if !actions.iter().any(|known| known == action) {
            actions.push(action.to_owned());
        }
    }
    if actions.is_empty() {
        actions.push("REPORT".to_owned());
    }
    actions
}

fn hit_contact(alert: &Alert, words: &Words) -> pb::Contact {
    let fits = |text: &String| !text.is_empty() && text.chars().count() <= caps::LINE_CHARS_MAX;
    let contact = words.contact.split_whitespace().collect::<Vec<_>>().join(" ");
    let desk = [contact, words.sender_name.clone()]
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| alert.sender.chars().take(caps::LINE_CHARS_MAX).collect());
    pb::Contact { desk, ..pb::Contact::default() }
}

/// Areas with their names in every language. The shapes are equal: the blocks were
/// put together for that.
fn areas(matter: &Matter<'_>) -> Vec<pb::Area> {
    let mut areas: Vec<pb::Area> = Vec::new();
    for info in matter.infos() {
        for (position, area) in info.areas.iter().enumerate() {
            if areas.len() == position {
                areas.push(shape(area));
            }
            let text = text::original(&info.words.language, area.description.clone());
            areas[position].description.extend(text);
        }
    }
    areas
}

fn shape(area: &Area) -> pb::Area {
    let shape = &area.shape;
    pb::Area {
        description: Vec::new(),
        polygons: shape.polygons.clone(),
        circles: shape.circles.clone(),
        geocodes: shape.geocodes.clone(),
        altitude_m: shape.altitude.as_deref().and_then(metres),
        ceiling_m: shape.ceiling.as_deref().and_then(metres),
    }
}

fn routing(matter: &Matter<'_>) -> RoutingFacts {
    let first = matter.first();
    let all =
        |of: fn(&Words) -> &String| matter.infos().iter().map(move |info| of(&info.words).clone());
    RoutingFacts {
        kind: "ALERT",
        region: None,
        route: None,
        categories: first.codes.categories.iter().map(|code| (*code).to_owned()).collect(),
        countries: countries(first.areas.iter()),
        places: first.areas.iter().map(|area| area.description.clone()).collect(),
        boxes: first.areas.iter().flat_map(|area| area.shape.boxes()).collect(),
        languages: all(|words| &words.language).collect(),
    }
}

/// Countries stated by a code: ISO 3166-1, or the first part of ISO 3166-2.
fn countries<'a>(areas: impl Iterator<Item = &'a Area>) -> Vec<String> {
    let mut countries: Vec<String> = Vec::new();
    for code in areas.flat_map(|area| &area.shape.geocodes) {
        let scheme = code.name.to_ascii_uppercase().replace([' ', '_', '-'], "");
        if !scheme.contains("ISO3166") && !scheme.contains("ISO/COUNTRYCODES") {
            continue;
        }
        let part = code.value.split('-').next().unwrap_or_default();
        if let Some(country) = crate::country::alpha2(part)
            && !countries.iter().any(|known| known == country)
        {
            countries.push(country.to_owned());
        }
    }
    countries
}
