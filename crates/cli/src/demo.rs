//! `barid demo`: a node and four agencies on this machine, an hour at the border, and
//! the books at its end.

mod book;
mod cast;
mod leash;
mod ledger;
mod narrator;
pub(crate) mod node;
mod reckoning;
mod records;
mod script;
pub(crate) mod stage;
mod summary;
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
use narrator::{Narrator, took};
use script::Play;
use stage::Stage;
use summary::{Circumstances, Summary};

pub(crate) use leash::Leash;

/// How long nothing at all may happen before the books are closed as they are.
const PATIENCE: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
EXAMPLES
  barid demo
  barid demo --keep
  barid demo --replay MissingMigrants.csv
  barid demo --json

  Everything is real: a node process with mutual TLS on two free ports of this machine,
  keys made for the occasion, a journal that is synced. It is all in a temporary folder,
  which is removed at the end unless --keep is given.

EXIT CODES
  0  everything adds up: each message that has a receipt is in the right hands, once
  1  it does not; what differs stands at the end. Or a file of --replay cannot be read, or
     holds nothing that can be mapped";

/// Starts a node with four agencies, plays an hour at the border, and tells it live:
/// alerts, notes, a forger, a stranger, a crash, a node that is killed. At the end it
/// compares what the agencies counted with what the node says.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Play real records in place of the script. Repeatable; see `barid replay`
    #[arg(long = "replay", value_name = "FILE|DIR", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Leave the node running to look around, until Ctrl-C; keep its folder
    #[arg(long)]
    keep: bool,
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
        "One node, in a process of its own, serves four agencies: customs, police, border \
              guard and health. Each has its own keys, made just now.",
    )
    .await?;
    let begun = Instant::now();
    let stage = Stage::set(args.files.is_empty()).await?;
    say.result(&format!("Keys, certificates and a running node after {}.", took(begun.elapsed())))
        .await?;
    Ok(stage)
}

/// Plays, and draws up the books; gives the number of discrepancies.
async fn tell(
    args: &DemoArgs,
    stage: &mut Stage,
    say: &mut Narrator<'_>,
    begun: Instant,
) -> anyhow::Result<usize> {
    let book = Book::default();
    let Stage { node, cast, operator, .. } = stage;
    let mut readers = watch::evidence(cast, &book);
    let unmapped = tokio::select! {
        played = play(args, node, cast, &book, say) => played?,
        error = watch::failure(&mut readers) => return Err(error),
    };
    tokio::select! {
        // What is open by then shows in the books.
        _settled = book.until(PATIENCE, |ledger| ledger.is_settled()) => {}
        error = watch::failure(&mut readers) => return Err(error),
    }
    let circumstances = Circumstances {
        agencies: cast.members().len(),
        unmapped,
        restarts: node.restarts(),
        elapsed: begun.elapsed(),
    };
    let figures = reckoning::ask(&operator.client()?).await?;
    let agencies: Vec<Address> = cast.members().map(|member| member.address.clone()).collect();
    let (found, summary, table) = book.read(|ledger| {
        (
            reckoning::reckon(ledger, &figures),
            Summary::new(ledger, circumstances),
            summary::table(ledger, &agencies),
        )
    });
    say.scene("09:00", "The books").await?;
    say.tell(
        "Each agency has counted for itself what it sent and what it got. The node has \
              counted too.",
    )
    .await?;
    say.table(&table)?;
    for discrepancy in &found {
        say.wrong(&discrepancy.to_string())?;
    }
    if found.is_empty() {
        say.result(&format!(
            "The two agree: {} messages accepted, {} refused for good reason, {} deliveries, none \
             lost, none twice, none in doubt.",
            summary.accepted, summary.refused, summary.deliveries
        ))
        .await?;
    }
    if say.output.wants_json() {
        say.output.json(&summary)?;
    }
    Ok(found.len())
}

/// The script, or real records; gives how many records could not be mapped.
async fn play(
    args: &DemoArgs,
    node: &mut node::Node,
    cast: &cast::Cast,
    book: &Book,
    say: &mut Narrator<'_>,
) -> anyhow::Result<usize> {
    if args.files.is_empty() {
        Play { cast, node, book, say }.perform().await?;
        return Ok(0);
    }
    say.scene("08:00", "Real records").await?;
    say.tell(
        "The four agencies share out the records, sign and submit them at top speed, and \
              read their inboxes the while.",
    )
    .await?;
    let table = replay::routing(None)?;
    let replayed = records::replay(args.files.clone(), table, cast, node, book).await?;
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
            "Processor time a message: {} µs in the agencies, {} µs in the node.",
            (own / messages).as_micros(),
            (its / messages).as_micros()
        ))
        .await?;
    }
    Ok(replayed.skipped.count)
}

/// What to type while the node runs on.
fn look_around(stage: &Stage, say: &mut Narrator<'_>) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let context = stage.context.display();
    say.write(Line::default())?;
    say.write("The node runs on. In another terminal:")?;
    for command in [
        "node",
        "tail --last 20",
        "log --outcome handed-over",
        "queues",
        "--as pk/customs evidence",
        "--as pk/police receive --follow",
    ] {
        let command = format!("{} --context {context} {command}", program.display());
        say.write(Line::default().text("  ").strong(command))?;
    }
    say.write(format!("Its configuration is {}.", shown(&stage.config)))?;
    say.write("Ctrl-C ends it.")?;
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
