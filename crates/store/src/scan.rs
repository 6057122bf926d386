//! What several runs have in common, found in steps.
//!
//! Every run is in the order of the log. So the search asks one run after the
//! other for its first position not before the candidate, and takes what it finds as
//! the new candidate, until all of them name the same one. Whole stretches that
//! any one of the runs does not have are jumped over: the rarest condition sets
//! the pace, without anyone having to know which it is.

use std::ops::RangeInclusive;

use crate::engine::Engine;
use crate::find::{ReadError, places_from, places_up_to};
use crate::schema::Run;

/// What one search may cost, in seeks and rows; each takes some microseconds. Tests
/// come to its end in short logs.
const BUDGET: usize = if cfg!(test) { 16 } else { 20_000 };

/// Which way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Towards newer events.
    Forward,
    /// Towards older events.
    Backward,
}

/// How a step of the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The nearest position that all runs have.
    Found(u64),
    /// There is none up to the bound.
    End,
    /// The budget is used up: there is none in front of this position.
    Paused(u64),
}

/// A run, and the positions of the chunk of it that was read last.
struct Seen {
    run: Run,
    chunk: Vec<u64>,
}

/// A search over a stretch of the log.
pub(crate) struct Scan<'a> {
    engine: &'a Engine,
    runs: Vec<Seen>,
    bounds: RangeInclusive<u64>,
    direction: Direction,
    budget: usize,
}

impl<'a> Scan<'a> {
    /// `runs` must not be empty.
    pub(crate) fn new(
        engine: &'a Engine,
        runs: Vec<Run>,
        bounds: RangeInclusive<u64>,
        direction: Direction,
    ) -> Self {
        debug_assert!(!runs.is_empty(), "nothing is common to no runs");
        let runs = runs.into_iter().map(|run| Seen { run, chunk: Vec::new() }).collect();
        Self { engine, runs, bounds, direction, budget: BUDGET }
    }

    /// The end of the stretch at which the search begins.
    pub(crate) fn start(&self) -> u64 {
        match self.direction {
            Direction::Forward => *self.bounds.start(),
            Direction::Backward => *self.bounds.end(),
        }
    }

    /// The position behind another, in the direction of the search.
    pub(crate) fn beyond(&self, position: u64) -> Option<u64> {
        match self.direction {
            Direction::Forward => position.checked_add(1),
            Direction::Backward => position.checked_sub(1),
        }
    }

    /// Counts rows that were read for a position found.
    pub(crate) const fn spend(&mut self, rows: usize) {
        self.budget = self.budget.saturating_sub(rows);
    }

    /// The nearest common position at `from` or beyond.
    pub(crate) fn step(&mut self, from: u64) -> Result<Step, ReadError> {
        let mut candidate = from;
        let mut agreed = 0;
        for number in (0..self.runs.len()).cycle() {
            if self.budget == 0 {
                return Ok(Step::Paused(candidate));
            }
            self.budget -= 1;
            let Some(found) = self.seek(number, candidate)? else {
                return Ok(Step::End);
            };
            agreed = if found == candidate { agreed + 1 } else { 1 };
            candidate = found;
            if agreed == self.runs.len() {
                return Ok(Step::Found(candidate));
            }
        }
        Ok(Step::End)
    }

    fn seek(&mut self, number: usize, from: u64) -> Result<Option<u64>, ReadError> {
        if !self.bounds.contains(&from) {
            return Ok(None);
        }
        let seen = &mut self.runs[number];
        let is_within = |chunk: &[u64]| {
            chunk.first().is_some_and(|first| *first <= from)
                && chunk.last().is_some_and(|last| from <= *last)
        };
        if !is_within(&seen.chunk) {
            let mut places = places_up_to(self.engine, &seen.run, from)?;
            let is_past = places.last().is_none_or(|last| last.position < from);
            if is_past && self.direction == Direction::Forward {
                places = match from.checked_add(1) {
                    Some(next) if next <= *self.bounds.end() => {
                        places_from(self.engine, &seen.run, next..=*self.bounds.end())?
                    }
                    Some(_) | None => Vec::new(),
                };
            }
            seen.chunk = places.iter().map(|place| place.position).collect();
        }
        let mut positions = seen.chunk.iter().copied();
        let nearest = match self.direction {
            Direction::Forward => positions.find(|position| *position >= from),
            Direction::Backward => positions.rfind(|position| *position <= from),
        };
        Ok(nearest.filter(|position| self.bounds.contains(position)))
    }
}
