//! Every key of the store, on one page.
//!
//! One tree; the first byte of a key says which table it is of. The numbers are
//! for ever: a retired one keeps its line and is never used again. All numbers in
//! keys are big-endian, positions 8 bytes, so that each table is in the order of
//! the log.
//!
//! | prefix | table | key behind the prefix | value | why |
//! |---|---|---|---|---|
//! | 1 | meta | – | [`crate::meta::Meta`] | how far this index goes, and of which log |
//! | 2 | events | position, index (2) | [`crate::chunk::Rows`] | the delivery log itself |
//! | 3 | by message | id (16), position | [`crate::chunk::Places`] | trace; ids are UUIDv7, so neighbours in time are neighbours here |
//! | 4 | by agency | length (1), address, position | likewise | what concerns one agency, its units included, as originator or recipient; what evidence an originator is owed |
//! | 5 | by kind | kind (1), position | likewise | e.g. all alerts |
//! | 6 | by outcome | event (1), position | likewise | e.g. all dead letters |
//!
//! A value is a chunk of several rows or positions; its key names the first.
//!
//! The indexes name entries, not single events: an ACCEPTED entry has an event for
//! each of up to 100 recipients, and whoever searches reads the rows of the entry
//! anyway. So a position in an index says that at least one event of that entry has
//! the value.

use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1::Kind;

use crate::cursor::Cursor;
use crate::row::EventRow;

#[cfg(test)]
mod tests;

/// Version of tables, keys and values together. An index of any other version is
/// set aside and projected again.
pub(crate) const SCHEMA: u32 = 2;

/// The one key of table 1.
pub(crate) const META_KEY: &[u8] = &[META];

const META: u8 = 1;
const EVENTS: u8 = 2;
const BY_MESSAGE: u8 = 3;
const BY_AGENCY: u8 = 4;
const BY_KIND: u8 = 5;
const BY_OUTCOME: u8 = 6;

/// Entries in the order of the log: all that have events, or those with a value in
/// common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    prefix: Vec<u8>,
}

impl Run {
    pub(crate) fn events() -> Self {
        Self { prefix: vec![EVENTS] }
    }

    pub(crate) fn by_message(id: &MessageId) -> Self {
        Self::of(BY_MESSAGE, id.as_bytes())
    }

    pub(crate) fn by_agency(address: &Address) -> Self {
        let text = address.as_str().as_bytes();
        let length = u8::try_from(text.len()).expect("two labels of 32 and a country");
        Self { prefix: [&[BY_AGENCY, length], text].concat() }
    }

    pub(crate) fn by_kind(kind: Kind) -> Self {
        Self::of(BY_KIND, &[code(kind)])
    }

    pub(crate) fn by_outcome(event: Event) -> Self {
        Self::of(BY_OUTCOME, &[code(event)])
    }

    /// Whether its chunks are of rows, not of places.
    pub(crate) fn is_of_rows(&self) -> bool {
        self.prefix == [EVENTS]
    }

    /// The first key that a chunk which begins at a position can have.
    pub(crate) fn first_key(&self, position: u64) -> Vec<u8> {
        [self.prefix.as_slice(), &position.to_be_bytes()].concat()
    }

    /// The last key that a chunk which begins at a position can have.
    pub(crate) fn last_key(&self, position: u64) -> Vec<u8> {
        [self.prefix.as_slice(), &position.to_be_bytes(), &[u8::MAX; 2]].concat()
    }

    /// The position that a key of this run names; `None` for any other key.
    pub(crate) fn position(&self, key: &[u8]) -> Option<u64> {
        let position = key.strip_prefix(self.prefix.as_slice())?.first_chunk()?;
        Some(u64::from_be_bytes(*position))
    }

    fn of(table: u8, value: &[u8]) -> Self {
        Self { prefix: [&[table], value].concat() }
    }
}

/// The key of a chunk of rows that begins at a place.
pub(crate) fn event_key(place: Cursor) -> Vec<u8> {
    [&[EVENTS][..], &place.to_bytes()].concat()
}

/// The place that the key of a chunk of rows names; `None` for any other key.
pub(crate) fn event_place(key: &[u8]) -> Option<Cursor> {
    let place = key.strip_prefix(&[EVENTS])?;
    Some(Cursor::from_bytes(place.try_into().ok()?))
}

/// The runs that name the entry of an event, and whether it has evidence for exactly
/// the agency whose run that is.
pub(crate) fn indexes(row: &EventRow) -> Vec<(Run, bool)> {
    let mut runs = vec![(Run::by_outcome(row.event), false)];
    if let Some(id) = &row.message_id {
        runs.push((Run::by_message(id), false));
    }
    if row.kind != Kind::Unspecified {
        runs.push((Run::by_kind(row.kind), false));
    }
    for address in [&row.origin_agency, &row.recipient].into_iter().flatten() {
        runs.push((Run::by_agency(&address.agency()), false));
        if address.is_unit() {
            runs.push((Run::by_agency(address), false));
        }
    }
    if let (true, Some(originator)) = (row.has_evidence, &row.origin_agency) {
        runs.push((Run::by_agency(originator), true));
    }
    runs
}

fn code(number: impl Into<i32>) -> u8 {
    u8::try_from(number.into()).expect("kinds and events are numbered from 0 and few")
}
