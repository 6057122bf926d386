//! The receiving stream: hand-outs and evidence out, answers in.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use barid_broker::Lent;
use barid_broker::caps::OUTSTANDING_MAX;
use barid_broker::decide::Refusal;
use barid_broker::decide::hand_out::{Consumer, HandedOut};
use barid_link::caps::HEARTBEAT_INTERVAL;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_message::{Reason, Status as MessageStatus};
use barid_proto::exchange::v1::receive_messages_request::Command;
use barid_proto::exchange::v1::receive_messages_response::Event;
use barid_proto::exchange::v1::{
    Closing, HandOut, Heartbeat, OpenInbox, ReceiveMessagesRequest, ReceiveMessagesResponse,
    Standing,
};
use barid_store::{Cursor, ReadView};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tonic::{Code, Status, Streaming};

use super::authn::Caller;
use super::evidence::cursor;
use super::outbound::{self, Answers, Outbound};
use super::settling::{Lease, Settler};
use super::status::{refuse, request_unread, status};
use super::{Services, reading, timestamp};
use crate::streams::Place;

/// Evidence read at one time.
const EVIDENCE_PAGE: usize = 64;

/// Opens a receiving stream. What is wrong with the opening itself ends it with a
/// status; what is wrong with an answer is answered.
pub(super) fn stream(
    services: &Services,
    caller: Caller,
    requests: Streaming<ReceiveMessagesRequest>,
) -> Result<Outbound, Status> {
    let place = services.receivers.open(&caller.identity).map_err(|refusal| status(&refusal))?;
    let (answers, outbound) = outbound::channel();
    let services = services.clone();
    services.clone().tasks.spawn(async move {
        if let Err(ended) = serve(&services, &caller, requests, &answers).await {
            // Where nobody reads any more, nobody needs to be told.
            drop(answers.send(Err(ended)).await);
        }
        drop(place);
    });
    Ok(outbound)
}

async fn serve(
    services: &Services,
    caller: &Caller,
    mut requests: Streaming<ReceiveMessagesRequest>,
    answers: &Answers,
) -> Result<(), Status> {
    let opening = tokio::select! {
        // Who has not said yet what for will not hold up the end.
        () = services.stop.cancelled() => return closing(answers).await,
        opening = next(&mut requests) => opening?,
    };
    let Some(ReceiveMessagesRequest { command: Some(Command::Open(open)) }) = opening else {
        return Err(refuse(Reason::WrongState, "the first request opens an inbox"));
    };
    let inbox = services.acting_for(caller, &open.inbox).await?;
    let statuses = statuses(&open)?;
    if open.peek {
        return tokio::select! {
            () = services.stop.cancelled() => closing(answers).await,
            shown = reading::peek(services, caller, &inbox, &statuses, answers) => shown,
        };
    }
    let mut session = Session::open(services, caller, &open, inbox, statuses, answers.clone())?;
    session.run(&mut requests).await
}

/// Statuses wanted: exercises and tests must be asked for.
fn statuses(open: &OpenInbox) -> Result<Vec<MessageStatus>, Status> {
    if open.statuses.is_empty() {
        return Ok(vec![MessageStatus::Actual]);
    }
    let mut statuses = Vec::with_capacity(open.statuses.len());
    for number in &open.statuses {
        match MessageStatus::try_from(*number) {
            Ok(MessageStatus::Unspecified | MessageStatus::Draft) | Err(_) => {
                return Err(refuse(Reason::UnknownCode, "no message has the status asked for"));
            }
            Ok(status) if !statuses.contains(&status) => statuses.push(status),
            Ok(_) => {}
        }
    }
    Ok(statuses)
}

fn outstanding_max(open: &OpenInbox) -> Result<usize, Status> {
    match usize::try_from(open.max_outstanding) {
        Ok(0) => Ok(OUTSTANDING_MAX),
        Ok(wanted) if wanted <= OUTSTANDING_MAX => Ok(wanted),
        _ => Err(refuse(Reason::FieldInvalid, "max_outstanding is 1 to 64; 0 means 64")),
    }
}

/// One open inbox of one consumer.
struct Session<'a> {
    services: &'a Services,
    consumer: Consumer,
    /// Hand-outs not yet answered, with the end of their leases.
    outstanding: HashMap<Bytes, Millis>,
    outstanding_max: usize,
    changes: watch::Receiver<()>,
    /// Hand-outs asked for and not yet granted. While the grant waits for a group of
    /// the journal, the consumer's answers go on into the same group.
    asked: Option<Asked>,
    evidence: Option<EvidenceCursor>,
    settler: Settler,
    answers: Answers,
    heartbeat: Interval,
    /// Holds the inbox's count of consumers up.
    _consumer: Place,
}

/// As many as there was room for, and the broker's answer to come.
struct Asked {
    room: usize,
    granted: Pin<Box<dyn Future<Output = Result<Vec<Lent>, Refusal>> + Send + Sync>>,
}

struct EvidenceCursor {
    after: Option<Cursor>,
    projected: watch::Receiver<Option<ReadView>>,
}

impl<'a> Session<'a> {
    fn open(
        services: &'a Services,
        caller: &Caller,
        open: &OpenInbox,
        inbox: Address,
        statuses: Vec<MessageStatus>,
        answers: Answers,
    ) -> Result<Self, Status> {
        let broker = &services.broker;
        let Some(mut changes) = broker.inbox_changes(&inbox) else {
            return Err(refuse(Reason::NotFound, "there is no such inbox"));
        };
        // Whatever lies there already is a change for a new consumer.
        changes.mark_changed();
        let evidence = if open.with_evidence {
            let mut projected = broker.projected();
            projected.mark_changed();
            Some(EvidenceCursor { after: cursor(services, &open.evidence_after)?, projected })
        } else {
            None
        };
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let count: Arc<str> = inbox.as_str().into();
        Ok(Self {
            services,
            // Each identity has its own limit; one broken system of an agency must not
            // shut the others out.
            _consumer: services.consumers.join(&count),
            consumer: Consumer {
                inbox,
                identity: Arc::clone(&caller.identity),
                stream: broker.next_stream(),
                statuses,
            },
            outstanding: HashMap::new(),
            outstanding_max: outstanding_max(open)?,
            changes,
            asked: None,
            evidence,
            settler: Settler::start(services, Arc::clone(&caller.identity), answers.clone()),
            answers,
            heartbeat,
        })
    }

    async fn run(
        &mut self,
        requests: &mut Streaming<ReceiveMessagesRequest>,
    ) -> Result<(), Status> {
        loop {
            let has_room = self.asked.is_none() && self.outstanding.len() < self.outstanding_max;
            let evidence = self.evidence.is_some();
            let ends = self.next_lease_end();
            tokio::select! {
                // Answers first: they make room, and a stop must not starve.
                biased;
                () = self.services.stop.cancelled() => return self.close().await,
                settled = self.settler.settled() => self.settled(settled),
                request = next(requests) => match request? {
                    Some(request) => self.answer(request.command).await?,
                    None => return self.leave().await,
                },
                handed_out = granted(&mut self.asked) => self.hand_out(handed_out).await?,
                changed = self.changes.changed(), if has_room => match changed {
                    Ok(()) => self.ask(),
                    Err(_stopped) => return self.close().await,
                },
                changed = projected(&mut self.evidence), if evidence => match changed {
                    Ok(()) => self.send_evidence().await?,
                    Err(_stopped) => return self.close().await,
                },
                () = lease_end(ends), if !has_room => self.forget(),
                _ = self.heartbeat.tick() => self.beat().await?,
            }
        }
    }

    /// Asks for as much as the consumer may hold.
    fn ask(&mut self) {
        let room = self.outstanding_max.saturating_sub(self.outstanding.len());
        let (broker, consumer) = (self.services.broker.clone(), self.consumer.clone());
        let granted = Box::pin(async move { broker.hand_out(consumer, room).await });
        self.asked = Some(Asked { room, granted });
    }

    /// Sends what was granted. What is left is a change again as soon as there is room.
    /// Whatever ends this early, the rest goes back.
    async fn hand_out(
        &mut self,
        (room, granted): (usize, Result<Vec<Lent>, Refusal>),
    ) -> Result<(), Status> {
        self.asked = None;
        let handed_out = granted.map_err(|refusal| status(&refusal))?;
        if handed_out.len() == room {
            self.changes.mark_changed();
        }
        for lent in handed_out {
            // Logged by the broker, and not the consumer's fault: others go on.
            let Ok(hand_out) = self.to_wire(&lent) else {
                lent.unreadable();
                continue;
            };
            self.outstanding.insert(hand_out.lease.clone(), lent.expires);
            self.heartbeat.reset();
            self.answers.hand_out(hand_out, lent).await.map_err(|_gone| gone())?;
        }
        Ok(())
    }

    fn to_wire(&self, one: &HandedOut) -> Result<HandOut, Refusal> {
        Ok(HandOut {
            message: Some(self.services.broker.open_message(&one.message)?),
            lease: Bytes::copy_from_slice(&one.token),
            lease_expires_at: timestamp(one.expires),
            redelivered: one.redelivered,
            attempt: one.attempt,
            acceptance: self.services.signed(one.message.evidence.clone()),
            head_unknown: one.head_unknown,
            standing: Standing::from(one.standing).into(),
        })
    }

    async fn answer(&self, command: Option<Command>) -> Result<(), Status> {
        match command {
            Some(Command::Open(_)) => {
                Err(refuse(Reason::WrongState, "this stream's inbox is open already"))
            }
            None => Err(refuse(Reason::FieldMissing, "the request says nothing")),
            Some(command) => self.settler.take(command).await,
        }
    }

    /// An answer was decided: there is room again, or more time.
    fn settled(&mut self, (token, lease): (Bytes, Lease)) {
        match lease {
            Lease::Over => drop(self.outstanding.remove(&token)),
            Lease::Until(until) => {
                if let Some(expires) = self.outstanding.get_mut(&token) {
                    *expires = until;
                }
            }
        }
    }

    async fn send_evidence(&mut self) -> Result<(), Status> {
        let Some(evidence) = &mut self.evidence else {
            return Ok(());
        };
        let page = super::evidence::page(
            self.services,
            &self.consumer.inbox,
            evidence.after,
            EVIDENCE_PAGE,
        );
        let page = match page {
            // Deliveries go on meanwhile; that the delivery log is back is a change.
            Err(down) if down.code() == Code::Unavailable => return Ok(()),
            page => page?,
        };
        evidence.after = page.reached;
        if !page.is_complete {
            evidence.projected.mark_changed();
        }
        for item in page.items {
            self.answers
                .send(Ok(ReceiveMessagesResponse { event: Some(Event::Evidence(item)) }))
                .await
                .map_err(|_gone| gone())?;
        }
        Ok(())
    }

    /// Forgets leases that ran out: their deliveries are ready again, perhaps for this
    /// consumer.
    fn forget(&mut self) {
        let now = self.services.broker.now();
        self.outstanding.retain(|_, expires| *expires > now);
    }

    /// How long until a lease runs out and makes room; `None` where none is open.
    fn next_lease_end(&self) -> Option<Duration> {
        let next = self.outstanding.values().min()?;
        let now = self.services.broker.now();
        Some(Duration::from_millis(next.0.saturating_sub(now.0) + 1))
    }

    /// Says that the stream lives.
    async fn beat(&mut self) -> Result<(), Status> {
        self.forget();
        let time = timestamp(self.services.broker.now());
        self.send(Event::Heartbeat(Heartbeat { time })).await
    }

    async fn send(&mut self, event: Event) -> Result<(), Status> {
        self.heartbeat.reset();
        let response = ReceiveMessagesResponse { event: Some(event) };
        self.answers.send(Ok(response)).await.map_err(|_gone| gone())
    }

    /// The consumer ends the stream: what it holds is ready for others. Of a stream
    /// that breaks the leases run on, since its consumer may come back and answer.
    async fn leave(&mut self) -> Result<(), Status> {
        let ended = self.settler.finish().await;
        let Consumer { stream, identity, .. } = &self.consumer;
        self.services.broker.release(*stream, Arc::clone(identity));
        ended
    }

    async fn close(&mut self) -> Result<(), Status> {
        self.settler.finish().await?;
        closing(&self.answers).await
    }
}

async fn next(
    requests: &mut Streaming<ReceiveMessagesRequest>,
) -> Result<Option<ReceiveMessagesRequest>, Status> {
    requests.message().await.map_err(|status| request_unread(&status))
}

/// Says that the node ends the stream.
async fn closing(answers: &Answers) -> Result<(), Status> {
    let closing = Event::Closing(Closing {
        reason: Reason::ShuttingDown.into(),
        message: "the node is stopping; connect again in a moment".to_owned(),
    });
    let response = ReceiveMessagesResponse { event: Some(closing) };
    answers.send(Ok(response)).await.map_err(|_gone| gone())
}

async fn granted(asked: &mut Option<Asked>) -> (usize, Result<Vec<Lent>, Refusal>) {
    match asked {
        Some(Asked { room, granted }) => (*room, granted.await),
        None => std::future::pending().await,
    }
}

async fn lease_end(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

async fn projected(evidence: &mut Option<EvidenceCursor>) -> Result<(), watch::error::RecvError> {
    match evidence {
        Some(evidence) => evidence.projected.changed().await,
        None => std::future::pending().await,
    }
}

/// Nobody reads any more; never told to anyone.
pub(super) fn gone() -> Status {
    refuse(Reason::ShuttingDown, "the stream has ended")
}
