//! A node with a little traffic, and messages to break.

use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::SigningKey;
use barid_proto::exchange::v1::{HandOut, OpenInbox};
use barid_proto::message::v1 as pb;
use barid_proto::operations::v1 as ops;
use prost::Message as _;

use crate::harness::{Agency, Node, Stream, alert, header_of, now, text};

/// Ten days, in milliseconds.
const TEN_DAYS_MS: u64 = 10 * 24 * 60 * 60 * 1_000;

/// What everything is tried on.
pub(super) struct Scene {
    pub(super) node: Node,
    pub(super) customs: Agency,
    pub(super) police: Agency,
    /// Sites whose certificates are no longer or not yet valid, of CAs that the node trusts.
    pub(super) past: Node,
    pub(super) future: Node,
    /// A message that was accepted, and what it was handed out with.
    pub(super) accepted: pb::SignedMessage,
    pub(super) receipt: barid_proto::audit::v1::SignedEvidence,
    pub(super) hand_out: HandOut,
    /// Holds the hand-out's lease.
    _holder: Stream,
}

/// The agencies of every site here.
const AGENCIES: [&str; 4] = ["pk/customs", "pk/police", "pk/health", "pk/coast-guard"];

/// An agreement of one party.
const HEALTH: &str = r#"[[agreement]]
id = "agr:z-health"
version = 1
parties = ["pk/health"]
kinds = ["NOTE"]
purposes = ["BORDER_OPERATION"]
"#;

/// The text of it that is hashed.
pub(super) const HEALTH_TEXT: &str = "barid agreement v0\nid agr:z-health\nversion 1\n\
    parties pk/health\nkinds KIND_NOTE\npurposes PURPOSE_BORDER_OPERATION\n";

impl Scene {
    pub(super) async fn new() -> Self {
        let mut node = Node::site(&AGENCIES).make();
        let (earlier, later) = (now().0 - TEN_DAYS_MS, now().0 + TEN_DAYS_MS);
        let [past, future] = [earlier, later].map(|ms| {
            let then = barid_message::time::Millis(ms);
            Node::site(&AGENCIES).made_at(then).make()
        });
        for other in [&past, &future] {
            node.trust(other);
        }
        // Hosted, and no party to any agreement.
        node.edit("    \"pk/coast-guard\",\n", "");
        // Without the right to FLASH.
        node.edit_behind("address = \"pk/health\"", "may_flash = true", "may_flash = false");
        // Of which customs is no party.
        node.edit("[[agreement]]", &format!("{HEALTH}\n[[agreement]]"));
        node.restart();
        let customs = node.agency("pk/customs").await;
        let police = node.agency("pk/police").await;
        let accepted = customs.sign(customs.note("Gate 2 closed.").to(&police.address));
        let receipt = customs.submit(&accepted).await.expect("accepted").evidence;
        let open = OpenInbox { inbox: "pk/police".to_owned(), ..Default::default() };
        let mut holder = Stream::open(node.raw("pk/police"), open).await.expect("open");
        let hand_out = holder.hand_out().await;
        Self { node, customs, police, past, future, accepted, receipt, hand_out, _holder: holder }
    }

    /// The node's sums, without that of refusals.
    pub(super) async fn state(&self) -> ops::Totals {
        let refused = 0;
        ops::Totals { refused, ..self.node.totals().await }
    }

    /// A good message still gets through.
    pub(super) async fn is_alive(&self) {
        let draft = self.police.note("Still here?").to(&self.customs.address);
        self.police.send(draft).await;
        assert_eq!(self.customs.inbox().take().await, "Still here?");
    }

    /// A note from customs to police that nothing is wrong with.
    pub(super) fn sound(&self) -> pb::SignedMessage {
        let draft = self.customs.note("Gate 2 opens at 06:00.");
        self.customs.sign(draft.to(&self.police.address))
    }

    /// The bytes of its header.
    pub(super) fn sound_header(&self) -> Vec<u8> {
        header_of(&self.sound()).encode_to_vec()
    }

    /// It with its header changed, signed by customs as it then is.
    pub(super) fn with_header(&self, change: impl FnOnce(&mut pb::Header)) -> pb::SignedMessage {
        let sound = self.sound();
        let mut header = header_of(&sound);
        change(&mut header);
        sign(&self.customs.key, header.encode_to_vec(), &sound.body)
    }

    /// It with these bytes for a header, signed by customs.
    pub(super) fn with_header_bytes(&self, bytes: Vec<u8>) -> pb::SignedMessage {
        sign(&self.customs.key, bytes, &self.sound().body)
    }

    /// A note of this text, signed by customs whatever is wrong with it.
    pub(super) fn with_text(&self, words: &str) -> pb::SignedMessage {
        let text = vec![text(words)];
        let subject = Vec::new();
        self.with_body(&self.sound(), &pb::Note { subject, text })
    }

    /// An alert, changed.
    pub(super) fn with_alert(&self, change: impl FnOnce(&mut pb::Alert)) -> pb::SignedMessage {
        let draft = self.customs.alert("Stolen truck").to(&self.police.address);
        let sound = self.customs.sign(draft);
        let mut alert = alert("Stolen truck");
        change(&mut alert);
        self.with_body(&sound, &alert)
    }

    /// A message with another body, which its header describes.
    fn with_body(
        &self,
        message: &pb::SignedMessage,
        body: &impl prost::Message,
    ) -> pb::SignedMessage {
        let body = body.encode_to_vec();
        let mut header = header_of(message);
        let content = header.content.as_mut().expect("row 18");
        let info = content.body.as_mut().expect("a body");
        info.size = u32::try_from(body.len()).expect("a small body");
        info.sha256 = Digest::of(&body).to_bytes();
        sign(&self.customs.key, header.encode_to_vec(), &body)
    }
}

/// Signs header bytes as they are.
pub(super) fn sign(key: &SigningKey, header: Vec<u8>, body: &[u8]) -> pb::SignedMessage {
    pb::SignedMessage {
        envelope: Some(key.envelope(PayloadType::Header, header.into())),
        body: body.to_vec().into(),
    }
}
