//! What the messages of the script say.

use barid_node::clock;
use barid_proto::message::v1 as pb;

/// Text by its author.
fn text(language: &str, text: &str) -> pb::Text {
    pb::Text {
        language: language.to_owned(),
        text: text.to_owned(),
        origin: pb::TextOrigin::Original.into(),
        ..pb::Text::default()
    }
}

/// Torkham, on the road from Peshawar to Jalalabad.
fn torkham() -> pb::GeoPoint {
    pb::GeoPoint { latitude_e7: 341_230_000, longitude_e7: 710_930_000 }
}

fn alert(event: &str, headline: &[(&str, &str)]) -> pb::Alert {
    pb::Alert {
        categories: vec!["Security".to_owned()],
        event: vec![text("en", event)],
        urgency: "Immediate".to_owned(),
        severity: "Severe".to_owned(),
        certainty: "Likely".to_owned(),
        headline: headline.iter().map(|(language, words)| text(language, words)).collect(),
        areas: vec![pb::Area {
            description: vec![text("en", "Torkham crossing")],
            circles: vec![pb::GeoCircle { centre: Some(torkham()), radius_m: 5_000 }],
            ..pb::Area::default()
        }],
        alert_category: "WATCH".to_owned(),
        actions_to_take: vec!["STOP".to_owned(), "REPORT".to_owned()],
        hit_contact: Some(pb::Contact { desk: "Duty desk".to_owned(), ..pb::Contact::default() }),
        ..pb::Alert::default()
    }
}

/// A stolen truck.
pub(super) fn stolen_truck() -> pb::Alert {
    let vehicle = pb::Vehicle {
        vehicle_kind: "truck".to_owned(),
        plate: "LES-1234".to_owned(),
        plate_country: "PK".to_owned(),
        ..pb::Vehicle::default()
    };
    pb::Alert {
        subjects: vec![pb::Subject {
            item: Some(pb::subject::Item::Vehicle(vehicle)),
            ..pb::Subject::default()
        }],
        ..alert(
            "Stolen truck",
            &[
                ("en", "Stolen truck LES-1234 may cross at Torkham"),
                ("ur", "چوری شدہ ٹرک LES-1234 طورخم سے گزر سکتا ہے"),
            ],
        )
    }
}

/// Armed men at a gate.
pub(super) fn armed_men() -> pb::Alert {
    alert("Armed men", &[("en", "Armed men at gate 2: keep everybody away")])
}

/// Medicines hidden in a fruit lorry.
pub(super) fn hidden_medicines() -> pb::Incident {
    pb::Incident {
        incident_type: "CounterfeitGoods".to_owned(),
        occurred: Some(pb::Period {
            from: Some(pb::PartialTime {
                instant: Some(clock::now().to_proto()),
                ..pb::PartialTime::default()
            }),
            to: None,
        }),
        place: Some(pb::Place {
            country: "PK".to_owned(),
            point: Some(torkham()),
            zone: "ControlPoint".to_owned(),
            names: vec![text("en", "Torkham, lane 3")],
            ..pb::Place::default()
        }),
        nature: "Observed".to_owned(),
        response_taken: vec!["SEIZED".to_owned()],
        description: vec![
            text("en", "1,200 boxes of counterfeit medicine behind a load of oranges."),
            text("ps", "د نارنجو تر بار لاندې د جعلي درملو ۱۲۰۰ بکسې."),
        ],
        report_stage: pb::ReportStage::First.into(),
        ..pb::Incident::default()
    }
}

/// What the laboratory says of them.
pub(super) fn tested_medicines() -> pb::Incident {
    pb::Incident {
        description: vec![text(
            "en",
            "The laboratory finds chalk. Two batches, four more lorries.",
        )],
        report_stage: pb::ReportStage::FollowUp.into(),
        ..hidden_medicines()
    }
}

/// A note in English.
pub(super) fn note(words: &str) -> pb::Note {
    pb::Note { subject: Vec::new(), text: vec![text("en", words)] }
}
