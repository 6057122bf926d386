//! `barid bench`: how fast a node is on this machine, and where its time goes.
//!
//! The node is a process of its own, and everything goes over TLS with client
//! certificates and through every check and sync, as in the field. Nothing here waits
//! for a time: a run ends when its last message has been handed over.

mod border;
mod disk;
mod kinds;
mod latency;
mod letters;
mod link;
mod load;
mod machine;
mod process;
mod report;
mod site;
mod stages;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::time::Instant;

use crate::demo::node::Node;
use crate::interrupt::interrupted;
use crate::output::Output;

use load::{Plan, Way};
use machine::Load;
use report::{Phase, Report, Start};
use site::Site;

/// Submissions of the stream that wait for their receipt.
const STREAM_WINDOW: usize = 128;
/// Unary submissions at one time where there are several.
const UNARY_CALLS: usize = 16;

const EXAMPLES: &str = "\
EXAMPLES
  barid bench
  barid bench --messages 50000 --folder /srv/barid
  barid bench --json > figures.json

  Needs a release build and a machine that does nothing else; one run is no figure.
  How to read the tables, and what limits what: PERFORMANCE.md.";

/// Measure a node on this machine
///
/// Starts a node with three agencies in a temporary folder, sends signed incidents of
/// about 1 KiB through it, and shows latencies, messages a second, processor time by
/// part of the node, memory, disk, and how long a start takes. Then two nodes, joined by
/// cards, with an agency at each: the same over one link, to the sender's being told the
/// end, at light load, under a stream, and for FLASH among what waited for the link.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    /// Messages of each run by stream, over the link too; runs by single calls take a
    /// quarter, and a tenth where each message waits for the one before
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=100_000))]
    messages: u32,
    /// A folder on the disk to measure. Default: the system's for temporary files
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command. A signal ends it and takes the folder away.
pub(crate) async fn run(args: &BenchArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    let interrupted = interrupted()?;
    tokio::select! {
        done = Box::pin(measure(args, output)) => done,
        () = interrupted => bail!("stopped before the end"),
    }
}

async fn measure(args: &BenchArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        output.note("this is a debug build: its figures say nothing; use cargo run --release");
    }
    let site = Site::make(args.folder.as_deref())?;
    let load_before = Load::now();
    let mut phases = Vec::new();
    for plan in plans(args.messages) {
        output.note(format!("{}: {} messages", plan.name, plan.messages));
        phases.push(phase(&site, plan).await?);
    }
    output.note("starts, and single stages");
    let starts = starts(&site, &phases).await?;
    let (site, stages, kinds) = tokio::task::spawn_blocking(move || {
        let stages = stages::measure(&site);
        (site, stages, kinds::measure())
    })
    .await
    .context("the stages were not measured")?;
    let (stages, kinds) = (stages?, kinds?);
    site.close()?;
    let mut links = Vec::new();
    for plan in link_plans(args.messages) {
        output.note(format!("over one link, {}: {} messages", plan.name, plan.messages));
        links.extend(Box::pin(link::run(args.folder.as_deref(), plan)).await?);
    }
    let load = (load_before, Load::now());
    let report = Report { load, phases, links, starts, stages, kinds };
    report.show(output)?;
    Ok(ExitCode::SUCCESS)
}

fn plans(messages: u32) -> [Plan; 4] {
    let plan = |name, messages, recipients, way| Plan { name, messages, recipients, way };
    [
        plan("unary, one at a time", messages / 10, 1, Way::OneByOne),
        plan("unary, 16 in flight", messages / 4, 1, Way::Calls(UNARY_CALLS)),
        plan("stream, window 128", messages, 1, Way::Stream(STREAM_WINDOW)),
        plan("stream, two recipients", messages, 2, Way::Stream(STREAM_WINDOW)),
    ]
}

fn link_plans(messages: u32) -> [link::Plan; 3] {
    let plan = |name, messages, way| link::Plan { name, messages, way };
    [
        plan("one at a time", messages / 10, link::Way::OneByOne),
        plan("stream, window 128", messages, link::Way::Stream(STREAM_WINDOW)),
        plan("out of a backlog", messages, link::Way::Backlog(STREAM_WINDOW)),
    ]
}

/// One run with a node process of its own, so that its memory and threads are those of
/// this run alone.
async fn phase(site: &Site, plan: Plan) -> anyhow::Result<Phase> {
    let before = disk::used(&site.data)?;
    let node = Node::start(site.config.clone(), &site.log).await?;
    let done = load::run(site, &node, plan).await;
    node.stop().await?;
    let disk = disk::used(&site.data)?.since(&before);
    Ok(Phase { plan, done: done?, disk })
}

/// Starts on what the runs have left: as it is, without what saves replaying, and
/// without the delivery log.
async fn starts(site: &Site, phases: &[Phase]) -> anyhow::Result<Vec<Start>> {
    let entries = phases.iter().map(|phase| phase.plan.messages + phase.plan.deliveries()).sum();
    let mut starts = Vec::new();
    for (name, removed, entries) in [
        ("after a stop", None, 0),
        ("without state/: replays", Some("state"), entries),
        ("without index/: rebuilds", Some("index"), entries),
    ] {
        if let Some(removed) = removed {
            let folder = site.data.join(removed);
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let begun = Instant::now();
        let node = Node::start(site.config.clone(), &site.log).await?;
        let elapsed = begun.elapsed();
        let memory = node.running().and_then(|running| process::memory(running.pid));
        node.stop().await?;
        starts.push(Start { name, entries, elapsed, memory });
    }
    Ok(starts)
}
