//! `barid evidence`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_link::client::ProvenEvidence;
use clap::Args;

use crate::args::Global;
use crate::context;
use crate::output::{Columns, Line, Output};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid --as pk/customs evidence
  barid --as pk/customs evidence --follow --json > evidence.jsonl
  barid --as pk/customs evidence --after CURSOR

  Each line of --json has the `cursor` to go on behind it, what the node states, and
  `evidence`, the signed bytes to keep. Evidence that does not verify is shown as such
  and makes the exit code 1. Where client.toml has no evidence_keys, it can be held
  against those that the node itself names and no others: then it is `unchecked`, in
  JSON null.";

const COLUMNS: &[(&str, usize)] = &[
    ("TIME", 24),
    ("EVENT", 19),
    ("VERIFIED", 9),
    ("MESSAGE", 36),
    ("RECIPIENT", 20),
    ("REASON", 0),
];

/// Show what became of the messages that an agency sent, as signed by the node
///
/// Prints receipts, hand-overs, refusals and ends of the messages that you sent, in the
/// order of the node's log, each checked against the keys in client.toml.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvidenceArgs {
    /// Only what comes after this cursor. Default: from the beginning
    #[arg(long, value_name = "CURSOR", default_value = "", hide_default_value = true)]
    after: String,
    /// Go on as it happens
    #[arg(long)]
    follow: bool,
}

/// Runs the command.
pub(crate) async fn run(
    args: &EvidenceArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let account = context::agency(global, output)?;
    let known = !account.evidence_keys.is_empty();
    let client = account.client()?;
    let mut stream = client.evidence(args.after.clone(), args.follow);
    let mut columns = Columns::new(COLUMNS);
    let mut cursor = String::new();
    let mut sound = true;
    while let Some(item) = stream.next().await.context("cannot read evidence")? {
        sound &= item.statement.is_ok();
        show(&item, known, &mut columns, output)?;
        cursor = item.cursor;
    }
    match cursor.as_str() {
        "" => output.note(Line::default().faint("no evidence after this")),
        cursor => {
            output.note(Line::default().faint("go on with ").text(format!("--after {cursor}")))
        }
    }
    if !sound {
        anyhow::bail!("some evidence does not verify; tell the node's operator");
    }
    Ok(ExitCode::SUCCESS)
}

/// `known`: whether it was held against keys that the node did not name itself.
fn show(
    item: &ProvenEvidence,
    known: bool,
    columns: &mut Columns,
    output: &mut Output,
) -> anyhow::Result<()> {
    let statement = item.statement.as_ref();
    if output.wants_json() {
        return Ok(output.json(&serde_json::json!({
            "cursor": item.cursor,
            "verified": (known || statement.is_err()).then_some(statement.is_ok()),
            "statement": statement.ok(),
            "evidence": item.evidence,
            "contradicts": item.contradicts,
        }))?);
    }
    let cells = match statement {
        Ok(statement) => [
            words::time(statement.time.as_ref()),
            words::event(statement.event),
            if known { "yes" } else { "unchecked" }.to_owned(),
            statement.message_id.clone(),
            statement.recipient.clone(),
            words::reason(statement.reason),
        ],
        Err(error) => [
            "-".to_owned(),
            "-".to_owned(),
            "NO".to_owned(),
            String::new(),
            String::new(),
            error.to_string(),
        ],
    };
    columns.row(output, cells)?;
    if item.contradicts {
        let text = "the node above says so of a delivery that had ended before; the end you were \
                    told then stands";
        output.note(Line::default().bad("contradiction ").text(text));
    }
    Ok(())
}
