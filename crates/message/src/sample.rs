//! Messages that the tests of this crate start from.

use barid_proto::message::v1 as pb;
use pb::PersonalData::Ordinary;

use crate::address::Address;
use crate::compose::{Draft, compose};
use crate::digest::Digest;
use crate::header::{AgreementRef, Purpose};
use crate::key::{Algorithm, SigningKey};
use crate::registry::{KeyRegistry, RegisteredKey};
use crate::signed::Check;
use crate::time::Millis;

/// The time of the tests: 2027-01-15T08:00:00Z.
pub(crate) const NOW: Millis = Millis(1_800_000_000_000);

/// Until when the tests' personal data may be kept.
pub(crate) const END: Millis = Millis(NOW.0 + 86_400_000);

/// Two agencies with their keys, and what a node knows of them.
pub(crate) struct World {
    pub(crate) customs: Address,
    pub(crate) police: Address,
    pub(crate) key: SigningKey,
    pub(crate) other_key: SigningKey,
    pub(crate) registry: KeyRegistry,
}

impl World {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let customs = Address::parse("pk/customs").unwrap();
        let police = Address::parse("ir/police").unwrap();
        let key = SigningKey::generate(algorithm).unwrap();
        let other_key = SigningKey::generate(algorithm).unwrap();
        let mut registry = KeyRegistry::new();
        for (owner, key) in [(&customs, &key), (&police, &other_key)] {
            let (key, valid_from) = (key.public().clone(), Millis(0));
            let registered = RegisteredKey { key, valid_from, valid_until: None };
            registry.insert(owner.clone(), registered).unwrap();
        }
        Self { customs, police, key, other_key, registry }
    }

    pub(crate) fn check(&self) -> Check<'_> {
        let senders = std::slice::from_ref(&self.customs);
        Check { keys: &self.registry, now: NOW, senders }
    }

    pub(crate) fn draft(&self, body: impl Into<crate::body::Body>) -> Draft {
        let draft = Draft::new(&self.customs, &agreement(), body)
            .to(&self.police)
            .purposes(&[Purpose::BorderOperation]);
        // The alert of this page is about a person.
        let is_personal = matches!(draft.body(), crate::body::Body::Alert(_));
        if is_personal { draft.personal_data(&[Ordinary], "Customs Act, s. 4", END) } else { draft }
    }

    pub(crate) fn compose(&self, draft: Draft) -> pb::SignedMessage {
        compose(draft, NOW, [7; 10], &self.key).unwrap()
    }

    /// Signs a header as it is, with whatever faults it has.
    pub(crate) fn sign(&self, header: &pb::Header, body: &[u8]) -> pb::SignedMessage {
        self.sign_bytes(prost::Message::encode_to_vec(header), body)
    }

    /// Signs header bytes as they are.
    pub(crate) fn sign_bytes(&self, header: Vec<u8>, body: &[u8]) -> pb::SignedMessage {
        let kind = crate::dsse::PayloadType::Header;
        let envelope = Some(self.key.envelope(kind, header.into()));
        pb::SignedMessage { envelope, body: body.to_vec().into() }
    }
}

pub(crate) fn agreement() -> AgreementRef {
    AgreementRef {
        id: "agr:ir-pk:2027-01".into(),
        version: 1,
        sha256: Digest::of(b"the text"),
        clause: "C3".into(),
    }
}

pub(crate) fn text(language: &str, text: &str) -> pb::Text {
    pb::Text { language: language.into(), text: text.into(), ..pb::Text::default() }
}

pub(crate) fn note() -> pb::Note {
    pb::Note { subject: vec![], text: vec![text("en", "Gate 2 opens at 06:00.")] }
}

pub(crate) fn alert() -> pb::Alert {
    let ring = [(300_000_000, 600_000_000), (310_000_000, 600_000_000), (310_000_000, 610_000_000)];
    let mut points: Vec<_> = ring
        .iter()
        .map(|&(latitude_e7, longitude_e7)| pb::GeoPoint { latitude_e7, longitude_e7 })
        .collect();
    points.push(points[0]);
    pb::Alert {
        categories: vec!["Security".into()],
        event: vec![text("en", "Stolen truck"), text("fa", "کامیون دزدیده شده")],
        urgency: "Immediate".into(),
        severity: "Severe".into(),
        certainty: "Likely".into(),
        headline: vec![text("en", "Stolen truck may cross at Mirjaveh")],
        areas: vec![pb::Area {
            description: vec![text("en", "Mirjaveh")],
            polygons: vec![pb::GeoPolygon { points }],
            ..pb::Area::default()
        }],
        subjects: vec![
            subject(pb::subject::Item::Person(pb::Person {
                nationalities: vec!["XXA".into(), "PK".into()],
                ..pb::Person::default()
            })),
            subject(pb::subject::Item::Vehicle(pb::Vehicle {
                plate: "LES-1234".into(),
                plate_country: "PK".into(),
                ..pb::Vehicle::default()
            })),
        ],
        links: vec![pb::Link {
            from: 0,
            to: 1,
            relation: "driver-of".into(),
            ..Default::default()
        }],
        actions_to_take: vec!["STOP".into()],
        hit_contact: Some(pb::Contact { desk: "Duty desk".into(), ..pb::Contact::default() }),
        ..pb::Alert::default()
    }
}

pub(crate) fn incident() -> pb::Incident {
    pb::Incident {
        incident_type: "IrregularBorderEntry".into(),
        occurred: Some(pb::Period {
            from: Some(pb::PartialTime { date: "1998-03".into(), ..pb::PartialTime::default() }),
            to: None,
        }),
        place: Some(pb::Place { unlocode: "PKTKM".into(), ..pb::Place::default() }),
        response_taken: vec!["NONE".into()],
        report_stage: pb::ReportStage::First.into(),
        ..pb::Incident::default()
    }
}

fn subject(item: pb::subject::Item) -> pb::Subject {
    pb::Subject { item: Some(item), ..pb::Subject::default() }
}
