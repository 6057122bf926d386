//! Whose messages have not ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use barid_message::address::Address;

use super::{Message, State};

/// Messages with an open delivery, by who brought them.
#[derive(Debug, Default)]
pub struct Holders {
    agencies: BTreeMap<Address, usize>,
    peers: BTreeMap<Arc<str>, usize>,
}

impl Holders {
    /// Submitted here by an agency or its units.
    #[must_use]
    pub fn of_agency(&self, agency: &Address) -> usize {
        self.agencies.get(agency).copied().unwrap_or(0)
    }

    /// Taken over from a peer.
    #[must_use]
    pub fn of_peer(&self, peer: &str) -> usize {
        self.peers.get(peer).copied().unwrap_or(0)
    }

    /// Of the agency that has most.
    #[must_use]
    pub fn most_of_an_agency(&self) -> usize {
        self.agencies.values().copied().max().unwrap_or(0)
    }

    /// Of the peer that has most.
    #[must_use]
    pub fn most_of_a_peer(&self) -> usize {
        self.peers.values().copied().max().unwrap_or(0)
    }

    pub(super) fn add(&mut self, message: &Message) {
        *match &message.from {
            Some(from) => self.peers.entry(Arc::clone(&from.peer)).or_default(),
            None => self.agencies.entry(message.origin.agency()).or_default(),
        } += 1;
    }

    pub(super) fn remove(&mut self, message: &Message) {
        let held = match &message.from {
            Some(from) => self.peers.get_mut(&from.peer),
            None => self.agencies.get_mut(&message.origin.agency()),
        };
        if let Some(held) = held {
            *held = held.saturating_sub(1);
        }
    }
}

impl State {
    /// Whose messages have not ended.
    #[must_use]
    pub const fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Whether a delivery of the message accepted there is open.
    pub(super) fn is_open(&self, accepted: u64) -> bool {
        let first = super::DeliveryKey { accepted, index: 0 };
        let last = super::DeliveryKey { accepted, index: u32::MAX };
        self.deliveries.range(first..=last).next().is_some()
    }
}
