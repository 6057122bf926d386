//! `barid audit export`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use barid_audit::bundle::{Bundle, caps::BUNDLE_BYTES_MAX, join};
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::operations::v1 as pb;
use clap::Args;
use serde_json::json;

use super::verify::read;
use crate::args::Global;
use crate::context;
use crate::durable;
use crate::output::{Line, Output};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid audit export 01a3185c-5000-7001-8000-000000000002 -o case-17.bundle --why 'case 17/2027'
  barid audit export 01a3185c-5000-7001-8000-000000000002 -o all.bundle --why 'case 17' --join ir.bundle

  The file holds the message and, of the node's registry, who was known here with which
  keys: give it to those who may know. `barid audit verify` says what it is worth.";

/// Write all that proves what became of one message into one file
///
/// The node puts together what its own log has: the signed message, all evidence about it,
/// proofs that its log has kept it, and whose keys counted then. What another node exports
/// of the same message can be joined to it. That it was exported is in the node's journal.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// The message
    #[arg(value_name = "ID", value_parser = words::message_id)]
    id: MessageId,
    /// Where to; what is there is replaced
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Why, or for which case, for the journal
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Leave the body out: its size and SHA-256 stand in the signed header
    #[arg(long)]
    without_body: bool,
    /// The agency that sent it, where several have used its id
    #[arg(long, value_name = "ADDRESS")]
    agency: Option<Address>,
    /// A bundle of the same message from another node, to go into the same file
    #[arg(long, value_name = "FILE")]
    join: Vec<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(
    args: &ExportArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let mut bundles = Vec::new();
    for path in &args.join {
        bundles.push(read(path, BUNDLE_BYTES_MAX)?);
    }
    let client = context::operator(global, output)?.client()?;
    let request = pb::ExportEvidenceRequest {
        message_id: args.id.to_string(),
        origin_agency: args.agency.as_ref().map(ToString::to_string).unwrap_or_default(),
        purpose: args.why.clone(),
        without_body: args.without_body,
    };
    let answer = client.export_evidence(request).await;
    let own = answer.with_context(|| format!("cannot export {}", args.id))?;
    bundles.insert(0, own.into());
    let bytes = if bundles.len() == 1 {
        bundles.remove(0)
    } else {
        join(&bundles).context("these bundles do not go together")?
    };
    // What does not hold is no evidence, whoever made it.
    let bundle = Bundle::open(&bytes).context("the node's answer proves nothing")?;
    durable::write(&args.out, &bytes)?;
    let logs: Vec<_> = bundle.logs().iter().map(|log| log.origin().to_owned()).collect();
    if output.wants_json() {
        output.json(&json!({
            "file": args.out,
            "bytes": bytes.len(),
            "message_id": bundle.message_id(),
            "evidence": bundle.statements().len(),
            "logs": logs,
        }))?;
    } else {
        let text = format!(
            ": {} bytes, {} pieces of evidence from {}",
            bytes.len(),
            bundle.statements().len(),
            logs.join(" and "),
        );
        output.line(Line::default().good(args.out.display().to_string()).text(text))?;
    }
    Ok(ExitCode::SUCCESS)
}
