//! The submission stream: checked in parallel, decided and answered in order.

use std::sync::Arc;

use barid_broker::decide::Refusal;
use barid_broker::{Checked, Pending};
use barid_message::Reason;
use barid_message::fault::{Fault, Faults};
use barid_proto::exchange::v1::submit_messages_response::Outcome;
use barid_proto::exchange::v1::{SubmitMessagesRequest, SubmitMessagesResponse};
use barid_proto::message::v1::SignedMessage;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::authn::Caller;
use super::status::status;
use super::{ANSWERS_MAX, Services};

/// Messages of one stream that are checked at one time, or wait for their decision.
const WINDOW: usize = 128;

/// Opens a submission stream: three steps, each with a bounded queue to the next.
pub(super) fn stream(
    services: &Services,
    caller: Caller,
    requests: Streaming<SubmitMessagesRequest>,
) -> Result<ReceiverStream<Result<SubmitMessagesResponse, Status>>, Status> {
    let place = services.submitters.open(&caller.identity).map_err(|refusal| status(&refusal))?;
    let (checking, checked) = mpsc::channel(WINDOW);
    let (deciding, decided) = mpsc::channel(WINDOW);
    let (answering, answers) = mpsc::channel(ANSWERS_MAX);
    let identity = caller.identity;
    services.tasks.spawn(check_all(services.clone(), Arc::clone(&identity), requests, checking));
    services.tasks.spawn(enqueue_all(services.clone(), identity, checked, deciding));
    let services_answer = services.clone();
    services.tasks.spawn(async move {
        answer_all(services_answer, decided, answering).await;
        drop(place);
    });
    Ok(ReceiverStream::new(answers))
}

/// Reads requests and starts their checks, which use all cores.
async fn check_all(
    services: Services,
    identity: Arc<str>,
    mut requests: Streaming<SubmitMessagesRequest>,
    checking: mpsc::Sender<(u64, JoinHandle<Checked>)>,
) {
    loop {
        let request = tokio::select! {
            () = services.stop.cancelled() => return,
            request = requests.message() => request,
        };
        // What a broken stream leaves unanswered, its sender submits again.
        let Ok(Some(SubmitMessagesRequest { sequence, message })) = request else {
            return;
        };
        let broker = services.broker.clone();
        let identity = Arc::clone(&identity);
        let check = services.tasks.spawn(async move { check(&broker, &identity, message) });
        if checking.send((sequence, check)).await.is_err() {
            return;
        }
    }
}

fn check(broker: &barid_broker::Broker, identity: &str, message: Option<SignedMessage>) -> Checked {
    match message {
        Some(message) => broker.check(identity, message),
        None => Checked::New(Err(Faults::from(Fault {
            path: "message".to_owned(),
            reason: Reason::FieldMissing,
            rule: "",
            description: "the request holds no message".to_owned(),
        }))),
    }
}

/// Hands checked messages to the sequencer in the order in which they came, so that
/// a sender's order is the order of acceptance.
async fn enqueue_all(
    services: Services,
    identity: Arc<str>,
    mut checked: mpsc::Receiver<(u64, JoinHandle<Checked>)>,
    deciding: mpsc::Sender<(u64, Result<Pending, Refusal>)>,
) {
    while let Some((sequence, check)) = checked.recv().await {
        let pending = match check.await {
            Ok(checked) => services.broker.enqueue(&identity, checked).await,
            Err(_panicked) => Err(Refusal::new(
                Reason::Internal,
                "the message could not be checked; this is a fault of the node",
            )),
        };
        if deciding.send((sequence, pending)).await.is_err() {
            return;
        }
    }
}

async fn answer_all(
    services: Services,
    mut decided: mpsc::Receiver<(u64, Result<Pending, Refusal>)>,
    answering: mpsc::Sender<Result<SubmitMessagesResponse, Status>>,
) {
    while let Some((sequence, pending)) = decided.recv().await {
        let decided = match pending {
            Ok(pending) => pending.decided().await,
            Err(refusal) => Err(refusal),
        };
        let mut response = SubmitMessagesResponse { sequence, ..Default::default() };
        response.outcome = match decided {
            Ok(receipt) => {
                response.repeated_submission = receipt.repeated;
                services.signed(receipt.evidence).map(Outcome::Receipt)
            }
            Err(refusal) => Some(Outcome::Refusal(services.refusal(refusal))),
        };
        if answering.send(Ok(response)).await.is_err() {
            return;
        }
    }
}
