//! A receiving stream as the wire has it, one step at a time.

use barid_link::stub::exchange::exchange_service_client::ExchangeServiceClient;
use barid_proto::exchange::v1 as pb;
use pb::receive_messages_request::Command;
use pb::receive_messages_response::Event;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use super::within;

/// Requests that wait to be sent.
const REQUESTS: usize = 64;

/// An open receiving stream.
pub(crate) struct Stream {
    requests: mpsc::Sender<pb::ReceiveMessagesRequest>,
    responses: Streaming<pb::ReceiveMessagesResponse>,
}

impl Stream {
    /// Opens an inbox.
    pub(crate) async fn open(
        mut rpc: ExchangeServiceClient<Channel>,
        open: pb::OpenInbox,
    ) -> Result<Self, Status> {
        let (requests, outbound) = mpsc::channel(REQUESTS);
        let first = pb::ReceiveMessagesRequest { command: Some(Command::Open(open)) };
        requests.try_send(first).expect("room for the first");
        let opening = within(rpc.receive_messages(ReceiverStream::new(outbound))).await?;
        let responses = opening.into_inner();
        Ok(Self { requests, responses })
    }

    /// Says something.
    pub(crate) async fn say(&self, command: Command) {
        let request = pb::ReceiveMessagesRequest { command: Some(command) };
        let said = within(self.requests.send(request)).await;
        said.expect("the stream is open");
    }

    /// What the node says next, heartbeats left out; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Result<Option<Event>, Status> {
        loop {
            match within(self.responses.message()).await? {
                None => return Ok(None),
                Some(response) => match response.event.expect("an event") {
                    Event::Heartbeat(_) => {}
                    event => return Ok(Some(event)),
                },
            }
        }
    }

    /// The next hand-out.
    pub(crate) async fn hand_out(&mut self) -> pb::HandOut {
        match self.hear().await {
            Ok(Some(Event::HandOut(hand_out))) => hand_out,
            other => panic!("no hand-out but {other:?}"),
        }
    }

    /// The node's answer to an ack, nack, refusal or renewal.
    pub(crate) async fn ask(&mut self, command: Command) -> pb::lease_result::Result {
        self.say(command).await;
        match self.hear().await {
            Ok(Some(Event::LeaseResult(result))) => result.result.expect("a result"),
            other => panic!("no lease result but {other:?}"),
        }
    }
}
