//! Evidence that stands alone, for whoever never saw this node.

use std::collections::BTreeSet;
use std::vec;

use barid_audit::bundle::{GatherError, Source, gather};
use barid_audit::evidence::sign;
use barid_audit::note::{KeyName, WitnessKey};
use barid_broker::audit_log::TileError;
use barid_message::Reason;
use barid_message::address::Address;
use barid_proto::operations::v1::{ExportEvidenceRequest, ExportEvidenceResponse};
use barid_store::MESSAGE_ROWS_MAX;
use bytes::Bytes;
use tonic::Status;

use super::authn::Operator;
use super::events::{message_id, purpose};
use super::reading::Reading;
use super::status::{refuse, status};
use super::{Services, blocking};
use crate::registry::card;

/// A bundle, piece by piece.
pub(super) type Chunks = tokio_stream::Iter<vec::IntoIter<Result<ExportEvidenceResponse, Status>>>;

/// Bytes of a piece: far below the largest gRPC message.
const CHUNK_BYTES: usize = 64 * 1024;

/// Makes the bundle of a message from this node's log.
pub(super) async fn export(
    services: &Services,
    operator: &Operator,
    request: ExportEvidenceRequest,
) -> Result<Chunks, Status> {
    let id = message_id(&request.message_id)?;
    purpose(&request.purpose)?;
    if request.purpose.trim().is_empty() {
        let text = "evidence leaves the node: say why, or for which case";
        return Err(refuse(Reason::FieldMissing, text));
    }
    let origin = match request.origin_agency.as_str() {
        "" => None,
        text => Some(Address::parse(text).map_err(|_why| {
            refuse(Reason::AddressInvalid, "an agency's address is <cc>/<agency>[/<unit>]")
        })?),
    };
    // Few at a time for each who asks: the whole journal is passed over.
    let place = services.readers.open(&operator.identity).map_err(|refusal| status(&refusal))?;
    let broker = &services.broker;
    let asked = request.message_id;
    let mut reading =
        Reading::open(broker, &operator.identity, "evidence", asked, &request.purpose).await?;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let rows = services.read_log(|log| log.message(&id))?;
    if rows.len() >= MESSAGE_ROWS_MAX {
        let text = "more has happened to this message than one bundle holds";
        return Err(refuse(Reason::TooLarge, text));
    }
    let places: BTreeSet<_> = rows.iter().map(|row| row.cursor.position).collect();
    let grounds = blocking(|| broker.grounds(&id, origin.as_ref(), &places));
    let mut grounds = grounds.map_err(|refusal| status(&refusal))?;
    if request.without_body {
        grounds.message.body = Bytes::new();
    }
    let log = broker.audit_log();
    let head = log.head_with(grounds.last).await.ok_or_else(no_head)?;
    let witnesses = witnesses(services);
    let source = Source { key: log.key(), head: &head, witnesses: &witnesses };
    let size = head.checkpoint().size;
    let bundle = blocking(|| {
        let sign = |evidence| sign(evidence, &services.evidence_key, None);
        let prove = |position| log.inclusion(position, size);
        gather(grounds.message, &grounds.entries, source, sign, prove)
    });
    let bundle = bundle.map_err(|error| not_made(&error))?;
    reading.count(1);
    drop(place);
    let chunks: Vec<_> = (0..bundle.len())
        .step_by(CHUNK_BYTES)
        .map(|at| bundle.slice(at..bundle.len().min(at + CHUNK_BYTES)))
        .map(|chunk| Ok(ExportEvidenceResponse { chunk }))
        .collect();
    Ok(tokio_stream::iter(chunks))
}

/// The keys with which linked nodes cosign, as their cards say.
fn witnesses(services: &Services) -> Vec<WitnessKey> {
    let registry = services.broker.registry();
    let cards = registry.peers().filter_map(|peer| Some((peer, card(peer)?)));
    let keys = cards.flat_map(|(peer, card)| {
        let domain =
            peer.identity.strip_prefix("spiffe://").and_then(|id| id.strip_suffix("/node"));
        let name = KeyName::parse(&format!("{}/witness", domain.unwrap_or_default())).ok();
        let keys: Vec<_> = card.witness_keys().iter().map(|key| key.key.clone()).collect();
        keys.into_iter().filter_map(move |key| WitnessKey::new(name.clone()?, key).ok())
    });
    keys.collect()
}

fn no_head() -> Status {
    let text = "the audit log has no head with this message at present; see `barid status`, and \
                ask again";
    refuse(Reason::AuditLogDown, text)
}

fn not_made(error: &GatherError<TileError>) -> Status {
    tracing::error!(%error, "evidence cannot be put together");
    let text = "the node cannot put the evidence together; its operator must look at its log";
    refuse(Reason::Internal, text)
}
