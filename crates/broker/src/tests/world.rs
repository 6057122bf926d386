//! A node without threads, disk or clock: the product's own core, stepped by hand.

mod told;

use barid_audit::commitment::Entropy;
use barid_audit::entry::{Body, Encoded, Entry};
use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::header::{AgreementRef, Version};
use barid_message::key::{Algorithm, SigningKey};
use barid_message::signed::SignedMessage as Signed;
use barid_message::time::Millis;
use barid_message::{Precedence, Purpose, Reason, Status};
use barid_proto::audit::v1::Evidence;
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::SignedMessage;
use bytes::Bytes;
use prost::Message as _;

use crate::decide::accept::{Blob, Submission, Verdict, accept};
use crate::decide::hand_out::{Consumer, HandedOut, Next, end, grant, next};
use crate::decide::settle::{Answer, Settled, settle};
use crate::decide::timers::{Due, due};
use crate::decide::{Node, Policy, Refusal, operator, retention, start};
use crate::gate::{Admitted, admit};
use crate::lease::LeaseKey;
use crate::state::{Phase, State};
use crate::tests::place::{START, SYSTEM, agreement, alert, identity, inbox, note, registry, text};

pub(super) struct World {
    pub(super) state: State,
    pub(super) node: Node,
    now: Millis,
    key: SigningKey,
    agreement: AgreementRef,
    journal: Vec<(u64, Encoded)>,
    entries: Vec<Entry>,
    sent: Vec<SignedMessage>,
    /// Token and consumer of every hand-out so far.
    handed_out: Vec<(HandedOut, u8)>,
    registry: facts::RegistryFacts,
    starts: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let agreement = agreement();
        let reference = agreement.reference();
        let mut world = Self {
            state: State::new(),
            node: Node {
                identity: "spiffe://pk.example/node".into(),
                lease_key: LeaseKey::derive(b"secret"),
                policy: Policy::default(),
            },
            now: START,
            registry: registry(&key, &agreement),
            key,
            agreement: reference,
            journal: Vec::new(),
            entries: Vec::new(),
            sent: Vec::new(),
            handed_out: Vec::new(),
            starts: 0,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.starts += 1;
        let facts = facts::RestartedFacts {
            start_no: self.starts,
            log_origin: "pk.example/log/1".into(),
            ..Default::default()
        };
        self.commit(start::restarted(&self.state, self.now, facts));
        if let Some(entry) = start::registry(&self.state, self.now, &self.registry.clone()) {
            self.commit(entry);
        }
        self.state.hold_ends(Millis(self.now.0 + self.node.policy.lease_ms));
        self.tick();
    }

    fn commit(&mut self, entry: Entry) {
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&entry.position.to_be_bytes());
        self.journal.push((entry.position, entry.encode(&Entropy(entropy))));
        self.state.fold(&entry).unwrap();
        self.entries.push(entry);
    }

    pub(super) fn draft(&self, precedence: u8, lives_s: u16, both: bool) -> Draft {
        // FLASH is not for notes; an alert would do the same here with more words.
        let level = match precedence {
            1 => Precedence::Immediate,
            2 => Precedence::Priority,
            _ => Precedence::Routine,
        };
        let origin = Address::parse("pk/customs").unwrap();
        let draft = if precedence == 0 {
            Draft::new(&origin, &self.agreement, alert(text())).flash("armed men at the gate")
        } else {
            note(&self.agreement).precedence(level)
        };
        let draft = draft
            .to(&inbox(false))
            .purposes(&[Purpose::BorderOperation])
            .expires_at(Millis(self.now.0 + u64::from(lives_s) * 1_000));
        if both { draft.info(&inbox(true)) } else { draft }
    }

    fn composed(&self, draft: Draft) -> SignedMessage {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&(self.sent.len() as u64).to_be_bytes());
        compose(draft, self.now, random, &self.key).unwrap()
    }

    pub(super) fn submit(&mut self, precedence: u8, lives_s: u16, both: bool) {
        self.send(self.draft(precedence, lives_s, both));
    }

    /// Submits a message without an end of its own that may be kept for so long (s).
    pub(super) fn submit_kept(&mut self, kept_s: u16) {
        let mut draft = self.draft(3, kept_s, false);
        let times = draft.header_mut().times.as_mut().unwrap();
        times.retain_until = times.expires_at.take();
        self.send(draft);
    }

    /// A message that was sent, as another one names it.
    pub(super) fn version(&self, which: usize) -> Version {
        let message = Signed::from_proto(self.sent[which].clone()).unwrap();
        let header_digest = message.header_digest();
        let header = message.header().unwrap();
        let (originator, id) = (header.origin().clone(), header.message_id());
        Version { originator, id, header_digest }
    }

    pub(super) fn verdict_on_draft(&self, draft: Draft) -> Verdict {
        self.verdict(self.composed(draft))
    }

    /// What the newest entry tells: in its evidence, and of its first delivery.
    pub(super) fn last_reasons(&self) -> [Reason; 2] {
        let entry = self.entries.last().unwrap();
        let evidence = Evidence::decode(entry.evidence.clone()).unwrap();
        [evidence.reason(), entry.items[0].reason]
    }

    pub(super) fn send(&mut self, draft: Draft) {
        let message = self.composed(draft);
        self.sent.push(message.clone());
        if let Verdict::Accepted(entry) = self.verdict(message) {
            self.commit(entry);
        } else {
            panic!("a good message was not accepted");
        }
    }

    pub(super) fn repeat(&self, which: usize) {
        if self.sent.is_empty() {
            return;
        }
        let message = self.sent[which % self.sent.len()].clone();
        // Past its own expiry the gate refuses a repeat; that is its word.
        let parsed = Signed::from_proto(message.clone()).unwrap();
        if admit(self.state.registry(), SYSTEM, parsed, self.now).is_ok() {
            assert!(matches!(self.verdict(message), Verdict::Repeat(_)));
        }
    }

    pub(super) fn verdict_of(&self, which: usize) -> Verdict {
        self.verdict(self.sent[which].clone())
    }

    pub(super) fn verdict_of_other_header(&self, which: usize) -> Verdict {
        let message = Signed::from_proto(self.sent[which].clone());
        let id = message.unwrap().header().unwrap().message_id();
        let draft = self.draft(3, 500, false).id(id).created_at(Millis(id.unix_ms()));
        self.verdict(self.composed(draft))
    }

    pub(super) fn new_verdict(&self) -> Verdict {
        self.verdict(self.composed(self.draft(3, 500, false)))
    }

    pub(super) fn verdict_behind_a_change(&mut self) -> Verdict {
        let admitted = self.admitted(self.composed(self.draft(3, 500, false)));
        self.registry.agencies.pop();
        self.commit(start::registry(&self.state, self.now, &self.registry).unwrap());
        self.verdict_on(admitted)
    }

    fn verdict(&self, message: SignedMessage) -> Verdict {
        self.verdict_on(self.admitted(message))
    }

    fn admitted(&self, message: SignedMessage) -> Admitted {
        let parsed = Signed::from_proto(message).unwrap();
        admit(self.state.registry(), SYSTEM, parsed, self.now).unwrap()
    }

    fn verdict_on(&self, admitted: Admitted) -> Verdict {
        let header = admitted.message.header();
        let own = (header.origin(), &header.message_id());
        let versions = header.lineage().versions().iter();
        let named = versions.map(|version| (&version.originator, &version.id)).chain([own]);
        let prior: Vec<_> = named
            .flat_map(|(origin, id)| self.state.dedupe().positions(origin, id))
            .map(|position| self.entries[usize::try_from(position).unwrap()].clone())
            .collect();
        let blob = Blob { segment: 0, offset: 0, length: 1 };
        let submission = Submission { admitted, blob, submitted_by: SYSTEM.into() };
        accept(&self.state, &self.node, self.now, &submission, &prior)
    }

    pub(super) fn receipt(&self, which: usize) -> Bytes {
        let accepted = self.entries.iter().filter(|entry| matches!(entry.body, Body::Accepted(_)));
        accepted.map(|entry| entry.evidence.clone()).nth(which).unwrap()
    }

    pub(super) fn hand_out(&mut self, inbox: &Address, consumer: u8, max: usize) -> Vec<HandedOut> {
        let asking = Consumer {
            inbox: inbox.clone(),
            identity: identity(consumer),
            stream: u64::from(consumer),
            statuses: vec![Status::Actual],
        };
        let mut handed_out = Vec::new();
        for what in next(&self.state, self.now, &asking, max) {
            match what {
                Next::Delivery(key) => {
                    let one = grant(&mut self.state, &self.node, self.now, &asking, key).unwrap();
                    self.handed_out.push((one.clone(), consumer));
                    handed_out.push(one);
                }
                Next::End(key, event, reason) => {
                    let what = (key, event, reason);
                    let entry = end(&self.state, &self.node, self.now, what);
                    self.commit(entry.unwrap());
                }
            }
        }
        handed_out
    }

    pub(super) fn answer(&mut self, which: usize, answer: Answer) -> Result<Settled, Refusal> {
        if self.handed_out.is_empty() {
            return Err(Refusal::new(Reason::LeaseUnknown, "nothing was handed out"));
        }
        let which = which % self.handed_out.len();
        self.answer_as(which, self.handed_out[which].1, answer)
    }

    pub(super) fn answer_last(&mut self, answer: Answer) -> Result<Settled, Refusal> {
        self.answer(self.handed_out.len() - 1, answer)
    }

    pub(super) fn answer_as(
        &mut self,
        which: usize,
        consumer: u8,
        answer: Answer,
    ) -> Result<Settled, Refusal> {
        let token = self.handed_out[which].0.token;
        let settled =
            settle(&self.state, &self.node, self.now, &identity(consumer), &token, answer)?;
        match &settled {
            Settled::Entry(entry) => self.commit(entry.clone()),
            Settled::Renewed(key, until) => self.state.renew(*key, *until),
        }
        Ok(settled)
    }

    /// A clock that stood ahead by so much is found out and put right.
    pub(super) fn put_clock_back(&mut self, seconds: u64) {
        self.doubt_clock(true);
        self.now = Millis(self.now.0 - seconds * 1_000);
        self.doubt_clock(false);
    }

    /// A consumer ends its stream in order.
    pub(super) fn leave(&mut self, consumer: u8) {
        self.state.release(u64::from(consumer), &identity(consumer));
    }

    pub(super) const fn now(&self) -> Millis {
        self.now
    }

    /// Lets the bodies go that may, below a segment.
    pub(super) fn let_go(&mut self, written_from: u64) {
        let entry = retention::removal(&self.state, self.now, written_from).unwrap();
        self.commit(entry);
    }

    /// Time goes on, and nothing that falls due meanwhile has had its turn yet.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = Millis(self.now.0 + seconds * 1_000);
    }

    /// Time goes on, and whatever falls due meanwhile happens at its time.
    pub(super) fn wait(&mut self, seconds: u64) {
        let end = Millis(self.now.0 + seconds * 1_000);
        while let Some(at) = self.state.next_timer().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.tick();
        }
        self.now = end;
        self.tick();
    }

    fn tick(&mut self) {
        self.state.wake(self.now);
        loop {
            match due(&self.state, &self.node, self.now) {
                Due::Entry(entry) => self.commit(entry),
                Due::PutOff(what, until) => self.state.put_off(what, until),
                Due::Nothing => break,
            }
        }
    }

    pub(super) fn restart(&mut self) {
        self.state = self.rebuilt();
        self.begin();
    }

    pub(super) fn restart_from_snapshot(&mut self) {
        let bytes = self.state.to_snapshot();
        self.state = State::from_snapshot(self.state.next_position(), &bytes).unwrap();
        self.begin();
    }

    pub(super) fn retry_dead_letter(&mut self) {
        let (_, dead) = self
            .state
            .deliveries()
            .find(|(_, delivery)| matches!(delivery.phase, Phase::Dead(_)))
            .unwrap();
        let name = operator::DeliveryName {
            origin_agency: dead.message.origin.to_string(),
            message_id: dead.message.id.to_string(),
            recipient: dead.recipient.to_string(),
        };
        let act = operator::Act { operator: "operator".into(), why: "it was mended".into() };
        let entry = operator::retry(&self.state, &self.node, self.now, &act, &name).unwrap();
        self.commit(entry);
    }

    pub(super) fn doubt_clock(&mut self, suspect: bool) {
        self.commit(operator::clock(&self.state, self.now, suspect, ""));
        if !suspect {
            let until = Millis(self.now.0 + self.node.policy.lease_ms);
            self.state.believe_clock(self.now, until);
        }
    }
}
