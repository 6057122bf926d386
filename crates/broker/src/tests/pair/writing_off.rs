//! What the operators of the two nodes decide about each other's node.

use barid_audit::entry::{Body, Entry};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::federation::v1::Lane;
use bytes::Bytes;
use prost::Message as _;

use super::{AGENCIES, Pair, identity};
use crate::decide::Refusal;
use crate::decide::take::{Content, Proven};
use crate::decide::write_off::{ProposalName, confirm, propose, withdraw};
use crate::state::write_off::WrittenOff;

pub(in crate::tests) const FIRST: &str = "spiffe://pk.example/operator/first";
pub(in crate::tests) const SECOND: &str = "spiffe://pk.example/operator/second";

impl Pair {
    /// An operator of a node proposes to write off the other node.
    pub(in crate::tests) fn propose(&mut self, at: usize, by: &str) -> Result<u64, Refusal> {
        self.propose_to(at, by, "other")
    }

    /// The same, about a node of this name or identity.
    pub(in crate::tests) fn propose_to(
        &mut self,
        at: usize,
        by: &str,
        peer: &str,
    ) -> Result<u64, Refusal> {
        let now = self.now;
        let side = &mut self.sides[at];
        let entry = propose(&side.state, now, by, peer, "the post has burned down".into())?;
        let id = entry.position;
        side.commit(entry);
        Ok(id)
    }

    /// An operator confirms a proposal. Gives how many deliveries are written off; none of
    /// them has ended yet.
    pub(in crate::tests) fn confirm(
        &mut self,
        at: usize,
        by: &str,
        id: u64,
    ) -> Result<u64, Refusal> {
        self.confirm_of(at, by, ("other", id))
    }

    /// The same, of a node of this name or identity.
    pub(in crate::tests) fn confirm_of(
        &mut self,
        at: usize,
        by: &str,
        (peer, id): (&str, u64),
    ) -> Result<u64, Refusal> {
        let now = self.now;
        let side = &mut self.sides[at];
        let name = ProposalName { peer: peer.into(), id };
        let entry = confirm(&side.state, now, by, &name)?;
        let Body::WriteOffConfirmed(facts) = &entry.body else {
            panic!("confirmed by another entry");
        };
        let deliveries = facts.deliveries;
        side.commit(entry);
        Ok(deliveries)
    }

    /// An operator withdraws a proposal.
    pub(in crate::tests) fn withdraw(
        &mut self,
        at: usize,
        by: &str,
        id: u64,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let side = &mut self.sides[at];
        let name = ProposalName { peer: "other".into(), id };
        let entry: Entry = withdraw(&side.state, now, by, &name)?;
        side.commit(entry);
        Ok(())
    }

    /// A node starts again without the other one in its configuration.
    pub(in crate::tests) fn forget_other(&mut self, at: usize) {
        self.sides[at].registry.peers.clear();
        self.restart(at, false);
    }

    /// Two operators write the other node off.
    pub(in crate::tests) fn write_off(&mut self, at: usize) -> u64 {
        let id = match self.sides[at].state.link(&identity(1 - at)).and_then(|l| l.proposal()) {
            Some(proposal) if self.now < proposal.until => proposal.id,
            _ => self.propose(at, FIRST).unwrap(),
        };
        self.confirm(at, SECOND, id).unwrap()
    }

    /// What a node has written off of the other.
    pub(in crate::tests) fn written_off(&self, at: usize) -> WrittenOff {
        let link = self.sides[at].state.link(&identity(1 - at));
        link.map(|link| link.written_off().clone()).unwrap_or_default()
    }
}

impl Pair {
    /// The other node states an end of the newest message of a node, whatever the truth,
    /// as the next of its lane. `is_other`: of another header than that message's.
    pub(in crate::tests) fn claim(&mut self, to: usize, event: Event, is_other: bool) {
        let side = &self.sides[to];
        let entry = side.entries.iter().rev().find(|e| matches!(e.body, Body::Accepted(_)));
        let Body::Accepted(facts) = &entry.unwrap().body else { unreachable!() };
        let mut stated = Evidence {
            issuer: identity(1 - to),
            origin_agency: facts.origin_agency.clone(),
            message_id: facts.message_id.clone(),
            header_digest: facts.header_digest.clone(),
            recipient: AGENCIES[1 - to].into(),
            ..Default::default()
        };
        stated.set_event(event);
        if is_other {
            stated.header_digest = Bytes::from_static(&[7; 32]);
        }
        let bytes: Bytes = stated.encode_to_vec().into();
        let proven = Proven { evidence: stated, bytes, proof: Bytes::from_static(b"proof") };
        let number = side
            .state
            .link(&identity(1 - to))
            .map_or(1, |link| link.inbound(Lane::Evidence).next_expected);
        let content = Content::Evidence(Box::new(proven));
        self.slot_arrives(to, Lane::Evidence, number, content);
    }
}
