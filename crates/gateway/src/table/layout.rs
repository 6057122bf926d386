//! Which column of one table means what.

use std::collections::BTreeMap;

use super::columns::{self, Column};
use crate::source::{Reason, quote};

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    MissingMigrants,
    MaritimeAttacks,
}

/// A table's columns, understood.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) subject: Subject,
    /// Headers as printed.
    pub(crate) headers: Vec<String>,
    /// Meaning of each of them, as far as known.
    pub(crate) meanings: Vec<Option<Column>>,
    /// Position of each meaning that is there.
    positions: BTreeMap<Column, usize>,
    /// One column gives longitude before latitude.
    pub(crate) longitude_first: bool,
    /// Missing are lower bounds.
    pub(crate) minimum_estimate: bool,
}

impl Layout {
    /// Understands a header row.
    ///
    /// # Errors
    /// No table of a known subject, an essential column missing, or two columns
    /// that claim the same essential meaning equally well.
    pub(crate) fn of(headers: Vec<String>) -> Result<Self, Reason> {
        let mut best: BTreeMap<Column, (usize, usize)> = BTreeMap::new();
        let mut rivals: BTreeMap<Column, usize> = BTreeMap::new();
        let meanings: Vec<_> = headers.iter().map(|header| columns::meaning(header)).collect();
        for (position, meaning) in meanings.iter().enumerate() {
            let Some((column, strays)) = *meaning else { continue };
            match best.get(&column) {
                Some((_, known)) if strays > *known => {}
                Some((_, known)) if strays == *known => {
                    rivals.insert(column, position);
                }
                _ => {
                    rivals.remove(&column);
                    best.insert(column, (position, strays));
                }
            }
        }
        let positions: BTreeMap<Column, usize> =
            best.into_iter().map(|(column, (position, _))| (column, position)).collect();
        let subject = subject(&positions).ok_or_else(|| Reason::ColumnsMissing {
            missing: "column of dead or missing people, nor one of attacks or vessels".to_owned(),
            columns: quote(&headers.join(", ")),
        })?;
        let layout = Self {
            subject,
            longitude_first: header_at(&positions, &headers, Column::Coordinates)
                .is_some_and(columns::is_longitude_first),
            minimum_estimate: header_at(&positions, &headers, Column::Missing)
                .is_some_and(columns::is_minimum_estimate),
            headers,
            meanings: meanings.iter().map(|meaning| meaning.map(|(column, _)| column)).collect(),
            positions,
        };
        layout.check_essentials()?;
        layout.without_rivals(&rivals)
    }

    /// How many columns of a header row mean something: tells a header row from a
    /// title above it.
    pub(crate) fn recognised(headers: &[String]) -> usize {
        headers.iter().filter(|header| columns::meaning(header).is_some()).count()
    }

    /// Position of a meaning.
    pub(crate) fn position(&self, column: Column) -> Option<usize> {
        self.positions.get(&column).copied()
    }

    fn has(&self, column: Column) -> bool {
        self.positions.contains_key(&column)
    }

    fn check_essentials(&self) -> Result<(), Reason> {
        let mut missing = Vec::new();
        if !self.has(Column::Date) && !self.has(Column::Year) {
            missing.push("date or year");
        }
        let point = self.has(Column::Coordinates)
            || (self.has(Column::Latitude) && self.has(Column::Longitude));
        let named =
            [Column::Location, Column::Country, Column::Region].map(|column| self.has(column));
        if !point && !named.contains(&true) {
            missing.push("place");
        }
        if missing.is_empty() {
            return Ok(());
        }
        let columns = quote(&self.headers.join(", "));
        Err(Reason::ColumnsMissing { missing: missing.join(", no "), columns })
    }

    /// Two equal claims to an essential meaning refuse the table; to another, both
    /// columns are kept verbatim.
    fn without_rivals(mut self, rivals: &BTreeMap<Column, usize>) -> Result<Self, Reason> {
        for (column, second) in rivals {
            let first = self.positions.remove(column).unwrap_or(*second);
            let meaning = match column {
                Column::Date => "the date",
                Column::Year => "the year",
                Column::Month => "the month",
                Column::Dead => "the number of dead",
                Column::Missing => "the number of missing",
                Column::Coordinates | Column::Latitude | Column::Longitude => "the position",
                _ => continue,
            };
            let header = |position: usize| self.headers.get(position).map_or("", String::as_str);
            let (first, second) = (quote(header(first)), quote(header(*second)));
            return Err(Reason::ColumnsAmbiguous { meaning, first, second });
        }
        Ok(self)
    }
}

fn header_at<'a>(
    positions: &BTreeMap<Column, usize>,
    headers: &'a [String],
    column: Column,
) -> Option<&'a str> {
    positions.get(&column).and_then(|position| headers.get(*position)).map(String::as_str)
}

fn subject(positions: &BTreeMap<Column, usize>) -> Option<Subject> {
    use Column::{AttackType, Dead, DeadAndMissing, Missing, VesselImo, VesselName, VesselStatus};
    let any = |columns: &[Column]| columns.iter().any(|column| positions.contains_key(column));
    if any(&[AttackType]) {
        return Some(Subject::MaritimeAttacks);
    }
    if any(&[Dead, Missing, DeadAndMissing]) {
        return Some(Subject::MissingMigrants);
    }
    any(&[VesselName, VesselStatus, VesselImo]).then_some(Subject::MaritimeAttacks)
}
