//! `barid demo`: three nodes and eight agencies on this machine, an hour at the border,
//! and the books at its end.

mod book;
mod cast;
mod leash;
mod ledger;
mod narrator;
pub(crate) mod node;
mod proof;
mod reckoning;
mod records;
mod script;
pub(crate) mod stage;
mod summary;
mod tale;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use barid_message::address::Address;
use clap::Args;
use tokio::time::Instant;

use crate::interrupt::interrupted;
use crate::output::{Line, Output};
use crate::replay;
use crate::words;

use book::Book;
use ledger::Key;
use narrator::{Narrator, took};
use reckoning::NodeBook;
use script::Play;
use stage::{Site, Stage};
use summary::{Circumstances, Summary};

pub(crate) use leash::Leash;

/// How long nothing at all may happen before the books are closed as they are.
const PATIENCE: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
EXAMPLES
  barid demo
  barid demo --keep
  barid demo --export alert.bundle
  barid demo --replay MissingMigrants.csv
  barid demo --json

  Everything is real: three node processes, linked over mutual TLS on free ports of this
  machine, keys made for the occasion, journals that are synced. It is all in a temporary
  folder, which is removed at the end unless --keep is given.

  Kill any of the nodes with `kill -9`: their process ids are told at the start. What dies
  is started again, and everything must still add up.

EXIT CODES
  0  everything adds up: each message that has a receipt is in the right hands, once
  1  it does not; what differs stands at the end. Or a file of --replay cannot be read, or
     holds nothing that can be mapped";

/// Starts the nodes of three countries with eight agencies, plays an hour at the border,
/// and tells it live: alerts, notes, a forger, a stranger, a crash, a node that is killed.
/// At the end it compares what the agencies counted with what the nodes say, proves from one
/// file what became of one message, and shows a forged log caught.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Play real records in place of the script. Repeatable; see `barid replay`
    #[arg(long = "replay", value_name = "FILE|DIR", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Leave the nodes running to look around, until Ctrl-C; keep its folder
    #[arg(long)]
    keep: bool,
    /// Leave the evidence of one message in FILE, and whom to trust in FILE.trust
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    export: Option<PathBuf>,
    /// No pauses, even on a terminal
    #[arg(long)]
    fast: bool,
}

/// Runs the command.
pub(crate) async fn run(args: &DemoArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    replay::readable(&args.files)?;
    let begun = Instant::now();
    let mut say = Narrator::new(output, args.fast);
    // The first signal from here on ends the demo in order, wherever it is.
    let interrupted = interrupted()?;
    tokio::pin!(interrupted);
    let stage = tokio::select! {
        stage = set(args, &mut say) => stage,
        () = &mut interrupted => bail!("interrupted"),
    };
    let mut stage = stage?;
    let told = tokio::select! {
        told = tell(args, &mut stage, &mut say, begun) => told,
        () = &mut interrupted => Err(anyhow::anyhow!("interrupted")),
    };
    let keep = args.keep && told.is_ok();
    if keep {
        look_around(&stage, &mut say)?;
        interrupted.await;
    }
    if let Some(folder) = stage.strike(keep).await? {
        say.write(format!("The folder stays: {}", folder.display()))?;
    }
    if told? > 0 {
        bail!("the books do not add up; what differs stands above");
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(args: &DemoArgs, say: &mut Narrator<'_>) -> anyhow::Result<Stage> {
    say.write(Line::default().strong("An hour at the border").faint("  barid demo"))?;
    say.tell(
        "Three countries, each with a node in a process of its own: pk, ir and af. Eight \
              agencies, each with its own keys, made just now. The nodes know each other by \
              signed cards, and share one agreement; there is no centre.",
    )
    .await?;
    let begun = Instant::now();
    let stage = Stage::set(args.files.is_empty()).await?;
    say.result(&format!("Keys, certificates and three nodes after {}.", took(begun.elapsed())))
        .await?;
    stage.linked().await?;
    say.result(&format!("Each linked with both others after {}.", took(begun.elapsed()))).await?;
    invite(&stage, say).await?;
    Ok(stage)
}

/// The viewer may break it.
async fn invite(stage: &Stage, say: &mut Narrator<'_>) -> anyhow::Result<()> {
    let process = |site: &Site| {
        let pid = site.node.running().map_or(0, |running| running.pid);
        format!("{} {pid}", site.country)
    };
    let processes: Vec<_> = stage.sites.iter().map(process).collect();
    say.tell(&format!(
        "The processes are {}. Kill any of them, whenever you like, with `kill -9`: it is \
         started again, and the books must still agree.",
        processes.join(", ")
    ))
    .await?;
    Ok(())
}

/// Plays, and draws up the books; gives the number of discrepancies.
async fn tell(
    args: &DemoArgs,
    stage: &mut Stage,
    say: &mut Narrator<'_>,
    begun: Instant,
) -> anyhow::Result<usize> {
    let book = Book::default();
    let Stage { sites, cast, .. } = stage;
    let mut readers = watch::evidence(cast, &book);
    let Played { unmapped, worth_telling } = tokio::select! {
        played = play(args, sites, cast, &book, say) => played?,
        error = watch::failure(&mut readers) => return Err(error),
    };
    tokio::select! {
        // What is open by then shows in the books.
        _settled = book.until(PATIENCE, |ledger| ledger.is_settled()) => {}
        error = watch::failure(&mut readers) => return Err(error),
    }
    let circumstances = Circumstances {
        nodes: sites.len(),
        agencies: cast.members().len(),
        unmapped,
        restarts: sites.iter().map(|site| site.node.restarts()).sum(),
        elapsed: begun.elapsed(),
    };
    let nodes = books_of(sites).await?;
    let agencies: Vec<Address> = cast.members().map(|member| member.address.clone()).collect();
    let (found, summary, tables) = book.read(|ledger| {
        (
            reckoning::reckon(ledger, &nodes),
            Summary::new(ledger, circumstances),
            [summary::table(ledger, &agencies), summary::nodes(ledger, &nodes)],
        )
    });
    say.scene("09:00", "The books").await?;
    say.tell(
        "Each agency has counted for itself what it sent and what it got. The nodes have \
              counted too, each for itself; what crosses a border stands in two books.",
    )
    .await?;
    for table in &tables {
        say.table(table)?;
        say.write(Line::default())?;
    }
    for discrepancy in &found {
        say.wrong(&discrepancy.to_string())?;
    }
    if found.is_empty() {
        say.result(&format!(
            "All agree: {} messages accepted, {} refused for good reason, {} deliveries, none \
             lost, none twice, none in doubt.",
            summary.accepted, summary.refused, summary.deliveries
        ))
        .await?;
    }
    if let Some(key) = worth_telling {
        say.scene("09:01", "One message's whole story").await?;
        say.tell(
            "The alert of the stolen truck, as the three nodes tell it. Each holds signed evidence \
             of what it says.",
        )
        .await?;
        say.table(&tale::tale(sites, &key).await?)?;
        proof::prove(sites, &key, args.export.as_deref(), say).await?;
    }
    if say.output.wants_json() {
        say.output.json(&summary)?;
    }
    Ok(found.len())
}

/// What each node says of itself.
async fn books_of(sites: &[Site]) -> anyhow::Result<Vec<NodeBook>> {
    let mut books = Vec::with_capacity(sites.len());
    for site in sites {
        let figures = reckoning::ask(&site.operator.client()?).await?;
        // Asked last: a node may die until it has answered.
        let restarts = site.node.restarts();
        books.push(NodeBook { country: site.country, restarts, figures });
    }
    Ok(books)
}

/// What came of the play, beside what stands in the books.
struct Played {
    /// Records that could not be mapped.
    unmapped: usize,
    /// A message whose story is to be told.
    worth_telling: Option<Key>,
}

/// The script, or real records.
async fn play(
    args: &DemoArgs,
    sites: &mut [Site],
    cast: &cast::Cast,
    book: &Book,
    say: &mut Narrator<'_>,
) -> anyhow::Result<Played> {
    if args.files.is_empty() {
        let worth_telling = Play { cast, sites, book, say }.perform().await?;
        return Ok(Played { unmapped: 0, worth_telling: Some(worth_telling) });
    }
    say.scene("08:00", "Real records").await?;
    say.tell(
        "The eight agencies share out the records, sign and submit them at top speed to those \
              of the countries that place and route concern, and read their inboxes the while.",
    )
    .await?;
    let replayed = records::replay(args.files.clone(), cast, sites, book).await?;
    for unsent in &replayed.skipped.first {
        say.output.note(Line::default().caution("unmapped ").text(unsent.to_string()));
    }
    let rest = replayed.skipped.count - replayed.skipped.first.len();
    if rest > 0 {
        say.output.note(format!("and {rest} more; barid replay --unmapped FILE lists all"));
    }
    let (figures, span) = book.read(|ledger| (ledger.figures(), ledger.span()));
    if figures.accepted == 0 {
        let skipped = words::count(replayed.skipped.count, "record", "records");
        bail!("no message came of these files: {skipped} could not be mapped, as said above");
    }
    say.result(&format!(
        "{} messages, {} deliveries in {}: {:.0} messages a second, each with a signed receipt and \
         signed evidence of every hand-over. {} records could not be mapped.",
        figures.accepted,
        figures.deliveries,
        took(span),
        replay::per_second(usize::try_from(figures.accepted)?, span),
        replayed.skipped.count
    ))
    .await?;
    if let Some((own, its)) = replayed.cpu
        && let Ok(messages @ 1..) = u32::try_from(figures.accepted)
    {
        say.result(&format!(
            "Processor time a message: {} µs in the agencies, {} µs in the nodes.",
            (own / messages).as_micros(),
            (its / messages).as_micros()
        ))
        .await?;
    }
    Ok(Played { unmapped: replayed.skipped.count, worth_telling: None })
}

/// What to type while the nodes run on.
fn look_around(stage: &Stage, say: &mut Narrator<'_>) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    say.write(Line::default())?;
    say.write("The nodes run on. In another terminal:")?;
    for (country, command) in [
        ("pk", "status"),
        ("pk", "peers"),
        ("pk", "tail --last 20"),
        ("ir", "log --outcome handed-over"),
        ("af", "queues"),
        ("pk", "--as pk/customs evidence"),
        ("ir", "--as ir/police receive --follow"),
    ] {
        let sites = stage.sites.iter();
        for site in sites.filter(|site| site.country == country) {
            let context = site.context.display();
            let command = format!("{} --context {context} {command}", program.display());
            say.write(Line::default().text("  ").strong(command))?;
        }
    }
    let configs: Vec<_> = stage.sites.iter().map(|site| shown(&site.config)).collect();
    say.write(format!("Their configurations are {}.", configs.join(", ")))?;
    say.write("Ctrl-C ends them.")?;
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
