//! Rows 41 to 44, 53 to 57, 59, 75, 76, 78 and 96: who, to whom, when, and under which id.

use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use pb::recipient::Target;
use tonic::Code;

use super::attempt::{Answer, Attempt};
use super::scene::Scene;
use super::{Case, invalid, refused};
use crate::harness::{header_of, now, random};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    [recipients(scene), times(scene), ids(scene)].into_iter().flatten().collect()
}

/// Somebody to act on the message.
fn recipient(address: &str) -> pb::Recipient {
    pb::Recipient {
        target: Some(Target::Address(address.to_owned())),
        role: pb::RecipientRole::Action.into(),
    }
}

fn recipients(scene: &Scene) -> Vec<Case> {
    let to = |addresses: &[&str]| {
        scene.with_header(|header| {
            header.recipients = addresses.iter().map(|address| recipient(address)).collect();
        })
    };
    let many: Vec<String> = (0..101).map(|unit| format!("pk/police/post{unit}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let from = |address: &str| {
        scene.with_header(|header| {
            let originator = header.originator.as_mut().expect("row 5");
            originator.address = address.to_owned();
        })
    };
    let denied = |row, what, message: pb::SignedMessage, reason| {
        refused(row, what, message, Code::PermissionDenied, reason)
    };
    vec![
        invalid(41, "nobody", to(&[]), "LIST_INVALID"),
        invalid(41, "101 recipients", to(&many), "LIST_INVALID"),
        invalid(41, "one twice", to(&["pk/police", "pk/police"]), "LIST_INVALID"),
        invalid(42, "to itself", to(&["pk/customs"]), "RECIPIENT_IS_SENDER"),
        invalid(43, "upper case", to(&["PK/POLICE"]), "ADDRESS_INVALID"),
        invalid(43, "sender in upper case", from("PK/customs"), "ADDRESS_INVALID"),
        invalid(44, "Cyrillic letter", to(&["pk/p\u{43e}lice"]), "ADDRESS_INVALID"),
        invalid(44, "sender's Cyrillic letter", from("pk/\u{441}ustoms"), "ADDRESS_INVALID"),
        denied(59, "another agency's name", from("pk/police"), "SENDER_MISMATCH"),
        denied(59, "a unit that is not its own", from("pk/police/torkham"), "SENDER_MISMATCH"),
        denied(96, "$audit", to(&["$audit"]), "RECIPIENT_NOT_PERMITTED"),
        denied(96, "$dead-letter", to(&["$dead-letter"]), "RECIPIENT_NOT_PERMITTED"),
        denied(96, "an inbox that is none", to(&["pk/dead-letters"]), "RECIPIENT_NOT_PERMITTED"),
    ]
}

fn times(scene: &Scene) -> Vec<Case> {
    let at = |change: &dyn Fn(&mut pb::Times, Millis)| {
        scene.with_header(|header| {
            let times = header.times.as_mut().expect("row 8");
            let created = times.created_at.expect("when it was made");
            change(times, Millis::from_proto(&created).expect("a time"));
        })
    };
    let deliver_by = |by: &dyn Fn(u64) -> u64| {
        at(&|times, created| times.deliver_by = Some(Millis(by(created.0)).to_proto()))
    };
    let created_at =
        |seconds, nanos| at(&|times, _| times.created_at = Some(Timestamp { seconds, nanos }));
    // Made then, with an id of that time.
    let made = |then: Millis, expires: Option<Millis>| {
        scene.with_header(|header| {
            let times = header.times.as_mut().expect("row 8");
            times.created_at = Some(then.to_proto());
            times.expires_at = expires.map(Millis::to_proto);
            let id = MessageId::new(then, random()).to_string();
            header.identity.as_mut().expect("row 2").message_id = id;
        })
    };
    let (now, ago, ahead) = (now(), |ms| Millis(now().0 - ms), |ms| Millis(now().0 + ms));
    let expired = made(ago(2 * MINUTE_MS), Some(ago(MINUTE_MS)));
    // Older than ids are remembered, and said to be deliverable for as long as may be.
    let forgotten = scene.with_header(|header| {
        let then = ago(31 * DAY_MS + MINUTE_MS);
        let times = header.times.as_mut().expect("row 8");
        times.created_at = Some(then.to_proto());
        times.deliver_by = Some(Millis(then.0 + 30 * DAY_MS).to_proto());
        let id = MessageId::new(then, random()).to_string();
        header.identity.as_mut().expect("row 2").message_id = id;
    });
    let unkept = scene.with_header(|header| {
        let times = header.times.as_mut().expect("row 8");
        times.created_at = Some(ago(2 * MINUTE_MS).to_proto());
        times.retain_until = Some(ago(MINUTE_MS).to_proto());
    });
    vec![
        invalid(53, "no time to live", deliver_by(&|created| created), "TIME_ORDER"),
        invalid(53, "a negative one", deliver_by(&|created| created - 1), "TIME_ORDER"),
        invalid(53, "over 30 days", deliver_by(&|at| at + 30 * DAY_MS + 1), "TIME_ORDER"),
        invalid(54, "6 min ahead", made(ahead(6 * MINUTE_MS), None), "CLOCK_SKEW"),
        invalid(54, "year 9999", created_at(253_402_300_799, 0), "FIELD_INVALID"),
        invalid(54, "least seconds", created_at(i64::MIN, 0), "FIELD_INVALID"),
        invalid(54, "most seconds", created_at(i64::MAX, 0), "FIELD_INVALID"),
        invalid(54, "nanos of a second", created_at(1_800_000_000, 1_000_000_000), "FIELD_INVALID"),
        invalid(54, "negative nanos", created_at(1_800_000_000, -1), "FIELD_INVALID"),
        refused(55, "expired", expired, Code::FailedPrecondition, "EXPIRED"),
        refused(55, "kept for too long", unkept, Code::FailedPrecondition, "EXPIRED"),
        refused(
            57,
            "older than what is remembered",
            forgotten,
            Code::FailedPrecondition,
            "TOO_OLD",
        ),
        invalid(56, "expires before it is made", made(now, Some(ago(MINUTE_MS))), "TIME_ORDER"),
    ]
}

fn ids(scene: &Scene) -> Vec<Case> {
    let with = |id: String| {
        scene.with_header(|header| header.identity.as_mut().expect("row 2").message_id = id)
    };
    let known = header_of(&scene.accepted).identity.expect("row 2").message_id;
    let elsewhen = MessageId::new(Millis(now().0 - 6 * MINUTE_MS), random()).to_string();
    let fresh = || MessageId::new(now(), random()).to_string();
    let repeat = Case {
        row: 75,
        what: "exact repeat",
        attempt: Attempt::Submit(scene.accepted.clone()),
        answer: Answer::SameReceipt,
    };
    let conflict = refused(
        76,
        "known id, other header",
        with(known),
        Code::AlreadyExists,
        "DUPLICATE_ID_CONFLICT",
    );
    let nil = "00000000-0000-0000-0000-000000000000".to_owned();
    let random_kind = "550e8400-e29b-41d4-a716-446655440000".to_owned();
    vec![
        repeat,
        conflict,
        invalid(78, "nil", with(nil), "ID_INVALID"),
        invalid(78, "of version 4", with(random_kind), "ID_INVALID"),
        invalid(78, "upper case", with(fresh().to_uppercase()), "ID_INVALID"),
        invalid(78, "no UUID", with("message-1".to_owned()), "ID_INVALID"),
        invalid(78, "of another time", with(elsewhen), "ID_INVALID"),
        invalid(46, "joiner in an id", with(format!("{}\u{200d}", fresh())), "ID_INVALID"),
    ]
}
