//! What operators decide, and the record of who reads.

use std::sync::Arc;

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;

use super::{Node, Refusal, Said, about, plain};
use crate::caps;
use crate::state::{Delivery, DeliveryKey, Phase, State};

/// Names one delivery as people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryName {
    /// Originating agency.
    pub origin_agency: String,
    /// Message id.
    pub message_id: String,
    /// Recipient.
    pub recipient: String,
}

/// Who does something to a dead letter, and why: both are on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The operator.
    pub operator: String,
    /// In the operator's own words; what is too long is cut.
    pub why: String,
}

impl Act {
    fn said(&self, said: Said) -> Said {
        Said { actor: self.operator.clone(), why: bounded_text(self.why.clone()), ..said }
    }
}

/// Finds a dead letter.
///
/// # Errors
/// NOT_FOUND where there is none of that name.
pub fn dead_letter<'a>(
    state: &'a State,
    name: &DeliveryName,
) -> Result<(DeliveryKey, &'a Delivery), Refusal> {
    let is_named = |delivery: &Delivery| {
        delivery.recipient.as_str() == name.recipient
            && delivery.message.id.to_string() == name.message_id
            && delivery.message.origin.as_str() == name.origin_agency
    };
    state
        .deliveries()
        .find(|(_, delivery)| matches!(delivery.phase, Phase::Dead(_)) && is_named(delivery))
        .ok_or_else(|| {
            let text = "no dead letter has that name; `dead-letters list` shows what there is";
            Refusal::new(Reason::NotFound, text)
        })
}

/// Puts a dead letter back into its inbox.
///
/// # Errors
/// NOT_FOUND where there is none of that name.
pub fn retry(
    state: &State,
    node: &Node,
    now: Millis,
    by: &Act,
    name: &DeliveryName,
) -> Result<Entry, Refusal> {
    let (key, delivery) = dead_letter(state, name)?;
    let said = Said::new(Body::Retried, Event::Retried, Reason::Unspecified);
    Ok(about(state, node, now, key, delivery, by.said(said)))
}

/// Ends a dead letter as NON_DELIVERED.
///
/// # Errors
/// NOT_FOUND where there is none of that name.
pub fn drop_letter(
    state: &State,
    node: &Node,
    now: Millis,
    by: &Act,
    name: &DeliveryName,
) -> Result<Entry, Refusal> {
    let (key, delivery) = dead_letter(state, name)?;
    let said = Said::new(Body::Ended, Event::NonDelivered, Reason::DroppedByOperator);
    Ok(about(state, node, now, key, delivery, by.said(said)))
}

/// Records that somebody begins to read.
#[must_use]
pub fn read_opened(state: &State, now: Millis, facts: pb::ReadFacts) -> Entry {
    plain(state, now, Body::ReadOpened(bounded(facts)))
}

/// Records that a reading ended, and how much was read.
#[must_use]
pub fn read_closed(state: &State, now: Millis, facts: pb::ReadFacts) -> Entry {
    plain(state, now, Body::ReadClosed(bounded(facts)))
}

/// Records that the clock is in doubt, or believed again since an operator says so.
#[must_use]
pub fn clock(state: &State, now: Millis, suspect: bool, actor: &str) -> Entry {
    let actor = actor.to_owned();
    let facts = pb::ClockFacts { suspect, wall_clock_ms: now.0, actor, peers: Vec::new() };
    plain(state, now, Body::Clock(facts))
}

/// Records that the clock is believed again since peers confirm it.
#[must_use]
pub fn clock_by_peers(state: &State, now: Millis, peers: &[Arc<str>]) -> Entry {
    let peers = peers.iter().map(ToString::to_string).collect();
    let facts =
        pb::ClockFacts { suspect: false, wall_clock_ms: now.0, actor: String::new(), peers };
    plain(state, now, Body::Clock(facts))
}

fn bounded(facts: pb::ReadFacts) -> pb::ReadFacts {
    let (filter, purpose) = (bounded_text(facts.filter), bounded_text(facts.purpose));
    pb::ReadFacts { filter, purpose, ..facts }
}

/// Somebody's own words, cut to what the journal keeps of them.
pub(super) fn bounded_text(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(caps::READ_TEXT_MAX) {
        text.truncate(end);
    }
    text
}
