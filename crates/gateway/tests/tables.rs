//! Incident tables: header variants, date styles, odd values.

use barid_gateway::{
    Input, Mapped, Unmapped,
    source::{Dissemination, Format, Reason},
};
use barid_message::body::Body;
use barid_proto::message::v1::{self as pb, ReportStage::First};

fn read(table: &str) -> Vec<Result<Mapped, Unmapped>> {
    Input::from_bytes("table.csv", table.as_bytes().to_vec()).collect()
}

/// The only record of a table.
fn one(table: &str) -> Mapped {
    let mut outcomes = read(table);
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    outcomes.remove(0).expect("the test's own input is good")
}

/// The only reason of a table.
fn refusal(table: &str) -> Reason {
    let mut outcomes = read(table);
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    outcomes.remove(0).expect_err("it is refused").reason
}

fn incident(mapped: &Mapped) -> &pb::Incident {
    match &mapped.body {
        Body::Incident(incident) => incident,
        other => unreachable!("tables make incidents, not {other:?}"),
    }
}

fn date(mapped: &Mapped) -> &str {
    mapped.times.occurred.as_deref().expect("the test's own input is good")
}

#[test]
fn a_row_of_several_pages_has_a_source_for_each() {
    let mapped = one(concat!(
        "Web ID,Reported Date,Number Dead,Location Description,Information Source,",
        "Location Coordinates,Migration Route,URL\n",
        "1,2020-01-05,1,Off Gwadar,Reuters,\"25.12, 62.32\",,\"http://x.example, www.y.example, ",
        "https://z.example\"\n",
    ));
    let sources: Vec<_> =
        incident(&mapped).sources.iter().map(|s| (s.name.as_str(), s.url.as_str())).collect();
    let expected =
        [("Reuters", "http://x.example"), ("Reuters", "https://z.example"), ("www.y.example", "")];
    assert_eq!(sources, expected);
}

#[test]
fn a_full_row_fills_every_field() {
    let mapped = one(concat!(
        "Web ID,Region of Incident,Reported Date,Reported Year,Reported Month,Number Dead,",
        "Minimum Estimated Number of Missing,Total Dead and Missing,Number of Survivors,",
        "Number of Females,Number of Males,Number of Children,Cause of Death,Location Description,",
        "Information Source,Location Coordinates,Migration Route,URL,Source Quality,Notes\n",
        "52682,South Asia,\"January 05, 2020\",2020,Jan,\"1,022\",3,1025,NA,,2.0,0,Drowning,",
        "\"Off Gwadar\",Reuters,\"25.1216000000, 62.3254\",Afghanistan to Iran,http://x.example,4,kept\n",
    ));
    let incident = incident(&mapped);
    let counts = incident.counts.unwrap();
    assert_eq!((counts.deaths, counts.missing, counts.survivors), (Some(1_022), Some(3), None));
    assert_eq!((counts.females, counts.males, counts.minors), (None, Some(2), Some(0)));
    assert!(counts.minimum_estimate);
    let place = incident.place.as_ref().unwrap();
    let point = place.point.unwrap();
    assert_eq!((point.latitude_e7, point.longitude_e7), (251_216_000, 623_254_000));
    assert_eq!(place.names[0].text, "Off Gwadar");
    let from = incident.occurred.as_ref().unwrap().from.as_ref().unwrap();
    assert_eq!((from.date.as_str(), from.as_printed.as_str()), ("2020-01-05", "January 05, 2020"));
    assert_eq!(
        (incident.cause.as_str(), incident.route.as_str()),
        ("Drowning", "Afghanistan to Iran")
    );
    assert_eq!(incident.sources[0].quality, 4);
    let kept = |name: &str| incident.source_fields.iter().find(|field| field.name == name);
    assert_eq!(kept("iom.Notes").unwrap().value, "kept");
    assert_eq!(kept("iom.Total Dead and Missing").unwrap().value, "1025");
    assert_eq!((mapped.external_ref.scheme, mapped.external_ref.id.as_str()), ("iom-mmp", "52682"));
    assert_eq!(mapped.source.line, 2);
    assert_eq!(mapped.severity.dead_and_missing, Some(1_025));
}

#[test]
fn other_exports_of_the_same_matter_are_understood() {
    let semicolons = one(
        "\u{feff}Case ID;Date of incident;Fatalities;Place;Lat;Lon\n7;2014-01-19;2;Chaman;30.9;66.4\n",
    );
    assert_eq!(date(&semicolons), "2014-01-19");
    let tabs = one("Date\tDeaths\tCoordinates\n19 January 2014\t2\tPOINT (66.4 30.9)\n");
    assert_eq!(incident(&tabs).place.as_ref().unwrap().point.unwrap().latitude_e7, 309_000_000);
    assert_eq!(tabs.external_ref.scheme, "iom-mmp-sha256");
    let titled =
        one("Exported by IOM,,\n,,\nIncident year,Location of death,No. dead\n2014,Milak,1\n");
    assert_eq!((date(&titled), titled.source.line), ("2014", 4));
    let tagged = one("Date,Place,Dead\n#date,#loc,#affected+killed\n2014-01-19,Milak,1\n");
    assert_eq!(tagged.source.line, 3);
    let partial =
        one("Incident year,Reported Month,Dead,Location of death\n2014,February,1,Milak\n");
    assert_eq!(date(&partial), "2014-02");
    let country = one("Date,Dead,Country of Incident\n2014-01-19,1,Iran (Islamic Republic of)\n");
    assert_eq!(country.routing.countries, ["IR"]);
}

#[test]
fn the_file_decides_what_its_ambiguous_dates_mean() {
    let dates = |rows: &str| -> Vec<Option<String>> {
        let outcomes = read(&format!("Date,Dead,Place\n{rows}"));
        outcomes
            .into_iter()
            .map(|outcome| outcome.ok().and_then(|mapped| mapped.times.occurred))
            .collect()
    };
    let some = |date: &str| Some(date.to_owned());
    assert_eq!(dates("05/01/2020,1,x\n27/01/2020,1,x\n"), [some("2020-01-05"), some("2020-01-27")]);
    assert_eq!(dates("05/01/2020,1,x\n01/27/2020,1,x\n"), [some("2020-05-01"), some("2020-01-27")]);
    assert_eq!(dates("05/01/2020,1,x\n06/01/2020,1,x\n"), [None, None]);
    assert_eq!(dates("05/01/2020,1,x\n27/01/2020,1,x\n01/27/2020,1,x\n")[0], None);
}

#[test]
fn nonsense_is_refused_with_its_reason() {
    let row = |row: &str| refusal(&format!("Date,Year,Dead,Missing,Place,Coordinates\n{row}\n"));
    assert!(matches!(row("2020-01-05,2020,-2,,x,"), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2020,1.5,,x,"), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2020,many,,x,"), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2020,1,,x,\"91, 10\""), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2020,1,,x,\"10\""), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2020,1,,x,see notes"), Reason::BadValue { .. }));
    assert!(matches!(row("2020-01-05,2019,1,,x,"), Reason::DateContradicted { .. }));
    assert!(matches!(row("someday,2020,1,,x,"), Reason::BadValue { .. }));
    assert_eq!(row(",,1,,x,"), Reason::Absent("date"));
    assert_eq!(row("2020-01-05,2020,1,,,"), Reason::Absent("place"));
    assert_eq!(row("2020-01-05,2020,1,,x"), Reason::RowWidth { expected: 6, found: 5 });
    assert!(matches!(row("2020-01-05,2020,1,,a\u{202e}b,"), Reason::ForbiddenText { .. }));
    let latin1 = b"Date,Dead,Place\n2020-01-05,1,Melilla \xf1\n".to_vec();
    let outcome = Input::from_bytes("t", latin1).next().unwrap();
    assert_eq!(outcome.unwrap_err().reason, Reason::Encoding("UTF-8"));
    assert!(matches!(row("2020-01-05,2020,1,,x,\"10.5,\""), Reason::BadValue { .. }));
}

#[test]
fn absent_is_not_zero() {
    let mapped = one("Date,Dead,Missing,Place\n2020-01-05,NA,0,x\n");
    let counts = incident(&mapped).counts.unwrap();
    assert_eq!((counts.deaths, counts.missing), (None, Some(0)));
}

#[test]
fn attacks_on_ships_are_understood() {
    let table = concat!(
        "date,time,longitude,latitude,attack_type,location_description,nearest_country,",
        "eez_country,shore_latitude,vessel_name,vessel_status\n",
        "2009-01-01,06:35 UTC,47.5,12.25,Hijacked,Gulf of Aden,YEM,NA,12.8,NA,Steaming\n",
    );
    let input = Input::from_bytes("t", table.as_bytes().to_vec());
    assert_eq!(input.format(), Some(Format::MaritimeAttacks));
    let mapped = one(table);
    let incident = incident(&mapped);
    assert_eq!(
        (incident.incident_type.as_str(), &incident.facets[..]),
        ("Piracy", &["actual".to_owned()][..])
    );
    let from = incident.occurred.as_ref().unwrap().from.as_ref().unwrap();
    assert_eq!(from.as_printed, "2009-01-01 06:35 UTC");
    assert_eq!(mapped.routing.countries, ["YE"]);
    assert!(incident.place.as_ref().unwrap().country.is_empty());
    let Some(pb::subject::Item::Vessel(vessel)) = &incident.objects[0].item else {
        unreachable!("a vessel was attacked");
    };
    assert_eq!((vessel.name.as_str(), vessel.vessel_status.as_str()), ("", "Steaming"));
    let names: Vec<_> = incident.source_fields.iter().map(|field| field.name.as_str()).collect();
    assert!(names.contains(&"maritime.attack_type") && names.contains(&"maritime.shore_latitude"));
    assert!(matches!(refusal(&table.replace("06:35", "26:35")), Reason::BadValue { .. }));
}

#[test]
fn a_column_that_nobody_knows_may_name_persons() {
    let told = |table: &str| {
        let mapped = one(table);
        (mapped.unchecked_free_text, mapped.dissemination)
    };
    let (checked, unchecked) = ((false, Dissemination::Public), (true, Dissemination::Unstated));
    let row = |header: &str, cell: &str| {
        told(&format!("Date,Dead,Place,{header}\n2020-01-05,1,x,{cell}\n"))
    };
    for (header, cell) in [
        ("Victim name", "Ahmad Khan"),
        ("Passport number", "AB1234567"),
        ("Comments", "none known"),
        ("Victim", "Ahmad Khan"),
        ("Summary", "Ahmad Khan drowned"),
        // As good as "Dead" to say how many, and yet no count.
        ("Death person", "Ahmad Khan"),
        ("", "Ahmad Khan"),
    ] {
        assert_eq!(row(header, cell), unchecked, "{header}");
    }
    for (header, cell) in [
        ("Passport number", "NA"),
        ("Incident Type", "Split Incident"),
        ("UNSD region", "Western Asia"),
        ("Country of Origin", "Iran"),
        ("Death person", "1"),
    ] {
        assert_eq!(row(header, cell), checked, "{header}");
    }
    let attack = |header: &str, cell: &str| {
        told(&format!("date,attack_type,place,{header}\n2009-01-01,Hijacked,x,{cell}\n"))
    };
    assert_eq!(attack("shore_distance", "1.29"), checked);
    assert_eq!(attack("Ship name", "Mv Alam"), checked);
    assert_eq!(attack("Description", "boarded"), (true, Dissemination::Public));
    assert_eq!(attack("Victim", "Tanker"), unchecked);
    assert_eq!(attack("Master", "Ahmad Khan"), unchecked);
}

#[test]
fn what_no_table_says_is_marked_as_derived() {
    for table in
        ["Date,Dead,Place\n2020-01-05,1,x\n", "date,attack_type,place\n2009-01-01,Hijacked,x\n"]
    {
        let mapped = one(table);
        let incident = incident(&mapped);
        assert_eq!((incident.nature.as_str(), incident.report_stage()), ("Declared", First));
        assert_eq!(incident.response_taken, ["NONE_REPORTED"]);
        let mark = incident.source_fields.iter().find(|field| field.name == "derived");
        assert_eq!(mark.unwrap().value, "nature, response_taken, report_stage");
    }
}

#[test]
fn what_is_no_table_is_refused_whole() {
    for (bytes, reason) in [
        (&b""[..], Reason::UnknownFormat("empty")),
        (b"PK\x03\x04rest", Reason::UnknownFormat("a zip archive; unpack it first")),
        (b"a\0b", Reason::UnknownFormat("not text in UTF-8")),
    ] {
        let outcomes: Vec<_> = Input::from_bytes("x", bytes.to_vec()).collect();
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].as_ref().unwrap_err().reason, reason);
    }
    assert!(matches!(refusal("# A readme\n\nwith text\n"), Reason::ColumnsMissing { .. }));
}

#[test]
fn an_unclosed_quote_does_not_read_the_whole_file() {
    let mut table = b"Date,Dead,Place\n2020-01-05,1,\"".to_vec();
    table.resize(3 * 1024 * 1024, b'x');
    let outcomes: Vec<_> = Input::from_bytes("x", table).collect();
    assert!(matches!(
        outcomes[0].as_ref().unwrap_err().reason,
        Reason::TooLarge { what: "row", .. }
    ));
}

#[test]
fn folders_are_read_in_order_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        use std::io::Write as _;
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    write("b.csv", "Date,Dead,Place\n2020-01-05,1,second\n");
    write("a/z.csv", "Date,Dead,Place\n2020-01-05,1,first\n");
    write(".hidden.csv", "Date,Dead,Place\n2020-01-05,1,never\n");
    write("c.txt", "nothing");
    let missing = folder.path().join("missing.csv");
    let outcomes: Vec<_> = barid_gateway::read_all([folder.path().to_owned(), missing]).collect();
    let told: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(mapped) => mapped.routing.places[0].clone(),
            Err(unmapped) => unmapped.source.file.rsplit('/').next().unwrap().to_owned(),
        })
        .collect();
    assert_eq!(told, ["first", "second", "c.txt", "missing.csv"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]
    #[test]
    fn no_table_panics(cells in proptest::collection::vec("\\PC{0,12}", 12), date in "[0-9/ -]{0,12}", raw in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        let table = format!("Date,Dead,Place,Coordinates\n{date},{}\n{}\n", quoted[..3].join(","), quoted[3..7].join(","));
        let _outcomes = read(&table);
        let mut bytes = b"Date,Dead,Place\n".to_vec();
        bytes.extend(&raw);
        let _count = Input::from_bytes("x", bytes).count();
        let _count = Input::from_bytes("x", raw).count();
    }
}
