//! Two nodes and a link between them, without threads, disks, sockets or clocks.

mod beginning;
mod side;
mod writing_off;

use std::collections::VecDeque;

use barid_audit::evidence;
use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::header::AgreementRef;
use barid_message::signed::SignedMessage as Signed;
use barid_message::time::Millis;
use barid_message::{Precedence, Purpose, Status};
use barid_proto::federation::v1::{CustodyStatement, Hello, Lane};
use barid_proto::message::v1::{Note, Text};
use bytes::Bytes;

use side::Side;
pub(super) use writing_off::{FIRST, SECOND};

use crate::caps;
use crate::decide::accept::{Blob, Submission, Verdict, accept};
use crate::decide::hand_out::{Consumer, Next as NextOut, end, grant, next as next_out};
use crate::decide::hello;
use crate::decide::link::{Next, Received, next, received};
use crate::decide::operator;
use crate::decide::settle::{Answer, Settled, settle};
use crate::decide::take::{self, Content, Place, Proven, Transfer, take};
use crate::decide::timers::{Due, due};
use crate::gate::{admit, admit_relayed};
use crate::state::State;
use crate::state::link::{Answered, LANES, Slot};

const START: Millis = Millis(1_800_000_000_000);
const AGENCIES: [&str; 2] = ["pk/customs", "ir/police"];
const DOMAINS: [&str; 2] = ["pk.example", "ir.example"];

/// What is on its way to one side.
enum Packet {
    Slot { lane: Lane, number: u64, content: Content },
    Receipt(CustodyStatement),
}

pub(super) struct Pair {
    pub(super) sides: [Side; 2],
    wires: [VecDeque<Packet>; 2],
    now: Millis,
    agreement: AgreementRef,
    composed: u64,
    /// Nothing was deferred so far, so that order must hold.
    pub(super) breaches: usize,
    /// Messages whose bytes were to be written, since somebody would take them over.
    pub(super) written: usize,
}

fn identity(side: usize) -> String {
    format!("spiffe://{}/node", DOMAINS[side])
}

fn system(side: usize) -> String {
    format!("spiffe://{}/agency/{}/main", DOMAINS[side], AGENCIES[side])
}

impl Pair {
    pub(super) fn submit(&mut self, from: usize, precedence: u8, lives_s: u16) {
        self.submit_changed(from, precedence, lives_s, |draft| draft);
    }

    /// Submits a message that is changed before it is signed, at a node that knows
    /// nothing of others that it names.
    pub(super) fn submit_changed(
        &mut self,
        from: usize,
        precedence: u8,
        lives_s: u16,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        self.composed += 1;
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.composed.to_be_bytes());
        let text = Text { language: "en".into(), text: "at the border".into(), ..Text::default() };
        let level = match precedence % 3 {
            0 => Precedence::Immediate,
            1 => Precedence::Priority,
            _ => Precedence::Routine,
        };
        let origin = Address::parse(AGENCIES[from]).unwrap();
        let note = Note { text: vec![text], ..Note::default() };
        let draft = Draft::new(&origin, &self.agreement, note)
            .precedence(level)
            .to(&Address::parse(AGENCIES[1 - from]).unwrap())
            .purposes(&[Purpose::BorderOperation])
            .expires_at(Millis(self.now.0 + u64::from(lives_s) * 1_000));
        let side = &mut self.sides[from];
        let message = compose(change(draft), self.now, random, &side.agency_key).unwrap();
        let parsed = Signed::from_proto(message.clone()).unwrap();
        let digest = Bytes::copy_from_slice(&parsed.header_digest().0);
        let admitted = admit(side.state.registry(), &system(from), parsed, self.now).unwrap();
        let blob = Blob { segment: 0, offset: 0, length: 1 };
        let submission = Submission { admitted, blob, submitted_by: system(from) };
        let verdict = accept(&side.state, &side.node, self.now, &submission, &[]);
        let Verdict::Accepted(entry) = verdict else {
            panic!("a good message was not accepted");
        };
        side.blobs.insert(digest, message);
        side.commit(entry);
    }

    /// Both say hello to each other, over a connection that is new.
    pub(super) fn connect(&mut self) {
        self.cut();
        for side in 0..2 {
            let session = self.sides[side].state.fence(&identity(1 - side));
            self.sides[side].session = Some(session);
        }
        let hellos = [0, 1].map(|side| self.hello(side));
        for (side, hello) in [0, 1].into_iter().zip(hellos.iter().rev()) {
            let peer = identity(1 - side);
            let this = &mut self.sides[side];
            let unreceipted = hello::begin(&mut this.state, &this.node, &peer, hello).unwrap();
            for (lane, answered) in unreceipted {
                let receipt = self.receipt(side, lane, &answered);
                self.wires[1 - side].push_back(receipt);
            }
        }
        self.tick();
    }

    fn hello(&self, side: usize) -> Hello {
        let peer = identity(1 - side);
        Hello {
            version_min: 1,
            version_max: 1,
            node: identity(side),
            log_origin: self.sides[side].state.log_origin().to_owned(),
            lanes: hello::lanes(&self.sides[side].state, &peer),
            peer,
            ..Hello::default()
        }
    }

    /// The connection breaks: what is on its way is lost.
    pub(super) fn cut(&mut self) {
        for side in 0..2 {
            self.wires[side].clear();
            self.sides[side].session = None;
        }
    }

    fn receipt(&self, side: usize, lane: Lane, answered: &Answered) -> Packet {
        Packet::Receipt(CustodyStatement {
            issuer: identity(side),
            log_origin: self.sides[side].state.log_origin().to_owned(),
            peer: identity(1 - side),
            peer_log_origin: self.sides[1 - side].state.log_origin().to_owned(),
            lane: lane.into(),
            answers: vec![answered.answer.clone()],
            chain: Bytes::copy_from_slice(&answered.chain.0),
            time: None,
        })
    }

    /// A side sends up to so many slots of each lane.
    pub(super) fn offer(&mut self, from: usize, max: u8) {
        if self.sides[from].session.is_none() {
            return;
        }
        let peer = identity(1 - from);
        for lane in LANES {
            for _ in 0..max {
                let number = loop {
                    let side = &mut self.sides[from];
                    match next(&side.state, &side.node, self.now, &peer, lane) {
                        Next::Entry(entry) => side.commit(entry),
                        Next::Slot(number) => break Some(number),
                        Next::Nothing => break None,
                    }
                };
                let Some(number) = number else {
                    break;
                };
                let content = self.content(from, lane, number);
                self.sides[from].state.offered(&peer, lane);
                self.wires[1 - from].push_back(Packet::Slot { lane, number, content });
            }
        }
    }

    fn content(&self, from: usize, lane: Lane, number: u64) -> Content {
        let (side, to) = (&self.sides[from], &self.sides[1 - from]);
        let link = side.state.link(&identity(1 - from)).unwrap();
        match &link.outbound(lane).slots[&number] {
            Slot::Void { header_digest, reason } => {
                Content::Void { header_digest: header_digest.clone(), reason: *reason }
            }
            Slot::Evidence { position, index, .. } => {
                let entry = &side.entries[usize::try_from(*position).unwrap()];
                let item = &entry.items[usize::try_from(*index).unwrap() - 1];
                let signed = evidence::sign(item.evidence.clone(), &side.evidence_key, None);
                let key = side.evidence_key.public().clone();
                let stated = evidence::verify(&signed, &[key]).unwrap();
                let bytes = signed.evidence.clone();
                let proof = evidence::proof_alone(signed);
                Content::Evidence(Box::new(Proven { evidence: stated, bytes, proof }))
            }
            Slot::Transfer { accepted, header_digest, deliveries } => {
                let entry = &side.entries[usize::try_from(*accepted).unwrap()];
                let acceptance = evidence::sign(entry.evidence.clone(), &side.evidence_key, None);
                let message = Signed::from_proto(side.blobs[header_digest].clone()).unwrap();
                let registry = to.state.registry();
                let peer = registry.peer(&identity(from)).unwrap();
                let relayed = admit_relayed(registry, peer, message, &acceptance, self.now);
                Content::Transfer(Box::new(Transfer {
                    header_digest: header_digest.clone(),
                    recipients: deliveries.iter().map(|(_, to)| to.clone()).collect(),
                    admitted: relayed,
                }))
            }
        }
    }

    /// So many things that are on their way to a side arrive.
    pub(super) fn arrive(&mut self, to: usize, count: usize) {
        for _ in 0..count {
            let Some(packet) = self.wires[to].pop_front() else {
                return;
            };
            match packet {
                Packet::Receipt(statement) => self.receipt_arrives(to, &statement),
                Packet::Slot { lane, number, content } => {
                    self.slot_arrives(to, lane, number, content);
                }
            }
        }
    }

    fn receipt_arrives(&mut self, to: usize, statement: &CustodyStatement) {
        let side = &mut self.sides[to];
        let peer = identity(1 - to);
        match received(&side.state, &side.node, self.now, &peer, statement, &Bytes::new()) {
            Received::Entry(entry) => side.commit(*entry),
            Received::Known => {}
            Received::Breach(_) => self.breaches += 1,
        }
    }

    fn slot_arrives(&mut self, to: usize, lane: Lane, number: u64, content: Content) {
        let peer = identity(1 - to);
        let log_origin = self.sides[1 - to].state.log_origin().to_owned();
        let slot = take::Slot { peer: peer.clone(), log_origin, lane, number, content };
        let side = &mut self.sides[to];
        let asked = Place { blob: None, has_room: true, prior: &side.entries };
        let verdict = match take(&side.state, &side.node, self.now, &slot, asked) {
            take::Verdict::Unwritten => {
                self.written += 1;
                let blob = Some(Blob { segment: 0, offset: 0, length: 1 });
                take(&side.state, &side.node, self.now, &slot, Place { blob, ..asked })
            }
            verdict => verdict,
        };
        match verdict {
            take::Verdict::Entry(entry) => {
                side.commit(*entry);
                let link = side.state.link(&peer).unwrap();
                let answered = link.inbound(lane).answers[&number].clone();
                let receipt = self.receipt(to, lane, &answered);
                self.wires[1 - to].push_back(receipt);
            }
            take::Verdict::Known => {}
            take::Verdict::Unwritten => panic!("its bytes were written"),
            take::Verdict::Conflict(..) | take::Verdict::Breach(_) => self.breaches += 1,
        }
    }

    /// The agency of a side takes what waits for it and answers.
    pub(super) fn consume(&mut self, at: usize, answer: Answer) {
        let consumer = Consumer {
            inbox: Address::parse(AGENCIES[at]).unwrap(),
            identity: system(at).as_str().into(),
            stream: 1,
            statuses: vec![Status::Actual],
        };
        let side = &mut self.sides[at];
        loop {
            let line = next_out(&side.state, self.now, &consumer, 1);
            if line.is_empty() {
                return;
            }
            for turn in line {
                let key = match turn {
                    NextOut::Delivery(key) => key,
                    NextOut::End(key, event, reason) => {
                        let what = (key, event, reason);
                        side.commit(end(&side.state, &side.node, self.now, what).unwrap());
                        continue;
                    }
                };
                let out = grant(&mut side.state, &side.node, self.now, &consumer, key).unwrap();
                let (state, node) = (&side.state, &side.node);
                let settled = settle(state, node, self.now, &system(at), &out.token, answer);
                let Settled::Entry(entry) = settled.unwrap() else {
                    return;
                };
                side.commit(entry);
                if matches!(answer, Answer::Nack(_)) {
                    return;
                }
            }
        }
    }

    /// A side dies and starts again, from its journal alone or from a snapshot.
    pub(super) fn restart(&mut self, which: usize, from_snapshot: bool) {
        self.cut();
        let now = self.now;
        let side = &mut self.sides[which];
        let mut rebuilt = State::new();
        for entry in &side.entries {
            rebuilt.fold(entry).unwrap();
        }
        side.state = if from_snapshot {
            let snapshot = side.state.to_snapshot();
            let restored = State::from_snapshot(side.state.next_position(), &snapshot).unwrap();
            assert!(restored.to_snapshot() == snapshot, "the snapshot gives another state");
            restored
        } else {
            rebuilt
        };
        side.begin(which, now);
        self.tick();
    }

    /// A side doubts its clock.
    pub(super) fn doubt_clock(&mut self, side: usize) {
        let now = self.now;
        let side = &mut self.sides[side];
        side.commit(operator::clock(&side.state, now, true, ""));
    }

    /// A side's clock stands ahead so long that it forgets ids, and is put right again.
    pub(super) fn forget_ids(&self, side: usize) {
        let ahead = (u64::from(caps::DEDUPE_DAYS) + 1) * 86_400_000;
        self.sides[side].state.forget_before(Millis(self.now.0 + ahead));
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now = Millis(self.now.0 + seconds * 1_000);
        self.tick();
    }

    pub(super) fn tick(&mut self) {
        for side in &mut self.sides {
            side.state.wake(self.now);
            loop {
                match due(&side.state, &side.node, self.now) {
                    Due::Entry(entry) => side.commit(entry),
                    Due::PutOff(what, until) => side.state.put_off(what, until),
                    Due::Nothing => break,
                }
            }
        }
    }

    /// Everything that can still happen happens.
    pub(super) fn settle_down(&mut self) {
        for round in 0..9 {
            self.connect();
            for _ in 0..3 {
                for side in 0..2 {
                    self.offer(side, 200);
                    self.arrive(1 - side, usize::MAX);
                    self.arrive(side, usize::MAX);
                    self.consume(side, Answer::Ack);
                }
            }
            self.wait(if round < 5 { 10 } else { 3_600 });
        }
    }
}
