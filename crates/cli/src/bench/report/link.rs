//! The figures of runs over one link.

use serde_json::{Value, json};

use super::super::latency::Latency;
use super::super::link::{Cost, Run};
use super::super::process::Computed;
use super::{Object, each, rate};
use crate::output::Table;

impl Run {
    fn messages_per_s(&self) -> Option<f64> {
        self.elapsed.map(|elapsed| rate(self.messages, elapsed))
    }

    pub(super) fn as_json(&self) -> Value {
        let node = |computed: Option<&Computed>| {
            let parts = computed.map(|node| {
                let parts = node.parts();
                parts
                    .map(|(part, time)| (part, each(time, self.messages).into()))
                    .collect::<Object>()
            });
            json!({
                "cpu_us_per_message": computed.map(|node| each(node.all(), self.messages)),
                "cpu_us_per_message_by_part": parts,
            })
        };
        let cost = self.cost.as_ref().map(|Cost { origin, recipient, clients }| {
            json!({
                "origin_node": node(origin.as_ref()),
                "recipient_node": node(recipient.as_ref()),
                "clients_cpu_us_per_message": clients.map(|time| each(time, self.messages)),
            })
        });
        json!({
            "name": self.name,
            "messages": self.messages,
            "elapsed_ms": self.elapsed.map(|elapsed| super::micros(elapsed) / 1_000),
            "messages_per_s": self.messages_per_s(),
            "receipt": self.receipt,
            "handed_over": self.handed_over,
            "told": self.told,
            "cost": cost,
        })
    }
}

/// Messages a second, and how long each waited for what.
pub(super) fn speed(runs: &[Run]) -> Table {
    let mut table = Table::new([
        "OVER ONE LINK",
        "MESSAGES",
        "PER SECOND",
        "RECEIPT p50 µs",
        "p99",
        "HANDED OVER p50 µs",
        "p99",
        "max",
        "TOLD p50 µs",
        "p99",
        "max",
    ]);
    for run in runs {
        let row = table.row().text(run.name).number(run.messages.into());
        let row = match run.messages_per_s() {
            Some(rate) => row.text(rate.to_string()),
            None => row.text("-"),
        };
        let mut row = row.number(run.receipt.p50_us).number(run.receipt.p99_us);
        for latency in [run.handed_over, run.told] {
            row = match latency {
                Some(Latency { p50_us, p99_us, max_us }) => {
                    row.number(p50_us).number(p99_us).number(max_us)
                }
                None => row.text("-").text("-").text("-"),
            };
        }
    }
    table
}

/// What a message costs at either node.
pub(super) fn processor(runs: &[Run]) -> Table {
    let mut table = Table::new([
        "OVER ONE LINK, PROCESSOR µs A MESSAGE",
        "AT",
        "ALL",
        "NETWORK AND CHECKS",
        "SEQUENCER",
        "WRITER",
        "PROJECTOR",
        "REST",
    ]);
    for run in runs {
        let Some(Cost { origin, recipient, clients }) = &run.cost else { continue };
        for (at, node) in [("origin's node", origin), ("recipient's node", recipient)] {
            let Some(node) = node else { continue };
            let row = table.row().text(run.name).text(at).number(each(node.all(), run.messages));
            node.parts().fold(row, |row, (_, time)| row.number(each(time, run.messages)));
        }
        if let Some(time) = clients {
            table.row().text(run.name).text("clients").number(each(*time, run.messages));
        }
    }
    table
}
