//! What comes back from brokers, and what agencies make of it.

use barid_broker::Lent;
use barid_broker::command::{LinkEnd, Receipt, Settlement};
use barid_broker::decide::Refusal;
use barid_proto::audit::v1::{Event, Evidence};
use barid_store::EventRow;
use bytes::Bytes;
use history::{Ask, Call, Delivery, Outcome, Violation};
use prost::Message as _;

use super::World;
use crate::agency::{Held, Stage};
use crate::calls::{Done, is_gone};
use crate::cast::{address, identity, system};
use crate::session::End;

impl World {
    pub(super) fn done(&mut self, node: usize, done: Done) {
        match done {
            Done::Submitted(call, answer) => self.submitted(node, call, answer),
            Done::HandedOut { agency, system, loses, lent } => {
                self.handed_out(node, (agency, system), loses, lent.unwrap_or_default());
            }
            Done::Settled { agency, token, call, end } => {
                self.settled(node, agency, &token, call, &end);
            }
            Done::MayRead(agency, Ok(position)) => self.read(node, agency, position),
            Done::Proposed(peer, Ok(id)) => drop(self.posts[node].proposals.insert(peer, id)),
            Done::Operated(Ok(())) => self.tally.count("operator", "decided"),
            Done::MayRead(_, Err(_)) | Done::Proposed(_, Err(_)) | Done::Operated(Err(_)) => {
                self.tally.count("operator", "refused");
            }
            Done::Ended(connection, end) => {
                self.say(|_| format!("  node {node}: session {connection} ends: {end:?}"));
                self.tally.session(&end);
                if let End::Link(LinkEnd::Breach(breach)) = end {
                    // They would call each other for ever.
                    let peer = self.connections[connection].ends.into_iter().find(|e| *e != node);
                    let (node, peer) = (identity(node), identity(peer.unwrap()));
                    self.violations.push(Violation::Slandered(node, peer, breach.reason));
                }
                self.session_ended(node, connection);
            }
        }
    }

    fn submitted(&mut self, node: usize, call: usize, answer: Result<Receipt, Refusal>) {
        let stage = match answer {
            Ok(receipt) => {
                self.tally.count("submission", if receipt.repeated { "repeat" } else { "taken" });
                self.answered(node, call, Outcome::Ok(receipt.evidence.to_vec()));
                Stage::Taken
            }
            Err(refusal) if is_gone(&refusal) => {
                self.answered(node, call, Outcome::Unknown);
                Stage::InDoubt
            }
            Err(refusal) => {
                self.tally.count("submission", &format!("{:?}", refusal.reason()));
                self.answered(node, call, Outcome::Failed);
                Stage::Refused
            }
        };
        self.is_at(call, stage);
    }

    /// A submission has no answer.
    pub(super) fn unanswered(&mut self, _node: usize, call: usize) {
        self.is_at(call, Stage::InDoubt);
    }

    fn is_at(&mut self, call: usize, stage: Stage) {
        let Ask::Submit { origin, header, .. } = &self.calls[call].ask else { return };
        let sender = self.agencies.iter_mut().find(|one| address(one.number).as_str() == origin);
        let sent = sender.and_then(|sender| sender.sent.iter_mut().find(|s| s.header == *header));
        if let Some(sent) = sent
            && sent.state != Stage::Taken
        {
            sent.state = stage;
        }
    }

    fn handed_out(
        &mut self,
        node: usize,
        (agency, which): (usize, usize),
        loses: bool,
        lent: Vec<Lent>,
    ) {
        let order = self.next_order();
        let arrive = if loses { self.chance.place(lent.len() + 1) } else { lent.len() };
        for (number, one) in lent.into_iter().enumerate() {
            let delivery = Delivery {
                origin: one.message.origin.to_string(),
                id: one.message.id.to_string(),
                recipient: address(agency).to_string(),
            };
            let broker = self.posts[node].broker();
            let is_lost = broker.is_some_and(|broker| broker.open_message(&one.message).is_err());
            if is_lost && !self.posts[node].has_no_power() {
                let node = self.posts[node].name();
                self.violations.push(Violation::BodyLost(delivery.clone(), node));
            }
            let arrives = number < arrive;
            self.calls.push(Call {
                invoked: order,
                returned: order,
                at: self.posts[node].clock.wall(),
                by: system(agency, which),
                ask: Ask::HandOut { delivery: delivery.clone(), redelivered: one.redelivered },
                outcome: if arrives { Outcome::Ok(Vec::new()) } else { Outcome::Unknown },
            });
            self.tally.count("hand-out", if arrives { "arrived" } else { "lost on the way" });
            if !arrives {
                continue;
            }
            let token = Bytes::copy_from_slice(&one.token);
            one.sent();
            let name = (delivery.origin.clone(), delivery.id.clone());
            if !self.agencies[agency].kept.insert(name) {
                self.tally.count("hand-out", "kept before");
            }
            self.agencies[agency].held.push(Held { delivery, token, system: which });
        }
    }

    fn settled(
        &mut self,
        node: usize,
        agency: usize,
        token: &Bytes,
        call: Option<usize>,
        end: &Result<Settlement, Refusal>,
    ) {
        let outcome = match end {
            Ok(settlement) => {
                let what = match settlement {
                    Settlement::Final(_) => "final",
                    Settlement::Again(_) => "again",
                    Settlement::DeadLetter => "dead letter",
                    Settlement::Renewed(_) => "renewed",
                };
                self.tally.count("answer", what);
                Outcome::Ok(Vec::new())
            }
            Err(refusal) if is_gone(refusal) => Outcome::Unknown,
            Err(refusal) => {
                self.tally.count("answer", &format!("{:?}", refusal.reason()));
                Outcome::Failed
            }
        };
        let is_renewed = matches!(end, Ok(Settlement::Renewed(_)));
        if outcome != Outcome::Unknown && !is_renewed {
            self.agencies[agency].held.retain(|held| held.token != *token);
        }
        if let Some(call) = call {
            self.answered(node, call, outcome);
        }
    }

    /// An agency reads all that is new of its messages.
    fn read(&mut self, node: usize, agency: usize, opened: u64) {
        let Some(broker) = self.posts[node].broker() else { return };
        let own = address(agency);
        let entries = &self.posts[node].entries;
        let rows = entries[self.agencies[agency].read..]
            .iter()
            .flat_map(|(_, entry)| EventRow::of_entry(entry).unwrap())
            .filter(|row| row.has_evidence && row.origin_agency.as_ref() == Some(&own));
        let places: Vec<_> =
            rows.map(|row| (row.cursor.position, u32::from(row.cursor.index))).collect();
        let Ok(told) = broker.evidence(places) else {
            if self.posts[node].has_no_power() {
                return;
            }
            let violation = Violation::Rewritten(self.posts[node].name(), 0);
            return self.violations.push(violation);
        };
        self.agencies[agency].read = entries.len();
        let count = told.len() as u64;
        for told in told {
            let said = Evidence::decode(told.evidence).unwrap();
            let event = if told.contradicts { Event::Contradiction } else { said.event() };
            let Evidence { origin_agency: origin, message_id: id, recipient, .. } = said;
            let ask = Ask::Told(Delivery { origin, id, recipient }, event);
            let order = self.next_order();
            self.calls.push(Call {
                invoked: order,
                returned: order,
                at: self.posts[node].clock.wall(),
                by: system(agency, 0),
                ask,
                outcome: Outcome::Ok(Vec::new()),
            });
        }
        broker.read_closed(barid_proto::journal::v1::ReadFacts {
            identity: system(agency, 0),
            operation: "evidence".into(),
            opened_position: opened,
            count,
            ..Default::default()
        });
    }
}
