//! Dead and missing migrants (IOM Missing Migrants Project tables) as INCIDENT.

use barid_message::caps;
use barid_proto::message::v1 as pb;

use crate::{
    source::{Mapped, OriginalTimes, Reason, RoutingFacts, SeverityFacts, SourceRef, Status},
    table::{Column, Row, box_of},
    text,
};

/// Our own incident type: neither CISE nor CAP has one for it.
pub const INCIDENT_TYPE: &str = "MigrantDeathOrDisappearance";

/// The tables are in English and do not say so.
const LANGUAGE: &str = "en";

/// Columns that have a field of their own; all others are kept verbatim.
const USED: &[Column] = &[
    Column::Date,
    Column::Dead,
    Column::Missing,
    Column::Injured,
    Column::Survivors,
    Column::Females,
    Column::Males,
    Column::Minors,
    Column::Cause,
    Column::Route,
    Column::Location,
    Column::Coordinates,
    Column::Latitude,
    Column::Longitude,
    Column::Source,
    Column::Url,
];

/// One row of the table.
pub(crate) fn map(row: &Row<'_>, source: &SourceRef) -> Result<Mapped, Reason> {
    let (date, printed) = row.occurred()?;
    let place = place(row)?;
    let counts = counts(row)?;
    let cause = row.line(Column::Cause)?;
    let route = row.line(Column::Route)?;
    let total = row.count(Column::DeadAndMissing)?;
    let known = [counts.deaths, counts.missing].into_iter().flatten().reduce(u32::saturating_add);
    let countries = row.country(Column::Country).map(str::to_owned);
    let categories =
        [Some(INCIDENT_TYPE.to_owned()), cause.clone()].into_iter().flatten().collect();
    let routing = RoutingFacts {
        kind: "INCIDENT",
        region: row.line(Column::Region)?,
        route: route.clone(),
        categories,
        countries: countries.into_iter().collect(),
        places: place.names.iter().map(|name| name.text.clone()).collect(),
        boxes: place.point.iter().map(box_of).collect(),
        languages: vec![LANGUAGE.to_owned()],
    };
    let others = row.others("iom", USED)?;
    let (dissemination, unchecked_free_text) = (others.dissemination(), others.may_name_persons);
    let incident = pb::Incident {
        incident_type: INCIDENT_TYPE.to_owned(),
        occurred: Some(period(&date, &printed)),
        place: Some(place),
        counts: Some(counts),
        cause: cause.unwrap_or_default(),
        route: route.unwrap_or_default(),
        sources: sources(row)?,
        ..derived(others.fields)
    };
    Mapped {
        source: source.clone(),
        body: incident.into(),
        external_ref: row.external_ref("iom-mmp", "iom-mmp-sha256")?,
        part: None,
        status: Status::Actual,
        dissemination,
        unchecked_free_text,
        times: OriginalTimes { occurred: Some(date), ..OriginalTimes::default() },
        severity: SeverityFacts { dead_and_missing: total.max(known), ..SeverityFacts::default() },
        routing,
    }
    .within_limits()
}

/// What no table says and an INCIDENT must; the source field `derived` names it, as it
/// does for CAP.
pub(crate) fn derived(mut source_fields: Vec<pb::NamedValue>) -> pb::Incident {
    source_fields.push(pb::NamedValue {
        name: "derived".to_owned(),
        value: "nature, response_taken, report_stage".to_owned(),
    });
    pb::Incident {
        nature: "Declared".to_owned(),
        response_taken: vec!["NONE_REPORTED".to_owned()],
        report_stage: pb::ReportStage::First.into(),
        source_fields,
        ..pb::Incident::default()
    }
}

/// A day, month or year as one period, with the date as printed where it differs.
pub(crate) fn period(date: &str, printed: &str) -> pb::Period {
    let as_printed = if printed == date { String::new() } else { printed.to_owned() };
    let calendar = if as_printed.is_empty() { String::new() } else { "gregorian".to_owned() };
    let from = pb::PartialTime { instant: None, date: date.to_owned(), as_printed, calendar };
    pb::Period { from: Some(from), to: None }
}

/// The place: location text, point and country as stated. The region of a row
/// serves as its name only where nothing nearer is known.
fn place(row: &Row<'_>) -> Result<pb::Place, Reason> {
    let point = row.point()?;
    let country = row.country(Column::Country).unwrap_or_default();
    let name = match row.line(Column::Location)? {
        Some(name) => Some(name),
        None if point.is_some() => None,
        None => row.line(Column::Country)?.or(row.line(Column::Region)?),
    };
    let names: Vec<_> = name.and_then(|name| text::original(LANGUAGE, name)).into_iter().collect();
    if names.is_empty() && point.is_none() {
        return Err(Reason::Absent("place"));
    }
    Ok(pb::Place { country: country.to_owned(), point, names, ..pb::Place::default() })
}

fn counts(row: &Row<'_>) -> Result<pb::Counts, Reason> {
    let missing = row.count(Column::Missing)?;
    Ok(pb::Counts {
        persons: None,
        minors: row.count(Column::Minors)?,
        deaths: row.count(Column::Dead)?,
        missing,
        injured: row.count(Column::Injured)?,
        survivors: row.count(Column::Survivors)?,
        females: row.count(Column::Females)?,
        males: row.count(Column::Males)?,
        minimum_estimate: missing.is_some() && row.missing_is_minimum(),
    })
}

/// Who reported it. A quality outside 1 to 5 is no grade: it stays among the
/// source fields, where every quality is kept as printed.
fn sources(row: &Row<'_>) -> Result<Vec<pb::Source>, Reason> {
    let quality = row
        .get(Column::SourceQuality)
        .and_then(|cell| cell.parse().ok())
        .filter(|quality| (1..=5).contains(quality))
        .unwrap_or(0);
    cited(row, quality)
}

/// The source that a row names, once for each web address of it. What stands among the
/// addresses and is none is a source of that name.
pub(crate) fn cited(row: &Row<'_>, quality: u32) -> Result<Vec<pb::Source>, Reason> {
    let name = row.line(Column::Source)?.unwrap_or_default();
    let (addresses, rest) = text::web_addresses("URL", row.get(Column::Url).unwrap_or_default())?;
    let source = |name: &str, url: String| pb::Source { name: name.to_owned(), url, quality };
    let mut sources: Vec<_> = addresses.into_iter().map(|url| source(&name, url)).collect();
    if sources.is_empty() && !name.is_empty() {
        sources.push(source(&name, String::new()));
    }
    if !rest.is_empty() {
        sources.push(source(&text::short_line("URL", &rest, caps::LINE_CHARS_MAX)?, String::new()));
    }
    Ok(sources)
}
