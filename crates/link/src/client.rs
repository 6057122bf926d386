//! The client that agency systems and tools use: deadlines, retries by the
//! published table, streams that come back after a broken connection.
//!
//! A client needs little memory: keep a message's bytes until its receipt,
//! send the same bytes again when in doubt, and handle a message id twice
//! without harm.

/// One method per call of a service whose client holds a `NodeChannel`, with `rpc` making the
/// stub and `pb` its messages: by `call`, tried again by the published table; by `once`, not.
macro_rules! calls {
    ($client:ident: $($(#[$doc:meta])* $name:ident($request:ident) -> $response:ident via $method:ident, $how:ident;)*) => {
        impl $client {
            $(
                $(#[$doc])*
                pub async fn $name(
                    &self,
                    request: pb::$request,
                ) -> Result<pb::$response, CallError> {
                    let attempt = |channel, request| async move {
                        rpc(channel).$method(request).await
                    };
                    self.0.$how(request, attempt).await
                }
            )*
        }
    };
}

mod agency;
mod audit;
mod channel;
mod error;
mod evidence;
mod link;
mod operator;
mod receipt;
mod receive;
mod retry;
mod submit;

pub use agency::{AgencyClient, Peek};
pub use audit::AuditClient;
pub use channel::ClientConfig;
pub use error::{CallError, Fault, Refusal};
pub use evidence::{EvidenceStream, ProvenEvidence};
pub use link::{OpenLink, OpenLinkError, open_link};
pub use operator::{EventTail, OperatorClient, Tailed};
pub use receipt::{Receipt, ReceiptError, SubmitError};
pub use receive::{AnswerError, HandOut, ReceiveOptions, Receiver};
pub use retry::{Backoff, Jitter, RetryPolicy};
pub use submit::{Outcome, Outcomes, SubmitClosed, SubmitOptions, Submitter};
