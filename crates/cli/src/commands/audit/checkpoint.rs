//! `barid audit checkpoint`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::LogKey;
use barid_message::time::Millis;
use barid_proto::audit::v1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output, OutputError};

const EXAMPLES: &str = "\
EXAMPLES
  barid audit checkpoint                   the newest head
  barid audit checkpoint --with 4711       with the entry at that position in it
  barid audit checkpoint --note > head     as it was signed, for other tools (C2SP)";

/// Show the newest signed head of the node's audit log
///
/// The head names every entry of the node's journal so far by one hash. Whoever keeps one
/// can later show that the log was changed behind it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckpointArgs {
    /// Wait for a head that has the entry at this position
    #[arg(long = "with", value_name = "POSITION")]
    position: Option<u64>,
    /// Print the signed note as it is
    #[arg(long, conflicts_with = "json")]
    note: bool,
}

/// Runs the command.
pub(super) async fn run(
    args: &CheckpointArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?.audit();
    let request = pb::GetCheckpointRequest { position: args.position };
    let answer = client.checkpoint(request).await.context("cannot get the checkpoint")?;
    let key = LogKey::from_vkey(&answer.log_key).context("the node names no key of its log")?;
    let signed = SignedCheckpoint::open(&answer.checkpoint, &key)
        .context("the node's checkpoint does not hold")?;
    if output.wants_json() {
        output.json(&answer)?;
    } else if args.note {
        for line in signed.note().to_string().lines() {
            output.line(line.to_owned())?;
        }
    } else {
        show(&signed, &key, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(signed: &SignedCheckpoint, key: &LogKey, output: &mut Output) -> Result<(), OutputError> {
    let head = signed.checkpoint();
    let mut entry = |title: &str, value: String| {
        output.line(Line::default().faint(format!("{title:<12}")).text(value))
    };
    entry("log", head.origin.to_string())?;
    entry("entries", head.size.to_string())?;
    entry("root", STANDARD.encode(head.root.0))?;
    entry("log key", key.to_vkey())?;
    for signature in signed.note().signatures().iter().filter(|one| !key.made(one)) {
        // 8 bytes of time are in front of a cosignature. Whose it is, is not checked here.
        let time = signature.bytes.first_chunk().map(|time| u64::from_be_bytes(*time));
        let when = time.map(|seconds| Millis(seconds.saturating_mul(1_000)).to_string());
        let when = when.unwrap_or_default();
        entry("cosigned by", format!("{}  {when}", signature.name))?;
    }
    Ok(())
}
