//! A node whose disk fails where a test tells it to: `CONFIG STEPS [FAULT]...`.
//!
//! Every step on the disk is written into the file STEPS as it is reached. Journal, bodies
//! and snapshots are made of small files, so that a short run meets all there is. The
//! program itself takes no such orders, and none of this is in it.

mod disk;
mod plan;
#[path = "../serving.rs"]
mod serving;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use barid_node::config::Config;
use barid_node::serve::Machine;

use disk::FaultyDisk;
use plan::Plan;

/// As small as a segment may be: what is held ready (`broker::caps::RESERVE_BYTES`), and the
/// last sector. The next is begun once this is used up beside it.
const SEGMENT_BYTES: u64 = (4 << 20) + 512 + (32 << 10);

/// Journal between two snapshots.
const SNAPSHOT_EVERY_BYTES: u64 = 16 << 10;

fn main() -> ExitCode {
    serving::ended(serve())
}

fn serve() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = || arguments.next().map(PathBuf::from).ok_or("CONFIG STEPS [FAULT]...");
    let mut config = Config::load(&path()?)?;
    let steps = path()?;
    config.storage.segment_bytes = SEGMENT_BYTES;
    config.storage.snapshot_every_bytes = SNAPSHOT_EVERY_BYTES;
    let faults = arguments.map(|fault| fault.to_str().ok_or("a fault is a text")?.parse());
    let plan = Plan::new(&steps, faults.collect::<Result<_, _>>()?)?;
    let disk = Arc::new(FaultyDisk::new(config.node.data.clone(), plan));
    serving::serve(Machine { disk, ..Machine::default() }, config)
}
