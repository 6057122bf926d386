//! The submission stream: checked in parallel, decided and answered in order.

use std::sync::Arc;

use barid_broker::decide::Refusal;
use barid_broker::gate::NotAdmitted;
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
use super::status::{refuse, request_unread, status};
use super::{ANSWERS_MAX, Services};

/// Messages of one stream that are checked at one time, or wait for their decision.
const WINDOW: usize = 128;

/// What goes from step to step: a message with its sequence, or at last the status that
/// the stream ends with. It comes behind the answers to all that was read before it.
type Step<T> = Result<(u64, T), Status>;

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
    checking: mpsc::Sender<Step<JoinHandle<Checked>>>,
) {
    loop {
        let request = tokio::select! {
            () = services.stop.cancelled() => Err(stopping()),
            request = requests.message() => request.map_err(|status| request_unread(&status)),
        };
        let step = match request {
            Ok(Some(SubmitMessagesRequest { sequence, message })) => {
                let broker = services.broker.clone();
                let identity = Arc::clone(&identity);
                let check = async move { check(&broker, &identity, message) };
                Ok((sequence, services.tasks.spawn(check)))
            }
            Ok(None) => return,
            Err(status) => Err(status),
        };
        let is_last = step.is_err();
        if checking.send(step).await.is_err() || is_last {
            return;
        }
    }
}

fn check(broker: &barid_broker::Broker, identity: &str, message: Option<SignedMessage>) -> Checked {
    match message {
        Some(message) => broker.check(identity, message),
        None => Checked::New(Err(Box::new(NotAdmitted::from(Faults::from(Fault {
            path: "message".to_owned(),
            reason: Reason::FieldMissing,
            rule: "",
            description: "the request holds no message".to_owned(),
        }))))),
    }
}

/// Hands checked messages to the sequencer in the order in which they came, so that
/// a sender's order is the order of acceptance.
async fn enqueue_all(
    services: Services,
    identity: Arc<str>,
    mut checked: mpsc::Receiver<Step<JoinHandle<Checked>>>,
    deciding: mpsc::Sender<Step<Result<Pending, Refusal>>>,
) {
    while let Some(step) = checked.recv().await {
        let step = match step {
            Ok((sequence, check)) => Ok((sequence, enqueue(&services, &identity, check).await)),
            Err(status) => Err(status),
        };
        if deciding.send(step).await.is_err() {
            return;
        }
    }
}

async fn enqueue(
    services: &Services,
    identity: &str,
    check: JoinHandle<Checked>,
) -> Result<Pending, Refusal> {
    match check.await {
        Ok(checked) => services.broker.enqueue(identity, checked).await,
        Err(_panicked) => Err(Refusal::new(
            Reason::Internal,
            "the message could not be checked; this is a fault of the node",
        )),
    }
}

async fn answer_all(
    services: Services,
    mut decided: mpsc::Receiver<Step<Result<Pending, Refusal>>>,
    answering: mpsc::Sender<Result<SubmitMessagesResponse, Status>>,
) {
    while let Some(step) = decided.recv().await {
        let answer = match step {
            Ok((sequence, pending)) => Ok(answer(&services, sequence, pending).await),
            Err(status) => Err(status),
        };
        if answering.send(answer).await.is_err() {
            return;
        }
    }
}

async fn answer(
    services: &Services,
    sequence: u64,
    pending: Result<Pending, Refusal>,
) -> SubmitMessagesResponse {
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
    response
}

fn stopping() -> Status {
    refuse(Reason::ShuttingDown, "the node is stopping; submit again what has no answer")
}
