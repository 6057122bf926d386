//! What agencies and operators do.

use barid_broker::decide::hand_out::Consumer;
use barid_broker::decide::operator::{Act, DeliveryName};
use barid_broker::decide::settle::Answer;
use barid_broker::decide::write_off::ProposalName;
use barid_broker::state::Phase;
use barid_message::{Reason, Status};
use barid_proto::audit::v1::Event;
use bytes::Bytes;
use history::Ask;

use super::World;
use crate::agency::{Held, Sent, Stage};
use crate::calls::{self, Done};
use crate::cast::{COUNTRIES, address, operator, system};
use crate::op::{Letter, Op, Order, Reply};

impl World {
    /// Whether it is something that agencies and operators do.
    pub(super) fn act(&mut self, op: Op) -> bool {
        match op {
            Op::Submit(letter) => {
                let agency = letter.agency % self.agencies.len();
                if let Some(sent) = self.written(agency, letter, None) {
                    self.agencies[agency].sent.push(sent);
                    self.submit(agency, self.agencies[agency].sent.len() - 1);
                }
            }
            Op::Repeat { agency, which } => {
                let agency = agency % self.agencies.len();
                if let Some(which) = nth(self.agencies[agency].sent.len(), which) {
                    self.submit(agency, which);
                }
            }
            Op::OtherContent { agency, which } => {
                let agency = agency % self.agencies.len();
                if let Some(which) = nth(self.agencies[agency].sent.len(), which) {
                    let Sent { id, made, .. } = self.agencies[agency].sent[which];
                    self.submit_under(agency, id, made);
                }
            }
            Op::SameId { agency, other } => {
                let (agency, other) = (agency % self.agencies.len(), other % self.agencies.len());
                let used = self.agencies[other].sent.last().map(|sent| (sent.id, sent.made));
                if let Some((id, made)) = used.filter(|_| agency != other) {
                    self.submit_under(agency, id, made);
                }
            }
            Op::HandOut { agency, system, max, loses } => {
                self.hand_out(agency % self.agencies.len(), system % 2, max, loses);
            }
            Op::Settle { agency, which, answer } => {
                self.settle(agency % self.agencies.len(), which, answer);
            }
            Op::Foreign { agency, which } => {
                let agency = agency % self.agencies.len();
                if let Some(which) = nth(self.agencies[agency].held.len(), which) {
                    let held = self.agencies[agency].held[which].clone();
                    let other = Held { system: 1 - held.system, ..held };
                    self.answer(agency, other, Answer::Ack, Some(Event::HandedOver));
                }
            }
            Op::Read { agency } => self.may_read(agency % self.agencies.len()),
            Op::Operate { node, what } => self.operate(node % self.posts.len(), what),
            _ => return false,
        }
        true
    }

    fn written(
        &mut self,
        agency: usize,
        letter: Letter,
        id: Option<barid_message::id::MessageId>,
    ) -> Option<Sent> {
        let random = self.chance.next();
        let agency = &self.agencies[agency];
        let now = self.posts[agency.node()].clock.wall();
        agency.write(letter, self.posts.len(), now, id, random)
    }

    fn submit_under(&mut self, agency: usize, id: barid_message::id::MessageId, made: Letter) {
        if let Some(sent) = self.written(agency, made, Some(id)) {
            self.agencies[agency].sent.push(sent);
            self.submit(agency, self.agencies[agency].sent.len() - 1);
        }
    }

    /// An agency asks its node to take a message.
    pub(super) fn submit(&mut self, agency: usize, which: usize) {
        let node = self.agencies[agency].node();
        let Some(broker) = self.posts[node].broker() else { return };
        let by = system(agency, self.chance.place(2));
        let sent = &mut self.agencies[agency].sent[which];
        if sent.state == Stage::Asked {
            return;
        }
        if sent.state != Stage::Taken {
            sent.state = Stage::Asked;
        }
        let ask = Ask::Submit {
            origin: address(agency).to_string(),
            id: sent.id.to_string(),
            header: sent.header.clone(),
            recipients: sent.recipients.clone(),
        };
        let message = sent.message.clone();
        let call = self.ask(node, by.clone(), ask);
        self.begin(node, calls::submit(broker, by, message, call));
    }

    pub(super) fn hand_out(&mut self, agency: usize, which: usize, max: usize, loses: bool) {
        let node = self.agencies[agency].node();
        let Some(broker) = self.posts[node].broker() else { return };
        let consumer = Consumer {
            inbox: address(agency),
            identity: system(agency, which).into(),
            stream: broker.next_stream(),
            statuses: vec![Status::Actual],
        };
        self.begin(node, calls::hand_out(broker, consumer, max, (agency, which, loses)));
    }

    pub(super) fn settle(&mut self, agency: usize, which: usize, answer: Reply) {
        let Some(which) = nth(self.agencies[agency].held.len(), which) else { return };
        let held = self.agencies[agency].held[which].clone();
        let (answer, event) = match answer {
            Reply::Ack => (Answer::Ack, Some(Event::HandedOver)),
            Reply::Refuse => (Answer::Refuse(Reason::WrongAddressee), Some(Event::Refused)),
            Reply::Nack(delay_ms) => (Answer::Nack(delay_ms), None),
            Reply::Renew => (Answer::Renew, None),
            Reply::Forget => return drop(self.agencies[agency].held.remove(which)),
        };
        self.answer(agency, held, answer, event);
    }

    /// A system answers what was handed out to it, or to another one. `event`: how that
    /// would end the delivery.
    fn answer(&mut self, agency: usize, held: Held, answer: Answer, event: Option<Event>) {
        let node = self.agencies[agency].node();
        let Some(broker) = self.posts[node].broker() else { return };
        let Held { delivery, token, system: which } = held;
        let by = system(agency, which);
        let call = event.map(|event| self.ask(node, by.clone(), Ask::Settle(delivery, event)));
        self.begin(node, calls::settle(broker, by, token, answer, (agency, call)));
    }

    pub(super) fn may_read(&mut self, agency: usize) {
        let node = self.agencies[agency].node();
        if let Some(broker) = self.posts[node].broker() {
            self.begin(node, calls::may_read(broker, system(agency, 0), agency));
        }
    }

    /// An operator of a node decides something.
    pub(super) fn operate(&mut self, node: usize, what: Order) {
        let Some(broker) = self.posts[node].broker() else { return };
        let by = operator(node, 0);
        match what {
            Order::Retry | Order::Drop => {
                let Some(name) = self.dead_letter(node) else { return };
                let act = Act { operator: by, why: "as agreed".into() };
                self.begin(node, async move {
                    Done::Operated(match what {
                        Order::Retry => broker.retry(act, name).await,
                        _ => broker.drop_letter(act, name).await.map(drop::<Bytes>),
                    })
                });
            }
            Order::ConfirmClock => {
                self.begin(node, async move { Done::Operated(broker.confirm_clock(by).await) });
            }
            Order::Propose(peer) => {
                let peer = COUNTRIES[peer % self.posts.len()].to_owned();
                self.begin(node, async move {
                    let why = "the post has burned down".to_owned();
                    let proposed = broker.propose_write_off(by, peer.clone(), why).await;
                    Done::Proposed(peer, proposed)
                });
            }
            Order::ConfirmWriteOff | Order::Withdraw => {
                let proposals = &mut self.posts[node].proposals;
                let Some((peer, id)) = proposals.pop_first() else { return };
                let name = ProposalName { peer, id };
                let second = operator(node, 1);
                self.begin(node, async move {
                    Done::Operated(match what {
                        Order::Withdraw => broker.withdraw_write_off(second, name).await,
                        _ => broker.confirm_write_off(second, name).await.map(drop),
                    })
                });
            }
        }
    }

    /// One of the dead letters of a node.
    fn dead_letter(&mut self, node: usize) -> Option<DeliveryName> {
        let state = self.posts[node].life.as_ref()?.hand.state();
        let dead = state.deliveries().filter(|(_, one)| matches!(one.phase, Phase::Dead(_)));
        let names: Vec<_> = dead
            .map(|(_, one)| DeliveryName {
                origin_agency: one.message.origin.to_string(),
                message_id: one.message.id.to_string(),
                recipient: one.recipient.to_string(),
            })
            .collect();
        let which = nth(names.len(), self.chance.place(100))?;
        names.into_iter().nth(which)
    }
}

/// A place in a list of so many, counted round; `None` where it is empty.
fn nth(many: usize, which: usize) -> Option<usize> {
    (many > 0).then(|| which % many)
}
