//! pk, which runs; ir, which lies; af, which is honest and notices nothing.

use barid_link::card::Card;
use barid_link::client::{OpenLinkError, open_link};
use barid_link::identity::KeyDigest;
use barid_link::tls::{Connector, ConnectorConfig, ca_pem};
use barid_message::Reason;
use barid_message::header::AgreementRef;
use barid_message::key::SigningKey;
use barid_node::config::Config;
use barid_proto::federation::v1 as pb;
use barid_proto::federation::v1::Frame;
use prost::Message as _;
use tokio::sync::mpsc;

use super::books;
use super::link::Link;
use crate::federation::border::{card, join};
use crate::harness::{Agency, Node, within};

/// The liar.
pub(super) const IR: &str = "spiffe://ir.example/node";
/// Whom it lies to.
pub(super) const PK: &str = "spiffe://pk.example/node";
/// The log that it says it has.
pub(super) const LOG: &str = "ir.example/log/1";

/// Who lies to whom, and before whose eyes.
pub(super) struct Scene {
    pub(super) pk: Node,
    pub(super) af: Node,
    _ir: Node,
    connector: Connector,
    /// The liar's own evidence key.
    pub(super) key: SigningKey,
    /// The key of its agency.
    pub(super) agency_key: SigningKey,
    /// As pk has it.
    pub(super) agreement: AgreementRef,
}

impl Scene {
    /// pk and af run, and are linked.
    pub(super) async fn start() -> Self {
        Self::with(|card| card).await
    }

    /// As [`Scene::start`], where pk holds a changed card of the liar, signed all the same.
    pub(super) async fn with(change: impl FnOnce(pb::Card) -> pb::Card) -> Self {
        let pk = Node::site(&["pk/customs", "pk/border-guard"]).named("pk").make();
        let af = Node::site(&["af/police"]).named("af").make();
        let ir = Node::site(&["ir/police"]).named("ir").make();
        let config = Config::load(&ir.config()).expect("what init made");
        let key = config.evidence.read().expect("a key that init made");
        let cards = [&pk, &af].map(|node| card(node, None));
        join(&af, "pk", &cards[0], true);
        join(&pk, "af", &cards[1], false);
        let shown = Card::from_text(&card(&ir, None)).expect("a card");
        let envelope = shown.as_proto().envelope.clone().expect("signed");
        let content = pb::Card::decode(envelope.payload).expect("a card");
        let shown = Card::from_proto(Card::sign(&change(content), &key)).expect("a card");
        let peer = "[[peer]]\nname = \"ir\"\ncard = \"ir.card\"\n";
        crate::harness::write(&pk.dir.join("node/ir.card"), shown.to_text().as_bytes());
        pk.edit("[[peer]]\nname = \"af\"", &format!("{peer}[[peer]]\nname = \"af\""));
        let pem = std::fs::read_to_string(ir.dir.join("agencies/ir-police/signing-key.pem"));
        let agency_key = SigningKey::from_pem(&pem.expect("a key that init made")).expect("a key");
        let connector = connector(&ir, &Card::from_text(&cards[0]).expect("a card"));
        let (mut pk, mut af) = (pk, af);
        pk.restart();
        af.restart();
        let agreement = pk.agency("pk/customs").await.agreement;
        Self { pk, af, _ir: ir, connector, key, agency_key, agreement }
    }

    /// Calls, and hears the node's hello.
    pub(super) async fn call(&self) -> Result<Link, OpenLinkError> {
        call(&self.connector).await
    }

    /// A session with an honest beginning.
    pub(super) async fn link(&self) -> Link {
        let link = self.call().await.expect("a link");
        let hello = self.hello(&link);
        self.greet(&link, &hello).await;
        link
    }

    /// An honest hello: it agrees with all that the node has said.
    pub(super) fn hello(&self, link: &Link) -> pb::Hello {
        let lane = |lane: &pb::LaneState| pb::LaneState {
            lane: lane.lane,
            next_expected: lane.next_unanswered,
            next_unanswered: lane.next_expected,
            horizon: lane.next_expected + 63,
        };
        pb::Hello {
            version_min: 1,
            version_max: 1,
            node: IR.to_owned(),
            peer: PK.to_owned(),
            log_origin: LOG.to_owned(),
            start_no: 1,
            start_nonce: vec![1; 16].into(),
            lanes: link.theirs.lanes.iter().map(lane).collect(),
            session: vec![2; 16].into(),
            peer_card_serial: link.theirs.card_serial,
            ..Default::default()
        }
    }

    /// Says hello, with the liar's own signature.
    pub(super) async fn greet(&self, link: &Link, hello: &pb::Hello) {
        link.say(super::forge::hello(hello, &self.key)).await;
    }

    /// An honest message still gets through, by the other link and at home.
    pub(super) async fn others_notice_nothing(&self) {
        let customs = self.pk.agency("pk/customs").await;
        let police = self.af.agency("af/police").await;
        for (from, to) in [(&customs, &police), (&police, &customs)] {
            from.send(from.note("all quiet").to(&to.address)).await;
            assert_eq!(taken(to).await, "all quiet");
        }
    }

    /// How many messages lie on pk's disk.
    pub(super) fn written(&self) -> usize {
        const MAGIC: &[u8] = b"\xFFBRDBLB\0";
        let folders = std::fs::read_dir(self.pk.data().join("bodies")).expect("bodies");
        let segments = folders.flat_map(|epoch| {
            std::fs::read_dir(epoch.expect("an epoch").path()).expect("its segments")
        });
        let messages = segments.map(|segment| {
            let bytes = std::fs::read(segment.expect("a segment").path()).expect("its bytes");
            bytes.windows(MAGIC.len()).filter(|window| *window == MAGIC).count()
        });
        messages.sum()
    }

    /// Stops pk in order; gives what it recorded of the liar.
    pub(super) async fn misbehaviour(mut self) -> Vec<Reason> {
        self.others_notice_nothing().await;
        assert!(self.pk.stop().status.success(), "the process lives to its end");
        books::misbehaviour(&self.pk.data(), IR)
    }
}

async fn taken(agency: &Agency) -> String {
    agency.inbox().take().await
}

/// How a node calls the one of this card.
pub(super) fn connector(caller: &Node, card: &Card) -> Connector {
    let config = Config::load(&caller.config()).expect("what init made");
    let material = config.tls.read().expect("files that init made");
    let config = ConnectorConfig {
        endpoint: card.endpoint().cloned().expect("it listens"),
        server_name: card.server_name().to_owned(),
        node: card.node().clone(),
        certificate: material.certificate.clone(),
        key: material.key.to_vec(),
        ca: ca_pem(card.ca_certificate()),
    };
    let pinned = card.tls_keys().iter().map(|digest| KeyDigest(digest.0)).collect();
    Connector::pinned(config, pinned).expect("files that init made")
}

/// Opens a link, and hears the node's hello.
pub(super) async fn call(connector: &Connector) -> Result<Link, OpenLinkError> {
    let (frames, outbound) = mpsc::channel::<Frame>(64);
    let said = within(Box::pin(open_link(connector, outbound))).await?.said;
    Ok(Link::begun(frames, said).await)
}
