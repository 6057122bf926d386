//! What can go wrong with a call, and what to do then.

use std::error::Error as StdError;
use std::time::Duration;

use barid_message::{Reason, reason};
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::exchange::v1 as pb;
use thiserror::Error;
use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::tls::ConnectError;

/// Domain of the reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "barid";

/// Why a call has no answer, or the answer is no.
#[derive(Clone, Debug, Error)]
pub enum CallError {
    /// No connection to the node.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The node refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The connection broke before the answer. What was asked may have been
    /// done: ask again, repeats are safe.
    #[error("the connection to the node broke before its answer; try again")]
    Interrupted,
    /// The call's deadline passed. What was asked may have been done: ask
    /// again, repeats are safe.
    #[error("the node did not answer in time; try again")]
    Deadline,
    /// The node's answer lacks what it must hold.
    #[error("the node's answer is not understood; it may be of a newer version")]
    Answer,
}

/// A node's no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// gRPC code.
    pub code: Code,
    /// Why; `Unspecified` where the refusal came from below the node's own
    /// code, or is newer than this program.
    pub reason: Reason,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// All faults of a message.
    pub faults: Vec<Fault>,
    /// When the node asks to be tried again.
    pub retry_after: Option<Duration>,
    /// Evidence of the refusal, where the node keeps some.
    pub evidence: Option<SignedEvidence>,
}

/// One fault of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field.
    pub path: String,
    /// Why.
    pub reason: Reason,
    /// Rule of the standard; empty where none or not told.
    pub rule: String,
    /// For people.
    pub description: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason {
            // The server's own answer where nothing of ours serves the call.
            Reason::Unspecified if self.code == Code::Unimplemented => f.write_str(
                "the node has no such call there: agencies and operators have ports of their own; \
                 look at `endpoint`",
            ),
            Reason::Unspecified => {
                write!(f, "the node refused: {} ({})", self.message, self.code)
            }
            why => write!(f, "the node refused: {} ({})", self.message, reason::name(why)),
        }
    }
}

impl CallError {
    /// Reads a failed call: our own connection first, then what the node said.
    pub(super) fn from_status(status: &Status) -> Self {
        if let Some(connect) = cause::<ConnectError>(status) {
            return Self::Connect(connect.clone());
        }
        if cause::<TimeoutExpired>(status).is_some() {
            return Self::Deadline;
        }
        let refusal = Refusal::from_status(status);
        let own = refusal.reason == Reason::Unspecified;
        match status.code() {
            Code::DeadlineExceeded | Code::Cancelled if own => Self::Deadline,
            // The node's own limit is shorter than ours, and means the same.
            Code::DeadlineExceeded if refusal.reason == Reason::Deadline => Self::Deadline,
            // A status that arrived has no local cause. Unknown stands for a
            // stream that ended without one.
            Code::Unknown if own => Self::Interrupted,
            _ if own && StdError::source(status).is_some() => Self::Interrupted,
            _ => Self::Refused(Box::new(refusal)),
        }
    }

    /// The end of a stream, in the node's words.
    pub(super) fn closed(why: i32, message: String) -> Self {
        let why = reason::from_number(why);
        Self::Refused(Box::new(Refusal {
            code: Code::from_i32(reason::code(why).into()),
            reason: why,
            message,
            faults: Vec::new(),
            retry_after: None,
            evidence: None,
        }))
    }

    /// Whether a long-lived stream that ended so is opened again: a stream says
    /// no times, and a fault of the node ends a stream, not the wish for it.
    pub(super) fn ends_stream_only(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal.code,
                Code::Unavailable
                    | Code::ResourceExhausted
                    | Code::DeadlineExceeded
                    | Code::Internal
                    | Code::Unknown
            ),
            other => other.is_passing(),
        }
    }

    /// True where the same call may succeed later with nothing changed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connect(connect) => connect.is_passing(),
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Interrupted | Self::Deadline => true,
            Self::Answer => false,
        }
    }

    /// A refusal for now, inside a stream: one of RESOURCE_EXHAUSTED may say no time.
    pub(super) fn is_overload(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                matches!(refusal.code, Code::Unavailable | Code::ResourceExhausted)
            }
            Self::Connect(_) | Self::Interrupted | Self::Deadline | Self::Answer => false,
        }
    }

    /// Why the node refused, if it was the node.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Connect(_) | Self::Interrupted | Self::Deadline | Self::Answer => None,
        }
    }

    /// The node's wish for the next try.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::Connect(_) | Self::Interrupted | Self::Deadline | Self::Answer => None,
        }
    }
}

impl Refusal {
    fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = details
            .error_info()
            .filter(|info| info.domain == DOMAIN)
            .map_or(Reason::Unspecified, |info| named(&info.reason));
        let faults = details.bad_request().map_or(&[][..], |bad| &bad.field_violations);
        Self {
            code: status.code(),
            reason,
            message: status.message().to_owned(),
            faults: faults
                .iter()
                .map(|fault| Fault {
                    path: fault.field.clone(),
                    reason: named(&fault.reason),
                    rule: String::new(),
                    description: fault.description.clone(),
                })
                .collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            evidence: None,
        }
    }

    /// From inside a stream.
    pub(super) fn from_proto(refusal: pb::Refusal) -> Self {
        let pb::Refusal { code, reason: why, message, faults, evidence, retry_after_ms } = refusal;
        Self {
            code: i32::try_from(code).map_or(Code::Unknown, Code::from_i32),
            reason: reason::from_number(why),
            message,
            faults: faults.into_iter().map(Fault::from_proto).collect(),
            retry_after: (retry_after_ms > 0).then(|| Duration::from_millis(retry_after_ms.into())),
            evidence,
        }
    }

    /// UNAVAILABLE may be tried again; RESOURCE_EXHAUSTED only where the node
    /// says when.
    pub fn is_passing(&self) -> bool {
        match self.code {
            Code::Unavailable => true,
            Code::ResourceExhausted => self.retry_after.is_some(),
            _ => false,
        }
    }
}

impl Fault {
    fn from_proto(fault: pb::Fault) -> Self {
        let pb::Fault { path, reason: why, rule, description } = fault;
        Self { path, reason: reason::from_number(why), rule, description }
    }
}

/// The reason of that name, without its prefix; `Unspecified` for one that this
/// version does not know.
fn named(name: &str) -> Reason {
    Reason::from_str_name(&format!("REASON_{name}")).unwrap_or(Reason::Unspecified)
}

/// The first cause of a type in a chain.
fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
