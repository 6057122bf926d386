//! Hand-out: the next deliveries of an inbox, each under a lease.

use std::sync::Arc;

use barid_agreement::Question;
use barid_audit::entry::{Body, Entry};
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::time::Millis;
use barid_message::{Purpose, Reason, Status};
use barid_proto::audit::v1::Event;

use super::{Node, Said, about};
use crate::lease::TOKEN_BYTES;
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
    /// The message.
    pub message: Arc<Message>,
    /// What answers it.
    pub token: [u8; TOKEN_BYTES],
    /// Until when.
    pub expires: Millis,
    /// It may have been handed out before.
    pub redelivered: bool,
    /// Failed tries, and this one.
    pub attempt: u32,
}

/// The next delivery for a consumer, or the entry that ends one whose permission
/// ended while it waited (SPINE §1.6).
#[derive(Debug)]
pub enum Next {
    /// Hand this one out.
    Delivery(DeliveryKey),
    /// Fold this, then ask again.
    End(Entry),
    /// Nothing is ready.
    Nothing,
}

/// Finds what to hand out next.
#[must_use]
pub fn next(state: &State, node: &Node, now: Millis, consumer: &Consumer) -> Next {
    let ready =
        state.inbox(&consumer.inbox).and_then(|inbox| inbox.ready(&consumer.statuses).next());
    let Some((key, delivery)) = ready.and_then(|key| Some((key, state.delivery(key)?))) else {
        return Next::Nothing;
    };
    if is_permitted(state, delivery) {
        return Next::Delivery(key);
    }
    let said = Said::new(Body::Ended, Event::Refused, Reason::PermissionEnded);
    Next::End(about(state, node, now, key, delivery, said))
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
        message: Arc::clone(&delivery.message),
        token: node.lease_key.token(key, delivery, number, &consumer.identity),
        expires,
        redelivered: delivery.redelivered || delivery.granted.is_some(),
        attempt: delivery.tries + 1,
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
fn is_permitted(state: &State, delivery: &Delivery) -> bool {
    let facts = &delivery.message.facts;
    let Some(named) = &facts.agreement else {
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
    let purposes: Vec<Purpose> = facts.purposes().collect();
    let question = Question {
        origin: &delivery.message.origin,
        kind: delivery.message.kind(),
        purposes: &purposes,
        agreement: &agreement,
    };
    state.registry().agreements().permit(&question, [&delivery.recipient]).is_ok()
}
