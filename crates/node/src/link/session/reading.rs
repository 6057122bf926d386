//! What comes from the peer: pieces to whole slots, checked in parallel and decided in
//! order.

use std::sync::Arc;

use barid_broker::clock::Reading;
use barid_broker::command::LinkEnd;
use barid_broker::decide::link::Breach;
use barid_broker::decide::take::Slot;
use barid_broker::state::link::index;
use barid_broker::{Arrived, Taking};
use barid_link::caps::HEARTBEAT_SILENCE;
use barid_link::frames::{Incoming, Whole};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{CustodyReceipt, Frame, Heartbeat, Lane};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::{End, Frames, Session, greeting, lock};

/// Slots that are checked at one time, or wait for their decision.
pub(super) const CHECKS_MAX: usize = 128;
/// Receipts that wait for the journal. The peer has no more on their way than it has
/// slots unanswered.
pub(super) const RECEIPTS_MAX: usize = 5_120;

type Check = JoinHandle<Result<Slot, LinkEnd>>;

/// Reads frames until the connection ends.
pub(super) async fn read(
    session: &Session<'_>,
    frames: &mut Frames,
    mut expected: [u64; 5],
    checking: mpsc::Sender<(Lane, Check)>,
    receipting: mpsc::Sender<CustodyReceipt>,
) -> End {
    let mut incoming = Incoming::default();
    loop {
        let frame = match timeout(HEARTBEAT_SILENCE, frames.next()).await {
            Ok(Some(Ok(Frame { kind: Some(kind) }))) => kind,
            Ok(Some(Ok(Frame { kind: None }))) => {
                return session.breach(Lane::Unspecified, 0).await;
            }
            Ok(Some(Err(_)) | None) => return End::Gone,
            Err(_elapsed) => return End::Silent,
        };
        match frame {
            Kind::Data(data) => {
                let (lane, number) = (data.lane(), data.number);
                let Ok(whole) = incoming.take(data) else {
                    return session.breach(lane, number).await;
                };
                session.received.send_replace(incoming.received());
                if let Some(whole) = whole {
                    let is_next = counts(&mut expected, &whole);
                    let check = (whole.lane, session.check(whole, is_next));
                    if checking.send(check).await.is_err() {
                        return End::Gone;
                    }
                }
            }
            Kind::Custody(receipt) => {
                if receipting.send(receipt).await.is_err() {
                    return End::Gone;
                }
            }
            Kind::BytesReceived(said) => {
                let now_ms = session.elapsed_ms();
                let is_possible = lock(&session.credit).receive(said.bytes_received, now_ms);
                if !is_possible {
                    return session.breach(Lane::Unspecified, 0).await;
                }
                let round_trip = lock(&session.credit).round_trip_ms();
                let hub = &session.services.hub;
                hub.report(&session.peer, |report| report.round_trip_ms = round_trip);
                session.wake.notify_one();
            }
            Kind::Heartbeat(heartbeat) => session.heard(&heartbeat),
            Kind::Close(close) => return End::Closed(close.reason()),
            Kind::Card(card) => drop(session.cards.send_replace(Some(card))),
            Kind::Hello(_) => return session.breach(Lane::Unspecified, 0).await,
        }
    }
}

/// Whether a slot is the next of its lane, which then expects the one behind it.
fn counts(expected: &mut [u64; 5], whole: &Whole) -> bool {
    let expected = index(whole.lane).and_then(|place| expected.get_mut(place));
    let next = expected.filter(|expected| **expected == whole.number);
    next.is_some_and(|next| {
        *next = next.saturating_add(1);
        true
    })
}

/// Hands checked slots to the journal, in the order in which they came.
pub(super) async fn decide(
    session: &Session<'_>,
    mut checked: mpsc::Receiver<(Lane, Check)>,
    taking: mpsc::Sender<(Lane, Taking)>,
) -> End {
    let mut arrivals = session.services.broker.link_arrivals(session.number);
    while let Some((lane, check)) = checked.recv().await {
        let slot = match check.await {
            Ok(Ok(slot)) => slot,
            Ok(Err(LinkEnd::Breach(breach))) => return session.broke(breach).await,
            Ok(Err(end)) => return end.into(),
            Err(_panicked) => return End::Unreadable,
        };
        let taken = match arrivals.take(slot).await {
            Ok(taken) => taken,
            Err(end) => return end.into(),
        };
        if taking.send((lane, taken)).await.is_err() {
            return End::Gone;
        }
    }
    End::Gone
}

impl Session<'_> {
    /// Starts the check of a slot, which uses all cores.
    fn check(&self, whole: Whole, is_next: bool) -> Check {
        let Whole { lane, number, bytes } = whole;
        let arrived = Arrived {
            peer: Arc::clone(&self.peer),
            log_origin: Arc::clone(&self.log_origin),
            lane,
            number,
            is_next,
            bytes,
        };
        let broker = self.services.broker.clone();
        self.services.tasks.spawn(async move { broker.link_check(&arrived) })
    }

    async fn breach(&self, lane: Lane, number: u64) -> End {
        self.broke(Breach::new(Reason::LinkProtocol, lane, number)).await
    }

    pub(super) async fn broke(&self, breach: Breach) -> End {
        greeting::broke(self.services, &self.peer, breach).await
    }

    fn heard(&self, heartbeat: &Heartbeat) {
        let Reading { wall: now, monotonic } = self.services.broker.read_clock();
        let time = heartbeat.time.as_ref().and_then(|time| Millis::from_proto(time).ok());
        *lock(&self.heard) = heartbeat.time;
        let Some(time) = time else {
            return;
        };
        let difference = i64::try_from(time.0).unwrap_or(i64::MAX).saturating_sub_unsigned(now.0);
        self.services.hub.report(&self.peer, |report| {
            report.clock_difference_ms = Some(difference);
            report.clock = Some((time, monotonic));
        });
    }
}
