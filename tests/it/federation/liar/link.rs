//! One session as the wire has it.

use barid_message::Reason;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{
    CustodyStatement, Data, Frame, Hello, Lane, OpenLinkResponse, Slot,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::Streaming;

use crate::harness::within;

/// Bytes of a piece, at most.
const PIECE: usize = 4096;

/// An open link.
pub(super) struct Link {
    frames: mpsc::Sender<Frame>,
    said: Streaming<OpenLinkResponse>,
    /// The node's hello.
    pub(super) theirs: Hello,
    bytes_sent: u64,
}

impl Link {
    /// Hears the node's hello, which comes first.
    pub(super) async fn begun(
        frames: mpsc::Sender<Frame>,
        mut said: Streaming<OpenLinkResponse>,
    ) -> Self {
        let first = within(said.message()).await.expect("a stream").expect("a frame");
        let Some(Kind::Hello(hello)) = first.frame.and_then(|frame| frame.kind) else {
            panic!("no hello");
        };
        let payload = hello.envelope.expect("signed").payload;
        let theirs = Hello::decode(payload).expect("a hello");
        Self { frames, said, theirs, bytes_sent: 0 }
    }

    /// Says something. The node may have gone meanwhile.
    pub(super) async fn say(&self, kind: Kind) {
        drop(within(self.frames.send(Frame { kind: Some(kind) })).await);
    }

    /// Says nothing in a frame.
    pub(super) async fn say_nothing(&self) {
        drop(within(self.frames.send(Frame { kind: None })).await);
    }

    /// Sends a slot by the book.
    pub(super) async fn slot(&mut self, lane: Lane, number: u64, slot: &Slot) {
        self.bytes(lane, number, &slot.encode_to_vec()).await;
    }

    /// Sends what may be a slot, in pieces by the book.
    pub(super) async fn bytes(&mut self, lane: Lane, number: u64, bytes: &[u8]) {
        for (place, piece) in bytes.chunks(PIECE).enumerate() {
            self.bytes_sent += piece.len() as u64;
            let data = Data {
                lane: lane.into(),
                number,
                slot_bytes: u32::try_from(bytes.len()).expect("a slot"),
                offset: u32::try_from(place * PIECE).expect("a slot"),
                piece: piece.to_vec().into(),
                bytes_sent: self.bytes_sent,
            };
            self.say(Kind::Data(data)).await;
        }
    }

    /// What the node says next that is no sign of life; `None` at the end.
    pub(super) async fn hear(&mut self) -> Option<Kind> {
        loop {
            let heard = within(self.said.message()).await.ok().flatten()?;
            match heard.frame.and_then(|frame| frame.kind).expect("a frame") {
                Kind::Heartbeat(_) | Kind::BytesReceived(_) => {}
                kind => return Some(kind),
            }
        }
    }

    /// Waits until the node has acknowledged every byte of all pieces.
    pub(super) async fn all_acknowledged(&mut self) {
        loop {
            let heard = within(self.said.message()).await.expect("a stream").expect("a frame");
            if let Some(Kind::BytesReceived(said)) = heard.frame.and_then(|frame| frame.kind)
                && said.bytes_received == self.bytes_sent
            {
                return;
            }
        }
    }

    /// The node's next custody statement.
    pub(super) async fn statement(&mut self) -> CustodyStatement {
        loop {
            match self.hear().await {
                Some(Kind::Custody(receipt)) => {
                    let payload = receipt.envelope.expect("signed").payload;
                    return CustodyStatement::decode(payload).expect("a statement");
                }
                Some(Kind::Data(_)) => {}
                other => panic!("no receipt but {other:?}"),
            }
        }
    }

    /// The next piece of a slot of the node.
    pub(super) async fn data(&mut self) -> Data {
        match self.hear().await {
            Some(Kind::Data(data)) => data,
            other => panic!("no slot but {other:?}"),
        }
    }

    /// Why the node ends the link.
    pub(super) async fn closed(&mut self) -> Reason {
        loop {
            match self.hear().await {
                Some(Kind::Close(close)) => return close.reason(),
                Some(_) => {}
                None => panic!("the link ended without a word"),
            }
        }
    }
}
