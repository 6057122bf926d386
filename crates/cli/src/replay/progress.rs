//! The bar on a terminal.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

/// How far a replay is. Nothing where stderr is no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts the records first where the bar is seen.
    pub(crate) fn new(files: &[PathBuf]) -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let records = barid_gateway::read_all(files.to_vec()).count();
        let bar = ProgressBar::new(u64::try_from(records).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {per_sec}  {eta}");
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_wrong) => bar,
        })
    }

    /// One record is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
