//! One session: hello, then slots and receipts both ways until something ends it.

mod answering;
mod greeting;
mod reading;
mod renewing;
mod sending;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_broker::command::LinkEnd;
use barid_link::caps::HEARTBEAT_INTERVAL;
use barid_link::frames::Credit;
use barid_message::time::Millis;
use barid_message::{Reason, reason};
use barid_proto::Timestamp;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{Close, Frame, Heartbeat, SignedCard};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_stream::Stream;
use tonic::Status;

use super::hub::{Seat, State};
use crate::grpc::Services;

pub(crate) use renewing::RENEWAL_PAUSE;

/// What comes from the other end.
pub(crate) type Frames = Pin<Box<dyn Stream<Item = Result<Frame, Status>> + Send>>;

/// A connection with a peer, authenticated, whoever called.
pub(crate) struct Channel {
    pub(crate) peer: Arc<str>,
    pub(crate) frames: Frames,
    pub(crate) out: mpsc::Sender<Frame>,
    /// When the certificate ends that the peer has shown, in seconds since 1970.
    pub(crate) certificate_end_unix_s: Option<i64>,
}

/// What the parts of one session share.
struct Session<'a> {
    services: &'a Services,
    peer: Arc<str>,
    number: u64,
    /// Origin line of the peer's log.
    log_origin: Arc<str>,
    out: mpsc::Sender<Frame>,
    credit: Mutex<Credit>,
    /// Bytes of pieces read so far, for the other end.
    received: watch::Sender<u64>,
    /// Something changed that may let the sender go on.
    wake: Notify,
    began: Instant,
    /// The clock of the peer's newest heartbeat.
    heard: Mutex<Option<Timestamp>>,
    /// The newest card that the peer has sent.
    cards: watch::Sender<Option<SignedCard>>,
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The connection is gone.
    Gone,
    /// The peer said so.
    Closed(Reason),
    /// Nothing was heard for too long.
    Silent,
    /// The journal's word.
    Link(LinkEnd),
    /// A newer session has its place.
    Fenced,
    /// This node stops.
    Stopping,
    /// The peer's card may be used no longer.
    Expired,
    /// A newer card of the peer is in force.
    Renewed,
    /// Stored bytes could not be read back.
    Unreadable,
}

impl From<LinkEnd> for End {
    fn from(end: LinkEnd) -> Self {
        Self::Link(end)
    }
}

impl End {
    /// What the peer is told.
    fn close(&self) -> Option<Close> {
        let (reason, message) = match self {
            Self::Gone | Self::Closed(_) => return None,
            Self::Silent => (Reason::Deadline, "nothing was heard from you"),
            Self::Fenced | Self::Link(LinkEnd::Fenced) => {
                (Reason::LinkFenced, "a newer session has taken the place of this one")
            }
            Self::Stopping | Self::Link(LinkEnd::Stopping) => {
                (Reason::ShuttingDown, "the node is stopping")
            }
            Self::Expired => (Reason::IdentityUnknown, "the card held of you has expired"),
            Self::Renewed => {
                (Reason::RegistryChanged, "your newer card is in force; call again under it")
            }
            Self::Link(LinkEnd::Full) => (Reason::StorageFull, "nothing can be written down now"),
            Self::Link(LinkEnd::Breach(breach)) if breach.reason == Reason::SignatureInvalid => {
                (breach.reason, "that is not signed with a key of yours")
            }
            Self::Link(LinkEnd::Breach(breach)) => {
                (breach.reason, "what you said breaks the protocol of the link")
            }
            Self::Unreadable => (Reason::Internal, "stored data cannot be read back"),
        };
        Some(Close { reason: reason.into(), message: message.to_owned() })
    }

    /// For operators: constant words, nothing that the peer wrote.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Gone => "the connection broke".into(),
            Self::Expired => "the peer's card has expired; get a new one".into(),
            Self::Renewed => "the peer's newer card is in force".into(),
            Self::Closed(Reason::RegistryChanged) => {
                "the peer has this node's newer card in force".into()
            }
            Self::Closed(reason) => format!("the peer ended it: {}", reason::name(*reason)),
            other => other.close().map(|close| close.message).unwrap_or_default(),
        }
    }

    /// Whether somebody should look.
    pub(super) const fn is_alarming(&self) -> bool {
        matches!(self, Self::Link(LinkEnd::Breach(_)) | Self::Unreadable | Self::Expired)
    }
}

/// Runs a session until it ends, and says why it did.
pub(crate) async fn run(services: &Services, seat: Seat, channel: Channel) -> End {
    let hub = &services.hub;
    let Channel { peer, mut frames, out, certificate_end_unix_s } = channel;
    let seconds = certificate_end_unix_s.and_then(|seconds| u64::try_from(seconds).ok());
    let now = services.broker.now();
    let number = seat.number;
    hub.report_of(&peer, number, |report| {
        (report.state, report.since) = (State::Greeting, Some(now));
        report.certificate_until = seconds.map(|seconds| Millis(seconds.saturating_mul(1_000)));
    });
    let ended = tokio::select! {
        () = seat.cancel.cancelled() => End::Fenced,
        () = services.stop.cancelled() => End::Stopping,
        end = greet_and_go_on(services, &seat, &peer, &mut frames, &out) => end,
    };
    if let Some(close) = ended.close() {
        // A peer that does not read any more is not waited for.
        let kind = Kind::Close(close);
        let last_words = out.send(Frame { kind: Some(kind) });
        drop(tokio::time::timeout(Duration::from_secs(1), last_words).await);
    }
    let (now, words) = (services.broker.now(), ended.words());
    hub.report_of(&peer, number, |report| {
        (report.state, report.since) = (State::Down, Some(now));
        report.last_failure.clone_from(&words);
    });
    if ended.is_alarming() {
        tracing::error!(peer = %peer, why = words, "link ended; call the peer's operator");
    } else {
        tracing::info!(peer = %peer, why = words, "link ended");
    }
    ended
}

async fn greet_and_go_on(
    services: &Services,
    seat: &Seat,
    peer: &Arc<str>,
    frames: &mut Frames,
    out: &mpsc::Sender<Frame>,
) -> End {
    let greeted = match greeting::greet(services, peer, frames, out).await {
        Ok(greeted) => greeted,
        Err(end) => return end,
    };
    let now = services.broker.now();
    services.hub.is_live(peer, seat.number);
    services.hub.report_of(peer, seat.number, |report| {
        (report.state, report.since) = (State::Live, Some(now));
    });
    tracing::info!(peer = %peer, "link is live");
    // Made with the sender: what is read before the acknowledging begins is a change too.
    let (received, to_acknowledge) = watch::channel(0);
    let (cards, newest) = watch::channel(None);
    let session = Session {
        services,
        peer: Arc::clone(peer),
        number: greeted.number,
        log_origin: greeted.log_origin,
        out: out.clone(),
        credit: Mutex::default(),
        received,
        wake: Notify::new(),
        began: Instant::now(),
        heard: Mutex::default(),
        cards,
    };
    let (checking, checked) = mpsc::channel(reading::CHECKS_MAX);
    let (taking, taken) = mpsc::channel(answering::TAKINGS_MAX);
    let (receipting, receipts) = mpsc::channel(reading::RECEIPTS_MAX);
    tokio::select! {
        end = reading::read(&session, frames, greeted.expected, checking, receipting) => end,
        end = reading::decide(&session, checked, taking) => end,
        end = answering::answer(&session, greeted.unreceipted, taken) => end,
        end = answering::receive(&session, receipts) => end,
        end = sending::send(&session) => end,
        end = sending::acknowledge(&session, to_acknowledge) => end,
        end = renewing::renew(&session, greeted.card_serial, newest) => end,
        end = live(&session) => end,
    }
}

/// Whether the card of a peer may be used no longer.
fn is_expired(services: &Services, peer: &str) -> bool {
    let registry = services.broker.registry();
    registry.peer(peer).is_none_or(|known| known.valid_until <= services.broker.now())
}

/// Says every 15 s that this node lives, while the peer's card holds.
async fn live(session: &Session<'_>) -> End {
    let mut ticks = interval(HEARTBEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if is_expired(session.services, &session.peer) {
            return End::Expired;
        }
        let time = Some(session.services.broker.now().to_proto());
        let echo = *lock(&session.heard);
        if let Err(end) = session.say(Kind::Heartbeat(Heartbeat { time, echo })).await {
            return end;
        }
    }
}

impl Session<'_> {
    async fn say(&self, kind: Kind) -> Result<(), End> {
        self.out.send(Frame { kind: Some(kind) }).await.map_err(|_gone| End::Gone)
    }

    /// Milliseconds since the session began.
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
