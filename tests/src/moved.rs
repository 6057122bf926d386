//! A node whose time a test moves on.
//!
//! Each line on stdin is a number of milliseconds by which both its clocks go on at once, the
//! wall clock and the monotonic one, as they do while that time passes. All else is the
//! program's own; the program itself takes no such orders.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use barid_node::clock::{Clock, Reading, SystemClock};
use barid_node::config::Config;
use barid_node::serve::{Listening, run_by};

/// The machine's clocks, and what was added.
#[derive(Default)]
struct Moved {
    machine: SystemClock,
    by_ms: AtomicU64,
}

impl Clock for Moved {
    fn read(&self) -> Reading {
        let mut reading = self.machine.read();
        let by_ms = self.by_ms.load(Ordering::SeqCst);
        reading.wall.0 += by_ms;
        reading.monotonic += Duration::from_millis(by_ms);
        reading
    }
}

fn main() -> ExitCode {
    let served =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| "which configuration?".into());
    match served.and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn serve(config: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&config)?;
    let clock = Arc::new(Moved::default());
    let told = Arc::clone(&clock);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            // What is no number moves nothing, and the test waits in vain.
            told.by_ms.fetch_add(line.parse().unwrap_or(0), Ordering::SeqCst);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run_by(clock, config, ready))?)
}

fn ready(Listening { exchange, operations, .. }: Listening) {
    say(&format!("listening exchange={exchange} operations={operations}"));
}

fn say(line: &str) {
    // Without a reader there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{line}"));
}
