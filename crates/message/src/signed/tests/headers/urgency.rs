//! Rows 7 and 8, and the clock.

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;

use super::{Case, DAY, after, hold, identity, times};
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{NOW, World};
use crate::time::Millis;

/// Sets `created_at` and an id of the same time.
fn created(header: &mut pb::Header, seconds: i64) {
    let time = after(seconds).unwrap();
    let ms = Millis::from_proto(&time).unwrap();
    times(header).created_at = Some(time);
    identity(header).message_id = crate::id::MessageId::new(ms, [7; 10]).to_string();
}

#[test]
fn how_urgent_and_when() {
    hold(HOW_URGENT_AND_WHEN);
}

const HOW_URGENT_AND_WHEN: &[Case] = &[
    (|h| h.precedence.as_mut().unwrap().level = 0, Reason::FieldMissing, "precedence.level"),
    (
        // The kind is NOTE, and there is no reason.
        |h| h.precedence.as_mut().unwrap().level = 1,
        Reason::FlashNotAllowed,
        "precedence.reason",
    ),
    (|h| h.times = None, Reason::FieldMissing, "times"),
    (|h| times(h).created_at = None, Reason::FieldMissing, "times.created_at"),
    (
        |h| times(h).created_at.as_mut().unwrap().nanos = 1_000_000_000,
        Reason::FieldInvalid,
        "times.created_at",
    ),
    (|h| times(h).created_at.as_mut().unwrap().nanos = 1, Reason::FieldInvalid, "times.created_at"),
    (
        |h| times(h).created_at = Some(Timestamp { seconds: 253_402_300_799, nanos: 0 }),
        Reason::FieldInvalid,
        "times.created_at",
    ),
    (
        |h| times(h).created_at = Some(Timestamp { seconds: i64::MIN, nanos: i32::MIN }),
        Reason::FieldInvalid,
        "times.created_at",
    ),
    (|h| created(h, 301), Reason::ClockSkew, "times.created_at"),
    (|h| created(h, -31 * DAY - 1), Reason::TooOld, "times.created_at"),
    (|h| times(h).deliver_by = after(0), Reason::TimeOrder, "times.deliver_by"),
    (|h| times(h).deliver_by = after(-1), Reason::TimeOrder, "times.deliver_by"),
    (|h| times(h).deliver_by = after(30 * DAY + 1), Reason::TimeOrder, "times.deliver_by"),
    (
        |h| {
            created(h, -60);
            times(h).deliver_by = after(0);
        },
        Reason::Expired,
        "times.deliver_by",
    ),
    (|h| times(h).expires_at = after(0), Reason::TimeOrder, "times.expires_at"),
    (
        |h| {
            created(h, -60);
            times(h).expires_at = after(0);
        },
        Reason::Expired,
        "times.expires_at",
    ),
    (
        |h| {
            created(h, -60);
            times(h).retain_until = after(0);
        },
        Reason::Expired,
        "times.retain_until",
    ),
    (
        |h| {
            times(h).effective_at = after(2);
            times(h).onset_at = after(1);
        },
        Reason::TimeOrder,
        "times.effective_at",
    ),
    (
        |h| {
            times(h).expires_at = after(2);
            times(h).retain_until = after(1);
        },
        Reason::TimeOrder,
        "times.retain_until",
    ),
];

#[test]
fn nothing_is_delivered_for_longer_than_it_may_be_kept() {
    let world = World::new(Algorithm::Ed25519);
    let deliver_by = |deliver_by, retain_until| {
        let mut draft = world.draft(crate::sample::note());
        let times = draft.header_mut().times.get_or_insert_default();
        (times.deliver_by, times.retain_until) = (deliver_by, retain_until);
        let signed = crate::signed::SignedMessage::from_proto(world.compose(draft)).unwrap();
        signed.header().unwrap().deliver_by()
    };
    let at = |seconds: u64| Millis(NOW.0 + seconds * 1_000);
    let thirty_days = at(30 * DAY.unsigned_abs());
    assert_eq!(deliver_by(None, None), thirty_days);
    assert_eq!(deliver_by(None, after(31 * DAY)), thirty_days);
    assert_eq!(deliver_by(None, after(60)), at(60));
    assert_eq!(deliver_by(after(90), after(60)), at(60));
    assert_eq!(deliver_by(after(30), after(60)), at(30));
}

#[test]
fn flash_is_for_urgent_kinds_of_small_body() {
    use crate::sample::{alert, note, text};
    let world = World::new(Algorithm::Ed25519);
    let faults = |draft: crate::compose::Draft| {
        let composed = crate::compose::compose(draft, NOW, [7; 10], &world.key);
        composed.map_or_else(|faults| faults.iter().map(|f| f.reason).collect(), |_| vec![])
    };
    assert_eq!(faults(world.draft(alert()).flash("shots")), []);
    assert_eq!(faults(world.draft(note()).flash("shots")), [Reason::FlashNotAllowed]);
    assert_eq!(faults(world.draft(alert()).flash("")), [Reason::FlashNotAllowed]);
    let mut long = alert();
    long.description = vec![text("en", &"x".repeat(9_000)); 2];
    assert_eq!(faults(world.draft(long.clone())), []);
    assert_eq!(faults(world.draft(long).flash("shots")), [Reason::FlashNotAllowed]);
}
