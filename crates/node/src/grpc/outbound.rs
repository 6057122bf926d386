//! What a receiving stream says, and what becomes of it where nobody hears it.

use std::pin::Pin;
use std::task::{Context, Poll};

use barid_broker::Lent;
use barid_proto::exchange::v1::receive_messages_response::Event;
use barid_proto::exchange::v1::{HandOut, ReceiveMessagesResponse};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;

use super::ANSWERS_MAX;

type Said = Result<ReceiveMessagesResponse, Status>;

/// Something to say. A hand-out that is dropped in the queue goes back to the broker.
struct Outgoing {
    said: Said,
    lent: Option<Lent>,
}

/// Nobody listens any more.
#[derive(Debug)]
pub(super) struct Gone;

/// Says things on one stream.
#[derive(Clone)]
pub(super) struct Answers(mpsc::Sender<Outgoing>);

/// What was said and not yet sent; the server sends it.
pub(crate) struct Outbound(mpsc::Receiver<Outgoing>);

/// A queue between who speaks and the server.
pub(super) fn channel() -> (Answers, Outbound) {
    let (answers, outbound) = mpsc::channel(ANSWERS_MAX);
    (Answers(answers), Outbound(outbound))
}

impl Answers {
    pub(super) async fn send(&self, said: Said) -> Result<(), Gone> {
        self.say(Outgoing { said, lent: None }).await
    }

    /// Hands out. From here on the hand-out is the stream's.
    pub(super) async fn hand_out(&self, hand_out: HandOut, lent: Lent) -> Result<(), Gone> {
        let response = ReceiveMessagesResponse { event: Some(Event::HandOut(hand_out)) };
        self.say(Outgoing { said: Ok(response), lent: Some(lent) }).await
    }

    async fn say(&self, outgoing: Outgoing) -> Result<(), Gone> {
        self.0.send(outgoing).await.map_err(|_gone| Gone)
    }
}

impl Stream for Outbound {
    type Item = Said;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        self.0.poll_recv(cx).map(|next| {
            let Outgoing { said, lent } = next?;
            if let Some(lent) = lent {
                lent.sent();
            }
            Some(said)
        })
    }
}
