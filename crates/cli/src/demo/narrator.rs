//! The voice that tells the story: numbered scenes, plain sentences.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use crate::output::{Line, Output, OutputError, Table};

/// Time to read one character.
const PER_CHARACTER: Duration = Duration::from_millis(28);
/// Nobody waits longer for the next sentence.
const PAUSE_MAX: Duration = Duration::from_millis(3_500);

/// Tells the story to a person on stdout; with `--json`, on stderr.
pub(super) struct Narrator<'a> {
    pub(super) output: &'a mut Output,
    scenes: u32,
    is_paced: bool,
}

impl<'a> Narrator<'a> {
    /// At reading pace if someone sits there, unless they are in a hurry.
    pub(super) fn new(output: &'a mut Output, is_fast: bool) -> Self {
        let is_watched = if output.wants_json() {
            io::stderr().is_terminal()
        } else {
            io::stdout().is_terminal()
        };
        Self { output, scenes: 0, is_paced: is_watched && !is_fast }
    }

    /// Opens a scene, at a time of the hour that is played.
    pub(super) async fn scene(&mut self, time: &str, title: &str) -> Result<(), OutputError> {
        self.scenes += 1;
        let head = format!("{:>2}. ", self.scenes);
        self.write(Line::default())?;
        self.write(Line::default().faint(head).strong(title).faint(format!("  {time}")))?;
        self.pause(title).await;
        Ok(())
    }

    /// Says a sentence.
    pub(super) async fn tell(&mut self, sentence: &str) -> Result<(), OutputError> {
        self.write(Line::default().text("    ").text(sentence))?;
        self.pause(sentence).await;
        Ok(())
    }

    /// Says what came of it.
    pub(super) async fn result(&mut self, sentence: &str) -> Result<(), OutputError> {
        self.write(Line::default().good("  → ").text(sentence))?;
        self.pause(sentence).await;
        Ok(())
    }

    /// Says what is wrong.
    pub(super) fn wrong(&mut self, sentence: &str) -> Result<(), OutputError> {
        self.write(Line::default().bad("  ✗ ").text(sentence))
    }

    /// Writes a line without a pause.
    pub(super) fn write(&mut self, line: impl Into<Line>) -> Result<(), OutputError> {
        if self.output.wants_json() {
            self.output.note(line);
            Ok(())
        } else {
            self.output.line(line)
        }
    }

    /// Shows a table.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), OutputError> {
        if self.output.wants_json() {
            self.output.note_table(table);
            Ok(())
        } else {
            self.output.table(table)
        }
    }

    async fn pause(&self, read: &str) {
        if self.is_paced {
            let characters = u32::try_from(read.chars().count()).unwrap_or(u32::MAX);
            let pause = PER_CHARACTER.saturating_mul(characters).min(PAUSE_MAX);
            tokio::time::sleep(pause).await;
        }
    }
}

/// A time as measured, in words.
pub(super) fn took(span: Duration) -> String {
    match span.as_millis() {
        0 => "less than a millisecond".to_owned(),
        1 => "a millisecond".to_owned(),
        ms @ 2..1_000 => format!("{ms} milliseconds"),
        ms => format!("{}.{} seconds", ms / 1_000, ms % 1_000 / 100),
    }
}
