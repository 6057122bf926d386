//! The end of a story: everything heals, everything has time to end, every node starts once
//! more from its journal.

use std::time::Duration;

use barid_broker::state::State;
use barid_proto::journal::v1::{Snapshot, SnapshotLane};
use history::Violation;
use prost::Message as _;

use super::World;
use crate::agency::Stage;
use crate::op::{Order, Reply};
use crate::post::Post;

/// Longer than any message lives, with the minute in which its end must be said (ms).
const LONGEST_MS: u64 = 5_400_000 + 1_500_000 + 300_000;

impl World {
    pub(super) fn end(&mut self) {
        self.say(|world| format!("{} all is well again", world.time.now()));
        self.heal();
        self.delays.clear();
        for node in 0..self.posts.len() {
            for to in 0..self.posts.len() {
                self.clog(node, to, 0);
            }
            self.posts[node].mend();
            self.posts[node].sleep();
            self.posts[node].clock.put_right();
        }
        self.live_on(5, 20_000);
        self.go_by_restfully(LONGEST_MS);
        self.live_on(3, 20_000);
        for node in 0..self.posts.len() {
            self.start_again(node);
        }
        self.live_on(2, 10_000);
    }

    /// Agencies do what they do on a quiet day.
    fn live_on(&mut self, rounds: usize, pause_ms: u64) {
        for _ in 0..rounds {
            for node in 0..self.posts.len() {
                self.start(node);
                self.confirm_clock(node);
            }
            self.rest();
            for agency in 0..self.agencies.len() {
                let letters = 0..self.agencies[agency].sent.len();
                for which in letters {
                    if self.agencies[agency].sent[which].state == Stage::InDoubt {
                        self.submit(agency, which);
                    }
                }
                self.hand_out(agency, 0, 64, false);
            }
            self.rest();
            for agency in 0..self.agencies.len() {
                for which in 0..self.agencies[agency].held.len() {
                    self.settle(agency, which, Reply::Ack);
                }
            }
            self.go_by_restfully(pause_ms);
            if !self.violations.is_empty() {
                return;
            }
        }
        (0..self.agencies.len()).for_each(|agency| self.may_read(agency));
        self.rest();
    }

    fn confirm_clock(&mut self, node: usize) {
        let life = self.posts[node].life.as_ref();
        if life.is_some_and(|life| life.hand.state().clock_suspect()) {
            self.operate(node, Order::ConfirmClock);
        }
    }

    /// Time goes by, and nobody is behind with their work.
    fn go_by_restfully(&mut self, ms: u64) {
        let until = self.time.now() + ms;
        while self.time.now() < until && self.violations.is_empty() {
            self.rest();
            // Without room what is due stays due.
            let is_idle =
                |post: &&Post| post.due_in() == Some(Duration::ZERO) && !post.looks_for_room();
            let idle = self.posts.iter().find(is_idle).map(Post::name);
            self.violations.extend(idle.map(Violation::Idle));
            let next = self.next_event().max(self.time.now() + 1);
            self.time.set(next.min(until));
            self.fall_due();
        }
        self.rest();
    }

    /// A node starts from its journal: what is outstanding then is what was outstanding.
    fn start_again(&mut self, node: usize) {
        self.rest();
        let Some(life) = &self.posts[node].life else { return };
        let mut folded = State::new();
        for (_, entry) in &self.posts[node].entries {
            folded.fold(entry).unwrap();
        }
        let (folded, lived) = (outstanding(&folded), outstanding(life.hand.state()));
        if folded != lived {
            self.say(|_| format!("  from the journal {folded:#?}"));
            self.say(|_| format!("  outstanding {lived:#?}"));
            let node = self.posts[node].name();
            return self.violations.push(Violation::OtherState(node));
        }
        self.die(node, None);
        self.start(node);
        self.rest();
    }
}

/// What is outstanding, without what hellos and the calendar change and no entry says:
/// which receipts a peer has, and which ids are forgotten.
fn outstanding(state: &State) -> Snapshot {
    let mut snapshot = Snapshot::decode(state.to_snapshot().as_slice()).unwrap();
    for lane in snapshot.links.iter_mut().flat_map(|link| &mut link.lanes) {
        lane.answers.clear();
        lane.chains.clear();
    }
    // A session alone leaves nothing.
    snapshot.links.retain(|link| {
        let is_used = |lane: &SnapshotLane| lane.next > 1 || lane.next_expected > 1;
        link.lanes.iter().any(is_used) || link.proposal.is_some() || link.written_off_before > 0
    });
    snapshot.dedupe_oldest_day = 0;
    snapshot
}
