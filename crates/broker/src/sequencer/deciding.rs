//! One command at a time: decided, folded, and its answer put behind the group.

use std::sync::mpsc::Sender;

use barid_audit::entry::{Body, Entry};
use barid_journal::Claim;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::signed::VerifiedMessage;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use super::{Sequencer, SequencerError};
use crate::caps;
use crate::command::{Candidate, Command, Queued, Receipt, Settlement, Unsent};
use crate::decide::Refusal;
use crate::decide::accept::{
    Foreseen, Submission, Verdict, accept, foresee, refused_in_doubt, repeat,
};
use crate::decide::apart;
use crate::decide::damage::found;
use crate::decide::hand_out::{self, Consumer, HandedOut, Next};
use crate::decide::quota::claim;
use crate::decide::settle::{self, Settled};
use crate::gate::Admitted;
use crate::lent::Lent;

impl Sequencer {
    pub(super) fn handle(&mut self, command: Command, now: Millis) -> Result<(), SequencerError> {
        match command {
            Command::Submit(submission, reply) => {
                let answer = self.submit(&submission, now)?;
                self.count_refused(&answer);
                self.release(reply, answer);
            }
            Command::Foresee(candidate, go_on) => match self.foresee(&candidate, now)? {
                Some(answer) => {
                    self.count_refused(&answer);
                    self.release(candidate.reply, answer);
                }
                // Nothing is told by this, so it need not be durable. Whoever asked may
                // have gone; then nothing is submitted.
                None => drop(go_on.send(candidate)),
            },
            Command::Recognise(known, reply) => {
                let prior = self.prior(&known.origin, &known.id).unwrap_or_default();
                let receipt =
                    repeat(&known, &prior).map(|evidence| Receipt { evidence, repeated: true });
                self.release(reply, receipt);
            }
            Command::Refused(facts, None) => {
                self.figures.refused(facts.reason());
                self.refused(*facts, now)?;
            }
            Command::Refused(mut facts, Some(reply)) => {
                let instead = refused_in_doubt(&self.state);
                if let Some(refusal) = &instead {
                    facts.set_reason(refusal.reason());
                }
                self.figures.refused(facts.reason());
                self.refused(*facts, now)?;
                self.release(reply, instead);
            }
            Command::HandOut(consumer, max, commands, reply) => {
                let handed_out = self.hand_out(&consumer, max, now)?;
                self.release(reply, lent(handed_out, &commands));
            }
            Command::Settle { caller, token, answer, reply } => {
                let settled = settle::settle(&self.state, &self.node, now, &caller, &token, answer);
                let answer = self.settled(settled, &caller, now)?;
                self.count_refused(&answer);
                self.release(reply, answer);
            }
            Command::Release { stream, consumer } => {
                let released = self.state.release(stream, &consumer);
                self.pending.touched.extend(released);
            }
            Command::Unsent(unsent) => self.take_back(unsent),
            Command::Damaged(damage) => {
                if let Some(entry) =
                    self.room().ok().and_then(|()| found(&self.state, now, &damage))
                {
                    self.commit(entry)?;
                }
            }
            Command::Operate(operation) => self.operate(operation, now)?,
            Command::Link(command) => self.link(command, now)?,
            Command::Inspect(inspect) => {
                let release = inspect(&self.state);
                self.pending.releases.push(release);
            }
            Command::WriterIdle | Command::Stop => {}
        }
        Ok(())
    }

    fn count_refused<T>(&self, answer: &Result<T, Refusal>) {
        if let Err(refusal) = answer {
            self.figures.refused(refusal.reason());
        }
    }

    /// Whether an entry can be written at all: on a disk that is full to the last
    /// block nothing may be folded, since it could not be kept.
    pub(super) fn room(&self) -> Result<(), Refusal> {
        if self.progress.has_room(Claim::Delivery) { Ok(()) } else { Err(storage_full()) }
    }

    fn submit(
        &mut self,
        submission: &Submission,
        now: Millis,
    ) -> Result<Result<Receipt, Refusal>, SequencerError> {
        let header = submission.admitted.message.header();
        if !self.progress.has_room(claim(header.precedence())) {
            return Ok(Err(storage_full()));
        }
        self.make_room_for_refusal(now)?;
        let Some(prior) = self.prior_of(&submission.admitted.message) else {
            return Ok(Err(unreadable()));
        };
        Ok(match accept(&self.state, &self.node, now, submission, &prior) {
            Verdict::Accepted(entry) => {
                let evidence = entry.evidence.clone();
                self.commit(entry)?;
                Ok(Receipt { evidence, repeated: false })
            }
            Verdict::Repeat(evidence) => Ok(Receipt { evidence, repeated: true }),
            Verdict::Conflict(entry) => {
                let refusal = conflict();
                if self.windows.is_single(now, &submission.submitted_by, refusal.reason()) {
                    let evidence = Some(entry.evidence.clone());
                    self.commit(entry)?;
                    Err(Refusal { evidence, ..refusal })
                } else {
                    self.unkept = now;
                    Err(refusal)
                }
            }
            Verdict::Refused(refusal) => {
                let Submission { admitted, submitted_by, .. } = submission;
                self.refused(refused_facts(admitted, submitted_by, refusal.reason()), now)?;
                Err(refusal)
            }
        })
    }

    /// The answer to a message whose bytes need not be written for it; `None` where
    /// they must be. Messages that are told so side by side may still be refused once
    /// they are written: one of each stream and call at most.
    fn foresee(
        &mut self,
        candidate: &Candidate,
        now: Millis,
    ) -> Result<Option<Result<Receipt, Refusal>>, SequencerError> {
        let Candidate { admitted, submitted_by, .. } = candidate;
        let Some(prior) = self.prior_of(&admitted.message) else {
            return Ok(Some(Err(unreadable())));
        };
        let refusal = match foresee(&self.state, &self.node, now, admitted, &prior) {
            Foreseen::Accepted => return Ok(None),
            Foreseen::Repeat(evidence) => {
                return Ok(Some(Ok(Receipt { evidence, repeated: true })));
            }
            Foreseen::Conflict(_) => {
                let refusal = conflict();
                if self.windows.has_single(now, submitted_by, refusal.reason()) {
                    return Ok(None);
                }
                self.unkept = now;
                refusal
            }
            Foreseen::Refused(refusal) => refusal,
        };
        self.refused(refused_facts(admitted, submitted_by, refusal.reason()), now)?;
        Ok(Some(Err(refusal)))
    }

    fn refused(&mut self, facts: pb::RefusedFacts, now: Millis) -> Result<(), SequencerError> {
        if !self.progress.has_room(Claim::Intake) {
            return Ok(());
        }
        self.make_room_for_refusal(now)?;
        let entry = self.windows.refused(&self.state, now, facts);
        entry.map(|entry| self.commit(entry)).transpose()?;
        Ok(())
    }

    /// Before a refusal is decided: what is decided has its position.
    pub(super) fn make_room_for_refusal(&mut self, now: Millis) -> Result<(), SequencerError> {
        let count = self.windows.make_room(&self.state, now);
        count.map(|entry| self.commit(entry)).transpose()?;
        Ok(())
    }

    fn hand_out(
        &mut self,
        consumer: &Consumer,
        max: usize,
        now: Millis,
    ) -> Result<Vec<HandedOut>, SequencerError> {
        let mut handed_out = Vec::new();
        let (mut ended, mut is_cut) = (0, false);
        for next in hand_out::next(&self.state, now, consumer, max) {
            match next {
                Next::Delivery(key) => {
                    let granted = hand_out::grant(&mut self.state, &self.node, now, consumer, key);
                    handed_out.extend(granted);
                }
                // What cannot be written down stays where it is.
                Next::End(..) if self.room().is_err() => {}
                Next::End(..) if self.is_full() => {
                    is_cut = true;
                    break;
                }
                Next::End(key, event, reason) => {
                    let what = (key, event, reason);
                    let entry = hand_out::end(&self.state, &self.node, now, what);
                    entry.map(|entry| self.commit(entry)).transpose()?;
                    ended += 1;
                }
            }
        }
        if is_cut || ended == caps::HAND_OUT_ENDS_MAX {
            // Space is held ready for so much at once. The rest has its turn when the
            // consumer asks again.
            self.pending.touched.push(consumer.inbox.clone());
        }
        Ok(handed_out)
    }

    fn take_back(&mut self, Unsent { key, number, is_readable }: Unsent) {
        if is_readable {
            self.pending.touched.extend(self.state.give_back(key, number));
        } else {
            self.state.put_aside(key, number);
        }
    }

    fn settled(
        &mut self,
        settled: Result<Settled, Refusal>,
        caller: &str,
        now: Millis,
    ) -> Result<Result<Settlement, Refusal>, SequencerError> {
        Ok(match settled {
            Ok(Settled::Entry(_)) if self.room().is_err() => Err(storage_full()),
            Ok(Settled::Entry(entry)) => {
                let entry = self.commit(entry)?;
                Ok(match (&entry.body, entry.items.first()) {
                    (Body::Returned, Some(item)) => {
                        Settlement::Again(Millis(item.facts.not_before_ms))
                    }
                    (Body::DeadLettered, _) => Settlement::DeadLetter,
                    _ => Settlement::Final(first_evidence(&entry)),
                })
            }
            Ok(Settled::Renewed(key, until)) => {
                self.state.renew(key, until);
                Ok(Settlement::Renewed(until))
            }
            Err(refusal) => {
                if settle::is_on_record(refusal.reason()) {
                    self.refused(by(caller, refusal.reason()), now)?;
                }
                Err(refusal)
            }
        })
    }

    /// The entries at which an id may have been accepted. `None` where one cannot be
    /// read back.
    pub(super) fn prior(&self, origin: &Address, id: &MessageId) -> Option<Vec<Entry>> {
        let positions = self.state.dedupe().positions(origin, id);
        positions.into_iter().map(|position| self.entry_at(position)).collect()
    }

    /// The entries at which the id of a message, or one that it names, replaces or recalls,
    /// may have been accepted. `None` as there.
    pub(super) fn prior_of(&self, message: &VerifiedMessage) -> Option<Vec<Entry>> {
        let header = message.header();
        let mut all = self.prior(header.origin(), &header.message_id())?;
        for (origin, id) in apart::named(message) {
            all.extend(self.prior(&origin, &id)?);
        }
        for version in header.lineage().versions() {
            all.extend(self.prior(&version.originator, &version.id)?);
        }
        Some(all)
    }

    /// An entry of before: still in memory, or durable.
    fn entry_at(&self, position: u64) -> Option<Entry> {
        if let Some(entry) = self.recent.iter().find(|entry| entry.position == position) {
            return Some(Entry::clone(entry));
        }
        let record = self.reader.read(position).ok()?;
        Entry::decode(position, record.kind, record.version, &record.leaf, record.side).ok()
    }
}

/// What comes back as a command if it does not arrive.
fn lent(handed_out: Vec<HandedOut>, commands: &Sender<Queued>) -> Vec<Lent> {
    handed_out.into_iter().map(|one| Lent::new(one, commands.clone())).collect()
}

pub(super) fn first_evidence(entry: &Entry) -> Bytes {
    entry.items.first().map(|item| item.evidence.clone()).unwrap_or_default()
}

fn refused_facts(admitted: &Admitted, submitted_by: &str, reason: Reason) -> pb::RefusedFacts {
    let message = &admitted.message;
    pb::RefusedFacts {
        origin_agency: message.header().origin().as_str().to_owned(),
        message_id: message.header().message_id().to_string(),
        header_digest: Bytes::copy_from_slice(&message.header_digest().0),
        ..by(submitted_by, reason)
    }
}

fn by(caller: &str, reason: Reason) -> pb::RefusedFacts {
    let mut facts = pb::RefusedFacts { identity: caller.to_owned(), ..Default::default() };
    facts.set_reason(reason);
    facts
}

fn conflict() -> Refusal {
    let text = "this id was accepted before with another header; give the new message a new id";
    Refusal::new(Reason::DuplicateIdConflict, text)
}

fn storage_full() -> Refusal {
    let text =
        "the node's disk is full; keep the message and try again, and tell the node's operator";
    Refusal::new(Reason::StorageFull, text).retry_after(30_000)
}

fn unreadable() -> Refusal {
    let text = "an earlier message of this id cannot be read back; the node's operator must look at its disk";
    Refusal::new(Reason::Internal, text)
}
