//! Tables that are known whole before they are shown.

use comfy_table::{Cell, CellAlignment, LineStyle, TableStyle};

use super::{Line, Looks, safe};

/// A line under the titles, and no other.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// A table: a title for each column, and rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

/// What stands in a cell.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(u64),
}

impl Table {
    /// A table without rows. Empty titles: a table without a head.
    pub(crate) fn new(titles: impl IntoIterator<Item = &'static str>) -> Self {
        Self { titles: titles.into_iter().collect(), rows: Vec::new() }
    }

    /// Begins a row.
    pub(crate) fn row(&mut self) -> Row<'_> {
        self.rows.push(Vec::new());
        Row(self)
    }

    /// With a line under the titles on a terminal, else plain columns.
    pub(super) fn render(&self, looks: Looks) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(if looks.terminal { RULED } else { TableStyle::new() });
        if !self.titles.is_empty() {
            table.set_header(self.titles.iter().map(Cell::new));
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|value| value.cell(looks)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines = table.lines().map(|line| line.trim_end().to_owned());
        let lines = lines.enumerate().map(|(number, line)| {
            if number == 0 && !self.titles.is_empty() {
                Line::default().strong(line).render(looks)
            } else {
                line
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A row that is being filled.
pub(crate) struct Row<'a>(&'a mut Table);

impl Row<'_> {
    /// Adds a text.
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.add(Value::Text(text.into()))
    }

    /// Adds a number, which stands on the right.
    pub(crate) fn number(self, number: u64) -> Self {
        self.add(Value::Number(number))
    }

    fn add(self, value: Value) -> Self {
        if let Some(row) = self.0.rows.last_mut() {
            row.push(value);
        }
        self
    }
}

impl Value {
    fn cell(&self, looks: Looks) -> Cell {
        match self {
            Self::Text(text) => Cell::new(safe::shown(text, looks.terminal)),
            Self::Number(number) => Cell::new(number).set_alignment(CellAlignment::Right),
        }
    }
}
