//! How often what happened: a run in which something never did shows nothing about it.

use std::collections::BTreeMap;
use std::fmt;

use barid_audit::entry::{Body, Entry, is_final};
use barid_proto::federation::v1::Lane;
use barid_proto::journal::v1::InboundSlot;

use crate::op::Op;
use crate::session::End;

/// Sums by group and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<(&'static str, String), u64>);

/// What every run must have reached.
const MUST: [(&str, &[&str]); 6] = [
    (
        "delivery",
        &[
            "Delivered",
            "Queued",
            "RelayAccepted",
            "Deferred",
            "Returned",
            "DeadLettered",
            "Retried",
            "Overdue",
            "HandedOver",
            "Refused",
            "Expired",
            "NonDelivered",
            "Contradiction",
        ],
    ),
    (
        "entry",
        &[
            "Restarted",
            "Accepted",
            "SubmissionRefused",
            "HandedOver",
            "Returned",
            "DeadLettered",
            "Ended",
            "Overdue",
            "Retried",
            "ReadOpened",
            "ReadClosed",
            "Clock",
            "Stopped",
            "LinkHorizon",
            "Taken",
            "SlotAnswered",
            "EvidenceTaken",
            "CustodyReceived",
            "Requeued",
            "WriteOffProposed",
            "WriteOffWithdrawn",
            "WriteOffConfirmed",
            "WrittenOff",
            "SlotCleared",
            "Contradicted",
        ],
    ),
    ("slot", &["Taken", "Refused", "Deferred", "void"]),
    (
        "final",
        &[
            "HandedOver Unspecified",
            "Refused WrongAddressee",
            "Expired ExpiresAtPassed",
            "NonDelivered DeliverByPassed",
            "NonDelivered DroppedByOperator",
            "NonDelivered WrittenOff",
        ],
    ),
    ("clock", &["in doubt", "confirmed"]),
    ("fault", &["crash", "fail-stop", "failed start"]),
];

impl Tally {
    pub(crate) fn count(&mut self, group: &'static str, name: &str) {
        *self.0.entry((group, name.to_owned())).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(key.clone()).or_default() += count;
        }
    }

    pub(crate) fn of(&self, group: &'static str, name: &str) -> u64 {
        self.0.get(&(group, name.to_owned())).copied().unwrap_or(0)
    }

    /// Sum of a group.
    pub(crate) fn all_of(&self, group: &'static str) -> u64 {
        self.0.iter().filter(|((of, _), _)| *of == group).map(|(_, count)| count).sum()
    }

    pub(crate) fn op(&mut self, op: &Op) {
        let name = format!("{op:?}");
        self.count("operation", name.split([' ', '(']).next().unwrap());
    }

    pub(crate) fn session(&mut self, end: &End) {
        let name = format!("{end:?}");
        let name = name.split(['{', '[']).next().unwrap();
        self.count("session", &name[..name.len().min(40)]);
    }

    /// What an entry says.
    pub(crate) fn entry(&mut self, entry: &Entry) {
        self.count("entry", &format!("{:?}", entry.body.kind()));
        for item in &entry.items {
            self.count("delivery", &format!("{:?}", item.event));
            if is_final(item.event) && !matches!(entry.body, Body::EvidenceTaken(_)) {
                self.count("final", &format!("{:?} {:?}", item.event, item.reason));
            }
        }
        match &entry.body {
            Body::Taken(facts) => self.slot(facts.slot.as_ref().unwrap()),
            Body::SlotAnswered(slot) => self.slot(slot),
            Body::Clock(facts) => {
                self.count("clock", if facts.suspect { "in doubt" } else { "confirmed" });
            }
            _ => {}
        }
    }

    fn slot(&mut self, slot: &InboundSlot) {
        let answer = slot.answer.as_ref().unwrap();
        for one in &answer.recipients {
            self.count("slot", &format!("{:?}", one.answer()));
        }
        if answer.recipients.is_empty() && slot.lane() != Lane::Evidence {
            self.count("slot", "void");
        }
    }

    /// What was never reached.
    pub(crate) fn missing(&self) -> Vec<String> {
        let all =
            MUST.iter().flat_map(|(group, names)| names.iter().map(move |name| (*group, name)));
        all.filter(|(group, name)| self.of(group, name) == 0)
            .map(|(group, name)| format!("{group} {name}"))
            .collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((group, name), count) in &self.0 {
            if *group != last {
                write!(f, "\n  {group}:")?;
                last = group;
            }
            write!(f, " {name} {count},")?;
        }
        Ok(())
    }
}
