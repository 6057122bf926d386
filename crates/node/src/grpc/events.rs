//! The delivery log for operators: as it happens, in pages, and by message.

use barid_broker::caps::READ_TEXT_MAX;
use barid_broker::decide::Refusal;
use barid_link::caps::HEARTBEAT_INTERVAL;
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::fault::Fault;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_message::{Kind, Reason};
use barid_proto::Timestamp;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1::tail_events_response::Item;
use barid_proto::operations::v1::{
    Closing, EventFilter, EventRecord, Heartbeat, ListEventsRequest, ListEventsResponse,
    TailEventsRequest, TailEventsResponse,
};
use barid_store::{Cursor, EventRow, Filter, Page};
use prost::Message as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::authn::Operator;
use super::evidence::cursor;
use super::reading::Reading;
use super::status::{refuse, status, stopping};
use super::{ANSWERS_MAX, Services, timestamp};
use crate::health::Change;

const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: i32 = 500;
/// Steps through the log for one page. Where few events match, a page may be short,
/// or empty, and yet not the last.
pub(super) const LIST_STEPS_MAX: usize = 16;
/// Events from before now that a tail may begin with.
const LAST_MAX: u32 = 500;

/// Opens a tail.
pub(super) fn tail(
    services: &Services,
    operator: Operator,
    request: TailEventsRequest,
) -> Result<ReceiverStream<Result<TailEventsResponse, Status>>, Status> {
    let asked = request.filter.unwrap_or_default();
    let filter = filter(&asked)?;
    purpose(&request.purpose)?;
    if request.last > LAST_MAX {
        return Err(refuse(Reason::FieldInvalid, "a tail begins with at most 500 events"));
    }
    let after = cursor(services, &request.after)?;
    if request.problems && (!request.follow || asked != EventFilter::default()) {
        let text = "problems are told to who follows, and without a filter";
        return Err(refuse(Reason::FieldInvalid, text));
    }
    let problems = request.problems.then(|| services.health.changes());
    let place = services.readers.open(&operator.identity).map_err(|refusal| status(&refusal))?;
    let (answers, stream) = mpsc::channel(ANSWERS_MAX);
    let services = services.clone();
    services.clone().tasks.spawn(async move {
        let words = words(&asked);
        let opened =
            Reading::open(&services.broker, &operator.identity, "tail", words, &request.purpose);
        let ended = match opened.await {
            Ok(reading) => {
                let tail =
                    Tail { services: &services, filter, reading, answers: &answers, problems };
                tail.run(after, request.last, request.follow).await
            }
            Err(refused) => Err(refused),
        };
        if let Err(ended) = ended {
            // Where nobody reads any more, nobody needs to be told.
            drop(answers.send(Err(ended)).await);
        }
        drop(place);
    });
    Ok(ReceiverStream::new(stream))
}

struct Tail<'a> {
    services: &'a Services,
    filter: Filter,
    reading: Reading,
    answers: &'a mpsc::Sender<Result<TailEventsResponse, Status>>,
    /// What begins to be wrong and ends; `None`: it was not asked for.
    problems: Option<broadcast::Receiver<Change>>,
}

impl Tail<'_> {
    async fn run(mut self, after: Option<Cursor>, last: u32, follow: bool) -> Result<(), Status> {
        let broker = &self.services.broker;
        broker.wait_projected().await.map_err(|down| status(&down))?;
        let mut projected = broker.projected();
        let mut reached = after;
        if after.is_none() {
            let limit = usize::try_from(last).unwrap_or(0);
            let page = self.services.read_log(|log| log.newest(&self.filter, limit))?;
            reached = page.reached;
            self.send_all(page).await?;
        }
        if self.problems.is_some() {
            self.send_standing().await?;
        }
        loop {
            projected.mark_unchanged();
            let page =
                self.services.read_log(|log| log.events(&self.filter, reached, PAGE_DEFAULT))?;
            reached = page.reached;
            let is_complete = page.is_complete;
            self.send_all(page).await?;
            if !is_complete {
                continue;
            }
            if !follow {
                return Ok(());
            }
            tokio::select! {
                () = self.services.stop.cancelled() => return self.close(&stopping()).await,
                () = self.answers.closed() => return Ok(()),
                change = next_change(&mut self.problems) => {
                    self.send(Item::Problem(change.to_proto())).await?;
                }
                changed = timeout(HEARTBEAT_INTERVAL, projected.changed()) => match changed {
                    Ok(Ok(())) => if let Err(down) = broker.view() {
                        return self.close(&down).await;
                    },
                    Ok(Err(_stopped)) => return self.close(&stopping()).await,
                    Err(_elapsed) => {
                        let time = timestamp(broker.now());
                        self.send(Item::Heartbeat(Heartbeat { time })).await?;
                    }
                },
            }
        }
    }

    /// What is wrong already.
    async fn send_standing(&self) -> Result<(), Status> {
        let (at, standing) = (self.services.broker.now(), self.services.health.problems());
        let standing = standing.borrow().clone();
        for problem in standing {
            let change = Change { at, problem, ended: false };
            self.send(Item::Problem(change.to_proto())).await?;
        }
        Ok(())
    }

    async fn send_all(&mut self, page: Page<EventRow>) -> Result<(), Status> {
        self.reading.count(page.items.len());
        for row in &page.items {
            self.send(Item::Event(record(self.services, row))).await?;
        }
        Ok(())
    }

    /// Says why the tail ends, which is not the operator's doing.
    async fn close(&self, why: &Refusal) -> Result<(), Status> {
        let Fault { reason, description, .. } = why.faults.first();
        let closing = Closing { reason: (*reason).into(), message: description.clone() };
        self.send(Item::Closing(closing)).await
    }

    async fn send(&self, item: Item) -> Result<(), Status> {
        let response = TailEventsResponse { item: Some(item) };
        self.answers.send(Ok(response)).await.map_err(|_gone| super::receive::gone())
    }
}

/// The next change of what is wrong; never where it was not asked for. Who is too slow
/// misses some.
async fn next_change(changes: &mut Option<broadcast::Receiver<Change>>) -> Change {
    let Some(changes) = changes else {
        return std::future::pending().await;
    };
    loop {
        match changes.recv().await {
            Ok(change) => return change,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// One page of the log.
pub(super) async fn list(
    services: &Services,
    operator: &Operator,
    request: ListEventsRequest,
) -> Result<ListEventsResponse, Status> {
    let asked = request.filter.unwrap_or_default();
    let filter = filter(&asked)?;
    purpose(&request.purpose)?;
    let limit = page_size(request.page_size)?;
    let bound = binding(&asked);
    let after = page_token(&request.page_token, &bound)?;
    let broker = &services.broker;
    let mut reading =
        Reading::open(broker, &operator.identity, "list", words(&asked), &request.purpose).await?;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let mut rows: Vec<EventRow> = Vec::new();
    let mut reached = after;
    let mut is_complete = false;
    for _ in 0..LIST_STEPS_MAX {
        if rows.len() == limit || is_complete {
            break;
        }
        let page = services.read_log(|log| log.events(&filter, reached, limit - rows.len()))?;
        (reached, is_complete) = (page.reached, page.is_complete);
        rows.extend(page.items);
    }
    reading.count(rows.len());
    let next = reached.filter(|_| !is_complete).map(|place| format!("{bound}.{place}"));
    Ok(ListEventsResponse {
        events: rows.iter().map(|row| record(services, row)).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

pub(super) fn record(services: &Services, row: &EventRow) -> EventRecord {
    let text =
        |address: &Option<Address>| address.as_ref().map(ToString::to_string).unwrap_or_default();
    EventRecord {
        cursor: row.cursor.to_string(),
        position: row.cursor.position,
        index: u32::from(row.cursor.index),
        time: timestamp(row.time),
        event: row.event.into(),
        reason: row.reason.into(),
        origin_agency: text(&row.origin_agency),
        message_id: row.message_id.map(|id| id.to_string()).unwrap_or_default(),
        recipient: text(&row.recipient),
        kind: row.kind.into(),
        precedence: row.precedence.into(),
        status: row.status.into(),
        actor: row.actor.clone(),
        tries: row.tries,
        is_final: row.is_final(),
        why: why(services, row),
    }
}

/// Why an operator did it. It stands in the journal alone; the events are few.
fn why(services: &Services, row: &EventRow) -> String {
    if row.event != Event::Retried && row.reason != Reason::DroppedByOperator {
        return String::new();
    }
    let entry = super::blocking(|| services.broker.entry(row.cursor.position)).ok();
    let place = usize::from(row.cursor.index).checked_sub(1);
    let item = entry.as_ref().zip(place).and_then(|(entry, place)| entry.items.get(place));
    item.map(|item| item.facts.why.clone()).unwrap_or_default()
}

fn filter(asked: &EventFilter) -> Result<Filter, Status> {
    let EventFilter { message_id: id, agency, kind, event, from_time, to_time } = asked;
    let agency = (!agency.is_empty()).then(|| {
        Address::parse(agency)
            .map_err(|_why| refuse(Reason::AddressInvalid, "an agency is <cc>/<agency>[/<unit>]"))
    });
    let code = || refuse(Reason::UnknownCode, "no event has that kind or outcome");
    Ok(Filter {
        message_id: (!id.is_empty()).then(|| message_id(id)).transpose()?,
        agency: agency.transpose()?,
        kind: (*kind != 0).then(|| Kind::try_from(*kind)).transpose().map_err(|_why| code())?,
        event: (*event != 0).then(|| Event::try_from(*event)).transpose().map_err(|_why| code())?,
        from: from_time.as_ref().map(time).transpose()?,
        to: to_time.as_ref().map(time).transpose()?,
    })
}

fn time(time: &Timestamp) -> Result<Millis, Status> {
    Millis::from_proto(time)
        .map_err(|_why| refuse(Reason::FieldInvalid, "times are UTC in whole milliseconds"))
}

pub(super) fn message_id(text: &str) -> Result<MessageId, Status> {
    MessageId::parse(text)
        .map_err(|_why| refuse(Reason::IdInvalid, "a message id is a UUIDv7 in lower case"))
}

pub(super) fn purpose(text: &str) -> Result<(), Status> {
    if text.chars().count() <= READ_TEXT_MAX {
        return Ok(());
    }
    Err(refuse(Reason::TooLarge, "say why in at most 280 characters"))
}

pub(super) fn page_size(asked: i32) -> Result<usize, Status> {
    match asked {
        0 => Ok(PAGE_DEFAULT),
        1..=PAGE_MAX => Ok(usize::try_from(asked).unwrap_or(PAGE_DEFAULT)),
        _ => Err(refuse(Reason::FieldInvalid, "a page has 1 to 500 rows; 0 means 50")),
    }
}

/// A page token is bound to its filter: with another one it means nothing.
pub(super) fn binding(filter: &EventFilter) -> String {
    let digest = Digest::of(&filter.encode_to_vec()).to_string();
    digest.chars().take(16).collect()
}

pub(super) fn page_token(token: &str, bound: &str) -> Result<Option<Cursor>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let rest = token.strip_prefix(bound).and_then(|rest| rest.strip_prefix('.'));
    rest.and_then(|rest| rest.parse().ok()).map(Some).ok_or_else(|| {
        refuse(
            Reason::FieldInvalid,
            "this page token belongs to another filter; begin again without one",
        )
    })
}

/// The filter in words, for the record of who read what.
fn words(filter: &EventFilter) -> String {
    let EventFilter { message_id, agency, kind, event, from_time, to_time } = filter;
    let seconds = |time: &Option<Timestamp>| time.as_ref().map_or(0, |time| time.seconds);
    format!(
        "message={message_id} agency={agency} kind={kind} event={event} from={} to={}",
        seconds(from_time),
        seconds(to_time)
    )
}
