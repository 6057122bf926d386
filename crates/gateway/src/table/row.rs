//! One row of a table, its cells by meaning.

use barid_message::{caps, digest::Digest};
use barid_proto::message::v1 as pb;
use csv::ByteRecord;

pub(crate) use super::columns::Column;
use super::{columns::may_name_a_person, layout::Layout};
use crate::{
    country,
    date::{self, Beside, DateFault, DateOrder},
    decimal,
    source::{Dissemination, ExternalRef, GeoBox, Reason, quote},
    text,
};

/// A row whose cells are text and as many as the header's.
pub(crate) struct Row<'a> {
    layout: &'a Layout,
    order: DateOrder,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(
        layout: &'a Layout,
        order: DateOrder,
        record: &'a ByteRecord,
    ) -> Result<Self, Reason> {
        let (found, expected) = (record.len(), layout.headers.len());
        if found != expected {
            return Err(Reason::RowWidth { expected, found });
        }
        let cells = record
            .iter()
            .map(|cell| std::str::from_utf8(cell).or(Err(Reason::Encoding("UTF-8"))))
            .collect::<Result<_, _>>()?;
        Ok(Self { layout, order, cells })
    }

    /// The cell of a meaning; `None` where the column or the value is absent.
    pub(crate) fn get(&self, column: Column) -> Option<&'a str> {
        let cell = self.cells.get(self.layout.position(column)?)?.trim();
        (!is_absent(cell)).then_some(cell)
    }

    /// A cell as one line of text.
    pub(crate) fn line(&self, column: Column) -> Result<Option<String>, Reason> {
        let Some(cell) = self.get(column) else {
            return Ok(None);
        };
        let line = text::short_line(self.header(column), cell, caps::LINE_CHARS_MAX)?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// A cell as a count of people.
    pub(crate) fn count(&self, column: Column) -> Result<Option<u32>, Reason> {
        let Some(cell) = self.get(column).filter(|cell| !cell.eq_ignore_ascii_case("unknown"))
        else {
            return Ok(None);
        };
        let bad = || self.bad(column, cell, "a number of people");
        decimal::count(cell).map(Some).ok_or_else(bad)
    }

    /// Whether the header of the missing says that they are lower bounds.
    pub(crate) fn missing_is_minimum(&self) -> bool {
        self.layout.minimum_estimate
    }

    /// The country of a cell, where it names exactly one.
    pub(crate) fn country(&self, column: Column) -> Option<&'static str> {
        self.get(column).and_then(country::alpha2)
    }

    /// When it happened, from the date or the parts of one, with the date as printed.
    pub(crate) fn occurred(&self) -> Result<(String, String), Reason> {
        let (year, month) = (self.get(Column::Year), self.get(Column::Month));
        let (read, printed) = match (self.get(Column::Date), year) {
            (Some(printed), _) => {
                (date::read(printed, self.order, Beside { year, month }), printed.to_owned())
            }
            (None, Some(year)) => {
                let day = self.get(Column::Day);
                let printed =
                    [day, month, Some(year)].into_iter().flatten().collect::<Vec<_>>().join(" ");
                (date::from_parts(year, month, day), printed)
            }
            (None, None) => return Err(Reason::Absent("date")),
        };
        let date = read.map_err(|fault| match fault {
            DateFault::Unreadable => Reason::BadValue {
                field: "date".to_owned(),
                value: quote(&printed),
                expected: "a date in a form known here",
            },
            DateFault::Ambiguous => Reason::DateAmbiguous(quote(&printed)),
            DateFault::Contradicted(other) => {
                Reason::DateContradicted { date: quote(&printed), other: quote(&other) }
            }
        })?;
        let printed = text::short_line("date", &printed, caps::CODE_CHARS_MAX)?;
        Ok((date.to_string(), printed))
    }

    /// Where it happened: present but nonsensical coordinates are refused, whatever
    /// the text beside them says.
    pub(crate) fn point(&self) -> Result<Option<pb::GeoPoint>, Reason> {
        if let Some(pair) = self.get(Column::Coordinates) {
            let bad = || self.bad(Column::Coordinates, pair, "a latitude and a longitude");
            return point_of_pair(pair, self.layout.longitude_first).map(Some).ok_or_else(bad);
        }
        let (latitude, longitude) = (self.get(Column::Latitude), self.get(Column::Longitude));
        match (latitude, longitude) {
            (None, None) => Ok(None),
            (Some(latitude), Some(longitude)) => {
                let latitude_e7 = decimal::latitude_e7(latitude)
                    .ok_or_else(|| self.bad(Column::Latitude, latitude, "a latitude"))?;
                let longitude_e7 = decimal::longitude_e7(longitude)
                    .ok_or_else(|| self.bad(Column::Longitude, longitude, "a longitude"))?;
                Ok(Some(pb::GeoPoint { latitude_e7, longitude_e7 }))
            }
            (Some(_), None) => Err(Reason::Absent("longitude beside the latitude")),
            (None, Some(_)) => Err(Reason::Absent("latitude beside the longitude")),
        }
    }

    /// The record's identity: its id, else a digest of the whole row.
    pub(crate) fn external_ref(
        &self,
        scheme: &'static str,
        scheme_of_digest: &'static str,
    ) -> Result<ExternalRef, Reason> {
        if let Some(id) = self.line(Column::Id)?
            && id.chars().count() <= caps::EXTERNAL_ID_CHARS_MAX
        {
            return Ok(ExternalRef { scheme, id });
        }
        let id = Digest::of(self.cells.join("\u{1f}").as_bytes()).to_string();
        Ok(ExternalRef { scheme: scheme_of_digest, id })
    }

    /// Every cell with a value whose meaning is not among those used, verbatim,
    /// under `<prefix>.<header>`.
    pub(crate) fn others(&self, prefix: &str, used: &[Column]) -> Result<Others, Reason> {
        let used: Vec<usize> =
            used.iter().filter_map(|column| self.layout.position(*column)).collect();
        let mut others = Others::default();
        for (position, (header, cell)) in self.layout.headers.iter().zip(&self.cells).enumerate() {
            let cell = cell.trim();
            if used.contains(&position) || is_absent(cell) {
                continue;
            }
            let name = if header.is_empty() {
                format!("{prefix}.column-{}", position + 1)
            } else {
                format!("{prefix}.{header}")
            };
            others.fields.extend(text::named(&name, cell)?);
            let meaning = self.layout.meanings.get(position).copied().flatten();
            others.may_name_persons |= may_name_a_person(meaning, cell);
        }
        Ok(others)
    }

    fn header(&self, column: Column) -> &'a str {
        let position = self.layout.position(column);
        position.and_then(|position| self.layout.headers.get(position)).map_or("", String::as_str)
    }

    fn bad(&self, column: Column, value: &str, expected: &'static str) -> Reason {
        Reason::BadValue { field: quote(self.header(column)), value: quote(value), expected }
    }
}

/// Cells that have no field of their own.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) fields: Vec<pb::NamedValue>,
    /// What one of them means is not known, so that nobody can say it names no person.
    pub(crate) may_name_persons: bool,
}

impl Others {
    /// How far such a row may spread. The tables known here are published; one with
    /// columns that nobody knows is not taken for one of them.
    pub(crate) fn dissemination(&self) -> Dissemination {
        if self.may_name_persons { Dissemination::Unstated } else { Dissemination::Public }
    }
}

/// `lat, lon`, `lon, lat` where the header says so, or `POINT (lon lat)`.
fn point_of_pair(pair: &str, longitude_first: bool) -> Option<pb::GeoPoint> {
    let well_known_text = pair
        .strip_prefix("POINT")
        .and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
    let numbers = well_known_text.unwrap_or_else(|| pair.trim_matches(['(', ')', '[', ']']));
    let mut parts = numbers
        .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|part| !part.is_empty());
    let (first, second) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let swap = well_known_text.is_some() || longitude_first;
    let (latitude, longitude) = if swap { (second, first) } else { (first, second) };
    Some(pb::GeoPoint {
        latitude_e7: decimal::latitude_e7(latitude)?,
        longitude_e7: decimal::longitude_e7(longitude)?,
    })
}

/// The box that is one point.
pub(crate) fn box_of(point: &pb::GeoPoint) -> GeoBox {
    GeoBox {
        south_e7: point.latitude_e7,
        north_e7: point.latitude_e7,
        west_e7: point.longitude_e7,
        east_e7: point.longitude_e7,
    }
}

/// The ways in which tables write that there is no value.
fn is_absent(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "" | "na" | "n/a" | "#n/a" | "nan" | "null" | "none" | "nil" | "-" | "--" | "?"
    )
}
