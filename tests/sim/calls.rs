//! What is asked of a broker, and what comes back.

use std::sync::Arc;

use barid_broker::command::{Receipt, Settlement};
use barid_broker::decide::Refusal;
use barid_broker::decide::hand_out::Consumer;
use barid_broker::decide::settle::Answer;
use barid_broker::{Broker, Lent};
use barid_message::Reason;
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::SignedMessage;
use bytes::Bytes;

use crate::session::End;

/// Something that was begun has come to its end.
pub(crate) enum Done {
    /// A submission.
    Submitted(usize, Result<Receipt, Refusal>),
    /// A hand-out to a system of an agency; whether some are lost on the way.
    HandedOut { agency: usize, system: usize, loses: bool, lent: Result<Vec<Lent>, Refusal> },
    /// An answer to a hand-out.
    Settled { agency: usize, token: Bytes, call: Option<usize>, end: Result<Settlement, Refusal> },
    /// An agency may read what it is told.
    MayRead(usize, Result<u64, Refusal>),
    /// A proposal to write off a peer of that name.
    Proposed(String, Result<u64, Refusal>),
    /// Another decision of an operator.
    Operated(Result<(), Refusal>),
    /// An end of a session.
    Ended(usize, End),
}

/// No answer came: the node is gone, and nobody knows what it did.
pub(crate) fn is_gone(refusal: &Refusal) -> bool {
    refusal.reason() == Reason::ShuttingDown
}

pub(crate) async fn submit(
    broker: Broker,
    system: String,
    message: SignedMessage,
    call: usize,
) -> Done {
    let checked = broker.check(&system, message);
    let answer = match broker.enqueue(&system, checked).await {
        Ok(pending) => pending.decided().await,
        Err(refusal) => Err(refusal),
    };
    Done::Submitted(call, answer)
}

pub(crate) async fn hand_out(
    broker: Broker,
    consumer: Consumer,
    max: usize,
    (agency, system, loses): (usize, usize, bool),
) -> Done {
    let lent = broker.hand_out(consumer, max).await;
    Done::HandedOut { agency, system, loses, lent }
}

pub(crate) async fn settle(
    broker: Broker,
    system: String,
    token: Bytes,
    answer: Answer,
    (agency, call): (usize, Option<usize>),
) -> Done {
    let end = match broker.settle(Arc::from(system), token.clone(), answer).await {
        Ok(settling) => settling.decided().await,
        Err(refusal) => Err(refusal),
    };
    Done::Settled { agency, token, call, end }
}

pub(crate) async fn may_read(broker: Broker, system: String, agency: usize) -> Done {
    let facts =
        facts::ReadFacts { identity: system, operation: "evidence".into(), ..Default::default() };
    Done::MayRead(agency, broker.read_opened(facts).await)
}
