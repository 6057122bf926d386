//! `barid audit verify`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use barid_audit::bundle::caps::{BUNDLE_BYTES_MAX, TRUST_BYTES_MAX};
use barid_audit::bundle::{Finding, Report, Trust, Verdict};
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};

use crate::output::Output;

const EXAMPLES: &str = "\
EXAMPLES
  barid audit verify message.bundle --trust trust.txt
  barid audit verify ours.bundle theirs.bundle
  barid audit verify message.bundle --json | jq .answer

EXIT CODES
  0  PROVEN: everything holds, and rests on keys alone that the trust file names
  1  REFUSED: something does not hold; or CONTRADICTION: two files cannot both be honest;
     or a file cannot be read
  3  CONSISTENT ONLY: everything holds, and whose keys they are is for you to find out";

/// Check evidence bundles, without a node or a network
///
/// Says who sent what to whom, when and under which clause, what became of it, what that
/// proves and what it does not. Any two of the files are held against each other: a log
/// that has shown two histories has signed both. The file of --trust names the keys of
/// logs, agencies, nodes and witnesses that you have compared with their owners; without it, the
/// keys to compare are listed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// Bundles, as `barid audit export` writes them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Keys and witnesses that you trust
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs, output: &mut Output) -> anyhow::Result<ExitCode> {
    let trust = args.trust.as_deref().map(trusted).transpose()?;
    let mut files = Vec::new();
    for path in &args.files {
        files.push((path.display().to_string(), read(path, BUNDLE_BYTES_MAX)?));
    }
    let report = Report::of(files, trust.as_ref());
    if output.wants_json() {
        output.json(&as_json(&report))?;
    } else {
        for line in report.lines() {
            output.line(line)?;
        }
    }
    Ok(ExitCode::from(report.answer().exit_code()))
}

fn trusted(path: &Path) -> anyhow::Result<Trust> {
    let bytes = read(path, TRUST_BYTES_MAX)?;
    Trust::parse(&bytes).with_context(|| format!("cannot use {}", path.display()))
}

/// A file, but of one that is too large no more than tells that.
pub(super) fn read(path: &Path, bytes_max: usize) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.into())
}

fn as_json(report: &Report) -> Value {
    let contradictions = report.contradictions.iter().map(|(files, found)| {
        json!({ "files": files, "log": found.origin, "what": found.what, "heads": found.heads })
    });
    json!({
        "answer": report.answer().as_str(),
        "files": report.findings.iter().map(of_file).collect::<Vec<_>>(),
        "contradictions": contradictions.collect::<Vec<_>>(),
    })
}

fn of_file(finding: &Finding) -> Value {
    let story = finding.story.iter().map(|line| json!({ "about": line.label, "text": line.text }));
    let (keys, refused) = match &finding.verdict {
        Verdict::Proven => (Vec::new(), None),
        Verdict::ConsistentOnly(keys) => (keys.iter().map(ToString::to_string).collect(), None),
        Verdict::Refused(why) => (Vec::new(), Some(why.to_string())),
    };
    json!({
        "file": finding.name,
        "answer": finding.answer().as_str(),
        "refused": refused,
        "keys_to_compare": keys,
        "story": story.collect::<Vec<_>>(),
    })
}
