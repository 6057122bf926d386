//! One of the two nodes.

use std::collections::{BTreeMap, BTreeSet};

use barid_audit::entry::{Body, Entry, is_final};
use barid_message::key::SigningKey;
use barid_message::time::Millis;
use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::SignedMessage;
use bytes::Bytes;
use prost::Message as _;

use super::{AGENCIES, DOMAINS};
use crate::decide::{Node, start};
use crate::state::State;

pub(in crate::tests) struct Side {
    pub(in crate::tests) state: State,
    pub(in crate::tests) entries: Vec<Entry>,
    pub(in crate::tests) node: Node,
    pub(in crate::tests) agency_key: SigningKey,
    pub(in crate::tests) evidence_key: SigningKey,
    pub(in crate::tests) registry: facts::RegistryFacts,
    /// By header digest: the bytes a real node keeps as blobs.
    pub(in crate::tests) blobs: BTreeMap<Bytes, SignedMessage>,
    pub(super) session: Option<u64>,
    pub(super) starts: u64,
}

impl Side {
    pub(super) fn begin(&mut self, which: usize, now: Millis) {
        self.starts += 1;
        self.session = None;
        let facts = facts::RestartedFacts {
            start_no: self.starts,
            log_origin: format!("{}/log/1", DOMAINS[which]),
            evidence_key_spki: self.evidence_key.public().spki().clone(),
            ..Default::default()
        };
        self.commit(start::restarted(&self.state, now, facts));
        if let Some(entry) = start::registry(&self.state, now, &self.registry.clone()) {
            self.commit(entry);
        }
        self.state.hold_ends(Millis(now.0 + self.node.policy.lease_ms));
    }

    pub(super) fn commit(&mut self, entry: Entry) {
        self.state.fold(&entry).unwrap();
        self.entries.push(entry);
    }

    /// Ids of messages submitted here, in order, by precedence.
    pub(in crate::tests) fn accepted(&self) -> Vec<(Precedence, String)> {
        let accepted = self.entries.iter().filter_map(|entry| match &entry.body {
            Body::Accepted(facts) => Some((facts.precedence(), facts.message_id.clone())),
            _ => None,
        });
        accepted.collect()
    }

    /// Ids of messages taken over here, in order, by precedence.
    pub(in crate::tests) fn taken(&self) -> Vec<(Precedence, String)> {
        let taken = self.entries.iter().filter_map(|entry| match &entry.body {
            Body::Taken(facts) => {
                let facts = facts.message.as_ref()?;
                Some((facts.precedence(), facts.message_id.clone()))
            }
            _ => None,
        });
        taken.collect()
    }

    /// The finals journaled here about messages of an agency, by id.
    pub(in crate::tests) fn finals(&self, origin: usize) -> Vec<(String, Event)> {
        let items = self.entries.iter().flat_map(|entry| &entry.items);
        items
            .filter(|item| is_final(item.event) && item.facts.origin_agency == AGENCIES[origin])
            .map(|item| (item.facts.message_id.clone(), item.event))
            .collect()
    }

    /// The newest evidence that was told with an event.
    pub(in crate::tests) fn evidence_of(&self, event: Event) -> Evidence {
        let items = self.entries.iter().rev().flat_map(|entry| &entry.items);
        let item = items.into_iter().find(|item| item.event == event).unwrap();
        Evidence::decode(item.evidence.clone()).unwrap()
    }

    /// Ids of messages that were written off here.
    pub(in crate::tests) fn written_off(&self) -> BTreeSet<String> {
        let items = self.entries.iter().flat_map(|entry| &entry.items);
        let written_off = items.filter(|item| item.reason == Reason::WrittenOff);
        written_off.map(|item| item.facts.message_id.clone()).collect()
    }

    /// Ids of messages with an event.
    pub(in crate::tests) fn ids(&self, event: Event) -> BTreeSet<String> {
        let items = self.entries.iter().flat_map(|entry| &entry.items);
        items.filter(|item| item.event == event).map(|i| i.facts.message_id.clone()).collect()
    }

    pub(in crate::tests) fn reasons(&self, event: Event) -> Vec<Reason> {
        let items = self.entries.iter().flat_map(|entry| &entry.items);
        items.filter(|item| item.event == event).map(|item| item.reason).collect()
    }

    pub(in crate::tests) fn events(&self, event: Event) -> usize {
        self.entries.iter().flat_map(|entry| &entry.items).filter(|i| i.event == event).count()
    }
}
