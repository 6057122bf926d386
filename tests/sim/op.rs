//! What happens in a seed: operations of agencies, operators and time. Places are any
//! numbers, counted round by whoever applies them, so that a list from which some were
//! taken out still means something.

use crate::chance::Chance;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// An agency sends a new message.
    Submit(Letter),
    /// An agency sends one of its messages again, byte for byte.
    Repeat { agency: usize, which: usize },
    /// An agency sends another message under an id of its own that it has used.
    OtherContent { agency: usize, which: usize },
    /// An agency sends a message whose id another agency has used.
    SameId { agency: usize, other: usize },
    /// A system of an agency takes up to so many messages. Some are lost on the way to it.
    HandOut { agency: usize, system: usize, max: usize, loses: bool },
    /// An agency answers one of the messages that it holds.
    Settle { agency: usize, which: usize, answer: Reply },
    /// The other system of the agency answers it.
    Foreign { agency: usize, which: usize },
    /// An agency reads what it is told of its messages.
    Read { agency: usize },
    /// An operator decides something.
    Operate { node: usize, what: Order },
    /// So many milliseconds go by.
    Wait(u64),
    /// A node calls another.
    Dial { from: usize, to: usize },
    /// The connections between two nodes break; whether they notice.
    Cut { from: usize, to: usize, silently: bool },
    /// From here on nothing gets through in one direction.
    OneWay { from: usize, to: usize },
    /// From here on nothing gets through between some nodes and the others, by bits.
    Partition { some: u64 },
    /// All connections let through again what was stopped.
    Heal,
    /// Frames between two nodes take up to so many milliseconds.
    Clog { from: usize, to: usize, delay_ms: u64 },
    /// A node is killed.
    Kill { node: usize },
    /// A node's power is cut.
    PowerCut { node: usize, loss: Loses },
    /// The n-th change on a node's disk from here on goes wrong.
    Fault { node: usize, n: u64, fault: Fault },
    /// A node's disk is full but for some bytes.
    Full { node: usize, left: u64 },
    /// A node's disk has room again.
    Room { node: usize },
    /// A node's wall clock is set by so many milliseconds.
    Jump { node: usize, by_ms: i64 },
    /// A node stops in order.
    Stop { node: usize },
    /// A node that is down starts.
    Start { node: usize },
}

/// A message to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) agency: usize,
    /// Recipients, by bits.
    pub(crate) to: u64,
    /// 0 is FLASH.
    pub(crate) precedence: usize,
    pub(crate) lives_ms: u64,
    /// Whether it is its content that ends.
    pub(crate) expires: bool,
}

/// An answer of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Ack,
    Refuse,
    Nack(u32),
    Renew,
    /// It dies, and its lease runs out.
    Forget,
}

/// What operators decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Retry,
    Drop,
    ConfirmClock,
    Propose(usize),
    ConfirmWriteOff,
    Withdraw,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loses {
    All,
    Nothing,
    Some(u64),
}

/// How a disk goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power goes in the middle of it.
    PowerCut(Loses),
    /// An error; a sync forgets what it should have written.
    Error,
    /// Too many files are open.
    TooManyFiles,
}

/// What kind of seed it is: how many nodes, how long, and what breaks most.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) ops: Vec<Op>,
}

impl Story {
    /// The story of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let nodes = chance.one_of(&[3, 3, 3, 3, 3, 4, 5, 6]);
        let length = chance.between(195, 225);
        let mut moods = Moods {
            writes_off: chance.percent(50),
            has_bad_clocks: chance.percent(30),
            has_full_disks: chance.percent(40),
            chance,
        };
        let mut ops: Vec<Op> = (0..length).map(|_| moods.op()).collect();
        // At least two crashes and a partition, somewhere.
        for _ in 0..2 {
            let crash = moods.crash();
            moods.insert(&mut ops, crash);
        }
        let partition = moods.partition();
        moods.insert(&mut ops, partition);
        if moods.chance.percent(60) {
            let (place, doubt) = (moods.chance.place(ops.len()), moods.doubt());
            ops.splice(place..place, doubt);
        }
        Self { seed, nodes, ops }
    }
}

struct Moods {
    writes_off: bool,
    has_bad_clocks: bool,
    has_full_disks: bool,
    chance: Chance,
}

impl Moods {
    fn insert(&mut self, ops: &mut Vec<Op>, op: Op) {
        let place = self.chance.place(ops.len());
        ops.insert(place, op);
    }

    /// What goes out when its sender's node dies and nobody gets through until it is over:
    /// seldom by itself, and where custody is hardest.
    fn doubt(&mut self) -> Vec<Op> {
        let (agency, chance) = (self.any(), &mut self.chance);
        let mut ops = Vec::new();
        for _ in 0..=chance.below(3) {
            let lives_ms = chance.between(30_000, 150_000);
            let (to, precedence) = (chance.next(), chance.place(4));
            ops.push(Op::Submit(Letter { agency, to, precedence, lives_ms, expires: true }));
        }
        ops.push(Op::Wait(chance.between(1, 150)));
        // Two agencies a node: some of these are the sender's, some its peers'.
        let node = if chance.percent(70) { agency / 2 } else { chance.place(60) };
        ops.push(if chance.percent(50) {
            Op::Kill { node }
        } else {
            Op::PowerCut { node, loss: self.loses() }
        });
        ops.push(self.partition());
        ops.push(Op::Start { node });
        ops.push(Op::Wait(self.chance.between(60_000, 260_000)));
        ops.push(Op::Heal);
        ops
    }

    fn any(&mut self) -> usize {
        self.chance.place(60)
    }

    fn op(&mut self) -> Op {
        match self.chance.below(1_000) {
            0..270 => self.submit(),
            270..300 => Op::Repeat { agency: self.any(), which: self.any() },
            300..312 => Op::OtherContent { agency: self.any(), which: self.any() },
            312..322 => Op::SameId { agency: self.any(), other: self.any() },
            322..460 => self.hand_out(),
            460..640 => self.settle(),
            640..652 => Op::Foreign { agency: self.any(), which: self.any() },
            652..680 => Op::Read { agency: self.any() },
            680..720 => self.operate(),
            720..850 => self.wait(),
            850..910 => self.network(),
            910..922 => self.crash(),
            922..936 => self.fault(),
            936..950 => self.disk(),
            950..970 => self.wait(),
            970..985 => self.jump(),
            985..990 => Op::Stop { node: self.any() },
            _ => Op::Start { node: self.any() },
        }
    }

    fn submit(&mut self) -> Op {
        let chance = &mut self.chance;
        let lives_ms = match chance.below(10) {
            0 => chance.between(1_000, 40_000),
            1..4 => chance.between(40_000, 400_000),
            _ => chance.between(400_000, 5_400_000),
        };
        Op::Submit(Letter {
            agency: chance.place(60),
            to: chance.next() & chance.next(),
            precedence: chance.one_of(&[0, 1, 2, 2, 3, 3, 3, 3]),
            lives_ms,
            expires: chance.percent(40),
        })
    }

    fn hand_out(&mut self) -> Op {
        let (agency, system) = (self.any(), self.any());
        let max = self.chance.place(6) + 1;
        Op::HandOut { agency, system, max, loses: self.chance.percent(6) }
    }

    fn settle(&mut self) -> Op {
        let answer = match self.chance.below(20) {
            0..11 => Reply::Ack,
            11..13 => Reply::Refuse,
            13 => Reply::Nack(5_000),
            14..17 => Reply::Nack(0),
            17 => Reply::Renew,
            _ => Reply::Forget,
        };
        Op::Settle { agency: self.any(), which: self.any(), answer }
    }

    fn operate(&mut self) -> Op {
        let what = match self.chance.below(10) {
            0..2 => Order::Retry,
            2..4 => Order::Drop,
            4..6 => Order::ConfirmClock,
            6 if self.writes_off => Order::Propose(self.any()),
            7..9 if self.writes_off => Order::ConfirmWriteOff,
            9 if self.writes_off => Order::Withdraw,
            _ => Order::ConfirmClock,
        };
        Op::Operate { node: self.any(), what }
    }

    fn wait(&mut self) -> Op {
        let chance = &mut self.chance;
        Op::Wait(match chance.below(20) {
            0..10 => chance.between(1, 500),
            10..16 => chance.between(500, 8_000),
            16..19 => chance.between(8_000, 70_000),
            _ => chance.between(70_000, 600_000),
        })
    }

    fn network(&mut self) -> Op {
        let (from, to) = (self.any(), self.any());
        match self.chance.below(12) {
            0..4 => Op::Dial { from, to },
            4..6 => Op::Cut { from, to, silently: self.chance.percent(40) },
            6 => Op::OneWay { from, to },
            7 => self.partition(),
            8..11 => Op::Heal,
            _ => {
                let delay_ms = self.chance.one_of(&[0, 200, 5_000, 40_000]);
                Op::Clog { from, to, delay_ms }
            }
        }
    }

    fn partition(&mut self) -> Op {
        Op::Partition { some: self.chance.next() }
    }

    fn loses(&mut self) -> Loses {
        match self.chance.below(4) {
            0 => Loses::All,
            1 => Loses::Nothing,
            _ => Loses::Some(self.chance.next()),
        }
    }

    fn crash(&mut self) -> Op {
        let node = self.any();
        if self.chance.percent(50) {
            Op::Kill { node }
        } else {
            Op::PowerCut { node, loss: self.loses() }
        }
    }

    fn fault(&mut self) -> Op {
        let (node, n) = (self.any(), self.chance.below(24));
        let fault = match self.chance.below(10) {
            0..6 => Fault::PowerCut(self.loses()),
            6..9 => Fault::Error,
            _ => Fault::TooManyFiles,
        };
        Op::Fault { node, n, fault }
    }

    fn disk(&mut self) -> Op {
        let node = self.any();
        if self.has_full_disks && self.chance.percent(40) {
            let left = self.chance.one_of(&[0, 100_000, 3_000_000, 6_000_000]);
            Op::Full { node, left }
        } else {
            Op::Room { node }
        }
    }

    fn jump(&mut self) -> Op {
        let node = self.any();
        let most = if self.has_bad_clocks { 1_500_000 } else { 20_000 };
        let by_ms = i64::try_from(self.chance.below(2 * most)).unwrap();
        Op::Jump { node, by_ms: by_ms - i64::try_from(most).unwrap() }
    }
}
