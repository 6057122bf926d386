//! Countries, numbers and grades in subjects.

use barid_proto::message::v1 as pb;
use pb::subject::Item;

use super::{Case, hold};
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{World, alert};

fn vehicle(alert: &mut pb::Alert) -> &mut pb::Vehicle {
    let Some(Item::Vehicle(vehicle)) = &mut alert.subjects[1].item else {
        panic!("the second subject of the sample is a vehicle")
    };
    vehicle
}

fn person(alert: &mut pb::Alert) -> &mut pb::Person {
    let Some(Item::Person(person)) = &mut alert.subjects[0].item else {
        panic!("the first subject of the sample is a person")
    };
    person
}

#[test]
fn countries_and_numbers() {
    hold(alert, COUNTRIES_AND_NUMBERS);
}

const COUNTRIES_AND_NUMBERS: &[Case<pb::Alert>] = &[
    (
        |a| vehicle(a).plate_country = "XX".into(),
        Reason::CountryUnknown,
        "subjects[1].vehicle.plate_country",
    ),
    (
        |a| vehicle(a).plate_country = "UK".into(),
        Reason::CountryUnknown,
        "subjects[1].vehicle.plate_country",
    ),
    (
        |a| vehicle(a).plate_country = "pl".into(),
        Reason::CountryUnknown,
        "subjects[1].vehicle.plate_country",
    ),
    (
        |a| vehicle(a).plate_country = "POL".into(),
        Reason::CountryUnknown,
        "subjects[1].vehicle.plate_country",
    ),
    (
        |a| person(a).nationalities[0] = "pl".into(),
        Reason::CountryUnknown,
        "subjects[0].person.nationalities[0]",
    ),
    (
        |a| person(a).nationalities[0].clear(),
        Reason::FieldMissing,
        "subjects[0].person.nationalities[0]",
    ),
    (
        |a| {
            a.subjects[0].item =
                Some(Item::Vessel(pb::Vessel { imo: "123".into(), ..Default::default() }))
        },
        Reason::FieldInvalid,
        "subjects[0].vessel.imo",
    ),
    (
        |a| {
            a.subjects[0].item =
                Some(Item::Aircraft(pb::Aircraft { icao24: "xyzxyz".into(), ..Default::default() }))
        },
        Reason::FieldInvalid,
        "subjects[0].aircraft.icao24",
    ),
    (
        |a| {
            a.subjects[0].item =
                Some(Item::Goods(pb::Goods { hs_code: "12.34".into(), ..Default::default() }))
        },
        Reason::FieldInvalid,
        "subjects[0].goods.hs_code",
    ),
    (
        |a| {
            a.subjects[0].item = Some(Item::Goods(pb::Goods {
                quantity: Some(pb::Quantity { digits: 1, exponent: 10, unit: "KGM".into() }),
                ..Default::default()
            }))
        },
        Reason::FieldInvalid,
        "subjects[0].goods.quantity.exponent",
    ),
    (
        |a| {
            a.subjects[0].item = Some(Item::Consignment(pb::Consignment {
                declared_value: Some(pb::Money { digits: 1, exponent: 0, currency: "rs".into() }),
                ..Default::default()
            }))
        },
        Reason::FieldInvalid,
        "subjects[0].consignment.declared_value.currency",
    ),
    (
        |a| {
            a.subjects[0].item = Some(Item::Document(pb::Document {
                mrz_lines: vec!["p<pak".into()],
                ..Default::default()
            }))
        },
        Reason::FieldInvalid,
        "subjects[0].document.mrz_lines[0]",
    ),
    (
        |a| a.subjects[0].item = Some(passport("VALID", "7", &[])),
        Reason::CheckDigit,
        "subjects[0].document.mrz_lines",
    ),
    (
        |a| a.subjects[0].item = Some(passport("FORGED", "7", &["number"])),
        Reason::FieldInvalid,
        "subjects[0].document.mrz_wrong_digits",
    ),
    (
        |a| a.subjects[0].item = Some(passport("VALID", "6", &["number"])),
        Reason::FieldInvalid,
        "subjects[0].document.mrz_wrong_digits",
    ),
    (
        |a| {
            a.subjects[0].item = Some(Item::Container(pb::Container {
                number: "CSQU3054384".into(),
                ..Default::default()
            }))
        },
        Reason::CheckDigit,
        "subjects[0].container.number",
    ),
    (
        |a| {
            a.subjects[0].item = Some(Item::Vehicle(pb::Vehicle {
                vin: "1M8GDM9A1KP042788".into(),
                ..Default::default()
            }))
        },
        Reason::CheckDigit,
        "subjects[0].vehicle.vin",
    ),
    (
        |a| {
            a.subjects[0].item =
                Some(Item::Document(pb::Document { issuer: "PAKI".into(), ..Default::default() }))
        },
        Reason::FieldInvalid,
        "subjects[0].document.issuer",
    ),
    (
        |a| {
            a.subjects[0].confidence =
                Some(pb::Confidence { grade: "G1".into(), validation: String::new() })
        },
        Reason::FieldInvalid,
        "subjects[0].confidence.grade",
    ),
];

/// The passport of Doc 9303 with a check digit of its number, and what is told of it.
fn passport(state: &str, digit: &str, told: &[&str]) -> Item {
    let line = format!("L898902C3{digit}UTO7408122F1204159ZE184226B<<<<<10");
    Item::Document(pb::Document {
        state: state.into(),
        mrz_lines: vec!["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<".into(), line],
        mrz_wrong_digits: told.iter().map(|one| (*one).to_owned()).collect(),
        ..Default::default()
    })
}

#[test]
fn wrong_digits_travel_with_a_document_that_is_suspected() {
    let world = World::new(Algorithm::Ed25519);
    let mut alert = alert();
    alert.subjects[1].item = Some(passport("FORGED", "7", &["number", "composite"]));
    world.compose(world.draft(alert));
}
