//! Attacks on ships as INCIDENT.

use barid_message::caps;
use barid_proto::message::v1 as pb;

use crate::{
    date,
    migrants::{cited, derived, period},
    source::{
        Mapped, OriginalTimes, Reason, RoutingFacts, SeverityFacts, SourceRef, Status, quote,
    },
    table::{Column, Row, box_of},
    text,
};

/// CISE law infringement type.
pub const INCIDENT_TYPE: &str = "Piracy";

/// The tables are in English and do not say so.
const LANGUAGE: &str = "en";

/// Columns that have a field of their own; all others are kept verbatim, as is the
/// victim, which is a ship only as far as such a table usually means one.
const USED: &[Column] = &[
    Column::Date,
    Column::Coordinates,
    Column::Latitude,
    Column::Longitude,
    Column::Location,
    Column::Dead,
    Column::Missing,
    Column::Injured,
    Column::VesselName,
    Column::VesselType,
    Column::VesselStatus,
    Column::Source,
    Column::Url,
    Column::Description,
];

/// One row of the table.
pub(crate) fn map(row: &Row<'_>, source: &SourceRef) -> Result<Mapped, Reason> {
    let (date, printed) = row.occurred()?;
    let printed = match row.get(Column::Time) {
        Some(time) => format!("{printed} {}", time_of_day(time)?),
        None => printed,
    };
    let place = place(row)?;
    let attack = row.line(Column::AttackType)?;
    let routing = routing(row, &place, attack.clone())?;
    let counts = counts(row)?;
    let others = row.others("maritime", USED)?;
    let dissemination = others.dissemination();
    let unchecked_free_text = others.may_name_persons || row.get(Column::Description).is_some();
    let incident = pb::Incident {
        incident_type: INCIDENT_TYPE.to_owned(),
        facets: attack.as_deref().and_then(facet).map(str::to_owned).into_iter().collect(),
        occurred: Some(period(&date, &printed)),
        place: Some(place),
        counts,
        objects: vessel(row)?.into_iter().collect(),
        description: description(row)?.into_iter().collect(),
        sources: cited(row, 0)?,
        ..derived(others.fields)
    };
    let dead_and_missing = counts.and_then(|counts| {
        [counts.deaths, counts.missing].into_iter().flatten().reduce(u32::saturating_add)
    });
    Mapped {
        source: source.clone(),
        body: incident.into(),
        external_ref: row.external_ref("maritime-attacks", "maritime-attacks-sha256")?,
        part: None,
        status: Status::Actual,
        dissemination,
        unchecked_free_text,
        times: OriginalTimes { occurred: Some(date), ..OriginalTimes::default() },
        severity: SeverityFacts {
            dead_and_missing,
            attack: attack.map(|attack| attack.to_lowercase()),
            ..SeverityFacts::default()
        },
        routing,
    }
    .within_limits()
}

fn routing(
    row: &Row<'_>,
    place: &pb::Place,
    attack: Option<String>,
) -> Result<RoutingFacts, Reason> {
    let mut countries: Vec<String> = [Column::Country, Column::EezCountry]
        .into_iter()
        .filter_map(|column| row.country(column))
        .map(str::to_owned)
        .collect();
    countries.dedup();
    Ok(RoutingFacts {
        kind: "INCIDENT",
        region: row.line(Column::Region)?,
        route: None,
        categories: [Some(INCIDENT_TYPE.to_owned()), attack].into_iter().flatten().collect(),
        countries,
        places: place.names.iter().map(|name| name.text.clone()).collect(),
        boxes: place.point.iter().map(box_of).collect(),
        languages: vec![LANGUAGE.to_owned()],
    })
}

/// A time of day as printed. It may be local or UTC: where it does not say, no
/// instant follows from it, and in no case does the date change.
fn time_of_day(printed: &str) -> Result<String, Reason> {
    let four_digits = printed.len() == 4 && printed.bytes().all(|byte| byte.is_ascii_digit());
    if !date::is_time(printed) && !four_digits {
        return Err(Reason::BadValue {
            field: "time".to_owned(),
            value: quote(printed),
            expected: "a time of day",
        });
    }
    text::short_line("time", printed, caps::CODE_CHARS_MAX - 32)
}

fn place(row: &Row<'_>) -> Result<pb::Place, Reason> {
    let point = row.point()?;
    let name = match row.line(Column::Location)? {
        None if point.is_none() => row.line(Column::Country)?.or(row.line(Column::Region)?),
        name => name,
    };
    let names: Vec<_> = name.and_then(|name| text::original(LANGUAGE, name)).into_iter().collect();
    if names.is_empty() && point.is_none() {
        return Err(Reason::Absent("place"));
    }
    // The nearest country and the country of the zone are not the place's country:
    // the attack was at sea. They stay among the source fields.
    Ok(pb::Place { point, names, ..pb::Place::default() })
}

fn counts(row: &Row<'_>) -> Result<Option<pb::Counts>, Reason> {
    let counts = pb::Counts {
        deaths: row.count(Column::Dead)?,
        missing: row.count(Column::Missing)?,
        injured: row.count(Column::Injured)?,
        ..pb::Counts::default()
    };
    Ok((counts != pb::Counts::default()).then_some(counts))
}

fn vessel(row: &Row<'_>) -> Result<Option<pb::Subject>, Reason> {
    let victim = row.line(Column::Victim)?;
    let vessel = pb::Vessel {
        name: row.line(Column::VesselName)?.or(victim).unwrap_or_default(),
        flag: row.country(Column::VesselFlag).unwrap_or_default().to_owned(),
        vessel_type: row.line(Column::VesselType)?.unwrap_or_default(),
        vessel_status: row.line(Column::VesselStatus)?.unwrap_or_default(),
        ..pb::Vessel::default()
    };
    Ok((vessel != pb::Vessel::default()).then(|| pb::Subject {
        item: Some(pb::subject::Item::Vessel(vessel)),
        role: "Victim".to_owned(),
        confidence: None,
    }))
}

fn description(row: &Row<'_>) -> Result<Option<pb::Text>, Reason> {
    let Some(cell) = row.get(Column::Description) else {
        return Ok(None);
    };
    Ok(text::original(LANGUAGE, text::block("description", cell)?))
}

/// EUROSUR facet of a kind of attack.
fn facet(attack: &str) -> Option<&'static str> {
    match attack.to_lowercase().as_str() {
        "attempted" => Some("attempted"),
        "boarded" | "boarding" | "hijacked" | "detained" => Some("actual"),
        _ => None,
    }
}
