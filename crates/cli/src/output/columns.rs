//! Rows that come one at a time: columns of fixed width, the last one free.

use super::{Line, Output, OutputError, safe};

/// The columns of a stream of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// Title and width in characters of each; the last one's width does not count.
    columns: &'static [(&'static str, usize)],
    titled: bool,
}

impl Columns {
    /// Columns with their titles and widths, in characters.
    pub(crate) fn new(columns: &'static [(&'static str, usize)]) -> Self {
        Self { columns, titled: false }
    }

    /// Writes a row, and before the first one the titles. What is wider than its
    /// column moves the rest of its row.
    pub(crate) fn row<const N: usize>(
        &mut self,
        output: &mut Output,
        cells: [String; N],
    ) -> Result<(), OutputError> {
        if !self.titled {
            let titles = self.columns.iter().map(|(title, _)| (*title).to_owned());
            let titles = self.padded(titles).concat();
            output.line(Line::default().strong(titles.trim_end()))?;
            self.titled = true;
        }
        let mut cells = self.padded(cells.into_iter());
        while cells.pop_if(|cell| cell.trim().is_empty()).is_some() {}
        if let Some(last) = cells.last_mut() {
            last.truncate(last.trim_end().len());
        }
        output.line(cells.into_iter().fold(Line::default(), Line::text))
    }

    /// Cells with what separates them from the next one; the last one as it is.
    fn padded(&self, cells: impl Iterator<Item = String>) -> Vec<String> {
        let last = self.columns.len().saturating_sub(1);
        let pad = |(place, cell): (usize, String)| {
            let width = self.columns.get(place).map_or(0, |(_, width)| *width);
            let room = width.saturating_sub(safe(&cell).chars().count());
            match place {
                _ if place >= last => cell,
                _ => format!("{cell}{:room$}  ", ""),
            }
        };
        cells.enumerate().map(pad).collect()
    }
}
