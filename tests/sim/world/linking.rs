//! Connections between nodes, and the sessions over them.

use super::World;
use crate::calls::Done;
use crate::cast::{CAST, identity};
use crate::session::{self, Session};
use crate::wire::{Connection, Line};

/// Delay of a frame where nothing clogs its way (ms).
const DELAY_MS: u64 = 40;

impl World {
    /// A node calls another. Their older sessions may not have noticed their end yet, and
    /// go on for a while.
    pub(super) fn dial(&mut self, from: usize, to: usize) {
        let is_up = |node: usize| self.posts[node].life.is_some();
        let is_stopped = self.stopped.contains(&(from, to)) || self.stopped.contains(&(to, from));
        if from == to || !is_up(from) || !is_up(to) || is_stopped {
            return;
        }
        let lets_go = self.chance.percent(50);
        for connection in &mut self.connections {
            if connection.is_between(from, to) && !connection.is_old {
                connection.is_old = true;
                if lets_go {
                    connection.lines.iter().for_each(|line| line.close(true));
                }
            }
        }
        let lines = [(from, to), (to, from)].map(|way| {
            let delay = self.delays.get(&way).copied().unwrap_or(DELAY_MS);
            Line::new(self.time.clone(), self.chance.branch(), delay)
        });
        let number = self.connections.len();
        let connection = Connection { ends: [from, to], lines, is_held: [true; 2], is_old: false };
        for (end, peer) in [(from, to), (to, from)] {
            let post = &mut self.posts[end];
            let (Some(broker), Some(life)) = (post.broker(), &post.life) else { continue };
            let session = Session {
                broker,
                key: CAST.evidence_key(end),
                node: identity(end),
                start_no: life.start_no,
                peer: identity(peer).into(),
                out: connection.from(end).clone(),
                heard: connection.to(end).clone(),
            };
            let flag = session.heard.receiver();
            post.begin(flag, async move { Done::Ended(number, session::run(session).await) });
        }
        self.connections.push(connection);
        self.tally.count("network", "connection");
    }

    /// One end of a session is over: the other hears of it, or does not.
    pub(super) fn session_ended(&mut self, node: usize, number: usize) {
        let connection = &mut self.connections[number];
        let end = usize::from(connection.ends[0] != node);
        connection.is_held[end] = false;
        let loses = self.chance.percent(50);
        connection.from(node).close(loses);
        let pair = pair(connection.ends[0], connection.ends[1]);
        let pause = self.chance.between(50, 8_000);
        if !connection.is_old {
            self.redial.insert(pair, self.time.now() + pause);
        }
    }

    /// The ends at a node are gone. The other ends hear of it, or only silence.
    pub(super) fn lost_its_end(&mut self, node: usize) {
        for connection in &mut self.connections {
            let Some(end) = connection.ends.iter().position(|end| *end == node) else { continue };
            if std::mem::take(&mut connection.is_held[end]) {
                let line = connection.from(node);
                if self.chance.percent(60) {
                    line.close(true);
                } else {
                    line.silence(true);
                }
            }
        }
    }

    /// Nodes that have lost each other call again.
    pub(super) fn redial(&mut self) {
        let now = self.time.now();
        for one in 0..self.posts.len() {
            for other in one + 1..self.posts.len() {
                let at = self.redial.get(&(one, other)).copied().unwrap_or(now);
                if at <= now && !self.is_linked(one, other) {
                    let (from, to) =
                        if self.chance.percent(50) { (one, other) } else { (other, one) };
                    let again = now + self.chance.between(500, 20_000);
                    self.redial.insert((one, other), again);
                    self.dial(from, to);
                }
            }
        }
    }

    /// Whether two nodes hold a session, both.
    pub(super) fn is_linked(&self, one: usize, other: usize) -> bool {
        self.connections.iter().rev().any(|connection| {
            connection.is_between(one, other)
                && !connection.is_old
                && connection.is_held == [true; 2]
        })
    }

    /// The newest connection between two nodes.
    pub(super) fn between(&self, one: usize, other: usize) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(move |connection| connection.is_between(one, other))
    }

    /// Nothing gets through from one node to another any more.
    pub(super) fn stop_way(&mut self, from: usize, to: usize) {
        self.stopped.insert((from, to));
        self.between(from, to).for_each(|connection| connection.from(from).silence(true));
    }

    /// Everything gets through again, but from nodes that are gone.
    pub(super) fn heal(&mut self) {
        self.stopped.clear();
        for connection in &self.connections {
            for (end, held) in connection.ends.iter().zip(connection.is_held) {
                if held {
                    connection.from(*end).silence(false);
                }
            }
        }
    }

    /// Frames take up to so long from one node to another.
    pub(super) fn clog(&mut self, from: usize, to: usize, delay_ms: u64) {
        self.delays.insert((from, to), DELAY_MS + delay_ms);
        let delay_ms = DELAY_MS + delay_ms;
        self.between(from, to).for_each(|connection| connection.from(from).delay(delay_ms));
    }
}

/// Two nodes, the smaller first.
fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}
