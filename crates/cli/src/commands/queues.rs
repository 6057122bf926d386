//! `barid queues`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::header::Precedence;
use barid_proto::operations::v1 as pb;
use clap::Args;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, Table};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid queues
  barid queues pk/police --json
  barid queues --disk

  FLASH to ROUTINE: ready to be handed out. LEASED: handed out, not yet answered.
  DELAYED: waits for its next try. DEAD: see `barid dead-letters`.
  What is real is counted by itself. Exercises and tests have rows of their own, where
  there are some: EXERCISE pk/police.
  --disk: a segment of bodies goes as a whole, once none of its deliveries is OPEN and the
  time under UNTIL has passed.";

/// Show what waits where
///
/// Prints for each inbox what waits, who listens, and since when the oldest has waited.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueuesArgs {
    /// Only this inbox
    #[arg(conflicts_with = "disk")]
    inbox: Option<Address>,
    /// Show what the bodies of messages take on the disk, and what would free them
    #[arg(long)]
    disk: bool,
}

/// Runs the command.
pub(crate) async fn run(
    args: &QueuesArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    if args.disk {
        let answer = client.disk_usage(pb::GetDiskUsageRequest {}).await;
        return disk(&answer.context("cannot show the disk")?, output);
    }
    let request = pb::ListQueuesRequest {
        inbox: args.inbox.as_ref().map(Address::to_string).unwrap_or_default(),
    };
    let answer = client.list_queues(request).await.context("cannot show the queues")?;
    if output.wants_json() {
        for queue in &answer.queues {
            output.json(queue)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if answer.queues.is_empty() {
        output.note(Line::default().faint("no inboxes"));
    } else {
        output.table(&table(&answer.queues))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn disk(usage: &pb::GetDiskUsageResponse, output: &mut Output) -> anyhow::Result<ExitCode> {
    if output.wants_json() {
        output.json(usage)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table =
        Table::new(["SEGMENT", "MESSAGES", "BYTES", "OPEN", "UNTIL", "MOST OF THE OPEN ARE FOR"]);
    for segment in &usage.segments {
        let holder = |held: &pb::SegmentHolder| format!("{} {}", held.open, held.recipient);
        let holders: Vec<_> = segment.holders.iter().map(holder).collect();
        table
            .row()
            .number(segment.number)
            .number(segment.messages)
            .number(segment.bytes)
            .number(segment.open)
            .text(words::time(segment.kept_until.as_ref()))
            .text(holders.join(", "));
    }
    output.table(&table)?;
    let held = usage.segments.iter().filter(|segment| segment.open > 0);
    let waits: u64 = held.map(|segment| segment.bytes).sum();
    output.note(Line::default().faint(format!(
        "{} bytes of messages, of these {waits} in segments with open deliveries; {} bytes are free",
        usage.bytes, usage.free_bytes
    )));
    Ok(ExitCode::SUCCESS)
}

fn table(queues: &[pb::Queue]) -> Table {
    let mut table = Table::new([
        "INBOX",
        "FLASH",
        "IMMEDIATE",
        "PRIORITY",
        "ROUTINE",
        "LEASED",
        "DELAYED",
        "DEAD",
        "CONSUMERS",
        "OLDEST",
    ]);
    for queue in queues {
        let ready = |level: Precedence| {
            let depths = queue.depths.iter();
            depths.filter(|depth| depth.precedence() == level).map(|depth| depth.ready).sum()
        };
        let oldest = queue
            .depths
            .iter()
            .filter_map(|depth| depth.oldest_accepted_at.as_ref())
            .min_by_key(|time| (time.seconds, time.nanos));
        table
            .row()
            .text(words::marked(queue.status, &queue.inbox))
            .number(ready(Precedence::Flash))
            .number(ready(Precedence::Immediate))
            .number(ready(Precedence::Priority))
            .number(ready(Precedence::Routine))
            .number(queue.depths.iter().map(|depth| depth.leased).sum())
            .number(queue.depths.iter().map(|depth| depth.delayed).sum())
            .number(queue.dead_letters)
            .number(u64::from(queue.consumers))
            .text(words::time(oldest));
    }
    table
}
