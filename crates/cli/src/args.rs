//! The command line.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::bench;
use crate::commands::{
    audit, card, clock, dead_letters, events, evidence, init, message, node, peer, peers, queues,
    receive, send, serve, status, trace,
};
use crate::context::Caller;
use crate::demo;
use crate::replay;

const EXAMPLES: &str = "\
A FIRST ROUND
  barid init barid --node torkham --agency pk/customs --agency pk/police
  barid serve --config barid/node/node.toml
  barid message new note > note.json
  sed -i 's/<subject>/Gate 2/; s/<text>/Gate 2 closed./' note.json
  barid --as pk/customs send note.json --to pk/police --purpose border-operation
  barid --as pk/police receive
  barid tail

EXIT CODES
  0  done
  1  failed: the last line on stderr says why, and what to do
  2  wrong use: nothing was done";

/// Signed messages between border agencies, with a receipt for every step.
#[derive(Debug, Parser)]
#[command(name = "barid", bin_name = "barid", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(propagate_version = false, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// As whom: an agency's address, `operator`, or `operator/NAME`. Needed only where
    /// the context knows more than one
    #[arg(long = "as", value_name = "WHO", global = true)]
    pub(crate) caller: Option<Caller>,
    /// Folder made by `barid init`, or its context.toml. Else: ./context.toml, then
    /// ./barid/context.toml
    #[arg(long, value_name = "DIR", env = "BARID_CONTEXT", global = true, hide_env_values = true)]
    pub(crate) context: Option<PathBuf>,
    /// A client.toml or operator.toml, in place of a context
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) client: Option<PathBuf>,
    /// Data as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No colours where this is set and not empty (no-color.org).
    #[arg(long, env = "NO_COLOR", global = true, hide = true)]
    no_color: Option<String>,
}

impl Global {
    /// Whether the environment asks for no colours.
    pub(crate) fn no_colour(&self) -> bool {
        self.no_color.as_ref().is_some_and(|value| !value.is_empty())
    }
}

/// What to do. What each command says of itself stands at its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::DemoArgs),
    Bench(bench::BenchArgs),
    Init(init::InitArgs),
    Serve(serve::ServeArgs),
    Send(send::SendArgs),
    Receive(receive::ReceiveArgs),
    Evidence(evidence::EvidenceArgs),
    Status(status::StatusArgs),
    Tail(events::TailArgs),
    Log(events::LogArgs),
    Trace(trace::TraceArgs),
    Queues(queues::QueuesArgs),
    Peers(peers::PeersArgs),
    DeadLetters(dead_letters::DeadLettersArgs),
    Node(node::NodeArgs),
    Clock(clock::ClockArgs),
    Audit(audit::AuditArgs),
    Card(card::CardArgs),
    Peer(peer::PeerArgs),
    Replay(replay::ReplayArgs),
    Message(message::MessageArgs),
}
