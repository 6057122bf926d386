//! What holds only now: a header against the clock of the node that takes it in.

use super::header::{AT, Outline};
use crate::caps;
use crate::fault::Findings;
use crate::header::Ends;
use crate::reason::Reason;
use crate::time::Millis;

/// Checks a header's times against `now` (V3, header rows 2 and 8).
pub(crate) fn check(header: &Outline, now: Millis, findings: &mut Findings) {
    let times = AT.field("times");
    let Ends { mut deliver_by, expires_at, retain_until } = header.ends;
    if let Some(created_at) = header.created_at {
        created(created_at, now, findings);
        deliver_by.get_or_insert(created_at + caps::DELIVER_BY_MAX);
    }
    for (name, end) in
        [("expires_at", expires_at), ("deliver_by", deliver_by), ("retain_until", retain_until)]
    {
        if end.is_some_and(|end| end <= now) {
            let text = "has passed; a new message is needed, if it still matters";
            findings.add(times.field(name), Reason::Expired, "row 8", text);
        }
    }
    let (Some(identity), Some(created_at)) = (header.identity, header.created_at) else {
        return;
    };
    let id_time = Millis(identity.message_id.unix_ms());
    if id_time.distance(created_at) > caps::ID_TIME_SKEW_MAX {
        let text = "its time part lies more than 5 min from created_at; make the id anew";
        let identity = AT.field("identity");
        findings.add(identity.field("message_id"), Reason::IdInvalid, "row 2", text);
    }
}

/// Neither from the future nor too old to be remembered.
fn created(created_at: Millis, now: Millis, findings: &mut Findings) {
    let times = AT.field("times");
    let at = times.field("created_at");
    if created_at > now + caps::CLOCK_SKEW_MAX {
        let text = "more than 5 min in the future; set the clock of the sending system";
        findings.add(at, Reason::ClockSkew, "V3", text);
    }
    if now.since(created_at) > caps::AGE_MAX {
        findings.add(at, Reason::TooOld, "row 8", "older than 31 days; make a new message");
    }
}
