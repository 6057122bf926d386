//! `barid clock`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_message::time::Millis;
use barid_node::clock;
use barid_proto::operations::v1 as pb;
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::context;
use crate::output::{Line, Output};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid node              shows the node's time, and whether it is in doubt
  barid clock confirm     after comparing it with a clock that you trust";

/// Vouch for the node's clock
///
/// After a jump of its clock, or a start whose time does not fit the journal, a node
/// takes nothing new until a person says that the clock is right, or two linked nodes
/// show the same time.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct ClockArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say that the node's clock is right; your name is kept in the journal
    Confirm,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ClockArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let Action::Confirm = args.action;
    let client = context::operator(global, output)?.client()?;
    let request = pb::ConfirmClockRequest {};
    let answer = client.confirm_clock(request).await.context("cannot confirm the clock")?;
    if output.wants_json() {
        output.json(&answer)?;
    } else {
        output.line(format!("confirmed {}", words::time(answer.time.as_ref())))?;
    }
    let theirs = answer.time.and_then(|time| Millis::from_proto(&time).ok());
    if let Some(theirs) = theirs {
        let apart = words::span(clock::now().distance(theirs));
        output.note(Line::default().faint(format!("{apart} from this machine's clock")));
    }
    Ok(ExitCode::SUCCESS)
}
