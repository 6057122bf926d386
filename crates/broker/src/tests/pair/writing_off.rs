//! What the operators of the two nodes decide about each other's node.

use barid_audit::entry::{Body, Entry};

use super::{Pair, identity};
use crate::decide::Refusal;
use crate::decide::write_off::{ProposalName, confirm, propose, withdraw};
use crate::state::write_off::WrittenOff;

pub(in crate::tests) const FIRST: &str = "spiffe://pk.example/operator/first";
pub(in crate::tests) const SECOND: &str = "spiffe://pk.example/operator/second";

impl Pair {
    /// An operator of a node proposes to write off the other node.
    pub(in crate::tests) fn propose(&mut self, at: usize, by: &str) -> Result<u64, Refusal> {
        let now = self.now;
        let side = &mut self.sides[at];
        let entry = propose(&side.state, now, by, "other", "the post has burned down".into())?;
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
        let now = self.now;
        let side = &mut self.sides[at];
        let entry = confirm(&side.state, now, by, &named(id))?;
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
        let entry: Entry = withdraw(&side.state, now, by, &named(id))?;
        side.commit(entry);
        Ok(())
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

fn named(id: u64) -> ProposalName {
    ProposalName { peer: "other".into(), id }
}
