//! What an entry of a journal says of custody.

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::journal::v1::{AcceptedFacts, InboundSlot};
use prost::Message as _;

use crate::{Delivery, Terms, What};

/// What an entry says; nothing where it is not about deliveries, lanes or peers.
#[must_use]
pub fn steps(entry: &Entry) -> Vec<What> {
    let items = entry.items.iter().filter_map(|item| about(&entry.body, item));
    let slot = match &entry.body {
        Body::Taken(facts) => facts.slot.as_ref().map(answered),
        Body::SlotAnswered(slot) | Body::EvidenceTaken(slot) | Body::Contradicted(slot) => {
            Some(answered(slot))
        }
        Body::CustodyReceived(facts) => {
            Some(What::Receipted(facts.peer.clone(), facts.lane(), facts.first, facts.last))
        }
        Body::Restarted(_) => Some(What::Started),
        Body::PeerMisbehaved(facts) => Some(What::Misbehaved(facts.peer.clone(), facts.reason())),
        _ => None,
    };
    items.chain(alone(entry)).chain(slot).collect()
}

/// `None` where neither custody nor its end is meant.
fn about(body: &Body, item: &Item) -> Option<What> {
    let facts = &item.facts;
    let delivery = Delivery {
        origin: facts.origin_agency.clone(),
        id: facts.message_id.clone(),
        recipient: facts.recipient.clone(),
    };
    let event = item.event;
    Some(match body {
        Body::Accepted(facts) => What::Accepted(delivery, terms(facts)),
        Body::Taken(facts) => {
            let peer = facts.slot.as_ref()?.peer.clone();
            What::Taken(delivery, terms(facts.message.as_ref()?), peer)
        }
        Body::CustodyReceived(facts) if event == Event::RelayAccepted => {
            What::Passed(delivery, facts.peer.clone())
        }
        Body::EvidenceTaken(slot) if is_final(event) => {
            What::Told(delivery, slot.peer.clone(), event)
        }
        Body::Contradicted(slot) => {
            let said = Evidence::decode(item.evidence.clone()).ok()?;
            What::Contradicted(delivery, slot.peer.clone(), said.event())
        }
        Body::WrittenOff if item.reason == Reason::WrittenOff => What::WrittenOff(delivery),
        _ if is_final(event) => What::Ended(delivery, event),
        _ => match event {
            Event::Deferred => What::Deferred(delivery),
            // A peer's OVERDUE is told here too.
            Event::Overdue => What::Overdue(delivery),
            _ => return None,
        },
    })
}

/// Evidence about what is not open any more has no item.
fn alone(entry: &Entry) -> Option<What> {
    let Body::EvidenceTaken(slot) = &entry.body else {
        return None;
    };
    let said = Evidence::decode(entry.evidence.clone()).ok()?;
    (entry.items.is_empty() && is_final(said.event())).then(|| {
        let event = said.event();
        let Evidence { origin_agency: origin, message_id: id, recipient, .. } = said;
        What::Told(Delivery { origin, id, recipient }, slot.peer.clone(), event)
    })
}

fn answered(slot: &InboundSlot) -> What {
    let number = slot.answer.as_ref().map_or(0, |answer| answer.number);
    What::Answered(slot.peer.clone(), slot.lane(), number)
}

fn terms(facts: &AcceptedFacts) -> Terms {
    let end = match facts.expires_at_ms {
        0 => facts.deliver_by_ms,
        expires => expires.min(facts.deliver_by_ms),
    };
    Terms { precedence: facts.precedence(), end: Millis(end) }
}
