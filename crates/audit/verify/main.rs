//! `barid-verify`: checks evidence bundles without a node, a network or a configuration.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use barid_audit::bundle::caps::{BUNDLE_BYTES_MAX, TRUST_BYTES_MAX};
use barid_audit::bundle::{Report, Trust};
use barid_message::shown::safe;
use bytes::Bytes;

const HELP: &str = "\
Check evidence bundles: who sent what to whom, when, and what became of it

barid-verify FILE... [--trust FILE]

  --trust FILE  keys and witnesses that you trust; see proto/EVIDENCE.md

EXIT CODES
  0  PROVEN: everything holds, and rests on trusted keys alone
  1  REFUSED: something does not hold; or CONTRADICTION: two files cannot both be honest;
     or a file cannot be read
  2  wrong use
  3  CONSISTENT ONLY: everything holds, and whose keys they are is for you to find out";

/// Exit code where a file cannot be read.
const FAILED: u8 = 1;
/// Exit code of a command line that cannot be meant.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let (mut files, mut trust) = (Vec::new(), None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return say(&[HELP.to_owned()], 0),
            Some("--version" | "-V") => {
                return say(&[format!("barid-verify {}", env!("CARGO_PKG_VERSION"))], 0);
            }
            Some("--trust") if trust.is_none() => match arguments.next() {
                Some(file) => trust = Some(file),
                None => return wrong("--trust needs a file"),
            },
            Some(option) if option.starts_with('-') => return wrong("there is no such option"),
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        return wrong("name a file");
    }
    match report(&files, trust.as_deref()) {
        Ok(report) => say(&report.lines(), report.answer().exit_code()),
        Err(why) => fail(&why, FAILED),
    }
}

fn report(files: &[std::ffi::OsString], trust: Option<&std::ffi::OsStr>) -> Result<Report, String> {
    let trust = trust.map(|file| {
        let bytes = read(file, TRUST_BYTES_MAX)?;
        Trust::parse(&bytes).map_err(|why| why.to_string())
    });
    let trust = trust.transpose()?;
    let read = |file: &std::ffi::OsString| {
        let name = file.to_string_lossy().into_owned();
        Ok::<_, String>((name, read(file, BUNDLE_BYTES_MAX)?))
    };
    let files = files.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Report::of(files, trust.as_ref()))
}

/// A file, but of one that is too large no more than tells that.
fn read(file: &std::ffi::OsStr, bytes_max: usize) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    match read {
        Ok(_length) => Ok(bytes.into()),
        Err(why) => Err(format!("cannot read {}: {why}", file.display())),
    }
}

fn wrong(why: &str) -> ExitCode {
    fail(&format!("{why}; barid-verify --help says more"), WRONG_USE)
}

fn fail(why: &str, code: u8) -> ExitCode {
    // If nobody reads it, the exit code still says so.
    drop(writeln!(io::stderr(), "barid-verify: {}", safe(why)));
    ExitCode::from(code)
}

/// Prints lines; what cannot be printed has not been said.
fn say(lines: &[String], code: u8) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(code),
        Err(why) => fail(&format!("cannot print: {why}"), FAILED),
    }
}
