//! What breaks, and what time does.

use super::World;
use crate::op::{Fault, Loses, Op};
use crate::sim_disk::{Failure, Loss};

impl World {
    pub(super) fn break_something(&mut self, op: Op) {
        let nodes = self.posts.len();
        match op {
            Op::Wait(ms) => self.go_by(ms),
            Op::Dial { from, to } => self.dial(from % nodes, to % nodes),
            Op::Cut { from, to, silently } => self.cut(from % nodes, to % nodes, silently),
            Op::OneWay { from, to } => self.stop_way(from % nodes, to % nodes),
            Op::Partition { some } => self.partition(some),
            Op::Heal => self.heal(),
            Op::Clog { from, to, delay_ms } => self.clog(from % nodes, to % nodes, delay_ms),
            Op::Kill { node } => self.die(node % nodes, None),
            Op::PowerCut { node, loss } => self.die(node % nodes, Some(loss.into())),
            Op::Fault { node, n, fault } => {
                let (failure, cut) = match fault {
                    Fault::PowerCut(loss) => (Failure::PowerCut, Some(loss.into())),
                    Fault::Error => (Failure::Error, None),
                    Fault::TooManyFiles => (Failure::TooManyFiles, None),
                };
                self.posts[node % nodes].go_wrong(n, failure, cut);
            }
            Op::Full { node, left } => self.posts[node % nodes].fill(left),
            Op::Room { node } => self.posts[node % nodes].mend(),
            Op::Jump { node, by_ms } => self.posts[node % nodes].jump(by_ms),
            Op::Stop { node } => self.stop(node % nodes),
            Op::Start { node } => self.start(node % nodes),
            _ => {}
        }
    }

    fn cut(&mut self, from: usize, to: usize, silently: bool) {
        let loses = self.chance.percent(70);
        for connection in self.between(from, to).filter(|connection| !connection.is_old) {
            for line in &connection.lines {
                if silently {
                    line.silence(true);
                } else {
                    line.close(loses);
                }
            }
        }
    }

    fn partition(&mut self, some: u64) {
        let nodes = self.posts.len();
        // One at least on each side.
        let bits = some % ((1 << nodes) - 2) + 1;
        let side = |node: usize| bits >> node & 1;
        for from in 0..nodes {
            for to in (0..nodes).filter(|to| side(from) != side(*to)) {
                self.stop_way(from, to);
            }
        }
    }

    /// A node stops in order.
    fn stop(&mut self, node: usize) {
        if self.posts[node].life.is_none() {
            return;
        }
        self.go_on(node);
        match self.posts[node].stop() {
            Ok(()) => self.is_down(node),
            Err(_) => {
                self.posts[node].die(None);
                self.is_down(node);
            }
        }
    }
}

impl From<Loses> for Loss {
    fn from(loses: Loses) -> Self {
        match loses {
            Loses::All => Self::All,
            Loses::Nothing => Self::Nothing,
            Loses::Some(seed) => Self::Some(seed),
        }
    }
}
