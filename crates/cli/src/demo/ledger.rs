//! The clients' own books: what each agency sent and has a receipt for, what each
//! inbox's consumer got, and what the senders were told of it. Nothing in here comes
//! from what the node says of itself.

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::fmt;

use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::{Reason, reason};
use barid_proto::audit::v1::Event;
use tokio::time::Instant;

/// Names a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) origin: Address,
    pub(super) id: MessageId,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin, self.id)
    }
}

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Every recipient acknowledges it.
    HandedOver,
    /// The node refuses it for this reason.
    RefusedByNode(Reason),
    /// Its recipients refuse it for this reason.
    RefusedByRecipient(Reason),
}

/// The node's answer to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused(Reason),
}

/// How a delivery ended, as the sender was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Final {
    pub(super) event: Event,
    pub(super) reason: Reason,
}

/// One message.
#[derive(Debug)]
struct Entry {
    expected: Expected,
    answer: Option<Answer>,
    deliveries: BTreeMap<Address, Delivery>,
}

/// One recipient of a message.
#[derive(Debug, Default)]
struct Delivery {
    /// Hand-outs without the mark that they are repeats.
    received: u64,
    /// Hand-outs with it.
    repeats: u64,
    /// Hand-outs that were a second time without saying so, or after the acknowledgement.
    duplicates: u64,
    acknowledged: bool,
    ended: Option<Final>,
}

impl Delivery {
    /// Promised, and neither here nor ended in another way.
    fn is_lost(&self) -> bool {
        let never_here = self.received + self.repeats == 0;
        let told_otherwise = self.ended.is_some_and(|ended| ended.event != Event::HandedOver);
        never_here && !told_otherwise
    }
}

/// The books.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    messages: BTreeMap<Key, Entry>,
    /// What should not be: told at the end.
    faults: Vec<String>,
    unanswered: usize,
    due: usize,
    ended: usize,
    first_submission: Option<Instant>,
    last_final: Option<Instant>,
}

/// The sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) submitted: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    /// Promised by receipts.
    pub(super) deliveries: u64,
    pub(super) received: u64,
    pub(super) repeats: u64,
    pub(super) handed_over: u64,
    pub(super) expired: u64,
    /// REFUSED by the recipient or an agreement.
    pub(super) turned_away: u64,
    pub(super) non_delivered: u64,
    pub(super) without_final: u64,
    pub(super) duplicates: u64,
    pub(super) lost: u64,
}

impl Ledger {
    /// A message is about to be submitted. The same one again changes nothing.
    pub(super) fn sending(&mut self, key: &Key, recipients: &[Address], expected: Expected) {
        self.first_submission.get_or_insert_with(Instant::now);
        if self.messages.contains_key(key) {
            return;
        }
        let recipients = recipients.iter().cloned();
        let deliveries = recipients.map(|recipient| (recipient, Delivery::default())).collect();
        self.unanswered += 1;
        self.messages.insert(key.clone(), Entry { expected, answer: None, deliveries });
    }

    /// The node has answered.
    pub(super) fn answered(&mut self, key: &Key, answer: Answer) {
        let Some(entry) = self.messages.get_mut(key) else {
            return self.fault(format!("the node answered to {key}, which nobody sent"));
        };
        match entry.answer.replace(answer) {
            None => self.unanswered -= 1,
            Some(before) if before == answer => return,
            Some(_) => return self.fault(format!("the node gave two answers to {key}")),
        }
        let as_expected = match (entry.expected, answer) {
            (Expected::RefusedByNode(expected), Answer::Refused(reason)) => expected == reason,
            (Expected::RefusedByNode(_), Answer::Accepted) => false,
            (_, answer) => answer == Answer::Accepted,
        };
        if answer == Answer::Accepted {
            self.due += entry.deliveries.len();
        }
        if !as_expected {
            let what = match answer {
                Answer::Accepted => "accepted".to_owned(),
                Answer::Refused(why) => format!("refused ({})", reason_name(why)),
            };
            self.fault(format!("{key} was {what}, which was not expected"));
        }
    }

    /// A consumer was handed a message whose signature it has checked. True where it
    /// has it already.
    pub(super) fn received(&mut self, inbox: &Address, key: &Key, redelivered: bool) -> bool {
        let Some(delivery) = self.delivery(inbox, key) else {
            self.fault(format!("{inbox} was handed {key}, which nobody sent there"));
            return false;
        };
        let had_it = delivery.received + delivery.repeats > 0;
        let acknowledged = delivery.acknowledged;
        let is_duplicate = acknowledged || (had_it && !redelivered);
        delivery.duplicates += u64::from(is_duplicate);
        if redelivered {
            delivery.repeats += 1;
        } else {
            delivery.received += 1;
        }
        if is_duplicate {
            let mark = if redelivered { "marked" } else { "not marked" };
            let when = if acknowledged { "after" } else { "before" };
            self.fault(format!(
                "{inbox} was handed {key} again, {mark} as a repeat, {when} its acknowledgement"
            ));
        }
        had_it
    }

    /// A consumer's acknowledgement was taken.
    pub(super) fn acknowledged(&mut self, inbox: &Address, key: &Key) {
        match self.delivery(inbox, key) {
            Some(delivery) => delivery.acknowledged = true,
            None => self.fault(format!("{inbox} acknowledged {key}, which nobody sent there")),
        }
    }

    /// The sender was told how a delivery ended.
    pub(super) fn ended(&mut self, recipient: &Address, key: &Key, ended: Final) {
        let expected = self.messages.get(key).map(|entry| entry.expected);
        let Some(delivery) = self.delivery(recipient, key) else {
            return self.fault(format!("evidence about {key} to {recipient}, which nobody sent"));
        };
        match delivery.ended.replace(ended) {
            None => {
                self.ended += 1;
                self.last_final = Some(Instant::now());
            }
            Some(before) if before == ended => return,
            Some(_) => return self.fault(format!("{key} to {recipient} has ended in two ways")),
        }
        let as_expected = match expected {
            Some(Expected::HandedOver) => ended.event == Event::HandedOver,
            Some(Expected::RefusedByRecipient(reason)) => {
                ended == Final { event: Event::Refused, reason }
            }
            Some(Expected::RefusedByNode(_)) | None => false,
        };
        if !as_expected {
            let (what, why) = (ended.event.as_str_name(), reason_name(ended.reason));
            self.fault(format!("{key} to {recipient} ended as {what} {why}, not as expected"));
        }
    }

    /// Something that should not be.
    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// What should not be.
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Messages accepted so far.
    pub(super) fn accepted(&self) -> usize {
        let accepted = |entry: &&Entry| entry.answer == Some(Answer::Accepted);
        self.messages.values().filter(accepted).count()
    }

    /// How a delivery ended, as far as its sender was told.
    pub(super) fn end_of(&self, recipient: &Address, key: &Key) -> Option<Final> {
        self.messages.get(key)?.deliveries.get(recipient)?.ended
    }

    /// Whether everything has its answer and its end.
    pub(super) fn is_settled(&self) -> bool {
        self.unanswered == 0 && self.due == self.ended
    }

    /// Messages without answer, and deliveries without end.
    pub(super) fn open(&self) -> (usize, usize) {
        (self.unanswered, self.due.saturating_sub(self.ended))
    }

    /// From the first submission to the last final outcome.
    pub(super) fn span(&self) -> std::time::Duration {
        let span = self.first_submission.zip(self.last_final);
        span.map_or_else(Default::default, |(first, last)| last.saturating_duration_since(first))
    }

    /// All sums.
    pub(super) fn figures(&self) -> Figures {
        self.sums(|_| true, |_| true)
    }

    /// What an agency sent, and what was sent to it.
    pub(super) fn of_agency(&self, agency: &Address) -> (Figures, Figures) {
        let sent = self.sums(|origin| origin == agency, |_| true);
        (sent, self.sums(|_| true, |recipient| recipient == agency))
    }

    /// What the node of a country should have in its own books: what its agencies sent,
    /// and what it took over from other nodes for them. A message that crosses a border
    /// is accepted at both nodes, and each of its deliveries there ends at both.
    pub(super) fn of_node(&self, country: &str) -> Figures {
        let lives_here = |address: &Address| country_of(address) == country;
        let mut sums = self.of_country(country);
        let foreign = self.messages.iter().filter(|(key, entry)| {
            !lives_here(&key.origin) && entry.answer == Some(Answer::Accepted)
        });
        for (_, entry) in foreign {
            let mut crossed = false;
            for (_, delivery) in entry.deliveries.iter().filter(|(to, _)| lives_here(to)) {
                sums.add(delivery, true);
                crossed = true;
            }
            sums.accepted += u64::from(crossed);
        }
        sums
    }

    /// What the nodes refused to agencies of a country, by reason.
    pub(super) fn refusals(&self, country: &str) -> BTreeMap<&'static str, u64> {
        let mut refusals = BTreeMap::new();
        let from_here = self.messages.iter().filter(|(key, _)| country_of(&key.origin) == country);
        for (_, entry) in from_here {
            if let Some(Answer::Refused(why)) = entry.answer {
                *refusals.entry(reason_name(why)).or_default() += 1;
            }
        }
        refusals
    }

    /// What agencies of a country sent.
    pub(super) fn of_country(&self, country: &str) -> Figures {
        self.sums(|origin| country_of(origin) == country, |_| true)
    }

    fn sums(&self, from: impl Fn(&Address) -> bool, to: impl Fn(&Address) -> bool) -> Figures {
        let mut sums = Figures::default();
        for (key, entry) in self.messages.iter().filter(|(key, _)| from(&key.origin)) {
            sums.submitted += 1;
            match entry.answer {
                Some(Answer::Accepted) => sums.accepted += 1,
                Some(Answer::Refused(_)) => sums.refused += 1,
                None => tracing::debug!(%key, "without answer"),
            }
            let promised = entry.answer == Some(Answer::Accepted);
            for (_, delivery) in entry.deliveries.iter().filter(|(recipient, _)| to(recipient)) {
                sums.add(delivery, promised);
            }
        }
        sums
    }

    fn delivery(&mut self, inbox: &Address, key: &Key) -> Option<&mut Delivery> {
        self.messages.get_mut(key)?.deliveries.get_mut(inbox)
    }
}

impl Figures {
    fn add(&mut self, delivery: &Delivery, promised: bool) {
        self.received += u64::from(delivery.received + delivery.repeats > 0);
        self.repeats += delivery.repeats;
        self.duplicates += delivery.duplicates;
        if !promised {
            return;
        }
        self.deliveries += 1;
        self.lost += u64::from(delivery.is_lost());
        match delivery.ended.map(|ended| ended.event) {
            Some(Event::HandedOver) => self.handed_over += 1,
            Some(Event::Expired) => self.expired += 1,
            Some(Event::Refused) => self.turned_away += 1,
            Some(_) => self.non_delivered += 1,
            None => self.without_final += 1,
        }
    }

    /// Finals that are neither HANDED_OVER nor EXPIRED.
    pub(super) fn other_finals(&self) -> u64 {
        self.turned_away + self.non_delivered
    }
}

/// The first part of an address.
pub(super) fn country_of(address: &Address) -> &str {
    address.as_str().split('/').next().unwrap_or_default()
}

fn reason_name(why: Reason) -> &'static str {
    match why {
        Reason::Unspecified => "",
        why => reason::name(why),
    }
}
