//! Who may have how much: what is refused before a reserve is touched.

use barid_journal::Claim;
use barid_message::Precedence;
use barid_message::address::Address;
use barid_message::header::Header;

use super::Node;
use crate::caps;
use crate::state::State;
use crate::state::inbox::Inbox;
use crate::state::link::Link;

/// What is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Full {
    /// The inbox of this recipient, or the way to its node.
    Inbox(Address),
    /// What its originating agency may have that has not ended.
    Agency(Address),
    /// What the peer may have here that has not ended.
    Peer,
    /// The bytes that bodies may take.
    Bodies,
}

/// What the disk is asked for by a message of this precedence.
#[must_use]
pub const fn claim(precedence: Precedence) -> Claim {
    match precedence {
        Precedence::Flash | Precedence::Immediate => Claim::Urgent,
        _ => Claim::Intake,
    }
}

/// Places beyond every limit of messages that a precedence has of its own.
#[must_use]
pub const fn reserve(precedence: Precedence) -> usize {
    match precedence {
        Precedence::Flash => caps::IMMEDIATE_RESERVE + caps::FLASH_RESERVE,
        Precedence::Immediate => caps::IMMEDIATE_RESERVE,
        _ => 0,
    }
}

/// What is used up for a message that is submitted here.
#[must_use]
pub fn submission(state: &State, node: &Node, header: &Header) -> Option<Full> {
    let reserve = reserve(header.precedence());
    let recipients = header.recipients().iter().map(|recipient| &recipient.address);
    let inbox_max = (node.policy.inbox_max + reserve) as u64;
    if let Some(full) = recipients.into_iter().find(|to| waiting(state, to) >= inbox_max) {
        return Some(Full::Inbox(full.clone()));
    }
    let agency = header.origin().agency();
    if state.holders().of_agency(&agency) >= node.policy.agency_max + reserve {
        return Some(Full::Agency(agency));
    }
    bodies(state, node, header).then_some(Full::Bodies)
}

/// What is used up for a message that a peer sent, and this recipient.
#[must_use]
pub fn relayed(
    state: &State,
    node: &Node,
    header: &Header,
    peer: &str,
    recipient: &Address,
) -> Option<Full> {
    let reserve = reserve(header.precedence());
    if waiting(state, recipient) >= (node.policy.inbox_max + reserve) as u64 {
        return Some(Full::Inbox(recipient.clone()));
    }
    if state.holders().of_peer(peer) >= node.policy.peer_max + reserve {
        return Some(Full::Peer);
    }
    bodies(state, node, header).then_some(Full::Bodies)
}

/// Whether bodies take all that they may: more of it is for urgent ones.
fn bodies(state: &State, node: &Node, header: &Header) -> bool {
    let max = node.policy.bodies_bytes_max;
    let limit = match claim(header.precedence()) {
        Claim::Intake => max,
        Claim::Urgent | Claim::Delivery => max.saturating_add(max / caps::BODIES_URGENT_PART),
    };
    state.segments().bytes() >= limit
}

/// Deliveries that wait for a recipient, or for its node.
fn waiting(state: &State, recipient: &Address) -> u64 {
    match state.registry().peer_of(recipient) {
        Some(peer) => state.link(&peer.identity).map_or(0, Link::waiting),
        None => state.inbox(recipient).map_or(0, Inbox::len) as u64,
    }
}

/// Whether messages are refused now, or soon enough that those already on their way
/// would be: each of them has a place in the queue of commands, so no more than that
/// many can be added by messages that nobody asked about.
#[must_use]
pub fn is_near(state: &State, node: &Node) -> bool {
    let on_their_way = caps::COMMANDS_MAX;
    let policy = &node.policy;
    let bytes = (on_their_way * barid_message::caps::GRPC_MESSAGE_BYTES_MAX) as u64;
    state.longest_inbox() + on_their_way >= policy.inbox_max
        || state.holders().most_of_an_agency() + on_their_way >= policy.agency_max
        || state.holders().most_of_a_peer() + on_their_way >= policy.peer_max
        || state.segments().bytes().saturating_add(bytes) >= policy.bodies_bytes_max
}
