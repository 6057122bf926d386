//! The story of one message, with its evidence.

use barid_link::caps::GRPC_MESSAGE_BYTES;
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::operations::v1::{
    EventFilter, EventRecord, TraceMessageRequest, TraceMessageResponse,
};
use barid_store::{Cursor, Filter};
use prost::Message as _;
use tonic::Status;

use super::authn::Operator;
use super::events::{LIST_STEPS_MAX, binding, message_id, page_token, purpose, record};
use super::reading::Reading;
use super::status::status;
use super::{Services, blocking};

/// Rows read at once.
const ROWS: usize = 100;

/// Bytes of events and evidence after which a page ends. One event with its evidence,
/// the page's token and what frames them are far less than the other half.
const PAGE_BYTES: usize = GRPC_MESSAGE_BYTES / 2;

/// One page of the story; most have one.
pub(super) async fn trace(
    services: &Services,
    operator: &Operator,
    request: TraceMessageRequest,
) -> Result<TraceMessageResponse, Status> {
    let filter = Filter { message_id: Some(message_id(&request.message_id)?), ..Filter::default() };
    purpose(&request.purpose)?;
    let asked = request.message_id.clone();
    let bound = binding(&EventFilter { message_id: asked.clone(), ..EventFilter::default() });
    let mut reached = page_token(&request.page_token, &bound)?;
    let broker = &services.broker;
    let mut reading =
        Reading::open(broker, &operator.identity, "trace", asked, &request.purpose).await?;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let mut story = Story::default();
    let is_complete = story.fill(services, &filter, &mut reached)?;
    let mut page = story.page;
    reading.count(page.events.len());
    if let Some(place) = reached.filter(|_| !is_complete) {
        page.next_page_token = format!("{bound}.{place}");
    }
    Ok(page)
}

/// A page of a story as it fills.
#[derive(Default)]
struct Story {
    page: TraceMessageResponse,
    bytes: usize,
}

impl Story {
    /// Tells what comes behind a place, which moves on; whether that was all.
    fn fill(
        &mut self,
        services: &Services,
        filter: &Filter,
        reached: &mut Option<Cursor>,
    ) -> Result<bool, Status> {
        for _ in 0..LIST_STEPS_MAX {
            let page = services.read_log(|log| log.events(filter, *reached, ROWS))?;
            let places = page.items.iter().filter(|row| row.has_evidence).map(|row| row.cursor);
            let evidence = blocking(|| {
                let places = places.map(|place| (place.position, u32::from(place.index)));
                services.broker.evidence(places)
            });
            let mut evidence = evidence.map_err(|refusal| status(&refusal))?.into_iter();
            for row in &page.items {
                let told = if row.has_evidence { evidence.next() } else { None };
                if !self.tell(record(services, row), told.and_then(|told| services.told(told))) {
                    return Ok(false);
                }
                *reached = Some(row.cursor);
            }
            *reached = page.reached;
            if page.is_complete {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells an event; false: the page is full, and it belongs on the next.
    fn tell(&mut self, event: EventRecord, evidence: Option<SignedEvidence>) -> bool {
        self.bytes +=
            event.encoded_len() + evidence.as_ref().map_or(0, SignedEvidence::encoded_len);
        let has_room = self.bytes <= PAGE_BYTES || self.page.events.is_empty();
        if has_room {
            self.page.events.push(event);
            self.page.evidence.extend(evidence);
        }
        has_room
    }
}
