//! Every row of the header table, and what can be wrong with it: rows 39 to 57, 78, 96.

mod rest;
mod urgency;

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use pb::recipient::Target;

use super::{broken, refusal};
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{NOW, World};

/// What is done to a sound header, and the reason and place of the first fault.
type Case = (fn(&mut pb::Header), Reason, &'static str);

fn hold(cases: &[Case]) {
    let world = World::new(Algorithm::Ed25519);
    for (number, (break_it, reason, path)) in cases.iter().enumerate() {
        let refused = refusal(&world, broken(&world, break_it));
        assert_eq!(refused, (*reason, format!("header.{path}")), "case {number}");
    }
}

fn identity(header: &mut pb::Header) -> &mut pb::Identity {
    header.identity.as_mut().unwrap()
}

/// An update of this message on this thread.
fn follow(header: &mut pb::Header, originator: &str, digest: &'static [u8], thread: &str) {
    identity(header).thread_id = thread.into();
    let reference = pb::Reference {
        originator: originator.into(),
        message_id: THREAD.into(),
        header_digest: digest.into(),
    };
    let lineage = header.lineage.as_mut().unwrap();
    lineage.r#type = pb::MessageType::Update.into();
    lineage.references = vec![reference];
}

const THREAD: &str = "01a3b0d1-f800-7000-8000-000000000007";

fn times(header: &mut pb::Header) -> &mut pb::Times {
    header.times.as_mut().unwrap()
}

fn legal(header: &mut pb::Header) -> &mut pb::LegalBasis {
    header.legal.as_mut().unwrap()
}

fn agreement(header: &mut pb::Header) -> &mut pb::AgreementRef {
    legal(header).agreement.as_mut().unwrap()
}

fn info(header: &mut pb::Header) -> &mut pb::BodyInfo {
    header.content.as_mut().unwrap().body.as_mut().unwrap()
}

fn recipient(header: &mut pb::Header, address: &str) {
    header.recipients[0].target = Some(Target::Address(address.to_owned()));
}

/// So many seconds after the time of the tests.
fn after(seconds: i64) -> Option<Timestamp> {
    let now = NOW.to_proto();
    Some(Timestamp { seconds: now.seconds + seconds, nanos: now.nanos })
}

const DAY: i64 = 86_400;

#[test]
fn what_the_message_is() {
    hold(WHAT_THE_MESSAGE_IS);
}

const WHAT_THE_MESSAGE_IS: &[Case] = &[
    (|h| h.schema = None, Reason::FieldMissing, "schema"),
    (|h| h.schema.as_mut().unwrap().kind = 0, Reason::FieldMissing, "schema.kind"),
    (|h| h.schema.as_mut().unwrap().kind = 99, Reason::UnknownCode, "schema.kind"),
    (|h| h.schema.as_mut().unwrap().kind = 3, Reason::BodyMismatch, "schema.schema_id"),
    (
        |h| h.schema.as_mut().unwrap().schema_id = "barid.message.v1.Alert".into(),
        Reason::BodyMismatch,
        "schema.schema_id",
    ),
    (
        |h| h.schema.as_mut().unwrap().schema_version = None,
        Reason::FieldMissing,
        "schema.schema_version",
    ),
    (|h| h.identity = None, Reason::FieldMissing, "identity"),
    (|h| identity(h).message_id = String::new(), Reason::IdInvalid, "identity.message_id"),
    (
        |h| identity(h).message_id = "00000000-0000-0000-0000-000000000000".into(),
        Reason::IdInvalid,
        "identity.message_id",
    ),
    (
        |h| identity(h).message_id = "550e8400-e29b-41d4-a716-446655440000".into(),
        Reason::IdInvalid,
        "identity.message_id",
    ),
    (
        // Row 78: a UUIDv7 of another time.
        |h| identity(h).message_id = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".into(),
        Reason::IdInvalid,
        "identity.message_id",
    ),
    (|h| identity(h).thread_id = "x".into(), Reason::IdInvalid, "identity.thread_id"),
    (|h| identity(h).correlation_id = "x".into(), Reason::IdInvalid, "identity.correlation_id"),
    (|h| identity(h).case_ref = "x".repeat(65), Reason::TooLarge, "identity.case_ref"),
    (|h| identity(h).case_ref = "a\tb".into(), Reason::TextInvalid, "identity.case_ref"),
    (|h| identity(h).case_ref = "F\u{200d}I".into(), Reason::TextInvalid, "identity.case_ref"),
    (|h| h.status = None, Reason::FieldMissing, "status"),
    (|h| h.status.as_mut().unwrap().code = 5, Reason::FieldInvalid, "status.code"),
    (|h| h.status.as_mut().unwrap().code = 2, Reason::FieldMissing, "status.exercise_name"),
    (
        |h| h.status.as_mut().unwrap().exercise_name = "x".into(),
        Reason::FieldInvalid,
        "status.exercise_name",
    ),
    (|h| h.lineage.as_mut().unwrap().r#type = 4, Reason::NotSupportedYet, "lineage.type"),
    (|h| h.lineage.as_mut().unwrap().r#type = 2, Reason::ListInvalid, "lineage.references"),
    (
        |h| {
            follow(h, "pk/customs/gate-2", &[7; 32], "");
            h.lineage.as_mut().unwrap().references[0].message_id.clear();
        },
        Reason::IdInvalid,
        "lineage.references[0].message_id",
    ),
    (
        |h| follow(h, "ir/police", &[7; 32], THREAD),
        Reason::NotTheOwner,
        "lineage.references[0].originator",
    ),
    (
        |h| follow(h, "pk/customs", &[], THREAD),
        Reason::FieldMissing,
        "lineage.references[0].header_digest",
    ),
    (|h| follow(h, "pk/customs", &[7; 32], ""), Reason::FieldMissing, "identity.thread_id"),
    (|h| h.lineage.as_mut().unwrap().r#type = 0, Reason::FieldMissing, "lineage.type"),
    (
        |h| h.lineage.as_mut().unwrap().references = vec![pb::Reference::default(); 17],
        Reason::ListInvalid,
        "lineage.references",
    ),
    (
        |h| h.lineage.as_mut().unwrap().references = vec![pb::Reference::default()],
        Reason::AddressInvalid,
        "lineage.references[0].originator",
    ),
];

#[test]
fn who_speaks_to_whom() {
    hold(WHO_SPEAKS_TO_WHOM);
}

const WHO_SPEAKS_TO_WHOM: &[Case] = &[
    (|h| h.originator = None, Reason::FieldMissing, "originator"),
    (
        // Row 44, a Cyrillic letter: no address at all, so nobody's.
        |h| h.originator.as_mut().unwrap().address = "pk/\u{441}ustoms".into(),
        Reason::AddressInvalid,
        "originator.address",
    ),
    (
        |h| h.originator.as_mut().unwrap().on_behalf_of = "pk/health".into(),
        Reason::NotSupportedYet,
        "originator.on_behalf_of",
    ),
    (|h| h.recipients.clear(), Reason::ListInvalid, "recipients"),
    (|h| h.recipients = vec![h.recipients[0].clone(); 101], Reason::ListInvalid, "recipients"),
    (|h| h.recipients.push(h.recipients[0].clone()), Reason::ListInvalid, "recipients[1].address"),
    (|h| recipient(h, "pk/customs"), Reason::RecipientIsSender, "recipients[0].address"),
    (|h| recipient(h, "IR/police"), Reason::AddressInvalid, "recipients[0].address"),
    (|h| recipient(h, "ir/pol\u{200d}ice"), Reason::AddressInvalid, "recipients[0].address"),
    (|h| recipient(h, "xx/police"), Reason::CountryUnknown, "recipients[0].address"),
    (|h| recipient(h, "uk/police"), Reason::CountryUnknown, "recipients[0].address"),
    (|h| recipient(h, "$audit"), Reason::RecipientNotPermitted, "recipients[0].address"),
    (|h| h.recipients[0].target = None, Reason::FieldMissing, "recipients[0].address"),
    (
        |h| h.recipients[0].target = Some(Target::GroupId("g".into())),
        Reason::RecipientKindUnsupported,
        "recipients[0].group_id",
    ),
    (
        |h| h.recipients[0].target = Some(Target::Topic(pb::Topic::default())),
        Reason::RecipientKindUnsupported,
        "recipients[0].topic",
    ),
    (|h| h.recipients[0].role = 0, Reason::FieldMissing, "recipients[0].role"),
    (|h| h.recipients[0].role = 9, Reason::UnknownCode, "recipients[0].role"),
    (
        |h| h.external_ref = Some(pb::ExternalRef { scheme: "cap".into(), id: String::new() }),
        Reason::FieldMissing,
        "external_ref.id",
    ),
    (
        |h| {
            h.external_ref = Some(pb::ExternalRef { scheme: "cap".into(), id: "a\u{200c}b".into() })
        },
        Reason::TextInvalid,
        "external_ref.id",
    ),
    (
        |h| h.external_ref = Some(pb::ExternalRef { scheme: "C P".into(), id: "1".into() }),
        Reason::FieldInvalid,
        "external_ref.scheme",
    ),
];

#[test]
fn everything_that_v1_accepts_passes_together() {
    let world = World::new(Algorithm::Ed25519);
    let full = broken(&world, |h| {
        let id = identity(h).message_id.clone();
        identity(h).thread_id.clone_from(&id);
        identity(h).correlation_id.clone_from(&id);
        identity(h).case_ref = "PK-2027-11 \u{62a}\u{648}\u{631}\u{62e}\u{645}".into();
        let (code, exercise_name) = (2, "Silk".into());
        h.status = Some(pb::MessageStatus { code, exercise_name });
        h.lineage.as_mut().unwrap().references = vec![pb::Reference {
            originator: "af/customs".into(),
            message_id: id,
            header_digest: vec![9; 32].into(),
        }];
        h.originator.as_mut().unwrap().officer = "P-17".into();
        h.precedence = Some(pb::PrecedenceLevel { level: 2, reason: "weather".into() });
        times(h).deliver_by = after(30 * DAY);
        times(h).effective_at = after(1);
        times(h).onset_at = after(1);
        times(h).expires_at = after(9);
        times(h).retain_until = after(9);
        let (scheme, level) = ("pk".into(), "RESTRICTED".into());
        h.classification = Some(pb::Classification { scheme, level });
        h.sharing = Some(pb::Sharing { tlp: 2, pap: 2 });
        h.handling = vec![pb::Handling { code: 4, text: "by hand only".into() }];
        h.onward = Some(pb::Onward { level: 3, ..Default::default() });
        legal(h).legal_basis = "Customs Act, s. 4".into();
        h.data_protection.as_mut().unwrap().personal_data = vec![2, 3, 4, 5];
        let (source, validated_by) = ("B".into(), "desk".into());
        h.grading = Some(pb::Grading { system: 1, source, information: 2, validated_by });
        let demand = |level, deadline| Some(pb::AckDemand { level, deadline });
        h.ack_policy = Some(pb::AckPolicy {
            transport: demand(3, None),
            delivered: demand(3, None),
            opened: demand(2, after(5)),
            actioned: demand(1, None),
        });
        h.languages.as_mut().unwrap().original = "en".into();
        h.routing = Some(pb::Routing { hop_limit: 4 });
        let (id, value) = ("cap.code".into(), vec![1].into());
        h.extensions = vec![pb::Extension { id, critical: false, value }];
        let (scheme, id) = ("cap".into(), "a,b,c".into());
        h.external_ref = Some(pb::ExternalRef { scheme, id });
    });
    super::SignedMessage::from_proto(full).unwrap().verify(&world.check()).unwrap();
}
