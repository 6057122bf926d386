//! Reading is itself on record: an entry before the first row, one after the last.

use std::sync::Arc;

use barid_broker::Broker;
use barid_broker::decide::hand_out::is_permitted;
use barid_broker::state::Phase;
use barid_message::Status as MessageStatus;
use barid_message::address::Address;
use barid_proto::exchange::v1::receive_messages_response::Event;
use barid_proto::exchange::v1::{HandOut, ReceiveMessagesResponse, Standing};
use barid_proto::journal::v1::ReadFacts;
use tonic::Status;

use super::Services;
use super::authn::Caller;
use super::outbound::Answers;
use super::receive::gone;
use super::status::status;

/// A reading that is on record, and whose end will be however it ends.
pub(super) struct Reading {
    broker: Broker,
    facts: ReadFacts,
}

impl Reading {
    /// Puts the reading on record; only then may anything be shown.
    pub(super) async fn open(
        broker: &Broker,
        identity: &str,
        operation: &str,
        filter: String,
        purpose: &str,
    ) -> Result<Self, Status> {
        let facts = ReadFacts {
            identity: identity.to_owned(),
            operation: operation.to_owned(),
            filter,
            purpose: purpose.to_owned(),
            ..Default::default()
        };
        let opened_position =
            broker.read_opened(facts.clone()).await.map_err(|refusal| status(&refusal))?;
        Ok(Self { broker: broker.clone(), facts: ReadFacts { opened_position, ..facts } })
    }

    /// Counts what was shown.
    pub(super) fn count(&mut self, rows: usize) {
        self.facts.count = self.facts.count.saturating_add(rows as u64);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.broker.read_closed(std::mem::take(&mut self.facts));
    }
}

/// Shows what waits in an inbox without taking it.
pub(super) async fn peek(
    services: &Services,
    caller: &Caller,
    inbox: &Address,
    statuses: &[MessageStatus],
    answers: &Answers,
) -> Result<(), Status> {
    let broker = &services.broker;
    let filter = inbox.to_string();
    let mut reading = Reading::open(broker, &caller.identity, "peek", filter, "").await?;
    let (inbox, statuses) = (inbox.clone(), statuses.to_vec());
    let waiting = broker
        .inspect(move |state| {
            let aside = state.deliveries().map(|(_, delivery)| delivery).filter(|delivery| {
                delivery.phase == Phase::Unreadable
                    && delivery.recipient == inbox
                    && statuses.contains(&delivery.message.status)
            });
            let ready = state.inbox(&inbox).into_iter().flat_map(|inbox| inbox.ready(&statuses));
            let deliveries = ready.filter_map(|key| state.delivery(key));
            // What may not be handed out any more may not be looked at either.
            deliveries
                .chain(aside)
                .filter(|delivery| is_permitted(state, delivery))
                .map(|delivery| {
                    let message = &delivery.message;
                    let marks = HandOut {
                        redelivered: delivery.redelivered,
                        attempt: delivery.tries + 1,
                        head_unknown: delivery.head_unknown,
                        standing: Standing::from(state.standing(&message.origin, &message.id))
                            .into(),
                        ..HandOut::default()
                    };
                    (Arc::clone(message), marks)
                })
                .collect::<Vec<_>>()
        })
        .await
        .map_err(|refusal| status(&refusal))?;
    let mut lost = None;
    for (message, marks) in waiting {
        let body = match broker.open_message(&message) {
            Ok(body) => body,
            Err(refusal) => {
                lost = Some(refusal);
                continue;
            }
        };
        let hand_out = HandOut {
            message: Some(body),
            acceptance: services.signed(message.evidence.clone()),
            ..marks
        };
        let response = ReceiveMessagesResponse { event: Some(Event::HandOut(hand_out)) };
        answers.send(Ok(response)).await.map_err(|_gone| gone())?;
        reading.count(1);
    }
    // Last, so that what can be read is seen.
    lost.map_or(Ok(()), |refusal| Err(status(&refusal)))
}
