//! What holds only now: a header against the clock of the node that takes it in.

use crate::caps;
use crate::fault::{At, Findings};
use crate::header::Header;
use crate::reason::Reason;
use crate::time::Millis;

/// Checks a header's times against `now` (V3, header rows 2 and 8).
pub(crate) fn check(header: &Header, now: Millis, at: At<'_>, findings: &mut Findings) {
    let (times, created_at) = (at.field("times"), header.created_at());
    let created = times.field("created_at");
    if created_at > now + caps::CLOCK_SKEW_MAX {
        let text = "more than 5 min in the future; set the clock of the sending system";
        findings.add(created, Reason::ClockSkew, "V3", text);
    }
    if now.since(created_at) > caps::AGE_MAX {
        let text = "older than 31 days; make a new message";
        findings.add(created, Reason::TooOld, "row 8", text);
    }
    let expired = "has passed; a new message is needed, if it still matters";
    if header.expires_at().is_some_and(|end| end <= now) {
        findings.add(times.field("expires_at"), Reason::Expired, "row 8", expired);
    }
    if header.deliver_by() <= now {
        findings.add(times.field("deliver_by"), Reason::Expired, "row 8", expired);
    }
    let id_time = Millis(header.message_id().unix_ms());
    if id_time.distance(created_at) > caps::ID_TIME_SKEW_MAX {
        let text = "its time part lies more than 5 min from created_at; make the id anew";
        let identity = at.field("identity");
        findings.add(identity.field("message_id"), Reason::IdInvalid, "row 2", text);
    }
}
