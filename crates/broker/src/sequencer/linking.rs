//! Commands of links: one session a peer, and every answer behind its group.

use std::sync::Arc;

use barid_audit::entry::{Body, Entry};
use barid_journal::Claim;
use barid_message::time::Millis;
use barid_proto::audit::v1::Evidence;
use barid_proto::federation::v1::{CustodyStatement, Hello, Lane};
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use super::{Sequencer, SequencerError};
use crate::command::{Arriving, Content, LinkCommand, LinkEnd, Offered, Written};
use crate::decide::accept::Blob;
use crate::decide::hello::{self, Unreceipted};
use crate::decide::link::{self, Breach, Next, Received};
use crate::decide::quota::claim;
use crate::decide::take::{self, Place, Slot, Verdict, take};
use crate::state::DeliveryKey;
use crate::state::link::{Answered, LANES, Slot as Kept};

impl Sequencer {
    pub(super) fn link(&mut self, command: LinkCommand, now: Millis) -> Result<(), SequencerError> {
        match command {
            LinkCommand::Open { peer, reply } => {
                let session = self.state.fence(&peer);
                let lanes = hello::lanes(&self.state, &peer);
                self.release(reply, (session, lanes));
            }
            LinkCommand::Hello { peer, session, hello, reply } => {
                let answer = self.hello(&peer, session, &hello, now)?;
                self.release(reply, answer);
            }
            LinkCommand::Offer { peer, session, wants, reply } => {
                let answer = self.offer(&peer, session, wants, now)?;
                self.release(reply, answer);
            }
            LinkCommand::Take(arriving, written) => self.arrived(arriving, written, now)?,
            LinkCommand::Receipt { peer, session, statement, receipt, reply } => {
                let answer = self.receipt(&peer, session, &statement, &receipt, now)?;
                self.release(reply, answer);
            }
            LinkCommand::Breach { peer, breach, reply } => {
                drop(self.breach(&peer, breach, now)?);
                self.release(reply, ());
            }
        }
        Ok(())
    }

    /// Peers that the entry gives something to send to. Asked before the fold, which
    /// may end the delivery.
    pub(super) fn touch_peers(&mut self, entry: &Entry) {
        for item in &entry.items {
            let facts = &item.facts;
            if !facts.peer.is_empty() {
                self.pending.touched_peers.insert(facts.peer.as_str().into());
            }
            let key = delivery_key(facts);
            if facts.evidence_slot != 0
                && let Some(from) = self.state.delivery(key).and_then(|d| d.message.from.as_ref())
            {
                self.pending.touched_peers.insert(Arc::clone(&from.peer));
            }
        }
    }

    fn hello(
        &mut self,
        peer: &str,
        session: u64,
        hello: &Hello,
        now: Millis,
    ) -> Result<Result<Unreceipted, LinkEnd>, SequencerError> {
        if !self.is_live(peer, session) {
            return Ok(Err(LinkEnd::Fenced));
        }
        if self.room().is_err() {
            return Ok(Err(LinkEnd::Full));
        }
        match hello::begin(&mut self.state, &self.node, peer, hello) {
            Ok(unreceipted) => Ok(Ok(unreceipted)),
            Err(breach) => self.breach(peer, breach, now).map(Err),
        }
    }

    /// Records what a peer did. The caller ends the session, but the peer may begin the
    /// next one in the same way: the first of a minute are recorded singly, the others
    /// counted, as refusals are.
    fn breach(
        &mut self,
        peer: &str,
        breach: Breach,
        now: Millis,
    ) -> Result<LinkEnd, SequencerError> {
        self.record(peer, &breach, now)?;
        Ok(LinkEnd::Breach(breach))
    }

    fn record(&mut self, peer: &str, breach: &Breach, now: Millis) -> Result<(), SequencerError> {
        if self.room().is_ok() {
            self.make_room_for_refusal(now)?;
            if self.windows.is_single(now, peer, breach.reason) {
                self.commit(breach.entry(&self.state, now, peer))?;
            }
        }
        Ok(())
    }

    fn is_live(&self, peer: &str, session: u64) -> bool {
        self.state.link(peer).is_some_and(|link| link.session() == session)
    }

    fn offer(
        &mut self,
        peer: &str,
        session: u64,
        wants: [usize; 5],
        now: Millis,
    ) -> Result<Result<Vec<Offered>, LinkEnd>, SequencerError> {
        if !self.is_live(peer, session) {
            return Ok(Err(LinkEnd::Fenced));
        }
        let mut offered = Vec::new();
        for (lane, mut wanted) in LANES.into_iter().zip(wants) {
            while wanted > 0 {
                match link::next(&self.state, &self.node, now, peer, lane) {
                    // Ends the session: nothing else would ask again once there is room.
                    Next::Entry(_) if self.room().is_err() => return Ok(Err(LinkEnd::Full)),
                    Next::Entry(entry) => drop(self.commit(entry)?),
                    Next::Nothing => break,
                    Next::Slot(number) => {
                        offered.extend(self.content(peer, lane, number));
                        self.state.offered(peer, lane);
                        wanted -= 1;
                    }
                }
            }
        }
        Ok(Ok(offered))
    }

    fn content(&self, peer: &str, lane: Lane, number: u64) -> Option<Offered> {
        let slot = self.state.link(peer)?.outbound(lane).slots.get(&number)?;
        let content = match slot {
            Kept::Transfer { accepted, deliveries, .. } => {
                let (index, _) = deliveries.first()?;
                let key = DeliveryKey { accepted: *accepted, index: *index };
                let message = Arc::clone(&self.state.delivery(key)?.message);
                let recipients = deliveries.iter().map(|(_, recipient)| recipient.clone());
                Content::Transfer { message, recipients: recipients.collect() }
            }
            Kept::Void { header_digest, reason } => {
                Content::Void { header_digest: header_digest.clone(), reason: *reason }
            }
            Kept::Evidence { position, index, .. } => Content::Evidence(*position, *index),
        };
        Some(Offered { lane, number, content })
    }

    fn arrived(
        &mut self,
        arriving: Box<Arriving>,
        written: Written,
        now: Millis,
    ) -> Result<(), SequencerError> {
        let (blob, go_on) = match written {
            Written::At(blob) => (Some(blob), None),
            Written::No(go_on) => (None, Some(go_on)),
            Written::Nothing => (None, None),
        };
        match self.take(arriving.session, &arriving.slot, blob, now)? {
            Some(answer) => self.release(arriving.reply, answer),
            // Nothing is told by this, so it need not be durable. Whoever asked may have
            // gone with its session.
            None => drop(go_on.map(|go_on| go_on.send(arriving))),
        }
        Ok(())
    }

    /// `None` where the message is taken over and its bytes are not written.
    fn take(
        &mut self,
        session: u64,
        slot: &Slot,
        blob: Option<Blob>,
        now: Millis,
    ) -> Result<Option<Result<Option<Answered>, LinkEnd>>, SequencerError> {
        if !self.is_live(&slot.peer, session) {
            return Ok(Some(Err(LinkEnd::Fenced)));
        }
        if self.room().is_err() {
            return Ok(Some(Err(LinkEnd::Full)));
        }
        let Some(prior) = self.came_before(&slot.content) else {
            // Not ours to decide about what cannot be read back.
            return Ok(Some(Err(LinkEnd::Full)));
        };
        if blob.is_some_and(|blob| self.state.segments().is_removed(blob.segment)) {
            // Whoever wrote it has slept since, longer than anybody may.
            return Ok(Some(Err(LinkEnd::Full)));
        }
        let has_room = self.progress.has_room(claim_of(&slot.content));
        let place = Place { blob, has_room, prior: &prior };
        match take(&self.state, &self.node, now, slot, place) {
            Verdict::Unwritten => Ok(None),
            Verdict::Known => Ok(Some(Ok(None))),
            Verdict::Breach(breach) => {
                self.breach(&slot.peer, breach, now).map(|end| Some(Err(end)))
            }
            Verdict::Entry(entry) => {
                let contradicts = matches!(entry.body, Body::Contradicted(_));
                self.commit(*entry)?;
                let link = self.state.link(&slot.peer);
                if let Some(link) = link.filter(|_| contradicts) {
                    alarm(&slot.peer, link.written_off().contradictions);
                }
                Ok(Some(Ok(self.answered(slot))))
            }
            Verdict::Conflict(entry, conflict) => {
                self.commit(*entry)?;
                self.record(&slot.peer, &conflict, now)?;
                Ok(Some(Ok(self.answered(slot))))
            }
        }
    }

    fn answered(&self, slot: &Slot) -> Option<Answered> {
        let answers = &self.state.link(&slot.peer)?.inbound(slot.lane).answers;
        answers.get(&slot.number).cloned()
    }

    /// The entries at which the id of an admitted message, or one that it names, may have
    /// come before, or at which the delivery ended that evidence is about.
    fn came_before(&self, content: &take::Content) -> Option<Vec<Entry>> {
        match content {
            take::Content::Transfer(transfer) => match &transfer.admitted {
                Ok(relayed) => self.prior_of(&relayed.admitted.message),
                Err(_) => Some(Vec::new()),
            },
            take::Content::Evidence(proven) => Some(self.ended_before(&proven.evidence)),
            take::Content::Void { .. } => Some(Vec::new()),
        }
    }

    /// The entries at which a message may have been accepted whose delivery has ended;
    /// nothing where it is open, which most evidence is about. Where one cannot be read
    /// back, the evidence is kept without an alarm.
    fn ended_before(&self, evidence: &Evidence) -> Vec<Entry> {
        let ended = take::subject(evidence)
            .filter(|(origin, id, recipient)| self.state.find(origin, id, recipient).is_none());
        ended.and_then(|(origin, id, _)| self.prior(&origin, &id)).unwrap_or_default()
    }

    fn receipt(
        &mut self,
        peer: &str,
        session: u64,
        statement: &CustodyStatement,
        receipt: &Bytes,
        now: Millis,
    ) -> Result<Result<(), LinkEnd>, SequencerError> {
        if !self.is_live(peer, session) {
            return Ok(Err(LinkEnd::Fenced));
        }
        if self.room().is_err() {
            return Ok(Err(LinkEnd::Full));
        }
        match link::received(&self.state, &self.node, now, peer, statement, receipt) {
            Received::Known => Ok(Ok(())),
            Received::Breach(breach) => self.breach(peer, breach, now).map(Err),
            Received::Entry(entry) => self.commit(*entry).map(|_| Ok(())),
        }
    }
}

/// What the disk is asked for.
fn claim_of(content: &take::Content) -> Claim {
    let take::Content::Transfer(transfer) = content else {
        return Claim::Delivery;
    };
    let relayed = transfer.admitted.as_ref();
    relayed.map_or(Claim::Intake, |relayed| claim(relayed.admitted.message.header().precedence()))
}

fn delivery_key(facts: &pb::DeliveryFacts) -> DeliveryKey {
    DeliveryKey { accepted: facts.accepted_position, index: facts.delivery_index }
}

/// A peer that lies can do it again and again: fewer and fewer lines tell of it.
fn alarm(peer: &str, contradictions: u64) {
    if contradictions.is_power_of_two() {
        tracing::error!(peer, contradictions, "evidence of a peer contradicts finals of this node");
    }
}
