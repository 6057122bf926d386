//! Hand-out: the next deliveries of an inbox, each under a lease.

use std::sync::Arc;

use barid_agreement::Question;
use barid_audit::entry::{Body, Entry};
use barid_journal::planted;
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::time::Millis;
use barid_message::{Purpose, Reason, Status};
use barid_proto::audit::v1::Event;

use super::{Node, Said, about};
use crate::caps;
use crate::lease::TOKEN_BYTES;
use crate::state::lines::Standing;
use crate::state::{Delivery, DeliveryKey, Grant, LeaseNumber, Message, Phase, State};

/// Who asks for deliveries, and which.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// The inbox.
    pub inbox: Address,
    /// Identity of the caller.
    pub identity: Arc<str>,
    /// Number of its stream, unique in this process.
    pub stream: u64,
    /// Statuses it wants.
    pub statuses: Vec<Status>,
}

/// One delivery handed out.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// Which.
    pub key: DeliveryKey,
    /// Of its grants, this one.
    pub number: LeaseNumber,
    /// The message.
    pub message: Arc<Message>,
    /// What answers it.
    pub token: [u8; TOKEN_BYTES],
    /// Until when.
    pub expires: Millis,
    /// It may have been handed out before.
    pub redelivered: bool,
    /// It replaces or recalls what the recipient was not given here.
    pub head_unknown: bool,
    /// What has replaced or recalled it, as far as it was told here.
    pub standing: Standing,
    /// Failed tries, and this one.
    pub attempt: u32,
}

/// What is to be done with a delivery whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Hand it out.
    Delivery(DeliveryKey),
    /// End it: its permission ended while it waited (SPINE §1.6), or its time has come.
    End(DeliveryKey, Event, Reason),
}

/// Whose turn it is: up to `max` deliveries to hand out, and those that end on the way
/// to them, in one pass over the inbox. Bounded, so that a backlog of ended ones leaves
/// others their turn.
#[must_use]
pub fn next(state: &State, now: Millis, consumer: &Consumer, max: usize) -> Vec<Next> {
    let (mut deliveries, mut ends) = (0, 0);
    let mut line = Vec::new();
    let Some(inbox) = state.inbox(&consumer.inbox).filter(|_| max > 0) else {
        return line;
    };
    for next in inbox.ready(&consumer.statuses).filter_map(|key| turn(state, now, key)) {
        line.push(next);
        match next {
            Next::Delivery(_) => deliveries += 1,
            Next::End(..) => ends += 1,
        }
        if deliveries == max || ends == caps::HAND_OUT_ENDS_MAX {
            break;
        }
    }
    line
}

/// What a delivery's turn brings. `None` where it is over and may not end yet: only who
/// was handed it in time may still answer (SPINE §3.3).
fn turn(state: &State, now: Millis, key: DeliveryKey) -> Option<Next> {
    let delivery = state.delivery(key)?;
    let (end, event, reason) = delivery.message.end();
    if end <= now && !state.clock_suspect() && !planted("hand-out-what-is-over") {
        return (now >= state.no_end_before()).then_some(Next::End(key, event, reason));
    }
    Some(if is_permitted(state, delivery) {
        Next::Delivery(key)
    } else {
        Next::End(key, Event::Refused, Reason::PermissionEnded)
    })
}

/// The entry that ends a delivery instead of handing it out.
#[must_use]
pub fn end(
    state: &State,
    node: &Node,
    now: Millis,
    (key, event, reason): (DeliveryKey, Event, Reason),
) -> Option<Entry> {
    let said = Said::new(Body::Ended, event, reason);
    Some(about(state, node, now, key, state.delivery(key)?, said))
}

/// Hands a ready delivery out.
///
/// `None` where it is not ready any more.
pub fn grant(
    state: &mut State,
    node: &Node,
    now: Millis,
    consumer: &Consumer,
    key: DeliveryKey,
) -> Option<HandedOut> {
    let delivery = state.delivery(key).filter(|delivery| delivery.phase == Phase::Ready)?;
    let number = LeaseNumber {
        start_no: state.start_no(),
        attempt: delivery.granted.map_or(0, |number| number.attempt) + 1,
    };
    let expires = Millis(now.0 + node.policy.lease_ms);
    let handed_out = HandedOut {
        key,
        number,
        message: Arc::clone(&delivery.message),
        token: node.lease_key.token(key, delivery, number, &consumer.identity),
        expires,
        redelivered: delivery.redelivered || delivery.granted.is_some(),
        attempt: delivery.tries + 1,
        head_unknown: delivery.head_unknown,
        standing: state.standing(&delivery.message.origin, &delivery.message.id),
    };
    let grant = Grant {
        consumer: Arc::clone(&consumer.identity),
        stream: consumer.stream,
        since: now,
        expires,
    };
    state.grant(key, grant, number);
    Some(handed_out)
}

/// Whether today's agreements still allow what they allowed at acceptance. The
/// header's own words are kept in the facts, so that nothing is parsed again.
#[must_use]
pub fn is_permitted(state: &State, delivery: &Delivery) -> bool {
    let message = &delivery.message;
    let Some(named) = &message.agreement else {
        return false;
    };
    let Ok(sha256) = Digest::from_slice(&named.sha256) else {
        return false;
    };
    let agreement = AgreementRef {
        id: named.id.clone(),
        version: named.version,
        sha256,
        clause: named.clause.clone(),
    };
    let purposes: Vec<Purpose> =
        message.purposes.iter().filter_map(|code| Purpose::try_from(*code).ok()).collect();
    let question = Question {
        origin: &delivery.message.origin,
        kind: delivery.message.kind,
        purposes: &purposes,
        agreement: &agreement,
    };
    state.registry().agreements().permit(&question, [&delivery.recipient]).is_ok()
}
