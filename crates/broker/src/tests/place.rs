//! The post of the tests: its agencies, what they agreed, what they write.

use std::sync::Arc;

use barid_agreement::{Agreement, Terms};
use barid_message::address::Address;
use barid_message::compose::Draft;
use barid_message::header::AgreementRef;
use barid_message::key::SigningKey;
use barid_message::time::Millis;
use barid_message::{Kind, Purpose};
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::{Note, Text};
use bytes::Bytes;

pub(super) const SYSTEM: &str = "spiffe://pk.example/agency/pk/customs/main";
pub(super) const START: Millis = Millis(1_800_000_000_000);

pub(super) fn inbox(second: bool) -> Address {
    Address::parse(if second { "pk/health" } else { "pk/police" }).unwrap()
}

pub(super) fn agreement() -> Agreement {
    let [customs, police, health] =
        ["pk/customs", "pk/police", "pk/health"].map(|text| Address::parse(text).unwrap());
    let terms = Terms {
        id: "agr:pk:domestic".into(),
        version: 1,
        parties: vec![customs, police, health],
        kinds: vec![Kind::Note, Kind::Alert, Kind::Incident],
        purposes: vec![Purpose::BorderOperation],
    };
    Agreement::new(terms).unwrap()
}

pub(super) fn text() -> Text {
    Text { language: "en".into(), text: "at the border".into(), ..Text::default() }
}

/// A note from the customs, to be addressed.
pub(super) fn note(agreement: &AgreementRef) -> Draft {
    let origin = Address::parse("pk/customs").unwrap();
    let note = Note { text: vec![text()], ..Note::default() };
    Draft::new(&origin, agreement, note).purposes(&[Purpose::BorderOperation])
}

pub(super) fn identity(consumer: u8) -> Arc<str> {
    format!("spiffe://pk.example/agency/pk/police/{consumer}").into()
}

pub(super) fn registry(key: &SigningKey, agreement: &Agreement) -> facts::RegistryFacts {
    let agency = |address: &str, keys: Vec<facts::RegisteredKey>| facts::RegisteredAgency {
        address: address.into(),
        systems: if keys.is_empty() { vec![] } else { vec![SYSTEM.into()] },
        keys,
        may_flash: true,
    };
    let signing = facts::RegisteredKey {
        spki: Bytes::copy_from_slice(key.public().spki()),
        valid_from_ms: 0,
        valid_until_ms: 0,
    };
    facts::RegistryFacts {
        agencies: vec![
            agency("pk/customs", vec![signing]),
            agency("pk/police", vec![]),
            agency("pk/health", vec![]),
        ],
        agreements: vec![facts::RegisteredAgreement {
            agreement: None,
            text: Bytes::copy_from_slice(agreement.text().as_bytes()),
        }],
        operators: vec![],
        peers: vec![],
    }
}

pub(super) fn alert(text: Text) -> barid_proto::message::v1::Alert {
    use barid_proto::message::v1::{Alert, Area, Contact};
    Alert {
        categories: vec!["Security".into()],
        event: vec![text.clone()],
        urgency: "Immediate".into(),
        severity: "Severe".into(),
        certainty: "Observed".into(),
        headline: vec![text.clone()],
        areas: vec![Area { description: vec![text], ..Area::default() }],
        actions_to_take: vec!["STOP".into()],
        hit_contact: Some(Contact { desk: "duty desk".into(), ..Contact::default() }),
        ..Alert::default()
    }
}
