//! `barid audit`.

mod checkpoint;
mod export;
mod fsck;
mod verify;

use std::process::ExitCode;

use anyhow::Context as _;
use barid_proto::operations::v1 as pb;
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::context;
use crate::output::Output;

const EXAMPLES: &str = "\
EXAMPLES
  barid audit checkpoint
  barid audit export 01a3185c-5000-7001-8000-000000000002 -o message.bundle --why 'case 17'
  barid audit fsck --data barid/node/data
  barid audit verify message.bundle --trust trust.txt
  barid audit take-for-lost";

/// Check what a node has kept, and what anybody says it has
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Checkpoint(checkpoint::CheckpointArgs),
    Export(export::ExportArgs),
    Fsck(fsck::FsckArgs),
    Verify(verify::VerifyArgs),
    /// Let a node take messages again whose bodies of others are lost for good
    ///
    /// Where stored data are damaged, a node takes nothing new until an undamaged copy of
    /// them is put back. Where there is none, and only bodies of messages are damaged, an
    /// operator takes those for lost; the name is kept in the journal.
    TakeForLost,
}

/// Runs the command.
pub(crate) async fn run(
    args: &AuditArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::Checkpoint(args) => checkpoint::run(args, global, output).await,
        Action::Export(args) => export::run(args, global, output).await,
        Action::Fsck(args) => fsck::run(args, output),
        Action::Verify(args) => verify::run(args, output),
        Action::TakeForLost => {
            let client = context::operator(global, output)?.client()?;
            let request = pb::TakeForLostRequest {};
            let answer = client.take_for_lost(request).await;
            let answer = answer.context("cannot take anything for lost")?;
            if output.wants_json() {
                output.json(&answer)?;
            } else {
                output.line("taken for lost; the node takes messages again")?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
