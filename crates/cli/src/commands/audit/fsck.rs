//! `barid audit fsck`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use barid_node::fsck::{Damage, FsckError, Mending, Part, Report, Signed, Told, fsck};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{Line, Output, OutputError};

const EXAMPLES: &str = "\
EXAMPLES
  barid audit fsck --data barid/node/data
  barid audit fsck --data /var/lib/barid --json
  barid audit fsck --data /var/lib/barid --mend
  barid audit fsck --data /var/lib/barid --signatures

EXIT CODES
  0  everything is as it was written
  1  something is not: a line for each says what and where
  2  nobody can say: the folder cannot be read, or a node uses it";

/// Exit code where something is damaged.
const DAMAGED: u8 = 1;
/// Exit code where nobody can say.
const UNKNOWN: u8 = 2;

/// Check the data folder of a node that has stopped
///
/// Reads the journal, the body of every message and the snapshots, and holds them against
/// their checksums, the journal's chain and the digests that its entries name; derives the
/// audit log's tree from the journal, and holds log/ against it. Changes nothing without
/// --mend. Not looked at is index/, which a node makes again by itself.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct FsckArgs {
    /// `data` in the node's configuration
    #[arg(long, value_name = "DIR", default_value = "barid/node/data")]
    data: PathBuf,
    /// Make damaged files of log/ again, where the journal is sound; a start does so too
    #[arg(long)]
    mend: bool,
    /// Check the signature of every message, by the keys registered when it was accepted
    #[arg(long)]
    signatures: bool,
}

/// Runs the command.
pub(super) fn run(args: &FsckArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    let bar = bar();
    let mut written = Ok(());
    let mending = if args.mend { Mending::AuditLog } else { Mending::No };
    let signed = if args.signatures { Signed::Checked } else { Signed::Trusted };
    let checked = fsck(&args.data, (mending, signed), |told| match told {
        Told::Read(bytes) => bar.inc(bytes),
        Told::Damage(damage) => {
            if written.is_ok() {
                written = bar.suspend(|| tell(&damage, &args.data, output));
            }
        }
    });
    bar.finish_and_clear();
    written?;
    match checked {
        Ok(report) => end(&report, output),
        Err(error) => {
            let text = why(&error, &args.data)?;
            output.note(Line::default().bad("barid").text(": ").text(text));
            Ok(ExitCode::from(UNKNOWN))
        }
    }
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} read  {bytes_per_sec}");
    let bar = ProgressBar::no_length();
    match style {
        Ok(style) => bar.with_style(style),
        Err(_wrong) => bar,
    }
}

fn tell(damage: &Damage, data: &Path, output: &mut Output) -> Result<(), OutputError> {
    let file = damage.path.strip_prefix(data).unwrap_or(&damage.path).display().to_string();
    if output.wants_json() {
        return output.json(&serde_json::json!({
            "part": part(damage.part),
            "file": file,
            "offset": damage.offset,
            "position": damage.position,
            "fault": damage.fault,
        }));
    }
    let place = format!(": byte {}, position {}: ", damage.offset, damage.position);
    output.line(Line::default().bad(file).text(place).text(&*damage.fault))
}

const fn part(part: Part) -> &'static str {
    match part {
        Part::Journal => "journal",
        Part::Body => "body",
        Part::Snapshot => "snapshot",
        Part::Log => "index",
        Part::Tiles => "log",
    }
}

fn end(report: &Report, output: &mut Output) -> anyhow::Result<ExitCode> {
    let Report { entries, bytes, torn_bytes, damages, mended } = *report;
    let is_sound = damages == 0;
    if output.wants_json() {
        output.json(&serde_json::json!({
            "sound": is_sound,
            "entries": entries,
            "bytes": bytes,
            "torn_bytes": torn_bytes,
            "damages": damages,
            "mended": mended,
        }))?;
    } else {
        let read = format!(": {entries} entries, {bytes} bytes read");
        let line = if is_sound {
            Line::default().good("sound").text(read)
        } else {
            Line::default().bad(format!("{damages} damaged")).text(read)
        };
        output.line(line)?;
        if mended > 0 {
            output.line(format!("{mended} files of the audit log made again"))?;
        }
        if torn_bytes > 0 {
            let text = format!(
                "{torn_bytes} bytes at the end are of a write that was cut off: never acknowledged, \
                 and dropped by the next start"
            );
            output.note(Line::default().faint(text));
        }
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

fn why(error: &FsckError, data: &Path) -> anyhow::Result<String> {
    let missing = data.try_exists().with_context(|| format!("cannot look at {}", data.display()));
    Ok(if missing? {
        error.to_string()
    } else {
        format!("there is no folder {}: name the node's with --data DIR", data.display())
    })
}
