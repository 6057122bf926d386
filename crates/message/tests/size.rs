//! How large a signed ALERT is on the wire: what a post behind 64 kbit/s pays for one.

use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::header::{AgreementRef, Precedence, Purpose};
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::message::v1 as pb;
use prost::Message as _;

/// 2027-01-15T08:00:00Z.
const NOW: Millis = Millis(1_800_000_000_000);

fn text(language: &str, text: &str) -> pb::Text {
    pb::Text { language: language.into(), text: text.into(), ..pb::Text::default() }
}

/// What an alert must have.
fn minimal() -> pb::Alert {
    pb::Alert {
        categories: vec!["Security".into()],
        event: vec![text("en", "Stolen lorry")],
        urgency: "Immediate".into(),
        severity: "Severe".into(),
        certainty: "Likely".into(),
        headline: vec![text("en", "Stolen lorry near Torkham")],
        areas: vec![pb::Area { description: vec![text("en", "Torkham")], ..pb::Area::default() }],
        actions_to_take: vec!["STOP".into()],
        hit_contact: Some(pb::Contact { phone: "+92515550100".into(), ..pb::Contact::default() }),
        ..pb::Alert::default()
    }
}

/// What a post writes on an ordinary day: two languages, a description, a lorry, a place.
fn typical() -> pb::Alert {
    let lorry = pb::Vehicle {
        vehicle_kind: "truck".into(),
        plate: "KBL 4-12345".into(),
        plate_country: "AF".into(),
        plate_original: "کابل ۱۲۳۴۵".into(),
        colour: "blue".into(),
        make: "Hino".into(),
        ..pb::Vehicle::default()
    };
    let centre = pb::GeoPoint { latitude_e7: 341_234_567, longitude_e7: 711_234_567 };
    let mut alert = minimal();
    alert.event.push(text("ps-Arab", "غلا شوې لارۍ"));
    alert.headline.push(text("ps-Arab", "ښايي غلا شوې لارۍ په تورخم کې واوړي"));
    alert.description = vec![
        text(
            "en",
            "Taken at 04:00 in Jalalabad by two armed men. Do not follow; stop at the gate.",
        ),
        text("ps-Arab", "د سهار په څلورو بجو په جلال اباد کې د دوو وسله والو له خوا وړل شوې."),
    ];
    alert.areas[0].circles = vec![pb::GeoCircle { centre: Some(centre), radius_m: 20_000 }];
    alert.subjects = vec![pb::Subject {
        item: Some(pb::subject::Item::Vehicle(lorry)),
        role: "Mean".into(),
        confidence: Some(pb::Confidence { grade: "B2".into(), validation: "CHECKED".into() }),
    }];
    alert.alert_category = "WATCH".into();
    alert
}

/// Bytes of a signed alert as it travels.
fn size(alert: pb::Alert) -> usize {
    let address = |text| Address::parse(text).expect("an address");
    let agreement = AgreementRef {
        id: "agr:af-pk:2027-03".into(),
        version: 4,
        sha256: Digest::of(b"the text"),
        clause: String::new(),
    };
    let draft = Draft::new(&address("pk/customs"), &agreement, alert)
        .to(&address("af/customs"))
        .precedence(Precedence::Immediate)
        .purposes(&[Purpose::CustomsOperation]);
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    compose(draft, NOW, [7; 10], &key).expect("the alert is sound").encoded_len()
}

#[test]
fn an_alert_is_small() {
    let (minimal, typical) = (size(minimal()), size(typical()));
    println!("minimal {minimal} bytes, typical {typical} bytes");
    assert!(minimal <= 560, "{minimal}");
    assert!(typical <= 1_229, "{typical}");
}
