//! Rows 7 and 8: how urgent, and the times.

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;

use crate::caps;
use crate::fault::{At, Findings};
use crate::header::{Ends, Precedence};
use crate::reason::Reason;
use crate::time::Millis;

/// Row 7: order of handling.
pub(super) fn precedence(
    row: Option<&pb::PrecedenceLevel>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<Precedence> {
    let pb::PrecedenceLevel { level, reason } = f.required(at, "row 7", row)?;
    let level = f.required_code(at.field("level"), "row 7", *level);
    if level == Some(Precedence::Flash) && reason.is_empty() {
        let text = "FLASH needs a reason; say why it is urgent";
        f.add(at.field("reason"), Reason::FlashNotAllowed, "V7", text);
    }
    f.chars(at.field("reason"), "row 7", reason, caps::PRECEDENCE_REASON_CHARS_MAX);
    level
}

/// Row 8: the times, and their order (V4). The clock's rules are elsewhere.
pub(super) fn times(
    row: Option<&pb::Times>,
    at: At<'_>,
    f: &mut Findings,
) -> (Option<Millis>, Ends) {
    let Some(row) = f.required(at, "row 8", row) else {
        return (None, Ends::default());
    };
    let pb::Times { created_at, deliver_by, effective_at, onset_at, expires_at, retain_until } =
        row;
    let created = f.required(at.field("created_at"), "row 8", created_at.as_ref());
    let mut read = |name, time: Option<&Timestamp>| f.instant(at.field(name), "row 8", time?);
    let created_at = read("created_at", created);
    let deliver_by = read("deliver_by", deliver_by.as_ref());
    let effective_at = read("effective_at", effective_at.as_ref());
    let onset_at = read("onset_at", onset_at.as_ref());
    let expires_at = read("expires_at", expires_at.as_ref());
    let retain_until = read("retain_until", retain_until.as_ref());

    let ends = Ends { deliver_by, expires_at, retain_until };
    order(created_at, ends, effective_at.zip(onset_at), at, f);
    (created_at, ends)
}

/// The order of those times that could be read.
fn order(
    created_at: Option<Millis>,
    ends: Ends,
    onset: Option<(Millis, Millis)>,
    at: At<'_>,
    f: &mut Findings,
) {
    let Ends { deliver_by, expires_at, retain_until } = ends;
    let latest = created_at.map(|created| created + caps::DELIVER_BY_MAX);
    let mut disorder = |name, expected| f.add(at.field(name), Reason::TimeOrder, "V4", expected);
    if deliver_by.is_some_and(|by| created_at.is_some_and(|created| by <= created)) {
        disorder("deliver_by", "must come after created_at");
    }
    if deliver_by.is_some_and(|by| latest.is_some_and(|latest| by > latest)) {
        disorder("deliver_by", "at most 30 days after created_at");
    }
    if onset.is_some_and(|(effective, onset)| effective > onset) {
        disorder("effective_at", "must not come after onset_at");
    }
    if expires_at.is_some_and(|end| created_at.is_some_and(|created| end <= created)) {
        disorder("expires_at", "must come after created_at");
    }
    if retain_until.is_some_and(|end| expires_at.or(created_at).is_some_and(|from| end < from)) {
        disorder("retain_until", "must not come before expires_at or created_at");
    }
}
