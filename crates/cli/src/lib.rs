//! The hands: the `barid` binary and its commands, output, exit codes.

mod account;
mod args;
mod bench;
mod commands;
mod config_file;
mod context;
mod demo;
mod document;
mod durable;
mod interrupt;
mod neighbours;
mod output;
mod replay;
mod scratch;
mod show;
mod vectors;
mod words;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Cli, Command};
use context::WrongUse;
use output::{Line, Output, OutputError};

/// Exit code of what was done in part or not at all.
const FAILED: u8 = 1;
/// Exit code of a command line that cannot be meant.
const WRONG_USE: u8 = 2;

/// The whole program: reads the command line, does what it says, and gives the exit
/// code: 0 done, 1 failed, 2 wrong use.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Asking for help is no wrong use. If nobody reads it, so be it.
            drop(error.print());
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(WRONG_USE),
            };
        }
    };
    let mut output = Output::new(cli.global.json, cli.global.no_colour());
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .and_then(|runtime| runtime.block_on(run(cli, &mut output)));
    done.unwrap_or_else(|error| end(&error, &mut output))
}

async fn run(cli: Cli, output: &mut Output) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    match command {
        Command::Init(args) => commands::init::run(&args, output),
        Command::Serve(args) => commands::serve::run(&args, output).await,
        Command::Send(args) => commands::send::run(&args, &global, output).await,
        Command::Receive(args) => commands::receive::run(&args, &global, output).await,
        Command::Evidence(args) => commands::evidence::run(&args, &global, output).await,
        Command::Status(args) => commands::status::run(&args, &global, output).await,
        Command::Tail(args) => commands::events::tail(&args, &global, output).await,
        Command::Log(args) => commands::events::log(&args, &global, output).await,
        Command::Trace(args) => commands::trace::run(&args, &global, output).await,
        Command::Peers(args) => commands::peers::run(&args, &global, output).await,
        Command::Queues(args) => commands::queues::run(&args, &global, output).await,
        Command::DeadLetters(args) => commands::dead_letters::run(&args, &global, output).await,
        Command::Node(args) => commands::node::run(&args, &global, output).await,
        Command::Clock(args) => commands::clock::run(&args, &global, output).await,
        Command::Audit(args) => commands::audit::run(&args, &global, output).await,
        Command::Card(args) => commands::card::run(&args, output),
        Command::Peer(args) => commands::peer::run(&args, &global, output).await,
        Command::Demo(args) => demo::run(&args, output).await,
        Command::Bench(args) => bench::run(&args, output).await,
        Command::Replay(args) => replay::run(&args, &global, output).await,
        Command::Message(args) => commands::message::run(&args, &global, output),
    }
}

/// Says why it failed, in one sentence, and gives the exit code.
fn end(error: &anyhow::Error, output: &mut Output) -> ExitCode {
    if matches!(error.downcast_ref(), Some(OutputError::Closed)) {
        return ExitCode::SUCCESS;
    }
    output.note(Line::default().bad("barid").text(": ").text(sentence(error)));
    ExitCode::from(if error.is::<WrongUse>() { WRONG_USE } else { FAILED })
}

/// What was attempted and its causes, outermost first. A cause that the text before
/// it already tells is left out.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}
