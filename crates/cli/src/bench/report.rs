//! The figures: tables for people, one object for programs.

mod link;

use std::time::Duration;

use serde_json::{Value, json};

use super::disk::{Bytes, Used};
use super::kinds::KindCost;
use super::link::Run;
use super::load::{Done, Plan};
use super::machine::{self, Load};
use super::process::Memory;
use super::stages::{Stages, Who};
use crate::output::{Output, Table};
use crate::replay::per_second;

/// All figures of one call of `barid bench`.
pub(super) struct Report {
    /// Before and after.
    pub(super) load: (Load, Load),
    pub(super) phases: Vec<Phase>,
    /// Over one link between two nodes.
    pub(super) links: Vec<Run>,
    pub(super) starts: Vec<Start>,
    pub(super) stages: Stages,
    pub(super) kinds: Vec<KindCost>,
}

/// One run.
pub(super) struct Phase {
    pub(super) plan: Plan,
    pub(super) done: Done,
    /// What it left on disk.
    pub(super) disk: Used,
}

/// One start, from the new process to listening.
pub(super) struct Start {
    pub(super) name: &'static str,
    /// Entries that it had to read again.
    pub(super) entries: u32,
    pub(super) elapsed: Duration,
    pub(super) memory: Option<Memory>,
}

/// Microseconds, as many as a number holds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Messages a second, to a tenth.
fn rate(messages: u32, elapsed: Duration) -> f64 {
    tenths(per_second(usize::try_from(messages).unwrap_or(usize::MAX), elapsed))
}

/// What each of so many messages took, in microseconds.
fn each(time: Duration, messages: u32) -> u64 {
    micros(time / messages.max(1))
}

impl Phase {
    fn messages_per_s(&self) -> f64 {
        rate(self.plan.messages, self.done.elapsed)
    }

    /// Processor time of each message.
    fn each(&self, time: Duration) -> u64 {
        each(time, self.plan.messages)
    }

    fn disk_of_each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let messages = u64::from(self.plan.messages);
        self.disk.0.iter().map(move |(folder, Bytes { written, .. })| (*folder, written / messages))
    }

    fn as_json(&self) -> Value {
        let Done { elapsed, receipt, handed_over, node, client, memory } = &self.done;
        let parts = node.as_ref().map(|node| {
            node.parts().map(|(part, time)| (part, self.each(time).into())).collect::<Object>()
        });
        let disk = self.disk_of_each().map(|(folder, bytes)| (folder, bytes.into()));
        json!({
            "name": self.plan.name,
            "messages": self.plan.messages,
            "recipients": self.plan.recipients,
            "elapsed_ms": micros(*elapsed) / 1_000,
            "messages_per_s": self.messages_per_s(),
            "receipt": receipt,
            "handed_over": handed_over,
            "node_cpu_us_per_message": node.as_ref().map(|node| self.each(node.all())),
            "node_cpu_us_per_message_by_part": parts,
            "client_cpu_us_per_message": client.map(|client| self.each(client)),
            "node_memory": memory,
            "disk_bytes_per_message": disk.collect::<Object>(),
            "disk": self.disk,
        })
    }
}

type Object = std::collections::BTreeMap<&'static str, Value>;

impl Report {
    /// Writes them.
    pub(super) fn show(&self, output: &mut Output) -> anyhow::Result<()> {
        if output.wants_json() {
            return Ok(output.json(&self.as_json())?);
        }
        let links = [link::speed(&self.links), link::processor(&self.links)];
        let node = [self.speed(), self.processor(), self.space(), self.start(), self.stage()];
        let node = node.into_iter().chain([self.kind()]);
        for table in node.chain(links) {
            output.table(&table)?;
            output.line("")?;
        }
        let (before, after) = &self.load;
        let load = |load: &Load| {
            load.one_minute.map_or_else(|| "unknown".to_owned(), |one| one.to_string())
        };
        output.line(format!(
            "{} processors; load {} before, {} after",
            machine::processors(),
            load(before),
            load(after)
        ))?;
        Ok(())
    }

    fn as_json(&self) -> Value {
        let start = |start: &Start| {
            json!({
                "name": start.name,
                "entries": start.entries,
                "elapsed_ms": micros(start.elapsed) / 1_000,
                "node_memory": start.memory,
            })
        };
        let Stages { stages, bytes: [message, accepted, handed_over], lone_sync } = &self.stages;
        let stage = |stage: &super::stages::Stage| json!({ "who": who(stage.who), "name": stage.name, "cpu_us": fine(stage.cpu) });
        let kind = |cost: &KindCost| {
            json!({
                "kind": cost.kind,
                "bytes": cost.bytes,
                "sign_cpu_us": fine(cost.sign),
                "verify_cpu_us": fine(cost.verify),
            })
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "is_debug_build": cfg!(debug_assertions),
            "processors": machine::processors(),
            "load_before": self.load.0,
            "load_after": self.load.1,
            "runs": self.phases.iter().map(Phase::as_json).collect::<Vec<_>>(),
            "link_runs": self.links.iter().map(Run::as_json).collect::<Vec<_>>(),
            "starts": self.starts.iter().map(start).collect::<Vec<_>>(),
            "stages": stages.iter().map(stage).collect::<Vec<_>>(),
            "kinds": self.kinds.iter().map(kind).collect::<Vec<_>>(),
            "message_bytes": message,
            "accepted_record_bytes": accepted,
            "handed_over_record_bytes": handed_over,
            "lone_sync": lone_sync,
        })
    }

    fn speed(&self) -> Table {
        let mut table = Table::new([
            "RUN",
            "MESSAGES",
            "PER SECOND",
            "RECEIPT p50 µs",
            "p99",
            "max",
            "HANDED OVER p50 µs",
            "p99",
            "max",
        ]);
        for phase in &self.phases {
            let mut row = table
                .row()
                .text(phase.plan.name)
                .number(phase.plan.messages.into())
                .text(phase.messages_per_s().to_string());
            for latency in [phase.done.receipt, phase.done.handed_over] {
                row = row.number(latency.p50_us).number(latency.p99_us).number(latency.max_us);
            }
        }
        table
    }

    fn processor(&self) -> Table {
        let mut table = Table::new([
            "PROCESSOR µs A MESSAGE",
            "CLIENTS",
            "NODE",
            "NETWORK AND CHECKS",
            "SEQUENCER",
            "WRITER",
            "PROJECTOR",
            "REST",
        ]);
        for phase in &self.phases {
            let mut row = table.row().text(phase.plan.name);
            row = match phase.done.client {
                Some(client) => row.number(phase.each(client)),
                None => row.text("-"),
            };
            let Some(node) = &phase.done.node else { continue };
            row = row.number(phase.each(node.all()));
            for (_, time) in node.parts() {
                row = row.number(phase.each(time));
            }
        }
        table
    }

    fn space(&self) -> Table {
        let mut table = Table::new([
            "MEMORY AND DISK",
            "PEAK KiB",
            "AT END KiB",
            "BODIES B A MESSAGE",
            "INDEX",
            "JOURNAL",
        ]);
        for phase in &self.phases {
            let mut row = table.row().text(phase.plan.name);
            row = match phase.done.memory {
                Some(memory) => row.number(memory.peak_kib).number(memory.now_kib),
                None => row.text("-").text("-"),
            };
            for (_, bytes) in phase.disk_of_each() {
                row = row.number(bytes);
            }
        }
        table
    }

    fn start(&self) -> Table {
        let mut table = Table::new(["START", "ENTRIES", "ms", "PEAK KiB"]);
        for start in &self.starts {
            let row = table.row().text(start.name).number(start.entries.into());
            let row = row.number(micros(start.elapsed) / 1_000);
            match start.memory {
                Some(memory) => row.number(memory.peak_kib),
                None => row.text("-"),
            };
        }
        table
    }

    fn kind(&self) -> Table {
        let mut table = Table::new([
            "KIND, FULL, ONE THREAD",
            "BYTES",
            "ENCODE AND SIGN µs",
            "VERIFY AND PARSE µs",
        ]);
        for KindCost { kind, bytes, sign, verify } in &self.kinds {
            let row = table.row().text(&**kind).number(u64::try_from(*bytes).unwrap_or(u64::MAX));
            row.text(fine(*sign).to_string()).text(fine(*verify).to_string());
        }
        table
    }

    fn stage(&self) -> Table {
        let Stages { stages, bytes: [message, accepted, handed_over], lone_sync } = &self.stages;
        let mut table = Table::new(["STAGE, ONE THREAD", "WHO", "PROCESSOR µs"]);
        for stage in stages {
            table.row().text(stage.name).text(who(stage.who)).text(fine(stage.cpu).to_string());
        }
        let row = table.row().text("a lone message: write, sync twice (p50, wall clock)");
        row.text(who(Who::Node)).number(lone_sync.p50_us);
        for (name, bytes) in [
            ("bytes of the signed message", message),
            ("bytes of ACCEPTED in the journal", accepted),
            ("bytes of HANDED_OVER in the journal", handed_over),
        ] {
            table.row().text(name).text("").number(u64::try_from(*bytes).unwrap_or(u64::MAX));
        }
        table
    }
}

fn who(who: Who) -> &'static str {
    match who {
        Who::Client => "client",
        Who::Node => "node",
    }
}

/// Microseconds with one decimal.
fn fine(duration: Duration) -> f64 {
    tenths(duration.as_secs_f64() * 1e6)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
