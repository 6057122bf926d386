//! Tests that need something from outside: they skip aloud where it is missing.

use std::io::Write;
use std::path::PathBuf;

use crate::harness::say;

/// The variable's value; without one, says that `test` is skipped, and why.
///
/// `.ci/run` fails on a skip whose variable it could set.
pub(crate) fn unless_set(test: &str, variable: &str) -> Option<PathBuf> {
    let value = environment(variable);
    if value.is_none() {
        skipped(test, &format!("{variable} is not set"));
    }
    value
}

/// Says that `test` is skipped, and why, on stderr and in the file `BARID_SKIPPED`, past the
/// capture of the test runner.
pub(crate) fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    say(&line);
    if let Some(file) = environment("BARID_SKIPPED") {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .expect("the file BARID_SKIPPED can be appended to");
        writeln!(file, "{line}").expect("the file BARID_SKIPPED takes a line");
    }
}

/// A path from the environment; empty counts as unset.
fn environment(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
