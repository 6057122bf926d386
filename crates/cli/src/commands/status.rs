//! `barid status`.

use std::process::ExitCode;

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
  barid --as pk/customs status 01a3185c-5000-7001-8000-000000000002
  barid --as pk/police status 01a3185c-5000-7001-8000-000000000002 --origin pk/customs";

/// Show what became of one message, to its sender or a recipient
///
/// The sender sees every delivery, a recipient its own.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// The message
    #[arg(value_name = "ID", value_parser = words::message_id)]
    id: MessageId,
    /// Who sent it. Default: you
    #[arg(long, value_name = "ADDRESS")]
    origin: Option<Address>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &StatusArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let account = context::agency(global, output)?;
    let origin = args.origin.as_ref().unwrap_or(&account.address);
    let client = account.client()?;
    let answer = client
        .status(origin, args.id)
        .await
        .with_context(|| format!("cannot show {} of {origin}", args.id))?;
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
