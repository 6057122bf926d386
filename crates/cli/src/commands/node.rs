//! `barid node`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_proto::operations::v1 as pb;
use clap::Args;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, Table};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid node
  barid node --json

  Accepted deliveries = handed over + refused + expired + not delivered + outstanding.";

/// Show how the node is, and its sums
///
/// Shows who the node is, its time, how much is on disk, and what became of all messages
/// since its data folder was made. Says so if it takes nothing new, and what to do.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct NodeArgs {}

/// Runs the command.
pub(crate) async fn run(
    _args: &NodeArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    let request = pb::GetNodeStatusRequest {};
    let answer = client.node_status(request).await.context("cannot ask the node")?;
    if output.wants_json() {
        output.json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.table(&table(&answer))?;
    if answer.clock_suspect {
        let text = "the node's clock is in doubt: it delivers, but takes nothing new; compare the \
                    time above, then `barid clock confirm`";
        output.note(Line::default().bad("clock ").text(text));
    }
    if answer.storage_full {
        let text = "the node's disk is full: it delivers, but takes nothing new; make room";
        output.note(Line::default().bad("disk ").text(text));
    }
    if answer.damages > 0 {
        let text = "stored data are not what was written, and nothing new is taken; the node's log \
                    names them; stop it, look with `barid audit fsck`, put back an undamaged copy of \
                    the disk; where a message's body is lost for good: `barid audit take-for-lost`";
        output.note(Line::default().bad("DATA_LOSS ").text(text));
    }
    if answer.totals.is_some_and(|totals| totals.unreadable > 0) {
        let text = "messages are lost or damaged on the node's disk, and are not handed out; its log \
                    names them; put back an undamaged copy of the disk";
        output.note(Line::default().bad("disk ").text(text));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(answer: &pb::GetNodeStatusResponse) -> Table {
    let mut table = Table::new([]);
    let totals = answer.totals.unwrap_or_default();
    table.row().text("node").text(&*answer.node);
    table.row().text("name").text(&*answer.name);
    table.row().text("version").text(&*answer.program_version);
    table.row().text("time").text(words::time(answer.time.as_ref()));
    for (title, number) in [
        ("starts", answer.start_no),
        ("entries on disk", answer.durable_position),
        ("entries in the delivery log", answer.projected_position),
        ("messages accepted", totals.accepted),
        ("refused", totals.refused),
        ("deliveries", totals.deliveries),
        ("  handed over", totals.handed_over),
        ("  refused", totals.refused_deliveries),
        ("  expired", totals.expired),
        ("  not delivered", totals.non_delivered),
        ("  outstanding", totals.outstanding),
        ("    of these dead letters", totals.dead_letters),
        ("    of these unreadable", totals.unreadable),
        ("damages", answer.damages),
        ("looks at all that is kept", answer.scrubbing.unwrap_or_default().passes),
    ] {
        table.row().text(title).number(number);
    }
    table
}
