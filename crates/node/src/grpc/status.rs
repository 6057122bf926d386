//! The one place that makes a gRPC status.

use std::collections::HashMap;
use std::time::Duration;

use barid_broker::decide::Refusal;
use barid_message::fault::Fault;
use barid_message::{Reason, reason};
use barid_proto::exchange::v1 as wire;
use barid_store::ReadError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::Services;

/// Domain of every ErrorInfo.
const DOMAIN: &str = "barid";

/// Bytes of faults in one status. It travels in trailers, of which common clients
/// take 8 KiB, and is base64 there.
const VIOLATIONS_BYTES: usize = 4 * 1024;

/// A refusal as a status: one ErrorInfo with the first reason, one BadRequest with
/// all faults that have a place, and advice when to try again.
pub(super) fn status(refusal: &Refusal) -> Status {
    let first = refusal.faults.first();
    let mut details = ErrorDetails::new();
    details.set_error_info(reason::name(first.reason), DOMAIN, HashMap::new());
    let mut room = VIOLATIONS_BYTES;
    for fault in refusal.faults.iter().filter(|fault| !fault.path.is_empty()) {
        let violation = violation(fault);
        let Some(left) = room.checked_sub(fault.path.len() + violation.len()) else {
            break;
        };
        room = left;
        details.add_bad_request_violation(fault.path.clone(), violation);
    }
    if let Some(ms) = refusal.retry_after_ms {
        details.set_retry_info(Some(Duration::from_millis(ms)));
    }
    let code = Code::from_i32(i32::from(reason::code(first.reason)));
    Status::with_error_details(code, first.description.clone(), details)
}

/// A status for one reason of our own.
pub(super) fn refuse(reason: Reason, text: &str) -> Status {
    status(&Refusal::new(reason, text))
}

/// A request of a stream could not be read: what tonic says of it, as a reason of ours.
/// Anything else means that the stream broke, and nobody reads this.
pub(super) fn request_unread(status: &Status) -> Status {
    match status.code() {
        Code::Internal => refuse(Reason::Malformed, "a request of this stream is no such message"),
        Code::OutOfRange => {
            refuse(Reason::TooLarge, "a request of this stream is longer than 448 KiB")
        }
        _ => refuse(Reason::ShuttingDown, "the stream broke; open it again"),
    }
}

/// Why streams end when the node does.
pub(super) fn stopping() -> Refusal {
    Refusal::new(Reason::ShuttingDown, "the node is stopping; connect again in a moment")
}

/// The delivery log could not be read. The journal has everything.
pub(super) fn unreadable(error: &ReadError) -> Status {
    tracing::error!(%error, "delivery log cannot be read");
    match error {
        // As a rule the projector meets it too, and opens the log again.
        ReadError::Engine(_) => {
            let text = "the delivery log cannot be read; ask again; if it stays so, the operator \
                        must look at the disk, remove index/ and start the node again";
            status(&Refusal::new(Reason::DeliveryLogDown, text).retry_after(5_000))
        }
        ReadError::Damaged(_) => refuse(
            Reason::Internal,
            "the delivery log is damaged; the operator must remove index/ and start the node again",
        ),
    }
}

fn violation(fault: &Fault) -> String {
    let Fault { reason, rule, description, .. } = fault;
    let reason = reason::name(*reason);
    if rule.is_empty() {
        format!("{description} [{reason}]")
    } else {
        format!("{description} [{reason}, {rule}]")
    }
}

impl Services {
    /// A status for one reason of our own, which is put on record.
    pub(super) async fn refuse_on_record(
        &self,
        identity: &str,
        reason: Reason,
        text: &str,
    ) -> Status {
        self.broker.record_refusal(identity, reason).await;
        refuse(reason, text)
    }

    /// A refusal as it stands inside a stream.
    pub(super) fn refusal(&self, refusal: Refusal) -> wire::Refusal {
        let first = refusal.faults.first();
        let faults = refusal.faults.iter().filter(|fault| !fault.path.is_empty());
        let retry_after_ms = refusal.retry_after_ms.unwrap_or(0);
        wire::Refusal {
            code: u32::from(reason::code(first.reason)),
            reason: first.reason.into(),
            message: first.description.clone(),
            faults: faults.map(wire_fault).collect(),
            evidence: refusal.evidence.and_then(|evidence| self.signed(evidence)),
            retry_after_ms: u32::try_from(retry_after_ms).unwrap_or(u32::MAX),
        }
    }
}

fn wire_fault(fault: &Fault) -> wire::Fault {
    wire::Fault {
        path: fault.path.clone(),
        reason: fault.reason.into(),
        rule: fault.rule.to_owned(),
        description: fault.description.clone(),
    }
}
