//! Rows 46 to 48 and 51: texts that deceive, and countries that are none.

use barid_proto::message::v1 as pb;

use super::scene::Scene;
use super::{Case, invalid};

/// Codes that look like countries and are none here.
const NO_COUNTRIES: [&str; 6] = ["XX", "UK", "EL", "ZZ", "pl", "PAK"];

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let body = |row, what, words: &str| invalid(row, what, scene.with_text(words), "TEXT_INVALID");
    let case_ref = |row, what, words: &str| {
        let message = scene.with_header(|header| {
            header.identity.as_mut().expect("row 2").case_ref = words.to_owned();
        });
        invalid(row, what, message, "TEXT_INVALID")
    };
    let mut cases = vec![
        body(46, "byte order mark", "Gate\u{feff} 2"),
        body(46, "soft hyphen", "Torkh\u{ad}am"),
        body(46, "zero-width space", "Torkh\u{200b}am"),
        body(46, "word joiner", "Torkh\u{2060}am"),
        body(46, "joiner at an end", "Gate\u{200d}"),
        case_ref(46, "byte order mark in a reference", "FIR\u{feff} 12"),
        case_ref(46, "joiner in a reference", "FI\u{200d}R 12"),
        invalid(
            46,
            "joiner in a plate",
            scene.with_alert(|alert| alert.subjects = vec![vehicle("LE\u{200c}S-1234", "PK")]),
            "TEXT_INVALID",
        ),
        invalid(46, "joiner in an address", to(scene, "pk/pol\u{200d}ice"), "ADDRESS_INVALID"),
        invalid(
            46,
            "joiner in a code",
            scene.with_alert(|alert| alert.urgency = "Immed\u{200d}iate".to_owned()),
            "TEXT_INVALID",
        ),
    ];
    for override_ in '\u{202a}'..='\u{202e}' {
        cases.push(body(47, "direction override", &format!("plate {override_}CBA-123")));
    }
    for isolate in '\u{2066}'..='\u{2069}' {
        cases.push(body(47, "isolate alone", &format!("plate {isolate}CBA-123")));
    }
    cases.push(case_ref(47, "override in the header", "\u{202e}321 RIF"));
    for control in ['\0', '\u{7}', '\u{8}', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}'] {
        cases.push(body(48, "control character", &format!("Gate{control}[2J 2")));
    }
    for separator in ['\u{2028}', '\u{2029}'] {
        cases.push(body(48, "separator", &format!("Gate 2{separator}closed")));
        cases.push(case_ref(48, "separator in the header", &format!("FIR 12{separator}13")));
    }
    cases.push(case_ref(48, "line feed in the header", "FIR 12\n13"));
    for country in NO_COUNTRIES {
        let message = scene.with_alert(|alert| {
            alert.subjects = vec![vehicle("LES-1234", country)];
        });
        cases.push(invalid(51, "country of a plate", message, "COUNTRY_UNKNOWN"));
    }
    for address in ["xx/police", "uk/police", "el/police", "zz/police"] {
        cases.push(invalid(51, "country of an address", to(scene, address), "COUNTRY_UNKNOWN"));
    }
    let long = to(scene, "pak/police");
    cases.push(invalid(51, "country of three letters", long, "ADDRESS_INVALID"));
    cases
}

fn vehicle(plate: &str, country: &str) -> pb::Subject {
    let (plate, plate_country) = (plate.to_owned(), country.to_owned());
    let vehicle = pb::Vehicle { plate, plate_country, ..Default::default() };
    pb::Subject { item: Some(pb::subject::Item::Vehicle(vehicle)), ..Default::default() }
}

fn to(scene: &Scene, address: &str) -> pb::SignedMessage {
    let target = pb::recipient::Target::Address(address.to_owned());
    scene.with_header(|header| header.recipients[0].target = Some(target))
}
