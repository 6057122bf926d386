//! A node on a machine of a test's own: what the programs for tests have in common.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use barid_node::config::Config;
use barid_node::serve::{Listening, Machine, run_on};

/// Runs a node until it is told to stop; says where it listens as the program does.
pub(crate) fn serve(machine: Machine, config: Config) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run_on(machine, config, ready))?)
}

fn ready(Listening { exchange, operations, .. }: Listening) {
    say(&format!("listening exchange={exchange} operations={operations}"));
}

/// How it ended, as the program would say it.
pub(crate) fn ended(served: Result<(), Box<dyn Error>>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// On stderr.
pub(crate) fn say(line: &str) {
    // Without a reader there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{line}"));
}
