//! What operators and readers ask: decided and put on record.

use std::sync::Arc;

use barid_audit::entry::{Body, Entry};
use barid_message::time::Millis;

use super::deciding::first_evidence;
use super::{Sequencer, SequencerError};
use crate::clock::{Reading, Watch};
use crate::command::{Operation, Reply};
use crate::decide::clock::Heard;
use crate::decide::renew::renew;
use crate::decide::{Refusal, clock, damage, operator, write_off};

impl Sequencer {
    pub(super) fn operate(
        &mut self,
        operation: Operation,
        now: Millis,
    ) -> Result<(), SequencerError> {
        match operation {
            Operation::Retry(act, name, reply) => {
                let entry = self
                    .room()
                    .and_then(|()| operator::retry(&self.state, &self.node, now, &act, &name));
                self.done(entry, reply)?;
            }
            Operation::Drop(act, name, reply) => {
                let entry = self.room().and_then(|()| {
                    operator::drop_letter(&self.state, &self.node, now, &act, &name)
                });
                let answer = self.commit_decided(entry)?.map(|entry| first_evidence(&entry));
                self.release(reply, answer);
            }
            Operation::Renew(renewal, reply) => {
                let entry = self.room().and_then(|()| renew(&self.state, now, &renewal));
                let answer = self.commit_decided(entry)?.map(drop);
                if answer.is_ok() {
                    self.publish_registry();
                }
                self.release(reply, answer);
            }
            Operation::TakeForLost(actor, reply) => {
                let entry =
                    self.room().and_then(|()| damage::take_for_lost(&self.state, now, &actor));
                self.done(entry, reply)?;
            }
            Operation::ConfirmClock(actor, reply) => {
                let answer = self.room();
                if answer.is_ok() {
                    let reading = self.clock.read();
                    let entry = operator::clock(&self.state, reading.wall, false, &actor);
                    self.believe_clock(reading, entry)?;
                }
                self.release(reply, answer);
            }
            Operation::HearClocks(heard, reply) => {
                let is_believed = self.hear_clocks(&heard)?;
                self.release(reply, is_believed);
            }
            Operation::ProposeWriteOff { operator, peer, why, reply } => {
                let entry = self
                    .room()
                    .and_then(|()| write_off::propose(&self.state, now, &operator, &peer, why));
                let answer = self.commit_decided(entry)?.map(|entry| entry.position);
                self.release(reply, answer);
            }
            Operation::ConfirmWriteOff(actor, name, reply) => {
                let entry =
                    self.room().and_then(|()| write_off::confirm(&self.state, now, &actor, &name));
                let answer = self.commit_decided(entry)?.map(|entry| written_off(&entry));
                self.release(reply, answer);
            }
            Operation::WithdrawWriteOff(actor, name, reply) => {
                let entry =
                    self.room().and_then(|()| write_off::withdraw(&self.state, now, &actor, &name));
                self.done(entry, reply)?;
            }
            Operation::ReadOpened(facts, reply) => {
                let entry = self.room().map(|()| operator::read_opened(&self.state, now, facts));
                let answer = self.commit_decided(entry)?.map(|entry| entry.position);
                self.release(reply, answer);
            }
            Operation::ReadClosed(facts) => {
                if self.room().is_ok() {
                    self.commit(operator::read_closed(&self.state, now, facts))?;
                }
            }
        }
        Ok(())
    }

    /// Commits what was decided; there is nothing to say beside that.
    fn done(
        &mut self,
        entry: Result<Entry, Refusal>,
        reply: Reply<Result<(), Refusal>>,
    ) -> Result<(), SequencerError> {
        let answer = self.commit_decided(entry)?.map(drop);
        self.release(reply, answer);
        Ok(())
    }

    fn commit_decided(
        &mut self,
        entry: Result<Entry, Refusal>,
    ) -> Result<Result<Arc<Entry>, Refusal>, SequencerError> {
        match entry {
            Ok(entry) => self.commit(entry).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Whether peers have confirmed a clock that was in doubt.
    fn hear_clocks(&mut self, heard: &[Heard]) -> Result<bool, SequencerError> {
        let reading = self.clock.read();
        let is_asked = self.state.clock_suspect() && self.room().is_ok();
        let Some(peers) = clock::confirming(reading, heard).filter(|_| is_asked) else {
            return Ok(false);
        };
        let entry = operator::clock_by_peers(&self.state, reading.wall, &peers);
        self.believe_clock(reading, entry)?;
        Ok(true)
    }

    fn believe_clock(&mut self, reading: Reading, entry: Entry) -> Result<(), SequencerError> {
        self.watch = Watch::new(reading);
        if self.state.clock_suspect() {
            self.commit(entry)?;
            // While in doubt nothing ended. Whoever holds a lease gets its time first.
            let until = Millis(reading.wall.0 + self.node.policy.lease_ms);
            self.state.believe_clock(reading.wall, until);
        }
        Ok(())
    }
}

fn written_off(entry: &Entry) -> u64 {
    match &entry.body {
        Body::WriteOffConfirmed(facts) => facts.deliveries,
        _ => 0,
    }
}
