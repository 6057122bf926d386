use super::{
    columns::{Column, is_longitude_first, meaning},
    layout::{Layout, Subject},
};
use crate::source::Reason;

fn column(header: &str) -> Option<Column> {
    meaning(header).map(|(column, _)| column)
}

/// Ways to say the same.
const HEADERS: &[(Column, &[&str])] = &[
    (
        Column::Id,
        &["Web ID", "Main ID", "Incident ID", "incident_id", "ID", "Reference", "Case No. ID"],
    ),
    (
        Column::Date,
        &[
            "Reported Date",
            "Incident Date",
            "Incident date",
            "date",
            "dateOfOccurrence",
            "Date of death",
            "DATE_REPORTED",
        ],
    ),
    (
        Column::Year,
        &["Reported Year", "Incident year", "Incident Year", "Year", "Year of Incident"],
    ),
    (Column::Month, &["Reported Month", "Incident month", "Month"]),
    (
        Column::Dead,
        &[
            "Number Dead",
            "Number of Dead",
            "No. dead",
            "Dead",
            "Deaths",
            "deaths_total",
            "Fatalities",
            "No. of deaths",
            "Total fatalities",
            "Bodies",
        ],
    ),
    (
        Column::Missing,
        &[
            "Minimum Estimated Number of Missing",
            "No. missing",
            "Missing",
            "Number missing",
            "missing_persons",
            "Missing, presumed dead",
        ],
    ),
    (
        Column::DeadAndMissing,
        &[
            "Total Dead and Missing",
            "Total Number of Dead and Missing",
            "No. dead/missing",
            "Dead & missing",
            "dead_missing",
        ],
    ),
    (Column::Survivors, &["Number of Survivors", "No. survivors", "Survivors"]),
    (Column::Females, &["Number of Females", "No. Female", "Women"]),
    (Column::Males, &["Number of Males", "No. Male", "Men"]),
    (Column::Minors, &["Number of Children", "No. minors", "Children", "No. of children"]),
    (
        Column::Cause,
        &["Cause of Death", "Cause of death (category)", "Cause of death (reported)", "cause"],
    ),
    (Column::Region, &["Region of Incident", "Region", "Incident Region"]),
    (Column::RegionOfOrigin, &["Region of Origin"]),
    (Column::Country, &["Country of Incident", "Country", "nearest_country"]),
    (Column::CountryOfOrigin, &["Country of Origin", "Nationality"]),
    (
        Column::Location,
        &[
            "Location Description",
            "Location of death",
            "Location of Incident",
            "Place",
            "location_description",
        ],
    ),
    (
        Column::Coordinates,
        &[
            "Location Coordinates",
            "Coordinates",
            "GPS coordinates",
            "lat/long",
            "Latitude, Longitude",
            "coords",
        ],
    ),
    (Column::Latitude, &["Latitude", "lat", "Incident latitude", "LAT (WGS84)"]),
    (Column::Longitude, &["Longitude", "lon", "lng", "Long"]),
    (Column::Route, &["Migration Route", "Migration route", "Route", "Migratory route"]),
    (Column::Source, &["Information Source", "Source", "data_source", "Sources"]),
    (Column::SourceQuality, &["Source Quality", "source_reliability"]),
    (Column::Url, &["URL", "Link", "Source URL", "Web address link"]),
    (Column::AttackType, &["attack_type", "Type of attack", "Hostility", "Aggressor"]),
    (Column::VesselName, &["vessel_name", "Ship name", "Victim vessel"]),
    (Column::Victim, &["Victim"]),
    (Column::VesselStatus, &["vessel_status"]),
    (
        Column::Context,
        &[
            "Incident Type",
            "UNSD Geographical Grouping",
            "UNSD region",
            "incident_date_raw",
            "incident_date_precision",
            "source_dataset",
            "shore_distance",
            "shore_latitude",
            "shore_longitude",
            "Lat of shore",
        ],
    ),
];

#[test]
fn headers_are_known_by_their_meaning() {
    for (expected, headers) in HEADERS {
        for header in *headers {
            assert_eq!(column(header), Some(*expected), "{header}");
        }
    }
}

#[test]
fn what_is_qualified_is_something_else() {
    for header in [
        "Victim name",
        "Victim type",
        "Missing person name",
        "Passport number",
        "Name",
        "Article title",
        "Women and children",
        "Publication date",
        "Date of birth",
        "Country of Asylum",
        "Route distance",
        "Death certificate ID",
        "",
        "Comments",
    ] {
        assert_eq!(column(header), None, "{header}");
    }
}

fn layout(headers: &[&str]) -> Result<Layout, Reason> {
    Layout::of(headers.iter().map(|header| (*header).to_owned()).collect())
}

#[test]
fn the_plainest_claim_wins() {
    let table =
        layout(&["Reported Date", "Main ID", "Incident Date", "Incident ID", "Dead", "Place"])
            .unwrap();
    assert_eq!(table.position(Column::Date), Some(2));
    assert_eq!(table.position(Column::Id), Some(3));
    assert_eq!(table.subject, Subject::MissingMigrants);
    let attacks = layout(&["date", "latitude", "longitude", "attack_type", "killed"]).unwrap();
    assert_eq!(attacks.subject, Subject::MaritimeAttacks);
    assert!(is_longitude_first("Longitude/Latitude") && !is_longitude_first("Lat, Lon"));
}

#[test]
fn a_table_without_essentials_is_refused_with_what_it_lacks() {
    let Err(Reason::ColumnsMissing { missing, .. }) = layout(&["Number Dead", "Comments"]) else {
        unreachable!("nothing says when or where");
    };
    assert_eq!(missing, "date or year, no place");
    assert!(matches!(layout(&["a", "b"]), Err(Reason::ColumnsMissing { .. })));
    assert!(matches!(
        layout(&["Date", "Place", "Dead", "Deaths"]),
        Err(Reason::ColumnsAmbiguous { meaning: "the number of dead", .. })
    ));
    assert!(matches!(
        layout(&["Incident date", "Event date", "Place", "Dead"]),
        Err(Reason::ColumnsAmbiguous { meaning: "the date", .. })
    ));
}
