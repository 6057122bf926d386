//! The end of the story in numbers: a table for people, one line for programs.

#[cfg(test)]
mod tests;

use std::time::Duration;

use barid_message::address::Address;
use serde::Serialize;

use super::ledger::{Figures, Ledger};
use super::reckoning::NodeBook;
use crate::output::Table;
use crate::replay::per_second;

/// The final line of `--json`: these fields, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) nodes: u64,
    pub(super) agencies: u64,
    pub(super) submitted: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) unmapped: u64,
    pub(super) deliveries: u64,
    pub(super) handed_over: u64,
    pub(super) expired: u64,
    pub(super) other_finals: u64,
    pub(super) without_final: u64,
    pub(super) duplicates: u64,
    pub(super) lost: u64,
    pub(super) restarts: u64,
    /// From the first submission to the last final; one decimal.
    pub(super) messages_per_s: f64,
    /// Of the whole demo, from its start.
    pub(super) elapsed_ms: u64,
}

/// What the books do not know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Circumstances {
    pub(super) nodes: usize,
    pub(super) agencies: usize,
    pub(super) unmapped: usize,
    pub(super) restarts: u32,
    pub(super) elapsed: Duration,
}

impl Summary {
    pub(super) fn new(ledger: &Ledger, circumstances: Circumstances) -> Self {
        let figures = ledger.figures();
        let Circumstances { nodes, agencies, unmapped, restarts, elapsed } = circumstances;
        let accepted = usize::try_from(figures.accepted).unwrap_or(usize::MAX);
        let rate = per_second(accepted, ledger.span());
        Self {
            nodes: count(nodes),
            agencies: count(agencies),
            submitted: figures.submitted,
            accepted: figures.accepted,
            refused: figures.refused,
            unmapped: count(unmapped),
            deliveries: figures.deliveries,
            handed_over: figures.handed_over,
            expired: figures.expired,
            other_finals: figures.other_finals(),
            without_final: figures.without_final,
            duplicates: figures.duplicates,
            lost: figures.lost,
            restarts: restarts.into(),
            messages_per_s: (rate * 10.0).round() / 10.0,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A row for each agency: on the left what it sent, on the right what was sent to it.
/// Sent = accepted + refused; due = handed over + sent back + ended
/// (expired, not delivered) + open.
pub(super) fn table(ledger: &Ledger, agencies: &[Address]) -> Table {
    let mut table = Table::new([
        "AGENCY",
        "SENT",
        "ACCEPTED",
        "REFUSED",
        "DUE",
        "RECEIVED",
        "REPEATS",
        "HANDED OVER",
        "SENT BACK",
        "ENDED",
        "OPEN",
    ]);
    for agency in agencies {
        let (sent, due) = ledger.of_agency(agency);
        row(&mut table, agency.as_str(), &sent, &due);
    }
    let all = ledger.figures();
    row(&mut table, "all", &all, &all);
    table
}

/// A row for each node. What crosses a border is in two rows, so that no column has a sum.
pub(super) fn nodes(ledger: &Ledger, nodes: &[NodeBook]) -> Table {
    let mut table = Table::new([
        "NODE",
        "ACCEPTED",
        "TAKEN OVER",
        "HANDED OVER",
        "EXPIRED",
        "RESTARTS",
        "REFUSED, WHY",
    ]);
    for NodeBook { country, restarts, figures } in nodes {
        let own = ledger.of_country(country).accepted;
        let [accepted, _, _, handed_over, expired, ..] = figures.totals;
        let refusals = ledger.refusals(country).into_iter();
        let refusals: Vec<_> = refusals.map(|(why, count)| format!("{count} {why}")).collect();
        table
            .row()
            .text(*country)
            .number(own)
            .number(accepted.saturating_sub(own))
            .number(handed_over)
            .number(expired)
            .number(u64::from(*restarts))
            .text(refusals.join(", "));
    }
    table
}

fn row(table: &mut Table, name: &str, sent: &Figures, due: &Figures) {
    table
        .row()
        .text(name)
        .number(sent.submitted)
        .number(sent.accepted)
        .number(sent.refused)
        .number(due.deliveries)
        .number(due.received)
        .number(due.repeats)
        .number(due.handed_over)
        .number(due.turned_away)
        .number(due.expired + due.non_delivered)
        .number(due.without_final);
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
