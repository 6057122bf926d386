//! What became of a replay, in sums.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::reason;

use super::feed::Step;
use super::letter::Unsent;
use crate::output::{Output, Table};

/// Sums of a replay.
#[derive(Default)]
pub(super) struct Report {
    /// Sent, not yet answered.
    waiting: HashMap<MessageId, Vec<Address>>,
    submitted: usize,
    accepted: usize,
    unmapped: usize,
    /// Accepted ones that are exercises, tests or for machines.
    not_actual: usize,
    deliveries: BTreeMap<Address, usize>,
    refused: BTreeMap<&'static str, usize>,
    unanswered: Option<String>,
    elapsed: Duration,
    cpu: Option<Duration>,
}

impl Report {
    /// Counts a step; gives back a record that was not sent.
    pub(super) fn note(&mut self, step: Step) -> Option<Unsent> {
        match step {
            Step::Unsent(unsent) => {
                self.unmapped += 1;
                return Some(unsent);
            }
            Step::Sent { id, recipients, is_actual } => {
                self.submitted += 1;
                self.not_actual += usize::from(!is_actual);
                self.waiting.insert(id, recipients);
            }
            Step::Accepted { id } => {
                self.accepted += 1;
                for recipient in self.waiting.remove(&id).unwrap_or_default() {
                    *self.deliveries.entry(recipient).or_default() += 1;
                }
            }
            Step::Refused { id, reason } => {
                self.waiting.remove(&id);
                *self.refused.entry(name(reason)).or_default() += 1;
            }
            Step::Unanswered { id, error } => {
                self.unanswered.get_or_insert_with(|| format!("{id}: {error}"));
            }
        }
        None
    }

    /// Takes the times: all, and the processor's before and after.
    pub(super) fn time(
        &mut self,
        elapsed: Duration,
        before: Option<Duration>,
        after: Option<Duration>,
    ) {
        self.elapsed = elapsed;
        self.cpu = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    }

    /// Messages refused by the node.
    pub(super) fn refused(&self) -> usize {
        self.refused.values().sum()
    }

    /// Messages that the node may have or not.
    pub(super) fn lost(&self) -> usize {
        self.waiting.len()
    }

    /// The first message without an answer, and why.
    pub(super) fn unanswered(&self) -> Option<&str> {
        self.unanswered.as_deref()
    }

    /// Writes the sums: a table for people, an object for programs.
    pub(super) fn show(&self, output: &mut Output) -> anyhow::Result<()> {
        if output.wants_json() {
            return Ok(output.json(&self.as_json())?);
        }
        let mut table = Table::new(["AGENCY", "DELIVERIES"]);
        for (address, count) in &self.deliveries {
            table.row().text(address.as_str()).number(number(*count));
        }
        table.row().text("all").number(number(self.deliveries()));
        output.table(&table)?;
        output.line(format!(
            "{} submitted, {} accepted, {} refused, {} unmapped, {} unanswered",
            self.submitted,
            self.accepted,
            self.refused(),
            self.unmapped,
            self.lost(),
        ))?;
        for (reason, count) in &self.refused {
            output.line(format!("refused {count} {reason}"))?;
        }
        if self.not_actual > 0 {
            output.note(format!(
                "{} are exercises or tests: only inboxes that ask for them get them",
                self.not_actual
            ));
        }
        let cpu = self.cpu_us().map_or_else(String::new, |us| {
            format!(", {us} µs of processor a message on this side")
        });
        output.line(format!("{:.1} messages/s{cpu}", self.messages_per_s()))?;
        Ok(())
    }

    fn as_json(&self) -> serde_json::Value {
        let by_agency = self.deliveries.iter();
        let by_agency: BTreeMap<_, _> =
            by_agency.map(|(address, count)| (address.as_str(), count)).collect();
        serde_json::json!({
            "submitted": self.submitted,
            "accepted": self.accepted,
            "refused": self.refused(),
            "refused_by_reason": self.refused,
            "unanswered": self.lost(),
            "unmapped": self.unmapped,
            "deliveries": self.deliveries(),
            "deliveries_by_agency": by_agency,
            "messages_per_s": (self.messages_per_s() * 10.0).round() / 10.0,
            "client_cpu_us_per_message": self.cpu_us(),
            "elapsed_ms": number_of(self.elapsed.as_millis()),
        })
    }

    fn deliveries(&self) -> usize {
        self.deliveries.values().sum()
    }

    fn messages_per_s(&self) -> f64 {
        per_second(self.accepted, self.elapsed)
    }

    fn cpu_us(&self) -> Option<u64> {
        let messages = u32::try_from(self.submitted).ok().filter(|count| *count > 0)?;
        Some(number_of((self.cpu? / messages).as_micros()))
    }
}

/// Things a second.
pub(crate) fn per_second(count: usize, elapsed: Duration) -> f64 {
    let count = u32::try_from(count).map_or(f64::MAX, f64::from);
    if elapsed.is_zero() { 0.0 } else { count / elapsed.as_secs_f64() }
}

fn name(why: Reason) -> &'static str {
    match why {
        Reason::Unspecified => "UNSPECIFIED",
        why => reason::name(why),
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn number_of(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
