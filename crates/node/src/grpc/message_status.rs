//! What has become of one message.

use std::collections::BTreeMap;

use barid_audit::entry::is_final;
use barid_message::Reason;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1::{
    DeliveryStatus, GetMessageStatusRequest, GetMessageStatusResponse,
};
use barid_store::EventRow;
use tonic::Status;

use super::authn::Caller;
use super::status::{refuse, status};
use super::{Services, timestamp};

/// Finds a message that one of the caller's addresses sent or received.
pub(super) async fn get(
    services: &Services,
    caller: &Caller,
    request: &GetMessageStatusRequest,
) -> Result<GetMessageStatusResponse, Status> {
    let id = MessageId::parse(&request.message_id)
        .map_err(|_why| refuse(Reason::IdInvalid, "a message id is a UUIDv7 in lower case"))?;
    let broker = &services.broker;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let rows = services.read_log(|log| log.message(&id))?;
    let is_own = |address: &str| caller.addresses().iter().any(|own| own.as_str() == address);
    let sent = is_own(&request.origin_agency);
    let mut newest: BTreeMap<String, &EventRow> = BTreeMap::new();
    let mut accepted = None;
    for row in &rows {
        let is_asked = row
            .origin_agency
            .as_ref()
            .is_some_and(|origin| origin.as_str() == request.origin_agency);
        // The final stands, whatever a node says later.
        let is_asked = is_asked && row.event != Event::Contradiction;
        let Some(position) = row.accepted_position.filter(|_| is_asked) else {
            continue;
        };
        if let Some(recipient) = &row.recipient
            && (sent || is_own(recipient.as_str()))
        {
            accepted = Some(position);
            newest.insert(recipient.to_string(), row);
        }
    }
    let Some(position) = accepted else {
        // Unknown and forbidden answer alike.
        return Err(refuse(
            Reason::NotFound,
            "no message of that sender and id was sent or received by you",
        ));
    };
    let (facts, receipt) = broker.accepted(position).map_err(|refusal| status(&refusal))?;
    let deliveries = newest
        .into_iter()
        .map(|(recipient, row)| delivery(services, recipient, row))
        .collect::<Result<_, _>>()?;
    Ok(GetMessageStatusResponse {
        header_digest: facts.header_digest,
        receipt: services.signed(receipt),
        deliveries,
    })
}

fn delivery(
    services: &Services,
    recipient: String,
    row: &EventRow,
) -> Result<DeliveryStatus, Status> {
    let evidence = if row.has_evidence {
        let place = (row.cursor.position, u32::from(row.cursor.index));
        let evidence = services.broker.evidence([place]).map_err(|refusal| status(&refusal))?;
        evidence.into_iter().next().and_then(|told| services.told(told))
    } else {
        None
    };
    Ok(DeliveryStatus {
        recipient,
        event: row.event.into(),
        reason: row.reason.into(),
        time: timestamp(row.time),
        is_final: is_final(row.event),
        evidence,
    })
}
