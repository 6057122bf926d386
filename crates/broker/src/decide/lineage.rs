//! UPDATE and CANCEL: what they replace, and for whom.
//!
//! The head is checked at the origin's node alone (SPINE §3.8). A receiver has what it was
//! given, and marks what it cannot see the head of.

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::header::{Header, Lineage, Version};
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::MessageType;

use super::Refusal;
use crate::caps;
use crate::state::State;
use crate::state::lines::Standing;

/// Checks what a submitted message replaces or recalls. `prior` are the entries at which
/// those may have been accepted.
pub(super) fn check(state: &State, header: &Header, prior: &[Entry]) -> Result<(), Refusal> {
    let versions = header.lineage().versions();
    versions.iter().try_for_each(|version| is_replaceable(state, header, version, prior))?;
    if matches!(header.lineage(), Lineage::Update(_)) && heads(state, header) > caps::HEADS_MAX {
        let text = "the matter has too many heads; merge them by an update that names them all";
        return Err(Refusal::new(Reason::ThreadForked, text));
    }
    Ok(())
}

fn is_replaceable(
    state: &State,
    header: &Header,
    version: &Version,
    prior: &[Entry],
) -> Result<(), Refusal> {
    let mut accepted = of_version(version, prior).filter_map(|entry| match &entry.body {
        Body::Accepted(facts) => Some(&**facts),
        _ => None,
    });
    let Some(facts) = accepted.next() else {
        let text = "what it replaces was not accepted here, or is too old to be known";
        return Err(Refusal::new(Reason::HeadUnknown, text));
    };
    let is_same = facts.header_digest == version.header_digest.0.as_slice()
        && facts.thread_id == header.thread_id().to_string()
        && facts.kind() == header.kind()
        && facts.status() == header.status()
        && facts.r#type() != MessageType::Cancel;
    if !is_same {
        let text = "what it replaces has another digest, thread, kind or status, or is a recall";
        return Err(Refusal::new(Reason::HeadMismatch, text));
    }
    match (state.standing(&version.originator, &version.id), header.lineage()) {
        (Standing::Recalled, _) => {
            let text = "what it replaces was recalled; make a new message on the thread";
            Err(Refusal::new(Reason::HeadRecalled, text))
        }
        // It would leave what holds now, and look as if it did not.
        (Standing::Replaced, Lineage::Cancel(_)) => {
            let text = "what it recalls was replaced; recall what replaced it";
            Err(Refusal::new(Reason::HeadReplaced, text))
        }
        // Whoever wrote it did not know of the other update. Both may matter, and only
        // people can say which holds: both are kept, and told.
        _ => Ok(()),
    }
}

/// What people are told with an update of a matter that has more than one head then.
pub(super) fn told(state: &State, header: &Header) -> Reason {
    let is_update = matches!(header.lineage(), Lineage::Update(_));
    if is_update && heads(state, header) > 1 { Reason::ThreadForked } else { Reason::Unspecified }
}

fn heads(state: &State, header: &Header) -> usize {
    state.heads_with(header.origin(), &header.message_id(), header.lineage().versions())
}

/// Whether it replaces or recalls something that this recipient was not given here.
pub(super) fn is_head_unknown(header: &Header, recipient: &Address, prior: &[Entry]) -> bool {
    let was_given = |version: &Version| {
        let mut items = of_version(version, prior).flat_map(|entry| &entry.items);
        items.any(|item| item.facts.recipient == recipient.as_str())
    };
    !header.lineage().versions().iter().all(was_given)
}

/// The entries by which a version was accepted or taken over.
fn of_version<'e>(version: &Version, prior: &'e [Entry]) -> impl Iterator<Item = &'e Entry> {
    let (origin, id) = (version.originator.to_string(), version.id.to_string());
    prior.iter().filter(move |entry| {
        facts(entry).is_some_and(|f| f.message_id == id && f.origin_agency == origin)
    })
}

fn facts(entry: &Entry) -> Option<&pb::AcceptedFacts> {
    match &entry.body {
        Body::Accepted(facts) => Some(facts),
        Body::Taken(facts) => facts.message.as_ref(),
        _ => None,
    }
}
