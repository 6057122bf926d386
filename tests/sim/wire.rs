//! Connections: two lines, each an ordered stream that delays, stops and breaks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use barid_proto::federation::v1::frame::Kind;

use crate::chance::Chance;
use crate::machine::{Flag, Time};

/// Nothing heard for so long ends a session (ms).
const SILENCE_MS: u64 = 45_000;

/// One direction of a connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Line(Rc<RefCell<State>>);

struct State {
    frames: VecDeque<(u64, Kind)>,
    time: Time,
    chance: Chance,
    /// Longest delay of a frame (ms).
    delay_ms: u64,
    /// Nothing gets through, since then.
    silent_since: Option<u64>,
    is_closed: bool,
    receiver: Arc<Flag>,
}

/// What a line gives.
pub(crate) enum Heard {
    Frame(Box<Kind>),
    /// The connection is gone.
    Gone,
    /// Nothing was heard for too long.
    Silent,
}

impl Line {
    pub(crate) fn new(time: Time, chance: Chance, delay_ms: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            frames: VecDeque::new(),
            time,
            chance,
            delay_ms,
            silent_since: None,
            is_closed: false,
            receiver: Arc::default(),
        })))
    }

    /// Who is told that something has come.
    pub(crate) fn receiver(&self) -> Arc<Flag> {
        Arc::clone(&self.0.borrow().receiver)
    }

    /// Puts a frame on the line. On one that is closed it is lost.
    pub(crate) fn say(&self, kind: Kind) {
        let state = &mut *self.0.borrow_mut();
        if state.is_closed {
            return;
        }
        let delay = state.chance.below(state.delay_ms + 1);
        let behind = state.frames.back().map_or(0, |(at, _)| *at);
        state.frames.push_back((behind.max(state.time.now() + delay), kind));
    }

    /// What has come, if anything has.
    pub(crate) fn hear(&self) -> Option<Heard> {
        let state = &mut *self.0.borrow_mut();
        let now = state.time.now();
        if let Some(since) = state.silent_since {
            return (now >= since + SILENCE_MS).then_some(Heard::Silent);
        }
        if state.frames.front().is_some_and(|(at, _)| *at <= now) {
            return state.frames.pop_front().map(|(_, kind)| Heard::Frame(Box::new(kind)));
        }
        (state.is_closed && state.frames.is_empty()).then_some(Heard::Gone)
    }

    /// When there is something to hear next.
    pub(crate) fn next(&self) -> Option<u64> {
        let state = self.0.borrow();
        match (state.silent_since, state.frames.front()) {
            (Some(since), _) => Some(since + SILENCE_MS),
            (None, Some((at, _))) => Some(*at),
            (None, None) => state.is_closed.then_some(0),
        }
    }

    /// Tells the receiver where something has come.
    pub(crate) fn ring(&self) {
        if self.next().is_some_and(|at| at <= self.0.borrow().time.now()) {
            self.0.borrow().receiver.raise();
        }
    }

    /// Lets nothing through, or again what there is.
    pub(crate) fn silence(&self, is_silent: bool) {
        let state = &mut *self.0.borrow_mut();
        state.silent_since = match (is_silent, state.silent_since) {
            (true, None) => Some(state.time.now()),
            (true, since) => since,
            (false, _) => None,
        };
    }

    /// Delays frames by up to so much from now on.
    pub(crate) fn delay(&self, delay_ms: u64) {
        self.0.borrow_mut().delay_ms = delay_ms;
    }

    /// Closes the line. What is on its way arrives, or is lost.
    pub(crate) fn close(&self, loses: bool) {
        let state = &mut *self.0.borrow_mut();
        state.is_closed = true;
        if loses {
            state.frames.clear();
        }
    }
}

/// A connection between two nodes, by their places: the first has called.
pub(crate) struct Connection {
    pub(crate) ends: [usize; 2],
    /// From the first to the second, and back.
    pub(crate) lines: [Line; 2],
    /// Which ends still have their session.
    pub(crate) is_held: [bool; 2],
    /// A newer one has taken its place.
    pub(crate) is_old: bool,
}

impl Connection {
    /// When an end that still has its session hears something next.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = u64> {
        let ends = self.ends.iter().zip(self.is_held).filter(|(_, held)| *held);
        ends.filter_map(|(end, _)| self.to(*end).next())
    }

    /// Tells those who have something to hear.
    pub(crate) fn ring(&self) {
        for (end, _) in self.ends.iter().zip(self.is_held).filter(|(_, held)| *held) {
            self.to(*end).ring();
        }
    }

    pub(crate) fn is_between(&self, one: usize, other: usize) -> bool {
        self.ends == [one, other] || self.ends == [other, one]
    }

    /// The line from one of the ends.
    pub(crate) fn from(&self, end: usize) -> &Line {
        &self.lines[usize::from(self.ends[0] != end)]
    }

    /// The line to one of the ends.
    pub(crate) fn to(&self, end: usize) -> &Line {
        &self.lines[usize::from(self.ends[0] == end)]
    }
}
