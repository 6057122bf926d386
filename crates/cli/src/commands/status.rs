//! `barid status`: of the node, or of one message.

mod node;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use barid_audit::evidence;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::exchange::v1::GetMessageStatusResponse;
use clap::Args;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, Table};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid status                                 is anything wrong, since when, what to do
  barid status --json
  barid --as pk/customs status 01a3185c-5000-7001-8000-000000000002
  barid --as pk/police status 01a3185c-5000-7001-8000-000000000002 --origin pk/customs

  Of the node, for a monitoring system of the Nagios convention (the first line is what
  it shows):
    exit 0  OK: nothing is wrong
    exit 1  WARNING: somebody should look today
    exit 2  CRITICAL: somebody should get up, or the node does not answer
  A certificate under [[monitor]] in node.toml may ask this, and nothing else.";

/// Show whether anything is wrong with the node, or what became of one message
///
/// Without ID, as operator or monitor: a verdict; what is wrong, most urgent first, with
/// since when and what to do; then what stands well. With ID, as its sender, who sees
/// every delivery, or as a recipient, who sees its own.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// The message
    #[arg(value_name = "ID", value_parser = words::message_id)]
    id: Option<MessageId>,
    /// Who sent it. Default: you
    #[arg(long, value_name = "ADDRESS", requires = "id")]
    origin: Option<Address>,
    /// Of the node: seconds that it has for its answer
    #[arg(long, value_name = "S", default_value_t = 10, conflicts_with = "id", value_parser = clap::value_parser!(u16).range(1..=300))]
    timeout: u16,
}

/// Runs the command.
pub(crate) async fn run(
    args: &StatusArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    match args.id {
        None => node::run(Duration::from_secs(args.timeout.into()), global, output).await,
        Some(id) => message(id, args.origin.as_ref(), global, output).await,
    }
}

async fn message(
    id: MessageId,
    origin: Option<&Address>,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let account = context::agency(global, output)?;
    let origin = origin.unwrap_or(&account.address);
    let client = account.client()?;
    let answer =
        client.status(origin, id).await.with_context(|| format!("cannot show {id} of {origin}"))?;
    if output.wants_json() {
        output.json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.table(&table(&answer))?;
    if let Some(receipt) = &answer.receipt {
        let keys = client.evidence_keys().await.context("cannot ask for the evidence keys")?;
        match evidence::verify(receipt, keys) {
            Ok(statement) => output.note(Line::default().faint(format!(
                "accepted {}; receipt {}",
                words::time(statement.time.as_ref()),
                if account.evidence_keys.is_empty() {
                    "unchecked: client.toml has no evidence_keys"
                } else {
                    "verified"
                }
            ))),
            Err(error) => {
                output.note(
                    Line::default().bad("the receipt does not hold: ").text(error.to_string()),
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(answer: &GetMessageStatusResponse) -> Table {
    let mut table = Table::new(["RECIPIENT", "STATE", "FINAL", "SINCE", "REASON"]);
    for delivery in &answer.deliveries {
        table
            .row()
            .text(&*delivery.recipient)
            .text(words::event(delivery.event))
            .text(if delivery.is_final { "yes" } else { "no" })
            .text(words::time(delivery.time.as_ref()))
            .text(words::reason(delivery.reason));
    }
    table
}
