//! Reading the delivery log.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chunk::Place;
use crate::cursor::Cursor;
use crate::engine::Engine;
use crate::filter::Filter;
use crate::find::{ReadError, places_from, places_up_to, rows_behind, rows_up_to};
use crate::row::EventRow;
use crate::scan::{Direction, Scan, Step};
use crate::schema::{Run, indexes};
use barid_audit::entry::Entry;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;

/// Most items of one page.
pub const PAGE_ITEMS_MAX: usize = 500;

/// Most rows that [`ReadView::message`] gives: 100 recipients with 40 events each.
pub const MESSAGE_ROWS_MAX: usize = 4_000;

/// Entries of an agency that one search for evidence passes over; less than a
/// microsecond each. Tests come to its end in short logs.
const EVIDENCE_ENTRIES_MAX: usize = if cfg!(test) { 4 } else { 20_000 };

/// Reads the delivery log, from any number of threads, while it is written. Calls
/// block, as a rule for less than some ten milliseconds. A clone is a handle on
/// the same log.
#[derive(Clone)]
pub struct ReadView {
    engine: Engine,
    /// Written by the [`Projector`](crate::Projector) alone.
    applied: Arc<AtomicU64>,
}

/// A part of an answer, in the order of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found; there may be nothing even before the end.
    pub items: Vec<T>,
    /// Everything up to this place has been looked at: give it as `after` to go
    /// on. `None`: nothing has.
    pub reached: Option<Cursor>,
    /// True: there was nothing more when the page was read.
    pub is_complete: bool,
}

impl ReadView {
    pub(crate) const fn new(engine: Engine, applied: Arc<AtomicU64>) -> Self {
        Self { engine, applied }
    }

    /// Every entry below this position can be read here.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Whether there is no event yet.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn is_empty(&self) -> Result<bool, ReadError> {
        Ok(self.first_row(0, self.applied())?.is_none())
    }

    /// Events behind a place (`None` = from the beginning), oldest first, at most
    /// `limit` or [`PAGE_ITEMS_MAX`]. A page ends early where few events match in
    /// a long log; `reached` has moved on even so.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn events(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<EventRow>, ReadError> {
        let limit = limit.min(PAGE_ITEMS_MAX);
        let (mut page, bounds) = self.begin(filter, after)?;
        let Some(bounds) = bounds else {
            return Ok(page);
        };
        let mut scan = Scan::new(&self.engine, filter.runs(), bounds, Direction::Forward);
        let mut next = Some(scan.start());
        while let Some(from) = next {
            match scan.step(from)? {
                Step::Found(position) => {
                    let rows = self.entry_rows(position)?;
                    scan.spend(rows.len());
                    let matching = |row: &EventRow| Some(row.cursor) > after && filter.matches(row);
                    page.items.extend(rows.into_iter().filter(matching));
                    next = scan.beyond(position).filter(|_| page.items.len() <= limit);
                }
                Step::Paused(position) => {
                    page.reached = Cursor::before_entry(position).max(after);
                    page.is_complete = false;
                    break;
                }
                Step::End => break,
            }
        }
        page.cut(limit, after, |row| row.cursor);
        Ok(page)
    }

    /// The newest events that match, the oldest of them first, at most `limit` or
    /// [`PAGE_ITEMS_MAX`]; `reached` is the end of the log. `is_complete` is false
    /// where there may be more before them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn newest(&self, filter: &Filter, limit: usize) -> Result<Page<EventRow>, ReadError> {
        let limit = limit.min(PAGE_ITEMS_MAX);
        let (mut page, bounds) = self.begin(filter, None)?;
        let Some(bounds) = bounds else {
            return Ok(page);
        };
        let mut scan = Scan::new(&self.engine, filter.runs(), bounds, Direction::Backward);
        let mut next = Some(scan.start());
        while let Some(from) = next {
            match scan.step(from)? {
                Step::Found(position) => {
                    let rows = self.entry_rows(position)?;
                    scan.spend(rows.len());
                    page.items.extend(rows.into_iter().rev().filter(|row| filter.matches(row)));
                    next = scan.beyond(position).filter(|_| page.items.len() <= limit);
                }
                Step::Paused(_) => {
                    page.is_complete = false;
                    break;
                }
                Step::End => break,
            }
        }
        if page.items.len() > limit {
            page.items.truncate(limit);
            page.is_complete = false;
        }
        page.items.reverse();
        Ok(page)
    }

    /// What happened to a message, oldest first, at most [`MESSAGE_ROWS_MAX`]
    /// rows; [`events`](Self::events) has the rest. An id that several agencies
    /// used gives all of them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn message(&self, id: &MessageId) -> Result<Vec<EventRow>, ReadError> {
        let filter = Filter { message_id: Some(*id), ..Filter::default() };
        let mut rows = Vec::new();
        let mut after = None;
        while rows.len() < MESSAGE_ROWS_MAX {
            let page = self.events(&filter, after, MESSAGE_ROWS_MAX - rows.len())?;
            rows.extend(page.items);
            if page.is_complete {
                break;
            }
            after = page.reached;
        }
        Ok(rows)
    }

    /// Places of the events of an originator's messages that have evidence, behind
    /// a place (`None` = from the beginning), oldest first, at most `limit` or
    /// [`PAGE_ITEMS_MAX`].
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn evidence_after(
        &self,
        originator: &Address,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Cursor>, ReadError> {
        let limit = limit.min(PAGE_ITEMS_MAX);
        let (mut page, bounds) = self.begin(&Filter::default(), after)?;
        let Some(bounds) = bounds else {
            return Ok(page);
        };
        let run = Run::by_agency(originator);
        let places = self.places(&run, bounds, EVIDENCE_ENTRIES_MAX)?;
        if let (EVIDENCE_ENTRIES_MAX.., Some(last)) = (places.len(), places.last()) {
            page.reached = Cursor::before_entry(last.position + 1);
            page.is_complete = false;
        }
        for place in places.iter().filter(|place| place.is_owed) {
            for row in self.entry_rows(place.position)? {
                let is_owed = row.has_evidence && row.origin_agency.as_ref() == Some(originator);
                if is_owed && Some(row.cursor) > after {
                    page.items.push(row.cursor);
                }
            }
            if page.items.len() > limit {
                break;
            }
        }
        page.cut(limit, after, |place| *place);
        Ok(page)
    }

    /// Whether all that an entry gives stands here as it was written: its rows, and its
    /// places in the indexes. For an entry below [`applied`](Self::applied).
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn holds(&self, entry: &Entry) -> Result<bool, ReadError> {
        let rows = EventRow::of_entry(entry).unwrap_or_default();
        let mut places = BTreeMap::new();
        for (run, is_owed) in rows.iter().flat_map(indexes) {
            *places.entry(run).or_default() |= is_owed;
        }
        for (run, is_owed) in places {
            let place = Place { position: entry.position, is_owed };
            if !places_up_to(&self.engine, &run, entry.position)?.contains(&place) {
                return Ok(false);
            }
        }
        Ok(rows.is_empty() || self.entry_rows(entry.position)? == rows)
    }

    /// A page with nothing on it yet, and where to search for what goes there. How far
    /// the log goes is read once, before the search: what is written meanwhile is for
    /// the next page, so that `reached` never passes over it.
    fn begin<T>(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
    ) -> Result<(Page<T>, Option<RangeInclusive<u64>>), ReadError> {
        let applied = self.applied();
        let mut page = Page::up_to(applied);
        page.reached = page.reached.max(after);
        Ok((page, self.bounds(filter, after, applied)?))
    }

    /// The positions behind `after` and below `applied` in which the filter's
    /// times lie; `None` where there are none.
    fn bounds(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        applied: u64,
    ) -> Result<Option<RangeInclusive<u64>>, ReadError> {
        let mut start = after.map_or(0, |place| place.position);
        let mut end = applied;
        if let Some(from) = filter.from {
            start = start.max(self.first_position_at(from, applied)?);
        }
        if let Some(to) = filter.to {
            end = self.first_position_at(to, applied)?;
        }
        Ok((start < end).then(|| start..=end - 1))
    }

    /// A position such that events before it are before `time`, and events from it
    /// on are not. Entry times never decrease (SPINE §1.7), so halving finds it.
    fn first_position_at(&self, time: Millis, applied: u64) -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, applied);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first_row(middle, high)? {
                Some(row) if row.time < time => low = row.cursor.position + 1,
                Some(_) | None => high = middle,
            }
        }
        Ok(low)
    }

    /// The first row from a position on and below another.
    fn first_row(&self, from: u64, below: u64) -> Result<Option<EventRow>, ReadError> {
        let Some(last) = below.checked_sub(1).filter(|last| from <= *last) else {
            return Ok(None);
        };
        let within = |row: &EventRow| (from..=last).contains(&row.cursor.position);
        let rows = rows_up_to(&self.engine, Cursor::entry(from))?;
        if let Some(row) = rows.into_iter().find(within) {
            return Ok(Some(row));
        }
        let rows = rows_behind(&self.engine, Cursor::entry(from), last)?;
        Ok(rows.into_iter().find(within))
    }

    /// The rows of an entry that an index names.
    fn entry_rows(&self, position: u64) -> Result<Vec<EventRow>, ReadError> {
        let mut found = Vec::new();
        let mut chunk = rows_up_to(&self.engine, Cursor::entry(position))?;
        if chunk.is_empty() {
            chunk = rows_behind(&self.engine, Cursor::entry(position), position)?;
        }
        while let Some(last) = chunk.last().map(|row| row.cursor) {
            found.extend(chunk.into_iter().filter(|row| row.cursor.position == position));
            if last.position > position {
                break;
            }
            chunk = rows_behind(&self.engine, last, position)?;
        }
        if found.is_empty() {
            return Err(ReadError::Damaged(position));
        }
        Ok(found)
    }

    /// What a run says of entries within bounds, oldest first; of `limit` entries and
    /// what shares a chunk with them.
    fn places(
        &self,
        run: &Run,
        bounds: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<Place>, ReadError> {
        let mut found: Vec<Place> = Vec::new();
        let mut chunk = places_up_to(&self.engine, run, *bounds.start())?;
        loop {
            let from = chunk.last().map_or(0, |last| last.position + 1).max(*bounds.start());
            found.extend(chunk.into_iter().filter(|place| bounds.contains(&place.position)));
            if found.len() >= limit || from > *bounds.end() {
                return Ok(found);
            }
            chunk = places_from(&self.engine, run, from..=*bounds.end())?;
            if chunk.is_empty() {
                return Ok(found);
            }
        }
    }
}

impl<T> Page<T> {
    /// Of a search that comes to the end of what is applied.
    fn up_to(applied: u64) -> Self {
        Self { items: Vec::new(), reached: Cursor::before_entry(applied), is_complete: true }
    }

    /// Keeps the first items, and goes back to the last of them.
    fn cut(&mut self, limit: usize, after: Option<Cursor>, place: impl Fn(&T) -> Cursor) {
        if self.items.len() > limit {
            self.items.truncate(limit);
            self.reached = self.items.last().map(place).or(after);
            self.is_complete = false;
        }
    }
}
