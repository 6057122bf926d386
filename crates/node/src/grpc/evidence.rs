//! Evidence for the agency that sent a message, from a cursor on.

use barid_broker::Told;
use barid_broker::decide::Refusal;
use barid_link::caps::HEARTBEAT_INTERVAL;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::fault::Fault;
use barid_proto::exchange::v1::receive_evidence_response::Event;
use barid_proto::exchange::v1::{
    Closing, EvidenceItem, Heartbeat, ReceiveEvidenceRequest, ReceiveEvidenceResponse,
};
use barid_store::{Cursor, Page};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::authn::Caller;
use super::status::{refuse, status, stopping};
use super::{ANSWERS_MAX, Services, blocking, timestamp};

const PAGE_ITEMS: usize = 256;

type Answers = mpsc::Sender<Result<ReceiveEvidenceResponse, Status>>;

/// Opens a stream of evidence.
pub(super) async fn stream(
    services: &Services,
    caller: &Caller,
    request: &ReceiveEvidenceRequest,
) -> Result<ReceiverStream<Result<ReceiveEvidenceResponse, Status>>, Status> {
    let agency = services.acting_for(caller, &request.agency).await?;
    let after = cursor(services, &request.after)?;
    let place = services.readers.open(&caller.identity).map_err(|refusal| status(&refusal))?;
    let (answers, stream) = mpsc::channel(ANSWERS_MAX);
    let follow = request.follow;
    let services = services.clone();
    services.clone().tasks.spawn(async move {
        if let Err(ended) = serve(&services, &agency, after, follow, &answers).await {
            // Where nobody reads any more, nobody needs to be told.
            drop(answers.send(Err(ended)).await);
        }
        drop(place);
    });
    Ok(ReceiverStream::new(stream))
}

async fn serve(
    services: &Services,
    agency: &Address,
    mut after: Option<Cursor>,
    follow: bool,
    answers: &Answers,
) -> Result<(), Status> {
    let broker = &services.broker;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let mut projected = broker.projected();
    loop {
        projected.mark_unchanged();
        let page = page(services, agency, after, PAGE_ITEMS)?;
        after = page.reached;
        for item in page.items {
            if send(answers, Event::Evidence(item)).await.is_err() {
                return Ok(());
            }
        }
        if !page.is_complete {
            continue;
        }
        if !follow {
            return Ok(());
        }
        tokio::select! {
            () = services.stop.cancelled() => {
                return close(answers, &stopping()).await;
            }
            () = answers.closed() => return Ok(()),
            changed = timeout(HEARTBEAT_INTERVAL, projected.changed()) => match changed {
                Ok(Ok(())) => if let Err(down) = broker.view() {
                    return close(answers, &down).await;
                },
                Ok(Err(_stopped)) => return close(answers, &stopping()).await,
                Err(_elapsed) => {
                    let time = timestamp(broker.now());
                    send(answers, Event::Heartbeat(Heartbeat { time })).await?;
                }
            },
        }
    }
}

/// Says why the stream ends, which is not the caller's doing.
async fn close(answers: &Answers, why: &Refusal) -> Result<(), Status> {
    let Fault { reason, description, .. } = why.faults.first();
    let closing = Closing { reason: (*reason).into(), message: description.clone() };
    send(answers, Event::Closing(closing)).await
}

async fn send(answers: &Answers, event: Event) -> Result<(), Status> {
    let response = ReceiveEvidenceResponse { event: Some(event) };
    answers.send(Ok(response)).await.map_err(|_gone| super::receive::gone())
}

/// The next evidence about messages that `agency` sent. A page may be short, or
/// empty, and not the last: what an agency received is passed over as well.
pub(super) fn page(
    services: &Services,
    agency: &Address,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<EvidenceItem>, Status> {
    let broker = &services.broker;
    let Page { items: places, reached, is_complete } =
        services.read_log(|log| log.evidence_after(agency, after, limit))?;
    let found = blocking(|| {
        broker.evidence(places.iter().map(|place| (place.position, u32::from(place.index))))
    });
    let found = found.map_err(|refusal| status(&refusal))?;
    let item = |(place, told): (&Cursor, Told)| EvidenceItem {
        cursor: place.to_string(),
        contradicts: told.contradicts,
        evidence: services.told(told),
    };
    let items = places.iter().zip(found).map(item).collect();
    Ok(Page { items, reached, is_complete })
}

/// A cursor as callers give it back; empty = from the beginning. One from beyond the
/// end was given by another log, or by one that this log has lost: going on behind it
/// would leave things out without a word.
pub(super) fn cursor(services: &Services, text: &str) -> Result<Option<Cursor>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let place: Cursor = text.parse().map_err(|_why| {
        refuse(
            Reason::FieldInvalid,
            "this is no cursor; give back one that the node gave you, or none",
        )
    })?;
    if place.position >= services.broker.durable() {
        return Err(refuse(
            Reason::OutOfRange,
            "the log does not reach that far; begin again without a cursor",
        ));
    }
    Ok(Some(place))
}
