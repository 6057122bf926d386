//! A node whose time a test moves on.
//!
//! Each line on stdin is a number of milliseconds. `pass 5`: both its clocks go on by so much
//! at once, the wall clock and the monotonic one, as they do while that time passes. `set 5`
//! and `set -5`: the wall clock alone stands so far from the machine's from now on. That it is
//! done is said on stderr. All else is the program's own; the program itself takes no such
//! orders.

mod serving;

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use barid_node::clock::{Clock, Reading, SystemClock};
use barid_node::config::Config;
use barid_node::serve::Machine;

/// Said behind each order.
const OBEYED: &str = "obeyed";

/// The machine's clocks, and what was added.
#[derive(Default)]
struct Moved {
    machine: SystemClock,
    by_ms: AtomicU64,
    wall_by_ms: AtomicI64,
}

impl Moved {
    /// What is no order moves nothing, and the test waits in vain.
    fn obey(&self, line: &str) {
        if let Some(by_ms) = line.strip_prefix("pass ") {
            self.by_ms.fetch_add(by_ms.parse().unwrap_or(0), Ordering::SeqCst);
        } else if let Some(by_ms) = line.strip_prefix("set ") {
            self.wall_by_ms.store(by_ms.parse().unwrap_or(0), Ordering::SeqCst);
        }
        serving::say(OBEYED);
    }
}

impl Clock for Moved {
    fn read(&self) -> Reading {
        let mut reading = self.machine.read();
        let by_ms = self.by_ms.load(Ordering::SeqCst);
        let wall_by_ms = self.wall_by_ms.load(Ordering::SeqCst);
        reading.wall.0 = (reading.wall.0 + by_ms).saturating_add_signed(wall_by_ms);
        reading.monotonic += Duration::from_millis(by_ms);
        reading
    }
}

fn main() -> ExitCode {
    let config =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| "which configuration?".into());
    serving::ended(config.and_then(serve))
}

fn serve(config: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(&config)?;
    let clock = Arc::new(Moved::default());
    let told = Arc::clone(&clock);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            told.obey(&line);
        }
    });
    serving::serve(Machine { clock, ..Machine::default() }, config)
}
