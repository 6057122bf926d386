//! What is looked at to say how the node is: numbers and times, and names from the
//! configuration. Nothing that was written by others, and nothing about persons.

use barid_broker::figures::Measured;
use barid_broker::state::Totals;
use barid_broker::state::inbox::PRECEDENCES;
use barid_broker::state::link::LANES;
use barid_broker::state::misbehaviour::Misbehaviour;
use barid_journal::space::Room;
use barid_message::Precedence;
use barid_message::time::Millis;

use crate::link;

/// All of it, as of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) now: Millis,
    pub(crate) started_at: Millis,
    pub(crate) clock_suspect: bool,
    /// New messages find room on the disk.
    pub(crate) has_room: bool,
    /// `None`: it cannot be measured.
    pub(crate) room: Option<Room>,
    /// Of the data folder, ballast included (bytes).
    pub(crate) used_bytes: u64,
    /// Bytes of a segment: what the node takes of the disk at a time.
    pub(crate) segment_bytes: u64,
    /// Positions below it are in the delivery log; `None`: it is down.
    pub(crate) projected: Option<u64>,
    pub(crate) durable: u64,
    pub(crate) totals: Totals,
    /// Places of damage that nobody has taken for lost.
    pub(crate) damages: u64,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) inboxes: Vec<Inbox>,
    pub(crate) peers: Vec<Peer>,
    /// The node's own certificates, and cards of all.
    pub(crate) ends: Vec<Ending>,
    pub(crate) measured: Measured,
    pub(crate) audit: Audit,
}

/// Whose quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An agency's and its units', in messages.
    Agency(String),
    /// A peer's, in messages.
    Peer(String),
    /// That of all bodies, in bytes.
    Bodies,
}

/// What somebody may have here that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) whose: Whose,
    pub(crate) used: u64,
    pub(crate) max: u64,
}

/// The node's audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    /// It has a head, and signs more.
    pub(crate) is_up: bool,
    /// Its journal is not what it signed, or others hold a head that is none of it.
    pub(crate) is_contradicted: bool,
    /// Cosignatures that a head needs.
    pub(crate) needed: u32,
    /// The newest head has not so many.
    pub(crate) is_uncosigned: bool,
    /// When a head got so many last; `None`: none has.
    pub(crate) cosigned_at: Option<Millis>,
}

/// So many of something, and since when the oldest is so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pile {
    pub(crate) number: u64,
    pub(crate) oldest: Option<Millis>,
}

impl Pile {
    /// One more.
    pub(crate) fn add(&mut self, since: Millis) {
        self.number += 1;
        self.oldest = Some(self.oldest.map_or(since, |oldest| oldest.min(since)));
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        let oldest = self.oldest.into_iter().chain(other.oldest).min();
        Self { number: self.number + other.number, oldest }
    }
}

/// What waits, by precedence: FLASH first.
pub(crate) type ByPrecedence = [Pile; PRECEDENCES.len()];

/// A precedence's place.
pub(crate) fn place(precedence: Precedence) -> usize {
    PRECEDENCES.iter().position(|known| *known == precedence).unwrap_or(PRECEDENCES.len() - 1)
}

/// What waits in several places.
pub(crate) fn together<'a>(places: impl Iterator<Item = &'a ByPrecedence>) -> ByPrecedence {
    places.fold(ByPrecedence::default(), |sum, more| {
        std::array::from_fn(|place| sum[place].and(more[place]))
    })
}

/// The inbox of an agency hosted here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) address: String,
    /// Streams that receive from it now.
    pub(crate) consumers: u64,
    /// Accepted and not handed over, dead letters left out.
    pub(crate) waiting: ByPrecedence,
    /// Of these, ready to be handed out; handed out and not answered; waiting for the next
    /// try.
    pub(crate) phases: [u64; 3],
    /// Since when each is one.
    pub(crate) dead: Pile,
    pub(crate) unreadable: Pile,
    /// Without an end, since their deadlines.
    pub(crate) overdue: Pile,
    /// All open deliveries, and how many there may be.
    pub(crate) open: u64,
    pub(crate) max: u64,
}

/// A node that this one is linked with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) state: link::State,
    /// Since when it is so; `None`: since the start.
    pub(crate) since: Option<Millis>,
    pub(crate) last_failure: String,
    /// By lane: numbers without a receipt, and bytes of the messages in them.
    pub(crate) lanes: [(Pile, u64); LANES.len()],
    /// Here, and to go to it: with a number or deferred.
    pub(crate) waiting: ByPrecedence,
    /// With it, without an end.
    pub(crate) passed: u64,
    pub(crate) overdue: Pile,
    pub(crate) round_trip_ms: Option<u64>,
    pub(crate) clock_difference_ms: Option<i64>,
    pub(crate) last_receipt: Option<Millis>,
    pub(crate) misbehaviour: Option<Misbehaviour>,
    pub(crate) contradictions: u64,
    pub(crate) contradicted_at: Millis,
    /// When a proposal to write it off was made, and until when it can be confirmed.
    pub(crate) proposal: Option<(Millis, Millis)>,
    pub(crate) has_offered_card: bool,
}

/// Something that ends at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) what: Bearer,
    pub(crate) at: Millis,
}

/// What it is that ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bearer {
    /// The node's TLS certificate.
    OwnCertificate,
    /// The first to end of the CAs whose certificates are accepted.
    ClientCa,
    /// The node's card.
    OwnCard,
    /// The card of the peer of this name.
    PeerCard(String),
    /// Its certificate, as it showed it last.
    PeerCertificate(String),
}

/// A node that is well: an inbox, and a link that is up.
#[cfg(test)]
pub(crate) fn sample() -> Facts {
    let now = Millis(1_800_000_000_000);
    let day = std::time::Duration::from_secs(86_400);
    let inbox = Inbox { address: "pk/police".into(), max: 100_000, open: 1, ..Inbox::default() };
    let peer = Peer {
        name: "mirjaveh".into(),
        state: link::State::Live,
        since: Some(now - day),
        round_trip_ms: Some(40),
        clock_difference_ms: Some(-1_500),
        last_receipt: Some(now - std::time::Duration::from_secs(2)),
        ..Peer::default()
    };
    Facts {
        now,
        started_at: now - day,
        clock_suspect: false,
        has_room: true,
        room: Some(Room {
            free_bytes: 5 << 30,
            free_bytes_min: 64 << 20,
            ballast_bytes: 64 << 20,
            ballast_stands: true,
        }),
        used_bytes: 300 << 20,
        segment_bytes: 64 << 20,
        projected: Some(95),
        durable: 100,
        totals: Totals { accepted: 10, deliveries: 12, handed_over: 9, ..Totals::default() },
        damages: 0,
        quotas: Vec::new(),
        inboxes: vec![inbox],
        peers: vec![peer],
        ends: vec![Ending { what: Bearer::OwnCertificate, at: now + day * 400 }],
        measured: Measured::default(),
        audit: Audit { is_up: true, ..Audit::default() },
    }
}
