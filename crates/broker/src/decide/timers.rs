//! What time decides: leases that ran out, deadlines that passed. And what was decided
//! at once about more than one entry may hold.

use barid_audit::entry::{Body, Entry};
use barid_journal::planted;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use super::{Node, Said, about, link, settle, write_off};
use crate::caps;
use crate::state::{DeliveryKey, Phase, State};

/// What the next due timer asks for.
#[derive(Debug)]
pub enum Due {
    /// Fold this entry.
    Entry(Entry),
    /// Look at this deadline again then, or never.
    PutOff((Millis, DeliveryKey), Option<Millis>),
    /// Nothing is due.
    Nothing,
}

/// Decides the next due timer.
#[must_use]
pub fn due(state: &State, node: &Node, now: Millis) -> Due {
    if let Some(entry) =
        state.lease_due(now).and_then(|key| settle::lease_ended(state, node, now, key))
    {
        return Due::Entry(entry);
    }
    if let Some(entry) = state.write_off_due().and_then(|key| write_off::end(state, node, now, key))
    {
        return Due::Entry(entry);
    }
    if let Some(entry) =
        state.deferral_due(now).and_then(|key| link::requeue(state, node, now, key))
    {
        return Due::Entry(entry);
    }
    let Some((at, key)) = state.deadline_due(now) else {
        return Due::Nothing;
    };
    let Some(delivery) = state.delivery(key) else {
        return Due::PutOff((at, key), None);
    };
    let (end, event, reason) = delivery.message.end();
    let is_offered = state.is_offered(delivery) && !planted("final-while-offered");
    if matches!(delivery.phase, Phase::Leased(_) | Phase::Passed) || is_offered {
        // Handed out in time: whoever holds it may still acknowledge (SPINE §3.3).
        // When the lease ends, that ends the delivery; with a peer, its evidence does.
        let overdue_at = Millis(end.0 + caps::OVERDUE_AFTER_MS);
        if now < overdue_at {
            return Due::PutOff((at, key), Some(overdue_at));
        }
        if delivery.overdue {
            return Due::PutOff((at, key), None);
        }
        let said = Said::new(Body::Overdue, Event::Overdue, reason);
        return Due::Entry(about(state, node, now, key, delivery, said));
    }
    if now < state.no_end_before() {
        return Due::PutOff((at, key), Some(state.no_end_before()));
    }
    Due::Entry(about(state, node, now, key, delivery, Said::new(Body::Ended, event, reason)))
}
