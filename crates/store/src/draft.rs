//! What a projection is about to write.

use std::collections::BTreeMap;

use crate::chunk::{Place, Places, RawRow, Rows};
use crate::cursor::Cursor;
use crate::engine::Engine;
use crate::find::{ReadError, places_up_to, rows_up_to};
use crate::row::EventRow;
use crate::schema::{Run, event_key, indexes};

/// The newest chunk of each run that gains something, and what has become full.
pub(crate) struct Draft<'e> {
    engine: &'e Engine,
    /// What is written from this position on counts for nothing: a crash left it.
    from: u64,
    rows: Option<Rows>,
    places: BTreeMap<Run, Places>,
    full: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<'e> Draft<'e> {
    pub(crate) const fn new(engine: &'e Engine, from: u64) -> Self {
        Self { engine, from, rows: None, places: BTreeMap::new(), full: BTreeMap::new() }
    }

    /// Adds a row and its places in the indexes. Rows come in order.
    pub(crate) fn add(&mut self, row: &EventRow) -> Result<(), ReadError> {
        let bytes = row.encode();
        self.add_row(RawRow { cursor: row.cursor, bytes: &bytes })?;
        for (run, is_owed) in indexes(row) {
            self.add_place(run, Place { position: row.cursor.position, is_owed })?;
        }
        Ok(())
    }

    /// Keys and values, in the order of the keys: rows before the indexes that name them.
    pub(crate) fn into_writes(self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let Self { rows, places, full: mut writes, .. } = self;
        writes.extend(rows.map(write_rows));
        writes.extend(places.into_iter().map(|(run, places)| write_places(&run, places)));
        writes
    }

    fn add_row(&mut self, row: RawRow<'_>) -> Result<(), ReadError> {
        if self.rows.is_none() {
            self.rows = self.newest_rows()?;
        }
        let has_room = self.rows.as_mut().is_some_and(|rows| rows.add(row));
        if !has_room {
            let full = self.rows.replace(Rows::new(row));
            self.full.extend(full.map(write_rows));
        }
        Ok(())
    }

    fn add_place(&mut self, run: Run, place: Place) -> Result<(), ReadError> {
        let newest = match self.places.remove(&run) {
            Some(newest) => Some(newest),
            None => self.newest_places(&run)?,
        };
        let mut newest = newest.unwrap_or_else(|| Places::new(place));
        if !newest.add(place) {
            let full = std::mem::replace(&mut newest, Places::new(place));
            self.full.extend([write_places(&run, full)]);
        }
        self.places.insert(run, newest);
        Ok(())
    }

    fn newest_places(&self, run: &Run) -> Result<Option<Places>, ReadError> {
        let Some(before) = self.from.checked_sub(1) else {
            return Ok(None);
        };
        let mut newest: Option<Places> = None;
        let places = places_up_to(self.engine, run, before)?;
        for place in places.into_iter().filter(|place| place.position <= before) {
            let had_room = newest.get_or_insert_with(|| Places::new(place)).add(place);
            if !had_room {
                return Err(ReadError::Damaged(place.position));
            }
        }
        Ok(newest)
    }

    fn newest_rows(&self) -> Result<Option<Rows>, ReadError> {
        let Some(before) = Cursor::before_entry(self.from) else {
            return Ok(None);
        };
        let mut newest: Option<Rows> = None;
        for row in rows_up_to(self.engine, before)?.iter().filter(|row| row.cursor <= before) {
            let bytes = row.encode();
            let raw = RawRow { cursor: row.cursor, bytes: &bytes };
            let Some(newest) = &mut newest else {
                newest = Some(Rows::new(raw));
                continue;
            };
            if !newest.add(raw) {
                return Err(ReadError::Damaged(row.cursor.position));
            }
        }
        Ok(newest)
    }
}

fn write_rows(rows: Rows) -> (Vec<u8>, Vec<u8>) {
    (event_key(rows.first), rows.into_value())
}

fn write_places(run: &Run, places: Places) -> (Vec<u8>, Vec<u8>) {
    (run.first_key(places.first), places.into_value())
}
