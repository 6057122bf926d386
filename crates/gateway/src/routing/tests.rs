use super::*;

const TABLE: &str = r#"
default = ["pk/border-guard", "pk/police"]

[[rule]]
name = "west"
agencies = ["pk/customs", "pk/police"]
regions = ["south asia", "Middle East"]
box = { south = 24, west = 60.5, north = "30", east = 65 }

[[rule]]
name = "disease"
agencies = ["pk/health", "pk/police"]
categories = ["sickness", "Health"]

[[rule]]
name = "iran"
agencies = ["pk/police"]
countries = ["ir"]
routes = ["to Iran"]
"#;

fn table() -> RoutingTable {
    toml::from_str(TABLE).unwrap()
}

fn addresses(table: &RoutingTable, facts: &RoutingFacts, sender: &str) -> Vec<String> {
    let sender = Address::parse(sender).unwrap();
    route(table, facts, &sender).unwrap().iter().map(ToString::to_string).collect()
}

fn point(latitude_e7: i32, longitude_e7: i32) -> GeoBox {
    GeoBox {
        south_e7: latitude_e7,
        north_e7: latitude_e7,
        west_e7: longitude_e7,
        east_e7: longitude_e7,
    }
}

#[test]
fn all_matching_rules_add_and_none_repeats() {
    let facts = RoutingFacts {
        region: Some("South Asia".to_owned()),
        categories: vec!["Sickness and lack of access to medicines".to_owned()],
        boxes: vec![point(270_000_000, 623_000_000)],
        ..RoutingFacts::default()
    };
    assert_eq!(addresses(&table(), &facts, "ir/police"), ["pk/customs", "pk/police", "pk/health"]);
    assert_eq!(addresses(&table(), &facts, "pk/police"), ["pk/customs", "pk/health"]);
}

#[test]
fn every_stated_criterion_must_hold() {
    let mut facts =
        RoutingFacts { region: Some("South Asia".to_owned()), ..RoutingFacts::default() };
    assert_eq!(addresses(&table(), &facts, "ir/police"), ["pk/border-guard"]);
    facts.boxes = vec![point(310_000_000, 623_000_000)];
    assert_eq!(addresses(&table(), &facts, "ir/police"), ["pk/border-guard"]);
    let iran = RoutingFacts {
        route: Some("Afghanistan to Iran".to_owned()),
        countries: vec!["IR".to_owned()],
        ..RoutingFacts::default()
    };
    assert_eq!(addresses(&table(), &iran, "ir/police"), ["pk/police"]);
}

#[test]
fn kinds_are_told_apart() {
    let table: RoutingTable = toml::from_str(
        "default = [\"pk/customs\"]\n[[rule]]\nname = \"x\"\nagencies = [\"pk/police\"]\nkinds = [\"ALERT\"]",
    )
    .unwrap();
    let of = |kind| RoutingFacts { kind, ..RoutingFacts::default() };
    assert_eq!(addresses(&table, &of("ALERT"), "ir/police"), ["pk/police"]);
    assert_eq!(addresses(&table, &of("INCIDENT"), "ir/police"), ["pk/customs"]);
}

#[test]
fn the_sender_never_gets_its_own() {
    let facts = RoutingFacts::default();
    assert_eq!(addresses(&table(), &facts, "pk/border-guard/chaman"), ["pk/police"]);
    let alone: RoutingTable = toml::from_str(r#"default = ["pk/customs"]"#).unwrap();
    let sender = Address::parse("pk/customs").unwrap();
    assert_eq!(route(&alone, &facts, &sender), Err(NoRecipient));
}

#[test]
fn a_faulty_table_is_refused() {
    for bad in [
        "",
        "default = []",
        r#"default = ["PK/customs"]"#,
        r#"default = "pk/customs""#,
        "default = [\"pk/customs\"]\nunknown = 1",
        "default = [\"pk/customs\"]\n[[rule]]\nname = \"x\"\nagencies = []",
        "default = [\"pk/customs\"]\n[[rule]]\nagencies = [\"pk/police\"]",
        "default = [\"pk/customs\"]\n[[rule]]\nname = \"x\"\nagencies = [\"pk/police\"]\nregion = [\"x\"]",
        "default = [\"pk/customs\"]\n[[rule]]\nname = \"x\"\nagencies = [\"pk/police\"]\nbox = { south = 91, west = 0, north = 92, east = 1 }",
        "default = [\"pk/customs\"]\n[[rule]]\nname = \"x\"\nagencies = [\"pk/police\"]\nbox = { south = nan, west = 0, north = 1, east = 1 }",
    ] {
        assert!(toml::from_str::<RoutingTable>(bad).is_err(), "{bad}");
    }
}

#[test]
fn boxes_meet_across_the_date_line() {
    let pacific = GeoBox {
        south_e7: -100_000_000,
        north_e7: 100_000_000,
        west_e7: 1_700_000_000,
        east_e7: -1_700_000_000,
    };
    assert!(pacific.meets(&point(0, 1_790_000_000)) && point(0, -1_790_000_000).meets(&pacific));
    assert!(!pacific.meets(&point(0, 0)) && !pacific.meets(&point(200_000_000, 1_790_000_000)));
    assert!(pacific.meets(&pacific));
}

#[test]
fn the_table_that_is_shipped_serves_every_agency_of_the_demo() {
    let table: RoutingTable =
        toml::from_str(include_str!("../../../../config/replay-routing.toml")).unwrap();
    let mut agencies: Vec<&str> = table
        .rules
        .iter()
        .flat_map(|rule| &rule.agencies)
        .chain(&table.default)
        .map(Address::as_str)
        .collect();
    agencies.sort_unstable();
    agencies.dedup();
    assert_eq!(agencies, ["pk/border-guard", "pk/customs", "pk/health", "pk/police"]);
    for sender in agencies {
        assert!(!addresses(&table, &RoutingFacts::default(), sender).is_empty());
    }
}
