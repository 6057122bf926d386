//! What leaves the program: data on stdout, everything else on stderr.
//!
//! Every text is made harmless on its way out, here and not by the caller, so that
//! nobody can forget it: a message's headline cannot colour, move or rewrite what
//! stands on a terminal.

mod columns;
mod line;
mod safe;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};

use serde::Serialize;

pub(crate) use barid_message::shown::safe;
pub(crate) use columns::Columns;
pub(crate) use line::Line;
pub(crate) use table::Table;

/// What a stream's reader can take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    /// A person's terminal: lines of tables, isolates around right-to-left text.
    pub(crate) terminal: bool,
    /// Colours.
    pub(crate) colour: bool,
}

/// The two ways out.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_looks: Looks,
    err_looks: Looks,
    json: bool,
}

/// Stdout takes nothing more.
#[derive(Debug)]
pub(crate) enum OutputError {
    /// Its reader has gone, as `head` does: not a failure.
    Closed,
    /// Anything else, e.g. a full disk.
    Failed(io::Error),
}

impl Output {
    /// Stdout and stderr. `json`: data as one object a line. `plain`: no colours,
    /// even on a terminal.
    pub(crate) fn new(json: bool, plain: bool) -> Self {
        let looks = |terminal: bool| Looks { terminal, colour: terminal && !plain };
        Self {
            out_looks: looks(io::stdout().is_terminal()),
            err_looks: looks(io::stderr().is_terminal()),
            out: Box::new(BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            json,
        }
    }

    /// Whether data is wanted as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    /// Writes a line of data and flushes it: once this returns, whoever reads
    /// stdout has it.
    pub(crate) fn line(&mut self, line: impl Into<Line>) -> Result<(), OutputError> {
        let line = line.into().render(self.out_looks);
        self.put(&line)
    }

    /// Writes a value as one line of JSON and flushes it.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), OutputError> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.put(&safe::json(&text))
    }

    /// Writes a table and flushes it.
    pub(crate) fn table(&mut self, table: &Table) -> Result<(), OutputError> {
        let text = table.render(self.out_looks);
        self.put(&text)
    }

    /// Writes text that this program made itself and that consists of lines.
    pub(crate) fn text(&mut self, text: &'static str) -> Result<(), OutputError> {
        self.put(text.trim_end())
    }

    /// Writes a line for the person at the keyboard, to stderr. That nobody reads
    /// it is no failure.
    pub(crate) fn note(&mut self, line: impl Into<Line>) {
        let line = line.into().render(self.err_looks);
        drop(writeln!(self.err, "{line}").and_then(|()| self.err.flush()));
    }

    /// As [`Output::note`], a table.
    pub(crate) fn note_table(&mut self, table: &Table) {
        let text = table.render(self.err_looks);
        drop(writeln!(self.err, "{text}").and_then(|()| self.err.flush()));
    }

    fn put(&mut self, rendered: &str) -> Result<(), OutputError> {
        self.out.write_all(rendered.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
impl Output {
    /// Keeps what it is given; for tests of commands.
    pub(crate) fn captured(json: bool, looks: Looks) -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let output = Self {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            out_looks: looks,
            err_looks: looks,
            json,
        };
        (output, out, err)
    }
}

/// Where the output of a test goes.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Captured {
    /// What came so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("nobody reads stdout any more"),
            Self::Failed(_) => f.write_str("cannot write to stdout"),
        }
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Closed => None,
            Self::Failed(cause) => Some(cause),
        }
    }
}
