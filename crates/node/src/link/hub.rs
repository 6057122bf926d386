//! One live session a peer, whoever called.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_link::card::Card;
use barid_message::time::Millis;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Of two calls that of the smaller identity stays, until the other has been live for this
/// long: from then on a call means that the caller has lost it (SPINE §5.4).
const BOTH_DIAL: Duration = Duration::from_secs(5);

use super::session::RENEWAL_PAUSE;

/// What operators are told of a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) state: State,
    /// Since when it is as it is.
    pub(crate) since: Option<Millis>,
    /// Why the last session ended, or the last call failed.
    pub(crate) last_failure: String,
    pub(crate) round_trip_ms: Option<u64>,
    /// The peer's clock minus this node's (ms), as of its last sign of life.
    pub(crate) clock_difference_ms: Option<i64>,
    /// What its clock showed then, and when that was by the monotonic clock here.
    pub(crate) clock: Option<(Millis, Duration)>,
    pub(crate) last_receipt: Option<Millis>,
    /// When the certificate ends that the peer showed last.
    pub(crate) certificate_until: Option<Millis>,
    /// Serial of this node's card that the peer holds, as of its last hello.
    pub(crate) holds_serial: Option<u64>,
    /// A newer card of the peer that grants more than the one in force: for a person.
    pub(crate) offered: Option<Card>,
    renewed_at: Option<Instant>,
}

/// Whether a link is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody is connected.
    #[default]
    Down,
    /// Connected, and the peer has said nothing yet.
    Greeting,
    /// Both have said hello.
    Live,
}

/// The links of this node. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    own: Arc<str>,
    peers: Arc<BTreeMap<Arc<str>, Peer>>,
}

#[derive(Debug)]
struct Peer {
    session: Mutex<Option<Session>>,
    numbers: AtomicU64,
    report: Mutex<Report>,
    is_free: watch::Sender<bool>,
}

#[derive(Debug)]
struct Session {
    number: u64,
    dialled_by_us: bool,
    /// When both had said hello: on a busy machine that may be long after the call.
    live_since: Option<Instant>,
    cancel: CancellationToken,
}

/// A place for one session; given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Hub,
    peer: Arc<str>,
    pub(crate) number: u64,
    pub(crate) cancel: CancellationToken,
}

impl Hub {
    pub(crate) fn new(own: &str, peers: impl Iterator<Item = Arc<str>>) -> Self {
        let empty = |peer| {
            let (is_free, _) = watch::channel(true);
            let (session, report) = (Mutex::default(), Mutex::default());
            (peer, Peer { session, numbers: AtomicU64::new(1), report, is_free })
        };
        Self { own: own.into(), peers: Arc::new(peers.map(empty).collect()) }
    }

    /// Takes the place of a peer's session, and ends the one that had it. `None` where
    /// the peer is not known, or both nodes called at once and the other call stays.
    pub(crate) fn sit(&self, peer: &Arc<str>, dialled_by_us: bool) -> Option<Seat> {
        let known = self.peers.get(peer)?;
        let mut session = lock(&known.session);
        if let Some(live) = session.as_ref()
            && live.dialled_by_us != dialled_by_us
            && live.live_since.is_none_or(|since| since.elapsed() < BOTH_DIAL)
            && live.dialled_by_us == (*self.own < **peer)
        {
            return None;
        }
        // Never given twice: an older seat must not clear the place of a newer one.
        let number = known.numbers.fetch_add(1, Ordering::Relaxed);
        if let Some(older) = session.take() {
            older.cancel.cancel();
        }
        let cancel = CancellationToken::new();
        *session =
            Some(Session { number, dialled_by_us, live_since: None, cancel: cancel.clone() });
        known.is_free.send_replace(false);
        Some(Seat { hub: self.clone(), peer: Arc::clone(peer), number, cancel })
    }

    /// Waits until a peer has no session.
    pub(crate) async fn free(&self, peer: &str) {
        if let Some(known) = self.peers.get(peer) {
            // The sender lives as long as this does.
            drop(known.is_free.subscribe().wait_for(|is_free| *is_free).await);
        }
    }

    /// Both ends of a session have said hello.
    pub(crate) fn is_live(&self, peer: &str, number: u64) {
        if let Some(session) = self.peers.get(peer).map(|known| lock(&known.session)).as_deref_mut()
            && let Some(session) = session.as_mut().filter(|session| session.number == number)
        {
            session.live_since = Some(Instant::now());
        }
    }

    /// Changes what operators are told of the session that has the place. One that was
    /// ended by a newer has nothing to say any more.
    pub(crate) fn report_of(&self, peer: &str, number: u64, change: impl FnOnce(&mut Report)) {
        if let Some(known) = self.peers.get(peer)
            && lock(&known.session).as_ref().is_some_and(|session| session.number == number)
        {
            change(&mut lock(&known.report));
        }
    }

    /// A call of this node found nobody. Where the peer has called meanwhile that is no
    /// news.
    pub(crate) fn not_opened(&self, peer: &str, why: String) {
        if let Some(known) = self.peers.get(peer)
            && lock(&known.session).is_none()
        {
            let mut report = lock(&known.report);
            (report.state, report.last_failure) = (State::Down, why);
        }
    }

    /// Changes what operators are told of a peer, whichever session found it out.
    pub(crate) fn report(&self, peer: &str, change: impl FnOnce(&mut Report)) {
        if let Some(known) = self.peers.get(peer) {
            change(&mut lock(&known.report));
        }
    }

    /// Keeps a card for a person to look at.
    pub(crate) fn offer(&self, peer: &str, card: Card) {
        self.report(peer, |report| {
            // Once: a peer may send as many as it likes.
            if report.offered.is_none() {
                tracing::warn!(peer, "the peer's newer card grants more; see `barid peer renew`");
            }
            report.offered = Some(card);
        });
    }

    /// When a peer's next card may be taken without a person.
    pub(crate) fn may_renew_at(&self, peer: &str) -> Instant {
        self.read(peer).renewed_at.map_or_else(Instant::now, |at| at + RENEWAL_PAUSE)
    }

    /// A newer card of a peer is in force.
    pub(crate) fn renewed(&self, peer: &str) {
        tracing::info!(peer, "a newer card of the peer is in force");
        self.report(peer, |report| {
            (report.renewed_at, report.offered) = (Some(Instant::now()), None);
        });
    }

    /// What operators are told.
    pub(crate) fn read(&self, peer: &str) -> Report {
        self.peers.get(peer).map(|known| lock(&known.report).clone()).unwrap_or_default()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(known) = self.hub.peers.get(&self.peer) {
            let mut session = lock(&known.session);
            if session.as_ref().is_some_and(|live| live.number == self.number) {
                *session = None;
                known.is_free.send_replace(true);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
