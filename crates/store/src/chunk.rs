//! Chunks: what one key holds of a run.
//!
//! sled keeps some 400 bytes in memory for every page, read or not, and a page has 8 to
//! 16 keys whatever their size: with a key for each row and each place in an index, a
//! million messages took 370 MiB. So a key holds as many of them as fit a small value.
//!
//! Where a chunk ends depends on what is in it and on nothing else. What is projected
//! once more is therefore written to the same keys again.

use prost::encoding::{decode_varint, encode_varint};

use crate::cursor::Cursor;

#[cfg(test)]
mod tests;

/// Most bytes of a chunk of places. It is written again with each place that it gains.
const PLACES_BYTES_MAX: usize = 256;

/// Most bytes of a chunk of rows: large values are where sled loses most (SPINE §2.6).
pub(crate) const ROWS_BYTES_MAX: usize = 2_048;

/// What an index says of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its position.
    pub(crate) position: u64,
    /// Whether it has evidence for exactly the agency whose index this is.
    pub(crate) is_owed: bool,
}

/// A row that is not decoded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawRow<'v> {
    pub(crate) cursor: Cursor,
    pub(crate) bytes: &'v [u8],
}

/// Positions, each by its distance to the one before, doubled, and one more where it is
/// owed; the first is that of the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) first: u64,
    last: u64,
    /// Where the last one begins in the value.
    last_at: usize,
    value: Vec<u8>,
}

/// Rows, each behind its distance in positions to the one before, its index in the entry
/// and its length; the first is that of the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) first: Cursor,
    last: Cursor,
    value: Vec<u8>,
}

impl Places {
    pub(crate) fn new(first: Place) -> Self {
        let value = vec![u8::from(first.is_owed)];
        Self { first: first.position, last: first.position, last_at: 0, value }
    }

    /// Adds the next place, or what else is said of the last one; `false`: there is no
    /// room.
    #[must_use]
    pub(crate) fn add(&mut self, place: Place) -> bool {
        debug_assert!(place.position >= self.last, "places come in order");
        if place.position == self.last {
            self.value[self.last_at] |= u8::from(place.is_owed);
            return true;
        }
        let at = self.value.len();
        let distance = place.position - self.last;
        encode_varint((distance << 1) | u64::from(place.is_owed), &mut self.value);
        if self.value.len() > PLACES_BYTES_MAX {
            self.value.truncate(at);
            return false;
        }
        (self.last, self.last_at) = (place.position, at);
        true
    }

    pub(crate) fn into_value(self) -> Vec<u8> {
        self.value
    }

    /// `None`: the value is damaged.
    pub(crate) fn decode(first: u64, mut value: &[u8]) -> Option<Vec<Place>> {
        let mut places: Vec<Place> = Vec::new();
        while !value.is_empty() {
            let code = decode_varint(&mut value).ok()?;
            let position = match places.last() {
                None if code >> 1 == 0 => first,
                Some(last) if code >> 1 > 0 => last.position.checked_add(code >> 1)?,
                None | Some(_) => return None,
            };
            places.push(Place { position, is_owed: code & 1 == 1 });
        }
        (!places.is_empty()).then_some(places)
    }
}

impl Rows {
    pub(crate) fn new(first: RawRow<'_>) -> Self {
        let mut rows = Self { first: first.cursor, last: first.cursor, value: Vec::new() };
        rows.append(first);
        rows
    }

    /// Adds the next row; `false`: there is no room.
    #[must_use]
    pub(crate) fn add(&mut self, row: RawRow<'_>) -> bool {
        debug_assert!(row.cursor > self.last, "rows come in order");
        let length = self.value.len();
        self.append(row);
        let fits = self.value.len() <= ROWS_BYTES_MAX;
        if fits {
            self.last = row.cursor;
        } else {
            self.value.truncate(length);
        }
        fits
    }

    fn append(&mut self, row: RawRow<'_>) {
        encode_varint(row.cursor.position - self.last.position, &mut self.value);
        encode_varint(row.cursor.index.into(), &mut self.value);
        encode_varint(row.bytes.len() as u64, &mut self.value);
        self.value.extend_from_slice(row.bytes);
    }

    pub(crate) fn into_value(self) -> Vec<u8> {
        self.value
    }

    /// `None`: the value is damaged.
    pub(crate) fn decode(first: Cursor, mut value: &[u8]) -> Option<Vec<RawRow<'_>>> {
        let mut rows: Vec<RawRow<'_>> = Vec::new();
        while !value.is_empty() {
            let distance = decode_varint(&mut value).ok()?;
            let index = u16::try_from(decode_varint(&mut value).ok()?).ok()?;
            let length = usize::try_from(decode_varint(&mut value).ok()?).ok()?;
            let (bytes, rest) = value.split_at_checked(length)?;
            value = rest;
            let before = rows.last().map(|row| row.cursor);
            let from = before.map_or(first.position, |cursor| cursor.position);
            let cursor = Cursor { position: from.checked_add(distance)?, index };
            if before.map_or(cursor != first, |before| before >= cursor) {
                return None;
            }
            rows.push(RawRow { cursor, bytes });
        }
        (!rows.is_empty()).then_some(rows)
    }
}
