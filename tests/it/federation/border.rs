//! A border: the nodes of two countries, joined by cards and one agreement.

use std::net::SocketAddr;
use std::time::Duration;

use barid_link::card::Contact;
use barid_link::tls::Endpoint;
use barid_node::card::{Wishes, own};
use barid_node::config::{Config, OWN_CARD};
use barid_proto::operations::v1 as ops;

use super::wire::Wire;
use crate::harness::{Agency, Node, now, within, write};

/// One text for both, and one that covers nothing across the border.
const AGREEMENT: &str = r#"
[[agreement]]
id = "agr:a-border"
version = 1
parties = ["pk/customs", "pk/border-guard", "ir/police", "af/police"]
kinds = ["ALERT", "INCIDENT", "NOTE"]
purposes = ["BORDER_OPERATION"]

[[agreement]]
id = "agr:b-guards"
version = 1
parties = ["pk/border-guard"]
kinds = ["ALERT", "INCIDENT", "NOTE"]
purposes = ["BORDER_OPERATION"]
"#;

/// How long a card may be used.
const VALIDITY: Duration = Duration::from_hours(30 * 24);

/// pk with customs and border guard, ir with police; pk calls ir.
pub(super) struct Border {
    pub(super) pk: Node,
    pub(super) ir: Node,
}

impl Border {
    /// Both run, and the link comes up by itself.
    pub(super) fn start() -> Self {
        let mut border = Self::made(None);
        border.pk.restart();
        border.ir.restart();
        border
    }

    /// As [`Border::start`], with a wire between the two; the link is live.
    pub(super) async fn start_over(wire: &Wire) -> Self {
        let mut border = Self::made(Some(&wire.endpoint()));
        wire.leads_to(listens(&border.ir));
        border.pk.restart();
        border.ir.restart();
        border.live().await;
        border
    }

    /// Joined, and not running; pk is told to call ir at this address, if not at its own.
    pub(super) fn made(endpoint: Option<&str>) -> Self {
        let pk =
            Node::site(&["pk/customs", "pk/border-guard"]).named("pk").and_operator("duty").make();
        let ir = Node::site(&["ir/police"]).named("ir").make();
        let endpoint = endpoint.map(|text| text.parse().expect("an endpoint"));
        let cards = [card(&pk, None), card(&ir, endpoint)];
        join(&pk, "ir", &cards[1], true);
        join(&ir, "pk", &cards[0], false);
        keep(&pk, &cards[0]);
        keep(&ir, &cards[1]);
        Self { pk, ir }
    }

    /// Signs a head of its log every second from the next start on, in place of 30.
    pub(super) fn sign_heads_each_second(&self) {
        for node in [&self.pk, &self.ir] {
            node.edit("# checkpoint_every_s = 30", "checkpoint_every_s = 1");
        }
    }

    pub(super) async fn customs(&self) -> Agency {
        self.pk.agency("pk/customs").await
    }

    pub(super) async fn police(&self) -> Agency {
        self.ir.agency("ir/police").await
    }

    /// How pk's operator sees its link with ir.
    pub(super) async fn peer_of_pk(&self) -> ops::Peer {
        peer(&self.pk, "ir").await
    }

    /// Waits until the link is live.
    pub(super) async fn live(&self) {
        until(&self.pk, "ir", is_live).await;
    }
}

/// How a node's operator sees one of its links.
pub(super) async fn peer(node: &Node, name: &str) -> ops::Peer {
    let request = ops::ListPeersRequest { name: name.into() };
    within(node.operator().list_peers(request)).await.expect("the peer").peers.remove(0)
}

/// Waits until a node sees a peer so. Nobody is told of a link's changes: they are looked
/// for.
pub(super) async fn until(node: &Node, name: &str, what: impl Fn(&ops::Peer) -> bool) {
    let seen = async {
        while !what(&peer(node, name).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(seen).await;
}

/// Whether a link is up.
pub(super) fn is_live(peer: &ops::Peer) -> bool {
    peer.state() == ops::LinkState::Live
}

/// The card of a node, as its operator would export it.
pub(super) fn card(node: &Node, endpoint: Option<Endpoint>) -> String {
    let config = Config::load(&node.config()).expect("what init made");
    let contact = Contact { role: "duty officer".into(), ..Contact::default() };
    let wishes = Wishes { endpoint, contact, validity: VALIDITY, ..Wishes::default() };
    own(&config, wishes, now()).expect("a card").to_text()
}

/// Keeps a node's card beside its configuration, as the export of it does.
pub(super) fn keep(node: &Node, card: &str) {
    write(&node.dir.join("node").join(OWN_CARD), card.as_bytes());
}

/// A node that another is to know.
pub(super) struct Neighbour<'a> {
    pub(super) name: &'a str,
    pub(super) card: &'a str,
    /// Whether it is called, or calls.
    pub(super) is_called: bool,
}

/// Pins the card of a peer.
pub(super) fn join(node: &Node, name: &str, card: &str, dials: bool) {
    join_all(node, &[Neighbour { name, card, is_called: dials }]);
}

/// Pins the cards of all its peers.
pub(super) fn join_all(node: &Node, neighbours: &[Neighbour<'_>]) {
    let text = std::fs::read_to_string(node.config()).expect("node.toml can be read");
    let (before, _domestic) = text.split_once("[[agreement]]").expect("an agreement of init's");
    let mut text = format!("{before}{AGREEMENT}");
    for Neighbour { name, card, is_called } in neighbours {
        write(&node.dir.join("node").join(format!("{name}.card")), card.as_bytes());
        let peer = format!("[[peer]]\nname = \"{name}\"\ncard = \"{name}.card\"\n");
        text.push_str(&format!("{peer}dial = {is_called}\n"));
    }
    write(&node.config(), text.as_bytes());
}

/// Where a node really listens for other nodes.
pub(super) fn listens(node: &Node) -> SocketAddr {
    let config = Config::load(&node.config()).expect("what init made");
    config.listen.federation.expect("a listener for nodes")
}
