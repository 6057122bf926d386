//! What a column means, told by the words of its header.

use self::words::words;
use crate::decimal;

mod words;

/// Meaning of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Column {
    Id,
    Date,
    Year,
    Month,
    Day,
    Time,
    Dead,
    Missing,
    DeadAndMissing,
    Injured,
    Survivors,
    Females,
    Males,
    Minors,
    Cause,
    Region,
    RegionOfOrigin,
    Country,
    CountryOfOrigin,
    EezCountry,
    Location,
    Coordinates,
    Latitude,
    Longitude,
    Route,
    Source,
    SourceQuality,
    Url,
    AttackType,
    VesselName,
    VesselType,
    VesselStatus,
    VesselFlag,
    VesselImo,
    /// The ship attacked; or, as far as the header says, a person.
    Victim,
    Description,
    /// More of the event's sort, place, time or data set; nothing of a person.
    Context,
}

/// One way to say a meaning: every group is there with at least one of its words,
/// and no word stands beside them but the allowed ones.
struct Phrase {
    column: Column,
    groups: &'static [&'static [&'static str]],
    allowed: &'static [&'static str],
}

/// Words that name what every row of such a table is.
const EVENT: &[&str] = &["incident", "event", "death", "attack", "occurrence", "case", "accident"];

const DEAD: &[&str] = &["death", "fatality", "killed", "died", "body", "corpse"];
const MISSING: &[&str] = &["missing", "disappeared", "disappearance"];
const FLAG: &[&str] = &["flag"];
const LATITUDE: &[&str] = &["latitude", "lat"];
const LONGITUDE: &[&str] = &["longitude", "long", "lon", "lng"];
const ORIGIN: &[&str] = &["origin", "nationality", "citizenship"];
const PEOPLE: &[&str] =
    &["person", "people", "migrant", "confirmed", "known", "recorded", "toll", "presumed"];
const POINT: &[&str] = &[
    "location",
    "incident",
    "event",
    "death",
    "attack",
    "decimal",
    "degree",
    "wgs84",
    "gps",
    "coordinate",
    "y",
    "x",
    "geo",
];
const SHORE: &[&str] = &["shore", "coast"];
const VESSEL: &[&str] = &["vessel", "ship", "boat"];
const WHEN: &[&str] = &[
    "incident",
    "event",
    "death",
    "attack",
    "occurrence",
    "found",
    "reported",
    "recovery",
    "clean",
];

const fn phrase(
    column: Column,
    groups: &'static [&'static [&'static str]],
    allowed: &'static [&'static str],
) -> Phrase {
    Phrase { column, groups, allowed }
}

/// Every way known; none is a part of another with the same words left over, so
/// the order does not matter.
const PHRASES: &[Phrase] = &[
    phrase(
        Column::Id,
        &[&["id", "identifier", "reference", "ref"]],
        &[
            "main", "web", "incident", "event", "case", "record", "row", "unique", "mmp", "attack",
            "code",
        ],
    ),
    phrase(Column::Date, &[&["date", "datetime"]], WHEN),
    phrase(Column::Year, &[&["year"]], WHEN),
    phrase(Column::Month, &[&["month"]], WHEN),
    phrase(Column::Day, &[&["day"]], WHEN),
    phrase(Column::Time, &[&["time"]], WHEN),
    phrase(Column::Dead, &[DEAD], PEOPLE),
    phrase(Column::Missing, &[MISSING], PEOPLE),
    phrase(Column::Missing, &[MISSING, &["presumed"], DEAD], &[]),
    phrase(Column::DeadAndMissing, &[DEAD, MISSING], &["person", "people", "migrant", "toll"]),
    phrase(Column::Injured, &[&["injured", "injury", "wounded"]], PEOPLE),
    phrase(Column::Survivors, &[&["survivor", "survived", "rescued"]], PEOPLE),
    phrase(Column::Females, &[&["female", "woman"]], &["girl", "death", "missing"]),
    phrase(Column::Males, &[&["male", "man"]], &["boy", "death", "missing"]),
    phrase(Column::Minors, &[&["child", "minor", "underage"]], &["death", "missing"]),
    phrase(Column::Cause, &[&["cause"]], &["death", "reported", "category", "main", "incident"]),
    phrase(
        Column::Region,
        &[&["region", "subregion"]],
        &["incident", "event", "death", "attack", "geographical", "geographic"],
    ),
    phrase(Column::RegionOfOrigin, &[&["region"], ORIGIN], &["migrant"]),
    phrase(
        Column::Country,
        &[&["country"]],
        &["incident", "event", "death", "attack", "nearest", "location"],
    ),
    phrase(Column::CountryOfOrigin, &[&["country"], ORIGIN], &["migrant"]),
    phrase(Column::CountryOfOrigin, &[&["nationality", "citizenship"]], &["migrant", "victim"]),
    phrase(Column::EezCountry, &[&["eez"]], &["country"]),
    phrase(
        Column::Location,
        &[&["location", "place", "where", "site"]],
        &["incident", "event", "death", "attack", "description", "name", "text", "detail"],
    ),
    phrase(
        Column::Coordinates,
        &[&["coordinate", "coord", "geolocation", "latlon", "latlong", "latlng"]],
        &[
            "location",
            "incident",
            "event",
            "death",
            "attack",
            "gps",
            "wgs84",
            "lat",
            "lon",
            "long",
            "latitude",
            "longitude",
        ],
    ),
    phrase(Column::Coordinates, &[LATITUDE, LONGITUDE], POINT),
    phrase(Column::Latitude, &[LATITUDE], POINT),
    phrase(Column::Longitude, &[LONGITUDE], POINT),
    phrase(Column::Route, &[&["route"]], &["migration", "migratory", "migrant", "name"]),
    phrase(Column::Source, &[&["source"]], &["information", "info", "data", "name", "news"]),
    phrase(
        Column::SourceQuality,
        &[&["quality", "reliability", "credibility"]],
        &["source", "information", "rating", "score"],
    ),
    phrase(
        Column::Url,
        &[&["url", "link", "uri", "hyperlink"]],
        &["source", "information", "web", "article", "address", "news"],
    ),
    phrase(
        Column::AttackType,
        &[
            &["attack", "hostility", "aggressor", "assault"],
            &["type", "kind", "category", "hostility", "aggressor"],
        ],
        &[],
    ),
    phrase(Column::VesselName, &[VESSEL], &["name", "attacked", "victim"]),
    phrase(Column::VesselType, &[VESSEL, &["type", "kind"]], &["attacked", "victim"]),
    phrase(Column::VesselStatus, &[VESSEL, &["status", "activity"]], &["attacked", "victim"]),
    phrase(Column::VesselFlag, &[FLAG], &["vessel", "ship", "country", "state"]),
    phrase(Column::VesselImo, &[&["imo"]], &["vessel", "ship"]),
    phrase(Column::Victim, &[&["victim"]], &[]),
    phrase(
        Column::Description,
        &[&["description", "narrative", "summary"]],
        &["incident", "event", "attack"],
    ),
    phrase(Column::Context, &[&["type", "kind", "category"]], &["incident", "event"]),
    phrase(
        Column::Context,
        &[&["unsd"]],
        &["region", "subregion", "grouping", "geographical", "geographic"],
    ),
    phrase(
        Column::Context,
        &[&["date", "datetime"], &["raw", "precision", "accuracy"]],
        &["incident", "event", "death", "reported"],
    ),
    phrase(Column::Context, &[&["dataset", "database"]], &["source", "name"]),
    phrase(Column::Context, &[SHORE, &["distance"]], &["km", "nm", "nearest"]),
    phrase(Column::Context, &[SHORE, LATITUDE], &["nearest"]),
    phrase(Column::Context, &[SHORE, LONGITUDE], &["nearest"]),
];

/// Whether a cell that is kept verbatim may name a person. It does not where its
/// column is known to say something else; a column of counts does where it holds no
/// count.
pub(crate) fn may_name_a_person(meaning: Option<Column>, cell: &str) -> bool {
    use Column::{
        Dead, DeadAndMissing, Description, Females, Injured, Males, Minors, Missing, Survivors,
        Victim,
    };
    match meaning {
        None | Some(Description | Victim) => true,
        Some(Dead | Missing | DeadAndMissing | Injured | Survivors | Females | Males | Minors) => {
            decimal::count(cell).is_none() && !cell.eq_ignore_ascii_case("unknown")
        }
        Some(_) => false,
    }
}

/// Meaning of a header, with how far it strays from the plainest way to say it.
/// `None` where the words have another meaning or none that is known.
pub(crate) fn meaning(header: &str) -> Option<(Column, usize)> {
    let words = words(header);
    PHRASES
        .iter()
        .filter_map(|phrase| phrase.strays(&words).map(|by| (phrase.column, by)))
        .min_by_key(|(_, strays)| *strays)
}

/// Whether a header says that its numbers are lower bounds.
pub(crate) fn is_minimum_estimate(header: &str) -> bool {
    header.to_lowercase().contains("minimum") || header.to_lowercase().contains("estimate")
}

/// Whether a header gives longitude before latitude.
pub(crate) fn is_longitude_first(header: &str) -> bool {
    let words = words(header);
    let position = |names: &[&str]| words.iter().position(|word| names.contains(&word.as_str()));
    matches!((position(LATITUDE), position(LONGITUDE)), (Some(lat), Some(lon)) if lon < lat)
}

impl Phrase {
    /// How many words stand beside those needed; `None` where the phrase is not this
    /// header's.
    fn strays(&self, words: &[String]) -> Option<usize> {
        let in_group = |word: &str| self.groups.iter().any(|group| group.contains(&word));
        let complete =
            self.groups.iter().all(|group| words.iter().any(|word| group.contains(&word.as_str())));
        let no_other =
            words.iter().all(|word| in_group(word) || self.allowed.contains(&word.as_str()));
        let beside = words.iter().filter(|word| !in_group(word));
        // The event's own name strays less than a qualification: an incident's
        // date before a reported one, a reported cause before a category.
        let weight = |word: &String| {
            if EVENT.contains(&word.as_str()) { 0 } else { weight(word) }
        };
        (complete && no_other && !words.is_empty()).then(|| beside.map(weight).sum())
    }
}

/// How far a word strays from the record's own meaning. Ids: the incident's own,
/// then the one on the web, then that of a group of incidents.
fn weight(word: &str) -> usize {
    match word {
        "category" | "main" | "clean" => 2,
        _ => 1,
    }
}
