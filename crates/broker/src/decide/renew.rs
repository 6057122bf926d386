//! A newer card of a peer, which takes the place of the one in force while the node runs.

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::{Refusal, plain};
use crate::registry::keep_former_keys;
use crate::state::State;

/// A newer card, checked against the registry of a position: it is of the same node,
/// newer, signed by a key of the card before; and what it grants beyond that card a
/// person has allowed.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// Position of the registry that it was checked against.
    pub registry_position: u64,
    /// The peer as the newer card has it.
    pub peer: pb::RegisteredPeer,
    /// Identity of the operator who allowed what it grants; empty: it grants nothing more.
    pub actor: String,
}

/// Puts the newer card in force.
///
/// # Errors
/// [`Reason::RegistryChanged`] where the registry is another by now: the card must be
/// checked against that one. [`Reason::WrongState`] where it contradicts what else is
/// registered here.
pub fn renew(state: &State, now: Millis, renewal: &Renewal) -> Result<Entry, Refusal> {
    let Renewal { registry_position, peer, actor } = renewal;
    if *registry_position != state.registry().position() {
        let text = "the registry changed while the card was checked; try again";
        return Err(Refusal::new(Reason::RegistryChanged, text).retry_after(100));
    }
    let mut peer = peer.clone();
    let facts = state.registry().facts();
    if let Some(known) = facts.peers.iter().find(|known| known.identity == peer.identity) {
        keep_former_keys(known, &mut peer);
    }
    if let Err(error) = state.registry().renewed(peer.clone(), state.next_position()) {
        let text = format!("{error}; the card contradicts what is registered here");
        return Err(Refusal::new(Reason::WrongState, text));
    }
    let facts = pb::PeerRenewedFacts { peer: Some(peer), actor: actor.clone() };
    Ok(plain(state, now, Body::PeerRenewed(Box::new(facts))))
}
