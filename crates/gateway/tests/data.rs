//! The real data, every file: what is mapped, what is not, and that a message can be
//! composed of all that is mapped.
//!
//! The data is found by `BARID_DATA`, else beside the project; without it the test
//! says that it skips, to stderr and to the file that `BARID_SKIPPED` names.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use barid_gateway::{
    Input, Mapped, RoutingTable,
    source::{Dissemination, Status as Real},
};
use barid_message::{
    address::Address,
    body::Body,
    compose::{Draft, compose},
    digest::Digest,
    header::{AgreementRef, Purpose, Status},
    key::{Algorithm, SigningKey},
    time::Millis,
};

/// 2027-01-15T08:00:00Z.
const NOW: Millis = Millis(1_800_000_000_000);

/// File, records mapped, records not mapped.
const EXPECTED: &[(&str, usize, usize)] = &[
    ("incidents/mmp/MissingMigrants-Global-2020-01-08.csv", 6_249, 0),
    ("incidents/mmp/MissingMigrants-Global-2024-04-10.partial.csv", 535, 0),
    // One row says that -2 people are missing.
    ("incidents/mmp/iom_europe.cut.2014-2021.csv", 595, 1),
    ("incidents/mmp/mmp-kaggle.cut.2014-2020.csv", 779, 0),
    ("incidents/piracy/pirate_attacks.cut.1993-2013.csv", 1_538, 0),
    ("cap/google-cap-library/43b080713727.cap", 1, 0),
    ("cap/google-cap-library/KAR0-0306112239-SW.cap", 1, 0),
    ("cap/google-cap-library/amber.atom", 1, 0),
    // Two blocks in one language with circles of their own.
    ("cap/google-cap-library/australia.cap", 2, 0),
    ("cap/google-cap-library/bushfire_valid.edxlde", 7, 0),
    ("cap/google-cap-library/canada.cap", 1, 0),
    ("cap/google-cap-library/canada_signed.atom", 1, 0),
    ("cap/google-cap-library/earthquake.cap", 1, 0),
    ("cap/google-cap-library/earthquake_index.atom", 0, 1),
    ("cap/google-cap-library/earthquake_signed.cap", 1, 0),
    ("cap/google-cap-library/empty_weather_index.atom", 0, 1),
    ("cap/google-cap-library/environment_canada_x509_cert.pem", 0, 1),
    ("cap/google-cap-library/invalid.cap", 0, 1),
    ("cap/google-cap-library/invalid.rss", 0, 1),
    ("cap/google-cap-library/naads_x509_cert.pem", 0, 1),
    ("cap/google-cap-library/no_entries.atom", 0, 1),
    ("cap/google-cap-library/no_optional_fields.cap", 0, 1),
    ("cap/google-cap-library/ny_index.rss", 0, 1),
    ("cap/google-cap-library/thunderstorm.cap", 1, 0),
    ("cap/google-cap-library/wcatwc-warning.cap", 1, 0),
    ("cap/google-cap-library/weather.atom", 1, 0),
    ("cap/google-cap-library/weather.cap", 1, 0),
    ("cap/google-cap-library/weather_index.atom", 0, 1),
    ("cap/oasiscap/google-PAAQ-4-mg5a94.xml", 1, 0),
    ("cap/oasiscap/ipaws-5e6dd964023f1930ef638846.xml", 1, 0),
    ("cap/oasiscap/ipaws-5e6dd9de023f1930ef6548d9.xml", 0, 1),
    ("cap/oasiscap/ipaws-5ea321f39fc226a7b44b6874.xml", 1, 0),
    ("cap/oasiscap/v1dot1_appendix_adot1.xml", 1, 0),
    ("cap/oasiscap/v1dot1_appendix_adot2.xml", 1, 0),
    ("cap/oasiscap/v1dot1_appendix_adot3.xml", 1, 0),
    ("cap/oasiscap/v1dot1_appendix_adot4.xml", 1, 0),
    ("cap/oasiscap/v1dot2_appendix_adot1.xml", 1, 0),
    ("cap/oasiscap/v1dot2_appendix_adot2.xml", 1, 0),
    ("cap/oasiscap/v1dot2_appendix_adot3.xml", 1, 0),
    ("cap/oasiscap/v1dot2_appendix_adot4.xml", 1, 0),
    ("cap/wmo-cap2geojson/es.xml", 1, 0),
    ("cap/wmo-cap2geojson/fake.xml", 1, 0),
    // Broken signatures are noted as unverified, like whole ones.
    ("cap/wmo-capvalidator/sc/invalid_certificate.xml", 1, 0),
    ("cap/wmo-capvalidator/sc/invalid_digest.xml", 1, 0),
    ("cap/wmo-capvalidator/sc/invalid_schema.xml", 0, 1),
    ("cap/wmo-capvalidator/sc/invalid_signature.xml", 1, 0),
    ("cap/wmo-capvalidator/sc/no_signature.xml", 1, 0),
    ("cap/wmo-capvalidator/sc/valid.xml", 1, 0),
    ("cap/filtered-alert-hub/alertHubSubscriptions.country.tsv", 0, 1),
    ("cap/filtered-alert-hub/areas-region.zip", 0, 1),
];

#[test]
fn every_file_gives_what_it_holds() {
    let Some(data) = data("every_file_gives_what_it_holds") else {
        return;
    };
    let table: RoutingTable =
        toml::from_str(include_str!("../../../config/replay-routing.toml")).unwrap();
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let mut composed: u32 = 0;
    let mut deliveries: BTreeMap<Address, usize> = BTreeMap::new();
    println!("{:>6} {:>8}  file", "mapped", "unmapped");
    for (file, mapped_expected, unmapped_expected) in EXPECTED {
        let (mut mapped, mut unmapped) = (0, 0);
        let mut reasons = Vec::new();
        for outcome in Input::open(&data.join(file)) {
            match outcome {
                Ok(record) => {
                    mapped += 1;
                    if file.starts_with("incidents/") {
                        check_published(&record);
                    }
                    composed += 1;
                    for recipient in send(&record, &table, &key, composed) {
                        *deliveries.entry(recipient).or_default() += 1;
                    }
                }
                Err(record) => {
                    unmapped += 1;
                    reasons.push(format!("    line {}: {}", record.source.line, record.reason));
                }
            }
        }
        println!("{mapped:>6} {unmapped:>8}  {file}");
        reasons.iter().for_each(|reason| println!("{reason}"));
        assert_eq!((mapped, unmapped), (*mapped_expected, *unmapped_expected), "{file}");
    }
    println!("composed {composed}; deliveries {deliveries:?}");
    assert_eq!(deliveries.len(), 3, "every agency but the sender gets something");
}

/// Rows that are held against one another.
const ROWS: usize = 2_000;

/// The headers of an export, and names that one to come may have for them.
const RENAMED: &[(&str, &str)] = &[
    ("Web ID", "incident_id"),
    ("Region of Incident", "Incident Region"),
    ("Reported Date", "dateOfOccurrence"),
    ("Reported Year", "Year of Incident"),
    ("Reported Month", "Incident month"),
    ("Number Dead", "Fatalities"),
    ("Minimum Estimated Number of Missing", "No. missing (minimum)"),
    ("Total Dead and Missing", "Dead & missing"),
    ("Number of Survivors", "Survivors"),
    ("Number of Females", "Women"),
    ("Number of Males", "Men"),
    ("Number of Children", "No. of children"),
    ("Cause of Death", "cause"),
    ("Location Description", "Place"),
    ("Information Source", "data_source"),
    ("Location Coordinates", "GPS coordinates"),
    ("Migration Route", "Migratory route"),
    ("URL", "Web address link"),
    ("UNSD Geographical Grouping", "UNSD region"),
    ("Source Quality", "source_reliability"),
];

/// A table with its columns from the last to the first, every header by another name;
/// `lost` is left out.
fn turned(table: &[u8], lost: &[&str]) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(table);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut headers: Option<csv::StringRecord> = None;
    for row in reader.records() {
        let row = row.expect("the export is a table");
        let first = headers.is_none();
        let headers = headers.get_or_insert_with(|| row.clone());
        let mut cells: Vec<_> = headers.iter().zip(row.iter()).collect();
        cells.reverse();
        let kept =
            cells.into_iter().filter(|(header, _)| !lost.contains(header)).map(|(header, cell)| {
                let renamed =
                    || RENAMED.iter().find(|(old, _)| *old == header).map(|(_, new)| *new);
                if first { renamed().expect("every header has another name") } else { cell }
            });
        writer.write_record(kept).expect("memory is written");
    }
    writer.into_inner().expect("memory is written")
}

#[test]
fn an_export_with_other_headers_in_another_order_says_the_same() {
    let Some(data) = data("an_export_with_other_headers_in_another_order_says_the_same") else {
        return;
    };
    let file = data.join("incidents/mmp/MissingMigrants-Global-2020-01-08.csv");
    let table = std::fs::read(&file).expect("the export is there");
    let said = |bytes: Vec<u8>| -> Vec<_> {
        let records = Input::from_bytes("table.csv", bytes).take(ROWS);
        records.map(|record| said_by(record.expect("every row is mapped"))).collect()
    };
    let as_published = said(table.clone());
    assert_eq!(as_published.len(), ROWS);
    assert!(as_published == said(turned(&table, &[])), "the same, row by row");

    for (lost, named) in [
        (&["Reported Date", "Reported Year"][..], "no date or year among"),
        (&["Location Description", "Location Coordinates", "Region of Incident"], "no place among"),
        (
            &["Number Dead", "Minimum Estimated Number of Missing", "Total Dead and Missing"],
            "no column of dead or missing people",
        ),
    ] {
        let mut records = Input::from_bytes("table.csv", turned(&table, lost));
        let refused = records.next().expect("it is told").expect_err("it lacks a column");
        assert!(refused.reason.to_string().starts_with(named), "{}", refused.reason);
        assert!(records.next().is_none(), "once, and no row is mapped without");
    }
}

/// What a record says, whatever its columns were called and wherever they stood: the
/// fields that are kept as printed keep their headers, and so only their values count.
fn said_by(mut record: Mapped) -> impl PartialEq {
    let Body::Incident(incident) = &mut record.body else { unreachable!("tables make incidents") };
    let fields = std::mem::take(&mut incident.source_fields);
    let mut values: Vec<_> = fields.into_iter().map(|field| field.value).collect();
    values.sort_unstable();
    let Mapped { body, external_ref, times, severity, routing, .. } = record;
    (body, external_ref.id, values, format!("{times:?} {severity:?} {routing:?}"))
}

/// Of the columns in these tables only a description may name persons.
fn check_published(record: &Mapped) {
    let Body::Incident(incident) = &record.body else { unreachable!("tables make incidents") };
    let described = !incident.description.is_empty();
    assert_eq!(record.unchecked_free_text, described, "{}", record.source);
    assert_eq!(record.dissemination, Dissemination::Public, "{}", record.source);
}

/// Composes the message that a replay would send, and says to whom.
fn send(record: &Mapped, table: &RoutingTable, key: &SigningKey, number: u32) -> Vec<Address> {
    let sender = Address::parse("pk/police").expect("the test's own input is good");
    let recipients = barid_gateway::route(table, &record.routing, &sender)
        .expect("the test's own input is good");
    let agreement = AgreementRef {
        id: "agr:pk:2027-01".to_owned(),
        version: 1,
        sha256: Digest::of(b"agreement"),
        clause: String::new(),
    };
    let mut draft = Draft::new(&sender, &agreement, record.body.clone())
        .purposes(&[Purpose::BorderMonitoring])
        .precedence(barid_gateway::suggest(record))
        .external_ref(record.external_ref.scheme, &record.external_ref.id);
    draft = match &record.status {
        Real::Actual => draft.status(Status::Actual, ""),
        Real::Exercise { name } => draft.status(Status::Exercise, name),
        Real::System => draft.status(Status::System, ""),
        Real::Test => draft.status(Status::Test, ""),
    };
    for recipient in &recipients {
        draft = draft.to(recipient);
    }
    let mut random = [0; 10];
    random[..4].copy_from_slice(&number.to_be_bytes());
    let outcome = compose(draft, NOW, random, key);
    assert!(outcome.is_ok(), "{}: {:?}", record.source, outcome.err());
    recipients
}

/// The folder of the data; None, said loudly, where there is none.
#[expect(clippy::disallowed_methods, reason = "where the data lies is the runner's business")]
fn data(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("BARID_DATA").map_or_else(|_unset| beside(), PathBuf::from);
    if folder.join("incidents").is_dir() {
        return Some(folder);
    }
    let line = format!("SKIPPED {test}: no data at {}\n", folder.display());
    std::io::stderr().write_all(line.as_bytes()).expect("the test's own input is good");
    if let Ok(file) = std::env::var("BARID_SKIPPED") {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .expect("the test's own input is good");
        file.write_all(line.as_bytes()).expect("the test's own input is good");
    }
    None
}
