//! How many bytes may be on their way (SPINE §5.5).
//!
//! Buffers of kernel, TLS and HTTP/2 hold seconds of a thin link. What lies in them
//! cannot be overtaken by a FLASH, so little is put there: one and a half times what
//! the link carries in one round trip.

use std::collections::VecDeque;

use crate::caps;

/// Counts bytes sent and received, and measures the link by them.
#[derive(Debug)]
pub struct Credit {
    sent: u64,
    received: u64,
    window: u64,
    /// Bytes sent, bytes received and time at each piece that is on its way.
    on_the_way: VecDeque<Mark>,
    round_trip: Option<RoundTrip>,
    /// Bytes sent when the window was last cut to its least: the first piece behind
    /// them finds no queue of our own making.
    draining_behind: Option<u64>,
    rates: Recent,
}

#[derive(Clone, Copy, Debug)]
struct RoundTrip {
    least_ms: u64,
    /// When it was measured with empty queues.
    since_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    sent: u64,
    received_then: u64,
    at_ms: u64,
}

impl Default for Credit {
    fn default() -> Self {
        Self {
            sent: 0,
            received: 0,
            window: caps::LINK_WINDOW_FIRST,
            on_the_way: VecDeque::new(),
            round_trip: None,
            draining_behind: None,
            rates: Recent::default(),
        }
    }
}

impl Credit {
    /// Whether one more piece may be sent.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.sent - self.received < self.window
    }

    /// Bytes that may be on their way.
    #[must_use]
    pub const fn window(&self) -> u64 {
        self.window
    }

    /// The shortest recent round trip (ms); `None` before the first.
    #[must_use]
    pub fn round_trip_ms(&self) -> Option<u64> {
        self.round_trip.map(|trip| trip.least_ms)
    }

    /// A piece goes out; gives the bytes sent, it included.
    pub fn send(&mut self, bytes: usize, now_ms: u64) -> u64 {
        self.sent += bytes as u64;
        self.on_the_way.push_back(Mark {
            sent: self.sent,
            received_then: self.received,
            at_ms: now_ms,
        });
        self.sent
    }

    /// The other end has read so many bytes.
    ///
    /// `false` where it says more than was sent.
    #[must_use]
    pub fn receive(&mut self, received: u64, now_ms: u64) -> bool {
        if received > self.sent {
            return false;
        }
        let mut newest = None;
        while let Some(mark) = self.on_the_way.front().filter(|mark| mark.sent <= received) {
            newest = Some(*mark);
            self.on_the_way.pop_front();
        }
        self.received = self.received.max(received);
        if let Some(mark) = newest {
            let took_ms = (now_ms - mark.at_ms.min(now_ms)).max(1);
            self.round_trip_took(took_ms, mark.sent, now_ms);
            // Bytes a second that arrived while this piece was on its way.
            let rate = (self.received - mark.received_then).saturating_mul(1_000) / took_ms;
            self.rates.add(rate, now_ms);
            self.measure(now_ms);
        }
        true
    }

    /// The least counts. It is measured anew now and then, or a longer way would look
    /// like a queue for ever, and a queue like a longer way.
    fn round_trip_took(&mut self, took_ms: u64, sent: u64, now_ms: u64) {
        if self.draining_behind.is_some_and(|behind| sent > behind) {
            self.draining_behind = None;
            self.round_trip = None;
        }
        let trip = self.round_trip.get_or_insert(RoundTrip { least_ms: took_ms, since_ms: now_ms });
        trip.least_ms = trip.least_ms.min(took_ms);
    }

    fn measure(&mut self, now_ms: u64) {
        let (Some(rate), Some(trip)) = (self.rates.most(), self.round_trip) else {
            return;
        };
        if self.draining_behind.is_none() && now_ms - trip.since_ms > caps::LINK_MEASURE_MS {
            self.draining_behind = Some(self.sent);
        }
        if self.draining_behind.is_some() {
            self.window = caps::LINK_WINDOW_MIN;
            return;
        }
        let round_trip = trip.least_ms;
        let carried = rate.saturating_mul(round_trip) / 1_000;
        self.window = (carried + carried / 2).clamp(caps::LINK_WINDOW_MIN, caps::LINK_WINDOW_MAX);
    }
}

/// The most of the last ten seconds, by second.
#[derive(Debug, Default)]
struct Recent {
    seconds: VecDeque<(u64, u64)>,
}

impl Recent {
    const SECONDS: u64 = 10;

    fn add(&mut self, value: u64, now_ms: u64) {
        let number = now_ms / 1_000;
        match self.seconds.back_mut().filter(|(second, _)| *second == number) {
            Some((_, most)) => *most = value.max(*most),
            None => self.seconds.push_back((number, value)),
        }
        while self.seconds.front().is_some_and(|(oldest, _)| oldest + Self::SECONDS < number) {
            self.seconds.pop_front();
        }
    }

    fn most(&self) -> Option<u64> {
        self.seconds.iter().map(|(_, most)| *most).max()
    }
}
