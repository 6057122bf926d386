//! Evidence that stands alone, for whoever never saw this node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::bundle::{GatherError, Source, gather};
use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::evidence::sign;
use barid_broker::audit_log::TileError;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::operations::v1::{ExportEvidenceRequest, ExportEvidenceResponse};
use barid_store::MESSAGE_ROWS_MAX;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::authn::Operator;
use super::events::{message_id, purpose};
use super::reading::Reading;
use super::status::{refuse, status, stopping};
use super::{ANSWERS_MAX, Services, blocking};
use crate::witness::witness_keys;

/// A bundle, piece by piece.
pub(super) type Chunks = ReceiverStream<Result<ExportEvidenceResponse, Status>>;

/// Bytes of a piece: far below the largest gRPC message.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long a head may wait for linked nodes to cosign it: a round of theirs, and a half.
/// Without, the bundle is as good but for what a witness would have proven.
const COSIGNED_WAIT: Duration = Duration::from_secs(15);

/// What was asked for.
struct Asked {
    id: MessageId,
    origin: Option<Address>,
    without_body: bool,
}

/// Begins to make the bundle of a message from this node's log.
pub(super) fn export(
    services: &Services,
    operator: Operator,
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
    let asked = Asked { id, origin, without_body: request.without_body };
    // Few at a time for each who asks: the whole journal is passed over.
    let place = services.readers.open(&operator.identity).map_err(|refusal| status(&refusal))?;
    let (answers, stream) = mpsc::channel(ANSWERS_MAX);
    let services = services.clone();
    services.clone().tasks.spawn(async move {
        let opened = Reading::open(
            &services.broker,
            &operator.identity,
            "evidence",
            request.message_id,
            &request.purpose,
        );
        let made = match opened.await {
            Ok(reading) => tokio::select! {
                made = tell(&services, &asked, reading, &answers) => made,
                () = services.stop.cancelled() => Err(status(&stopping())),
                () = answers.closed() => Ok(()),
            },
            Err(refused) => Err(refused),
        };
        if let Err(refused) = made {
            // Where nobody reads any more, nobody needs to be told.
            drop(answers.send(Err(refused)).await);
        }
        drop(place);
    });
    Ok(ReceiverStream::new(stream))
}

async fn tell(
    services: &Services,
    asked: &Asked,
    mut reading: Reading,
    answers: &mpsc::Sender<Result<ExportEvidenceResponse, Status>>,
) -> Result<(), Status> {
    let bundle = bundle(services, asked).await?;
    reading.count(1);
    for at in (0..bundle.len()).step_by(CHUNK_BYTES) {
        let chunk = bundle.slice(at..bundle.len().min(at + CHUNK_BYTES));
        if answers.send(Ok(ExportEvidenceResponse { chunk })).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn bundle(services: &Services, asked: &Asked) -> Result<Bytes, Status> {
    let broker = &services.broker;
    broker.wait_projected().await.map_err(|down| status(&down))?;
    let rows = services.read_log(|log| log.message(&asked.id))?;
    if rows.len() >= MESSAGE_ROWS_MAX {
        let text = "more has happened to this message than one bundle holds";
        return Err(refuse(Reason::TooLarge, text));
    }
    let places: BTreeSet<_> = rows.iter().map(|row| row.cursor.position).collect();
    let grounds = blocking(|| broker.grounds(&asked.id, asked.origin.as_ref(), &places));
    let mut grounds = grounds.map_err(|refusal| status(&refusal))?;
    if asked.without_body {
        grounds.message.body = Bytes::new();
    }
    let peers: Vec<_> = broker.registry().peers().map(|peer| Arc::clone(&peer.identity)).collect();
    let witnesses: Vec<_> = peers.iter().flat_map(|peer| witness_keys(services, peer)).collect();
    let head = head(services, grounds.last, !witnesses.is_empty()).await?;
    let log = broker.audit_log();
    let source = Source { key: log.key(), head: &head, witnesses: &witnesses };
    let size = head.checkpoint().size;
    let bundle = blocking(|| {
        let sign = |evidence| sign(evidence, &services.evidence_key, None);
        let prove = |position| log.inclusion(position, size);
        gather(grounds.message, &grounds.entries, source, sign, prove)
    });
    bundle.map_err(|error| not_made(&error))
}

/// A head with the entry at `last`, cosigned where somebody does so in time.
async fn head(
    services: &Services,
    last: u64,
    has_witnesses: bool,
) -> Result<Arc<SignedCheckpoint>, Status> {
    let log = services.broker.audit_log();
    let own = log.head_with(last).await.ok_or_else(no_head)?;
    let cosigned = async {
        let mut changes = log.changes();
        let covers = |head: &Arc<SignedCheckpoint>| head.checkpoint().size > last;
        let found = changes.wait_for(|now| now.cosigned.as_ref().is_some_and(covers));
        found.await.ok().and_then(|now| now.cosigned.clone())
    };
    if has_witnesses && let Ok(Some(cosigned)) = timeout(COSIGNED_WAIT, cosigned).await {
        return Ok(cosigned);
    }
    Ok(own)
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
