//! All nodes, what is between them, and who uses them. One thread, one seed.

mod acting;
mod breaking;
mod ending;
mod linking;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use history::{Ask, Call, History, Outcome, Violation};

use crate::agency::Agency;
use crate::calls::Done;
use crate::cast::AGENCIES;
use crate::chance::Chance;
use crate::machine::{Flag, Time};
use crate::op::{Op, Story};
use crate::post::{Dead, Post};
use crate::sim_disk::Loss;
use crate::tally::Tally;
use crate::wire::Connection;

/// No group is left unwritten for longer, by a writer that has nothing else to do (ms).
const LEFT_MS: u64 = 1_000;

/// Turns without rest after which something goes round in circles.
const TURNS_MAX: usize = 100_000;

pub(crate) struct World {
    time: Time,
    chance: Chance,
    posts: Vec<Post>,
    agencies: Vec<Agency>,
    connections: Vec<Connection>,
    /// Nothing gets through: from, to.
    stopped: BTreeSet<(usize, usize)>,
    /// Longest delays of frames (ms): from, to.
    delays: BTreeMap<(usize, usize), u64>,
    /// When two nodes call each other again.
    redial: BTreeMap<(usize, usize), u64>,
    calls: Vec<Call>,
    /// Calls without an answer, by node.
    asked: Vec<BTreeSet<usize>>,
    pub(crate) tally: Tally,
    violations: Vec<Violation>,
    /// Lines for people, where somebody reads them.
    pub(crate) trace: Option<Vec<String>>,
}

/// What came of a seed.
pub(crate) struct Outcomes {
    pub(crate) violations: Vec<Violation>,
    pub(crate) tally: Tally,
    pub(crate) trace: Vec<String>,
    pub(crate) fingerprint: [u8; 32],
}

/// Lives through a story. `is_told`: with lines for people.
pub(crate) fn live(story: &Story, is_told: bool) -> Outcomes {
    let mut world = World::new(story, is_told);
    for op in &story.ops {
        if !world.violations.is_empty() {
            break;
        }
        world.say(|world| format!("{} {op:?}", world.time.now()));
        world.tally.op(op);
        world.apply(*op);
        let pause = world.chance.below(30);
        world.go_by(pause);
    }
    if world.violations.is_empty() {
        world.end();
    }
    world.conclude()
}

impl World {
    fn new(story: &Story, is_told: bool) -> Self {
        let mut chance = Chance::new(story.seed ^ 0x5e_ed);
        let time = Time::begin();
        let posts = (0..story.nodes).map(|node| Post::new(node, story.nodes, &time, &mut chance));
        let mut world = Self {
            posts: posts.collect(),
            agencies: (0..story.nodes * AGENCIES).map(Agency::new).collect(),
            time,
            chance,
            connections: Vec::new(),
            stopped: BTreeSet::new(),
            delays: BTreeMap::new(),
            redial: BTreeMap::new(),
            calls: Vec::new(),
            asked: vec![BTreeSet::new(); story.nodes],
            tally: Tally::default(),
            violations: Vec::new(),
            trace: is_told.then(Vec::new),
        };
        for node in 0..story.nodes {
            world.start(node);
        }
        world
    }

    fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            trace.push(line(self));
            self.trace = Some(trace);
        }
    }

    fn next_order(&self) -> u64 {
        self.time.next_order()
    }

    /// So many milliseconds go by: whatever falls due does at its time.
    fn go_by(&mut self, ms: u64) {
        let until = self.time.now() + ms;
        loop {
            self.turn();
            let now = self.time.now();
            let next = self.next_event().max(now + 1);
            if now >= until || !self.violations.is_empty() {
                return;
            }
            if next.min(until) > now + LEFT_MS {
                for node in 0..self.posts.len() {
                    self.write(node);
                }
            }
            self.time.set(next.min(until));
            self.fall_due();
        }
    }

    /// When something happens by itself next.
    fn next_event(&self) -> u64 {
        let now = self.time.now();
        let due = self.posts.iter().filter_map(|post| match &post.life {
            Some(_) => Some(now + u64::try_from(post.due_in()?.as_millis()).unwrap()),
            None => Some(post.starts_at),
        });
        let heard = self.connections.iter().flat_map(Connection::awaited).filter(|at| *at > now);
        let redials = self.redial.values().copied().filter(|at| *at > now);
        due.chain(heard).chain(redials).min().unwrap_or(u64::MAX)
    }

    fn fall_due(&mut self) {
        let now = self.time.now();
        for node in 0..self.posts.len() {
            if self.posts[node].life.is_none() && self.posts[node].starts_at <= now {
                self.start(node);
            } else if self.posts[node].looks_for_room() {
                let reserved = self.posts[node].reserve();
                self.check_life(node, reserved.map(|()| false));
            }
        }
        self.redial();
        for connection in &self.connections {
            connection.ring();
        }
    }

    /// Every node does some of what it has to do.
    fn turn(&mut self) {
        for node in 0..self.posts.len() {
            for _ in 0..=self.chance.below(3) {
                self.go_on(node);
                let commands = self.chance.below(5);
                for _ in 0..=commands {
                    if !self.decide(node) {
                        break;
                    }
                }
                if self.chance.percent(60) {
                    self.write(node);
                }
            }
        }
    }

    /// Every node does all that it has to do.
    fn rest(&mut self) {
        for _ in 0..TURNS_MAX {
            let mut is_at_rest = true;
            for node in 0..self.posts.len() {
                is_at_rest &= !self.go_on(node);
                while self.decide(node) {
                    is_at_rest = false;
                }
                is_at_rest &= !self.write(node);
            }
            if is_at_rest || !self.violations.is_empty() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Goes on with what was begun at a node. Whether something was done.
    fn go_on(&mut self, node: usize) -> bool {
        let done = self.posts[node].go_on();
        let any = !done.is_empty();
        for done in done {
            self.done(node, done);
        }
        any
    }

    fn decide(&mut self, node: usize) -> bool {
        let decided = self.posts[node].decide();
        self.check_life(node, decided)
    }

    fn write(&mut self, node: usize) -> bool {
        let written = self.posts[node].write();
        self.check_life(node, written)
    }

    fn check_life(&mut self, node: usize, lives: Result<bool, Dead>) -> bool {
        lives.unwrap_or_else(|Dead(why)| {
            self.say(|_| format!("  node {node} ends: {why}"));
            self.tally.count("fault", "fail-stop");
            self.die(node, None);
            false
        })
    }

    /// A node dies. What it has told is out, or not.
    fn die(&mut self, node: usize, loss: Option<Loss>) {
        if self.posts[node].life.is_none() {
            return;
        }
        self.tally.count("fault", "crash");
        if self.chance.percent(50) {
            self.go_on(node);
        }
        self.posts[node].die(loss);
        self.is_down(node);
    }

    /// A node is down: what was asked of it has no answer.
    fn is_down(&mut self, node: usize) {
        let order = self.next_order();
        for call in std::mem::take(&mut self.asked[node]) {
            self.calls[call].returned = order;
            self.unanswered(node, call);
        }
        self.lost_its_end(node);
        self.posts[node].starts_at = self.time.now() + self.chance.between(10, 60_000);
    }

    fn start(&mut self, node: usize) {
        if self.posts[node].life.is_some() {
            return;
        }
        if let Err(violation) = self.posts[node].start() {
            self.violations.push(*violation);
            return;
        }
        if self.posts[node].life.is_none() {
            self.say(|_| format!("  node {node} does not start"));
            self.tally.count("fault", "failed start");
            self.posts[node].die(None);
            self.posts[node].starts_at = self.time.now() + self.chance.between(1_000, 30_000);
            return;
        }
        // Nobody is answered before the first group is durable.
        self.write(node);
        self.redial.retain(|(one, other), _| *one != node && *other != node);
    }

    fn begin(&mut self, node: usize, work: impl Future<Output = Done> + 'static) -> bool {
        self.posts[node].begin(std::sync::Arc::<Flag>::default(), work)
    }

    /// A call without an answer yet.
    fn ask(&mut self, node: usize, by: String, ask: Ask) -> usize {
        let invoked = self.next_order();
        let outcome = Outcome::Unknown;
        let at = self.posts[node].clock.wall();
        self.calls.push(Call { invoked, returned: u64::MAX, at, by, ask, outcome });
        let call = self.calls.len() - 1;
        self.asked[node].insert(call);
        call
    }

    fn answered(&mut self, node: usize, call: usize, outcome: Outcome) {
        let returned = self.next_order();
        self.asked[node].remove(&call);
        let at = self.posts[node].clock.wall();
        self.calls[call] = Call { returned, at, outcome, ..self.calls[call].clone() };
    }

    /// What has happened is checked.
    fn conclude(mut self) -> Outcomes {
        for node in 0..self.posts.len() {
            self.posts[node].die(None);
        }
        if self.violations.is_empty() {
            self.violations.extend(self.posts.iter().filter_map(Post::rewritten));
            let books = self.posts.iter_mut().map(Post::book).collect();
            let history = History { calls: std::mem::take(&mut self.calls), books };
            self.violations.extend(history::check(&history));
            self.say_of_violations(&history);
            self.calls = history.calls;
        }
        for post in &self.posts {
            for (_, entry) in &post.entries {
                self.tally.entry(entry);
            }
        }
        Outcomes {
            fingerprint: self.fingerprint(),
            violations: self.violations,
            tally: self.tally,
            trace: self.trace.unwrap_or_default(),
        }
    }

    /// What happened to whatever a promise was broken about.
    fn say_of_violations(&mut self, history: &History) {
        let Some(trace) = &mut self.trace else { return };
        let broken = format!("{:?}", self.violations);
        for book in &history.books {
            trace.push(format!("  {} awake {:?}", book.node, book.awake));
            for step in &book.steps {
                if step.what.delivery().is_some_and(|about| broken.contains(&about.id)) {
                    trace.push(format!("  {} {step:?}", book.node));
                }
            }
        }
        for call in &history.calls {
            let (Ask::HandOut { delivery, .. } | Ask::Settle(delivery, _) | Ask::Told(delivery, _)) =
                &call.ask
            else {
                continue;
            };
            if broken.contains(&delivery.id) {
                trace.push(format!("  {call:?}"));
            }
        }
    }

    /// A digest of everything that was answered and journaled.
    fn fingerprint(&self) -> [u8; 32] {
        use std::fmt::Write as _;
        if self.trace.is_none() {
            return [0; 32];
        }
        let mut all = String::new();
        for call in &self.calls {
            writeln!(all, "{call:?}").unwrap();
        }
        for post in &self.posts {
            for (order, _) in &post.entries {
                writeln!(all, "{order}").unwrap();
            }
            for record in post.stored().unwrap_or_default() {
                writeln!(all, "{record:?}").unwrap();
            }
        }
        barid_message::digest::Digest::of(all.as_bytes()).0
    }

    fn apply(&mut self, op: Op) {
        if !self.act(op) {
            self.break_something(op);
        }
    }
}
