//! `barid serve`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use barid_node::config::Config;
use barid_node::logging;
use barid_node::serve::{self, Listening};
use clap::Args;
use tokio::task::JoinSet;

use crate::demo::Leash;
use crate::output::Output;

const EXAMPLES: &str = "\
EXAMPLES
  barid serve --config barid/node/node.toml

  Once it listens, one line says where, also where the configuration says port 0:
      listening exchange=127.0.0.1:7401 operations=127.0.0.1:7402
  It ends on SIGTERM or Ctrl-C, when what it has promised is on disk: exit code 0.";

/// Run a node
///
/// Runs a node until it is told to stop. What is wrong with its configuration, keys,
/// data or ports is said in one sentence before anything is changed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The node's configuration, as `barid init` made it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// End when stdin is closed: when the program that started this one is gone
    #[arg(long, hide = true)]
    exit_on_stdin_close: bool,
}

/// Runs the command.
pub(crate) async fn run(args: &ServeArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config).context("cannot start")?;
    logging::init(&config.log);
    let listening = |Listening { exchange, operations, federation, witness }: Listening| {
        let nodes = federation.map_or_else(String::new, |at| format!(" federation={at}"));
        let tools = witness.map_or_else(String::new, |at| format!(" witness={at}"));
        output.note(format!("listening exchange={exchange} operations={operations}{nodes}{tools}"));
    };
    let mut parent = JoinSet::new();
    if args.exit_on_stdin_close {
        parent.spawn(Leash::of_stdin()?.hold());
    }
    // Start and stop are told apart by the cause.
    serve::run(config, listening).await.context("cannot serve")?;
    Ok(ExitCode::SUCCESS)
}
