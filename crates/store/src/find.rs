//! Finding chunks, and what is in them.

use std::ops::RangeInclusive;

use thiserror::Error;

use crate::chunk::{Place, Places, Rows};
use crate::cursor::Cursor;
use crate::engine::{Engine, EngineError, Pair};
use crate::row::EventRow;
use crate::schema::{Run, event_key, event_place};

/// The delivery log could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The engine failed.
    #[error("cannot read the delivery log")]
    Engine(#[from] EngineError),
    /// A value does not decode: the index is damaged; remove its directory and
    /// start again.
    #[error("the delivery log is damaged behind position {0}")]
    Damaged(u64),
}

/// The newest chunk of a run that begins at a position or before it.
pub(crate) fn places_up_to(
    engine: &Engine,
    run: &Run,
    position: u64,
) -> Result<Vec<Place>, ReadError> {
    let pair = engine.last(&run.first_key(0)..=&run.last_key(position))?;
    pair.map_or_else(|| Ok(Vec::new()), |pair| places(run, &pair, position))
}

/// The oldest chunk of a run that begins within bounds.
pub(crate) fn places_from(
    engine: &Engine,
    run: &Run,
    bounds: RangeInclusive<u64>,
) -> Result<Vec<Place>, ReadError> {
    let near = *bounds.start();
    let pair = engine.first(&run.first_key(near)..=&run.last_key(*bounds.end()))?;
    pair.map_or_else(|| Ok(Vec::new()), |pair| places(run, &pair, near))
}

/// The rows of the newest chunk that begins at a place or before it.
pub(crate) fn rows_up_to(engine: &Engine, place: Cursor) -> Result<Vec<EventRow>, ReadError> {
    let pair = engine.last(&Run::events().first_key(0)..=&event_key(place))?;
    pair.map_or_else(|| Ok(Vec::new()), |pair| rows(&pair, place.position))
}

/// The rows of the oldest chunk that begins behind a place, up to a position.
pub(crate) fn rows_behind(
    engine: &Engine,
    place: Cursor,
    last: u64,
) -> Result<Vec<EventRow>, ReadError> {
    let (first, last) = (behind(place), Run::events().last_key(last));
    if first > last {
        return Ok(Vec::new());
    }
    let pair = engine.first(&first..=&last)?;
    pair.map_or_else(|| Ok(Vec::new()), |pair| rows(&pair, place.position))
}

/// The key behind that of a place.
fn behind(place: Cursor) -> Vec<u8> {
    let mut key = event_key(place);
    key.push(0);
    key
}

/// What a chunk of any run says of positions.
fn places(run: &Run, (key, value): &Pair, near: u64) -> Result<Vec<Place>, ReadError> {
    let found = if run.is_of_rows() {
        event_place(key).and_then(|first| {
            let rows = Rows::decode(first, value)?;
            let place = |position| Place { position, is_owed: false };
            Some(rows.iter().map(|row| place(row.cursor.position)).collect())
        })
    } else {
        run.position(key).and_then(|first| Places::decode(first, value))
    };
    found.ok_or(ReadError::Damaged(near))
}

fn rows((key, value): &Pair, near: u64) -> Result<Vec<EventRow>, ReadError> {
    let rows = event_place(key).and_then(|first| Rows::decode(first, value));
    let decoded = rows.and_then(|rows| {
        rows.into_iter().map(|row| EventRow::decode(row.cursor, row.bytes)).collect()
    });
    decoded.ok_or(ReadError::Damaged(near))
}
