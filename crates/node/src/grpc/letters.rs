//! Queues and dead letters.

use std::collections::BTreeMap;

use barid_broker::decide::operator::{Act, DeliveryName as Name, dead_letter};
use barid_broker::state::inbox::PRECEDENCES;
use barid_broker::state::{Delivery, DeliveryKey, Phase, State};
use barid_message::time::Millis;
use barid_message::{Precedence, Reason, Status as MessageStatus};
use barid_proto::operations::v1::{
    DeadLetter, DeliveryName, DropDeadLetterRequest, DropDeadLetterResponse, GetDeadLetterRequest,
    GetDeadLetterResponse, ListDeadLettersRequest, ListDeadLettersResponse, ListQueuesRequest,
    ListQueuesResponse, Queue, QueueDepth, RetryDeadLetterRequest, RetryDeadLetterResponse,
};
use tonic::Status;

use super::authn::Operator;
use super::events::{page_size, purpose};
use super::reading::Reading;
use super::status::{refuse, status};
use super::{Services, timestamp};

/// Statuses of messages, in the order of their queues.
const STATUSES: [MessageStatus; 4] =
    [MessageStatus::Actual, MessageStatus::Exercise, MessageStatus::Test, MessageStatus::System];

/// What waits where.
pub(super) async fn queues(
    services: &Services,
    request: ListQueuesRequest,
) -> Result<ListQueuesResponse, Status> {
    let depths = services.broker.inspect(depths).await.map_err(|refusal| status(&refusal))?;
    let registry = services.broker.registry();
    let wanted = |address: &str| request.inbox.is_empty() || request.inbox == address;
    let inboxes = registry.inboxes().map(ToString::to_string).filter(|address| wanted(address));
    let mut queues = Vec::new();
    for inbox in inboxes {
        let consumers = u32::try_from(services.consumers.count(&inbox)).unwrap_or(u32::MAX);
        for status in STATUSES {
            let depth = depths.get(&(inbox.clone(), status));
            if depth.is_some() || status == MessageStatus::Actual {
                queues.push(Queue {
                    depths: depth.map(Depth::by_precedence).unwrap_or_default(),
                    consumers,
                    dead_letters: depth.map_or(0, |depth| depth.dead),
                    unreadable: depth.map_or(0, |depth| depth.unreadable),
                    inbox: inbox.clone(),
                    status: status.into(),
                });
            }
        }
    }
    if queues.is_empty() && !request.inbox.is_empty() {
        return Err(refuse(Reason::NotFound, "there is no such inbox; leave it out to see all"));
    }
    Ok(ListQueuesResponse { queues })
}

#[derive(Default)]
struct Depth {
    precedences: BTreeMap<Precedence, (QueueDepth, Option<Millis>)>,
    dead: u64,
    unreadable: u64,
}

impl Depth {
    fn by_precedence(&self) -> Vec<QueueDepth> {
        let of = |precedence: &Precedence| {
            let (depth, oldest) = self.precedences.get(precedence).cloned().unwrap_or_default();
            let oldest_accepted_at = oldest.and_then(timestamp);
            QueueDepth { precedence: (*precedence).into(), oldest_accepted_at, ..depth }
        };
        PRECEDENCES.iter().map(of).collect()
    }
}

fn depths(state: &State) -> BTreeMap<(String, MessageStatus), Depth> {
    let mut depths: BTreeMap<_, Depth> = BTreeMap::new();
    for (_, delivery) in state.deliveries() {
        let of = (delivery.recipient.to_string(), delivery.message.status);
        let depth = depths.entry(of).or_default();
        let (counts, oldest) = depth.precedences.entry(delivery.message.precedence).or_default();
        match delivery.phase {
            Phase::Ready => counts.ready += 1,
            Phase::Leased(_) => counts.leased += 1,
            Phase::Delayed(_) | Phase::Deferred(_) => counts.delayed += 1,
            Phase::Queued => counts.ready += 1,
            Phase::Passed => counts.leased += 1,
            Phase::Dead(_) => {
                depth.dead += 1;
                continue;
            }
            Phase::Unreadable => {
                depth.unreadable += 1;
                continue;
            }
        }
        // Deliveries come in acceptance order: the first is the oldest.
        oldest.get_or_insert(delivery.message.accepted_at);
    }
    depths
}

/// One page of dead letters, oldest message first.
pub(super) async fn list(
    services: &Services,
    request: ListDeadLettersRequest,
) -> Result<ListDeadLettersResponse, Status> {
    let limit = page_size(request.page_size)?;
    let after = page_token(&request.page_token)?;
    let inbox = request.inbox;
    let found = services
        .broker
        .inspect(move |state| {
            let dead = state.deliveries().filter(|(key, delivery)| {
                matches!(delivery.phase, Phase::Dead(_))
                    && after.is_none_or(|after| *key > after)
                    && (inbox.is_empty() || delivery.recipient.as_str() == inbox)
            });
            dead.map(|(key, delivery)| (key, letter(delivery))).take(limit + 1).collect::<Vec<_>>()
        })
        .await
        .map_err(|refusal| status(&refusal))?;
    let more = found.len() > limit;
    let next = found.iter().take(limit).next_back().filter(|_| more);
    Ok(ListDeadLettersResponse {
        next_page_token: next
            .map(|(key, _)| format!("{}.{}", key.accepted, key.index))
            .unwrap_or_default(),
        dead_letters: found.into_iter().take(limit).map(|(_, letter)| letter).collect(),
    })
}

fn page_token(token: &str) -> Result<Option<DeliveryKey>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts = token.split_once('.');
    parts
        .and_then(|(accepted, index)| {
            Some(DeliveryKey { accepted: accepted.parse().ok()?, index: index.parse().ok()? })
        })
        .map(Some)
        .ok_or_else(|| {
            refuse(Reason::FieldInvalid, "this is no page token; begin again without one")
        })
}

/// One dead letter with its message. Why it is read must be said.
pub(super) async fn get(
    services: &Services,
    operator: &Operator,
    request: GetDeadLetterRequest,
) -> Result<GetDeadLetterResponse, Status> {
    purpose(&request.purpose)?;
    if request.purpose.is_empty() {
        return Err(refuse(
            Reason::FieldMissing,
            "say why the message is read; it is kept on record",
        ));
    }
    let name = name(request.delivery)?;
    let words = format!("{} {} {}", name.origin_agency, name.message_id, name.recipient);
    let broker = &services.broker;
    let mut reading =
        Reading::open(broker, &operator.identity, "dead-letter", words, &request.purpose).await?;
    let found = broker
        .inspect(move |state| {
            let (_, delivery) = dead_letter(state, &name)?;
            Ok((letter(delivery), std::sync::Arc::clone(&delivery.message)))
        })
        .await
        .map_err(|refusal| status(&refusal))?;
    let (letter, message) = found.map_err(|refusal| status(&refusal))?;
    let message = broker.open_message(&message).map_err(|refusal| status(&refusal))?;
    reading.count(1);
    Ok(GetDeadLetterResponse { dead_letter: Some(letter), message: Some(message) })
}

/// Puts one back.
pub(super) async fn retry(
    services: &Services,
    operator: &Operator,
    request: RetryDeadLetterRequest,
) -> Result<RetryDeadLetterResponse, Status> {
    let (act, name) = (act(operator, request.why)?, name(request.delivery)?);
    let retried = services.broker.retry(act, name).await;
    retried.map_err(|refusal| status(&refusal))?;
    Ok(RetryDeadLetterResponse {})
}

/// Ends one.
pub(super) async fn drop_letter(
    services: &Services,
    operator: &Operator,
    request: DropDeadLetterRequest,
) -> Result<DropDeadLetterResponse, Status> {
    let (act, name) = (act(operator, request.why)?, name(request.delivery)?);
    let dropped = services.broker.drop_letter(act, name).await;
    let evidence = dropped.map_err(|refusal| status(&refusal))?;
    Ok(DropDeadLetterResponse { evidence: services.signed(evidence) })
}

/// Who and why. What was done to a message is asked for years later, when nobody remembers.
fn act(operator: &Operator, why: String) -> Result<Act, Status> {
    purpose(&why)?;
    if why.is_empty() {
        return Err(refuse(Reason::FieldMissing, "say why it is done; it is kept on record"));
    }
    Ok(Act { operator: operator.identity.to_string(), why })
}

fn name(name: Option<DeliveryName>) -> Result<Name, Status> {
    let Some(DeliveryName { origin_agency, message_id, recipient }) = name else {
        return Err(refuse(Reason::FieldMissing, "name the delivery: sender, id, recipient"));
    };
    Ok(Name { origin_agency, message_id, recipient })
}

fn letter(delivery: &Delivery) -> DeadLetter {
    let since = match delivery.phase {
        Phase::Dead(since) => timestamp(since),
        _ => None,
    };
    let (ends_at, ..) = delivery.message.end();
    DeadLetter {
        delivery: Some(DeliveryName {
            origin_agency: delivery.message.origin.to_string(),
            message_id: delivery.message.id.to_string(),
            recipient: delivery.recipient.to_string(),
        }),
        kind: delivery.message.kind.into(),
        precedence: delivery.message.precedence.into(),
        since,
        reason: delivery.last_reason.into(),
        tries: delivery.tries,
        ends_at: timestamp(ends_at),
    }
}
