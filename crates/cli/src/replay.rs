//! `barid replay`: real records of other systems, as messages of an agency.

pub(crate) mod cpu;
pub(crate) mod feed;
pub(crate) mod letter;
mod progress;
mod report;
mod unsent;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use barid_gateway::RoutingTable;
use barid_message::address::Address;
use barid_proto::exchange::v1::Agreement;
use clap::Args;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::args::Global;
use crate::config_file;
use crate::context;
use crate::interrupt::interrupted;
use crate::output::{Line, Output};
use crate::words;

use feed::Step;
use letter::Writer;
use progress::Progress;
use report::Report;
pub(crate) use report::per_second;
pub(crate) use unsent::SHOWN_MAX;
use unsent::UnsentList;

/// To whom records go if nobody says otherwise.
const ROUTING: &str = include_str!("../../../config/replay-routing.toml");

const EXAMPLES: &str = "\
EXAMPLES
  barid --as pk/customs replay MissingMigrants.csv
  barid --as pk/border-guard replay alerts/ --rate 10 --unmapped unmapped.txt
  barid --as pk/customs replay incidents.csv --routing my-routing.toml --json

  Created now, expiring no sooner than in an hour: no rule is relaxed for a replay. The
  original's times stand in the body, its identity in external_ref. Exercises and tests
  keep their status, and reach only inboxes that ask for them.

  A text, or a column of a table whose meaning is not known here, may name persons: the
  record then declares personal data. With such a column it is TLP AMBER, else CLEAR.
  A CAP alert of scope Restricted is AMBER too, with the restriction as handling text;
  one of scope Private is not sent: no agency is known by the addresses that it names.

  Who gets what is said by a table of rules; config/replay-routing.toml is the one that
  is built in, and explains itself.

  With --json, each record that cannot be mapped is an object with its file, line (null:
  the whole file) and reason, as it comes; the last object has the sums.

EXIT CODES
  0  every message has its receipt; records that cannot be mapped are listed, not failures
  1  a message was refused, or has no receipt; or nothing was sent: a file that is named
     cannot be read, or the table names agencies that no agreement at the node covers";

/// Reads incident tables (IOM Missing Migrants, attacks on ships) and CAP alerts (bare,
/// in Atom, RSS or EDXL-DE), and submits each record as a signed message.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Files, or folders with files
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// At most so many messages a second. Default: as many as the node takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Table of rules that says who gets what. Default: the one built in
    #[arg(long, value_name = "FILE")]
    routing: Option<PathBuf>,
    /// Write every record that cannot be mapped to this file, with line and reason.
    /// Stderr shows the first 20; with --json, stdout has them all
    #[arg(long, value_name = "FILE")]
    unmapped: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ReplayArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    readable(&args.files)?;
    let table = Arc::new(routing(args.routing.as_deref())?);
    let mut unsent = UnsentList::new(args.unmapped.as_deref())?;
    let account = context::agency(global, output)?;
    let client = account.client()?;
    let info = client.node_info().await.context("cannot ask the node")?;
    reachable(&table, &account.address, &info.agreements)?;
    let key = account.signing_key()?;
    let writer = Writer::new(account.address.clone(), key, &info.agreements, table)?;

    let interrupted = interrupted()?;
    let progress = Progress::new(&args.files);
    let mut report = Report::default();
    let (records, taken) = mpsc::channel(feed::AHEAD);
    let files = args.files.clone();
    let mut reading = JoinSet::new();
    reading.spawn_blocking(move || feed::read(files, &[records]));
    let (begun, computed) = (Instant::now(), cpu::own());
    let mut tell = |step| {
        if matches!(step, Step::Unsent(_) | Step::Accepted { .. } | Step::Refused { .. }) {
            progress.step();
        }
        if let Some(one) = report.note(step) {
            unsent.add(&one, output);
        }
    };
    let submitted = tokio::select! {
        submitted = feed::submit(&client, taken, writer, args.rate, &mut tell) => submitted,
        () = interrupted => Err(anyhow!("interrupted; sums of what was sent by then stand above")),
    };
    if let Some(Err(failed)) = reading.join_next().await {
        std::panic::resume_unwind(failed.into_panic());
    }
    progress.end();
    report.time(begun.elapsed(), computed, cpu::own());
    unsent.finish(output)?;
    report.show(output)?;
    submitted?;
    end(&report, output)
}

/// The table of a file, or the one built in.
pub(crate) fn routing(file: Option<&Path>) -> anyhow::Result<RoutingTable> {
    let Some(file) = file else {
        return toml::from_str(ROUTING).context("the routing table that is built in is wrong");
    };
    let unreadable = || format!("cannot read the routing table {}", file.display());
    config_file::parse(&fs::read_to_string(file).with_context(unreadable)?).with_context(unreadable)
}

/// Makes sure that every file and folder that was named can be read. What lies in a
/// folder is told of when its turn comes.
pub(crate) fn readable(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let opened = if file.is_dir() {
            fs::read_dir(file).map(drop)
        } else {
            fs::File::open(file).map(drop)
        };
        opened.with_context(|| format!("cannot read {}; nothing was sent", file.display()))?;
    }
    Ok(())
}

/// Makes sure that the node has everybody whom the table names, by the agreements that
/// the sender is a party to: it would refuse each message to somebody else.
fn reachable(
    table: &RoutingTable,
    sender: &Address,
    agreements: &[Agreement],
) -> anyhow::Result<()> {
    let parties = || agreements.iter().flat_map(|agreement| &agreement.parties);
    let covered = |address: &Address| {
        let agency = address.agency();
        agency == sender.agency()
            || parties().any(|party| party == address.as_str() || party == agency.as_str())
    };
    let missing: BTreeSet<_> = table.agencies().filter(|address| !covered(address)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = missing.iter().map(|address| address.as_str()).collect();
    bail!(
        "the routing table names {}, with whom {sender} has no agreement at this node; nothing was \
         sent: give a table of your own with --routing FILE (see config/replay-routing.toml)",
        missing.join(", ")
    );
}

fn end(report: &Report, output: &mut Output) -> anyhow::Result<ExitCode> {
    if let Some(error) = report.unanswered() {
        output.note(Line::default().bad("no receipt ").text(error));
    }
    let (refused, lost) = (report.refused(), report.lost());
    if refused + lost > 0 {
        let messages = words::count(refused + lost, "message", "messages");
        bail!("{messages} without receipt: {refused} refused, {lost} unanswered; sums stand above");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{Address, Agreement};

    #[test]
    fn the_routing_table_that_is_built_in_holds() {
        super::routing(None).unwrap();
        let absent = super::routing(Some("/absent.toml".as_ref())).unwrap_err();
        assert_eq!(absent.to_string(), "cannot read the routing table /absent.toml");
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        super::readable(&[folder.path().to_path_buf()]).unwrap();
        let absent = super::readable(&[folder.path().join("typo.csv")]).unwrap_err();
        assert!(absent.to_string().ends_with("typo.csv; nothing was sent"), "{absent}");
    }

    #[test]
    fn whom_the_table_names_and_the_node_has_not_is_named() {
        let table = super::routing(None).unwrap();
        let sender = Address::parse("pk/customs").unwrap();
        let agreement = |parties: &[&str]| Agreement {
            parties: parties.iter().map(|party| (*party).to_owned()).collect(),
            ..Agreement::default()
        };
        let all = agreement(&["pk/customs", "pk/police", "pk/border-guard", "pk/health"]);
        super::reachable(&table, &sender, &[all]).unwrap();
        let two = agreement(&["pk/customs", "pk/police"]);
        let error = super::reachable(&table, &sender, &[two]).unwrap_err().to_string();
        assert!(
            error.starts_with("the routing table names pk/border-guard, pk/health,"),
            "{error}"
        );
        assert!(error.contains("--routing FILE"), "{error}");
    }
}
