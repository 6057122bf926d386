//! One line, made of parts that cannot reach into one another.

use std::borrow::Cow;

use super::{Looks, safe};

/// How a part looks where colours are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Caution,
}

impl Paint {
    /// The parameters of its SGR sequence (ECMA-48, 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Caution => "33",
        }
    }
}

/// A line. Each part is made harmless by itself when the line is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Vec<(Paint, String)>);

impl Line {
    /// Adds text as it is.
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.part(Paint::Plain, text)
    }

    /// Adds text that matters.
    pub(crate) fn strong(self, text: impl Into<String>) -> Self {
        self.part(Paint::Strong, text)
    }

    /// Adds text that matters less.
    pub(crate) fn faint(self, text: impl Into<String>) -> Self {
        self.part(Paint::Faint, text)
    }

    /// Adds good news.
    pub(crate) fn good(self, text: impl Into<String>) -> Self {
        self.part(Paint::Good, text)
    }

    /// Adds bad news.
    pub(crate) fn bad(self, text: impl Into<String>) -> Self {
        self.part(Paint::Bad, text)
    }

    /// Adds what someone should look at.
    pub(crate) fn caution(self, text: impl Into<String>) -> Self {
        self.part(Paint::Caution, text)
    }

    fn part(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.0.push((paint, text.into()));
        self
    }

    pub(super) fn render(&self, looks: Looks) -> String {
        let mut line = String::new();
        for (paint, text) in &self.0 {
            let text = safe::shown(text, looks.terminal);
            if *paint == Paint::Plain || !looks.colour {
                line.push_str(&text);
            } else {
                line.push_str(&format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code()));
            }
        }
        line
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::default().text(text)
    }
}

impl From<Cow<'_, str>> for Line {
    fn from(text: Cow<'_, str>) -> Self {
        Self::default().text(text)
    }
}
