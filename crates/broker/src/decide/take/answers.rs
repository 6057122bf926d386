//! What each recipient of a transfer is answered.

use barid_audit::entry::{Body, Entry};
use barid_journal::planted;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::header::Header;
use barid_message::time::Millis;
use barid_proto::federation::v1::{Answer, RecipientAnswer};
use bytes::Bytes;

use super::{Place, Transfer};
use crate::decide::quota::{self, Full};
use crate::decide::{Node, apart};
use crate::gate::permit_for;
use crate::registry::Registry;
use crate::state::State;

/// The answer for each recipient, and whether its delivery begins here.
pub(super) fn answers(
    state: &State,
    node: &Node,
    now: Millis,
    (peer, transfer): (&str, &Transfer),
    place: &Place<'_>,
) -> Vec<(RecipientAnswer, bool)> {
    let all = |answer: RecipientAnswer| vec![(answer, false); transfer.recipients.len()];
    let header = match &transfer.admitted {
        Ok(relayed) => relayed.admitted.message.header(),
        Err(faults) => return all(no(faults.first().reason)),
    };
    if state.clock_suspect() {
        return all(later(Reason::ClockSuspect, 60_000));
    }
    if state.damages().open() > 0 {
        return all(later(Reason::StorageDamaged, 60_000));
    }
    if let Some(reason) = over(header, now) {
        return all(no(reason));
    }
    if other_header(transfer, place.prior).is_some() {
        return all(no(Reason::DuplicateIdConflict));
    }
    if mixed(transfer, place.prior) {
        return all(no(Reason::StatusMixed));
    }
    let items = of_this_id(header, place.prior).flat_map(|(entry, _)| &entry.items);
    let earlier: Vec<_> = items.map(|item| item.facts.recipient.as_str()).collect();
    if earlier.is_empty() && state.dedupe().may_have_forgotten(&header.message_id()) {
        return all(no(Reason::TooOld));
    }
    let answer = |recipient: &Address| {
        if earlier.contains(&recipient.as_str())
            || (!earlier.is_empty() && planted("swallow-other-recipient"))
        {
            return (yes(), false);
        }
        if let Some(reason) = forbids(state.registry(), header, recipient) {
            return (no(reason), false);
        }
        if !place.has_room {
            return (later(Reason::StorageFull, 30_000), false);
        }
        match quota::relayed(state, node, header, peer, recipient) {
            None => {}
            Some(Full::Bodies) => return (later(Reason::StorageFull, 30_000), false),
            Some(_) => return (later(Reason::Overloaded, 5_000), false),
        }
        (yes(), true)
    };
    transfer.recipients.iter().map(answer).collect()
}

/// Whether a message is refused for all whom it is handed over for, as far as that can be
/// known without the state.
#[must_use]
pub fn is_hopeless(registry: &Registry, now: Millis, transfer: &Transfer) -> bool {
    transfer.admitted.as_ref().map_or(true, |relayed| {
        let header = relayed.admitted.message.header();
        over(header, now).is_some()
            || transfer.recipients.iter().all(|to| forbids(registry, header, to).is_some())
    })
}

/// Why the time of a message is over.
fn over(header: &Header, now: Millis) -> Option<Reason> {
    if header.deliver_by() <= now {
        return Some(Reason::DeliverByPassed);
    }
    header.expires_at().is_some_and(|end| end <= now).then_some(Reason::ExpiresAtPassed)
}

/// Why a message may not be for this recipient.
fn forbids(registry: &Registry, header: &Header, recipient: &Address) -> Option<Reason> {
    let is_named = header.recipients().iter().any(|named| named.address == *recipient);
    if !is_named || !registry.hosts(recipient) {
        return Some(Reason::RecipientNotPermitted);
    }
    permit_for(registry, header, [recipient]).err().map(|faults| faults.first().reason)
}

/// The digest under which this id came before with another header.
pub(super) fn other_header<'e>(transfer: &Transfer, prior: &'e [Entry]) -> Option<&'e Bytes> {
    let relayed = transfer.admitted.as_ref().ok()?;
    let mut digests =
        of_this_id(relayed.admitted.message.header(), prior).map(|(_, digest)| digest);
    digests.find(|digest| **digest != transfer.header_digest)
}

/// Whether it names a message of another status that was accepted or taken over here.
fn mixed(transfer: &Transfer, prior: &[Entry]) -> bool {
    let relayed = transfer.admitted.as_ref();
    relayed.is_ok_and(|relayed| apart::mixed(&relayed.admitted.message, prior).is_some())
}

/// What this id was accepted or taken over by, and under which header.
fn of_this_id<'e>(
    header: &Header,
    prior: &'e [Entry],
) -> impl Iterator<Item = (&'e Entry, &'e Bytes)> {
    let (origin, id) = (header.origin().clone(), header.message_id().to_string());
    prior.iter().filter_map(move |entry| {
        let facts = match &entry.body {
            Body::Accepted(facts) => facts,
            Body::Taken(facts) => facts.message.as_ref()?,
            _ => return None,
        };
        (facts.message_id == id && facts.origin_agency == origin.as_str())
            .then_some((entry, &facts.header_digest))
    })
}

fn yes() -> RecipientAnswer {
    RecipientAnswer { answer: Answer::Taken.into(), ..Default::default() }
}

/// Refused, or put off where the same bytes may be good later.
fn no(reason: Reason) -> RecipientAnswer {
    match reason {
        Reason::ClockSkew => later(reason, 60_000),
        Reason::RegistryChanged => later(reason, 1_000),
        Reason::StorageFull => later(reason, 30_000),
        _ => RecipientAnswer {
            answer: Answer::Refused.into(),
            reason: reason.into(),
            retry_after_ms: 0,
        },
    }
}

fn later(reason: Reason, retry_after_ms: u64) -> RecipientAnswer {
    RecipientAnswer { answer: Answer::Deferred.into(), reason: reason.into(), retry_after_ms }
}
