//! Other nodes: the `[[peer]]` tables and the cards that they name.

use std::path::PathBuf;

use barid_link::card::Card;
use barid_link::identity::Identity;
use barid_message::time::Millis;

use super::error::{ConfigError, Problem};
use super::raw::RawPeer;
use super::source::Source;
use super::{CARDS, Config, NodeName, OWN_CARD, files};

/// `[[peer]]`: a node that this one is linked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// `name`: what it is called here, in logs and tables; no two peers have one name.
    pub name: NodeName,
    /// `card`: what its administrators handed over; no two are of one node, and no
    /// address lives at two nodes.
    pub card: Card,
    /// Where the card lies, as joined.
    pub file: PathBuf,
    /// `dial`, default true where the card has an endpoint: whether this node calls.
    pub dials: bool,
}

/// Reads the cards, after all else: what they say is held against the rest.
pub(super) fn read_peers(
    source: &Source<'_>,
    config: &Config,
    raw: &[RawPeer],
    now: Millis,
) -> Result<Vec<Peer>, ConfigError> {
    let mut peers: Vec<Peer> = Vec::with_capacity(raw.len());
    for raw in raw {
        let peer = read_peer(source, raw)?;
        current(&peer.name, &config.card_in_force(&peer), now)
            .map_err(|problem| source.refuse(&raw.card, problem))?;
        if peers.iter().any(|other| other.name == peer.name) {
            return Err(source.refuse(&raw.name, Problem::PeerNameTwice(peer.name)));
        }
        fits(config, &peers, &peer.card).map_err(|problem| source.refuse(&raw.card, problem))?;
        peers.push(peer);
    }
    Ok(peers)
}

impl Config {
    /// Whether a peer with this name and card could be added, or could take the place
    /// of the peer of that name.
    ///
    /// # Errors
    /// What [`Config::load`] would say of it.
    pub fn admits(&self, name: &NodeName, card: &Card, now: Millis) -> Result<(), Problem> {
        let others: Vec<Peer> =
            self.peers.iter().filter(|peer| peer.name != *name).cloned().collect();
        current(name, card, now)?;
        fits(self, &others, card)
    }
}

impl Config {
    /// Where the cards of peers lie that were renewed over the link.
    pub(crate) fn cards_folder(&self) -> PathBuf {
        self.node.data.join(CARDS)
    }

    /// The card of a peer in force, for who looks from outside: the pinned one, or what
    /// the node has made of it over the link. The node itself goes by its journal.
    #[must_use]
    pub fn card_in_force(&self, peer: &Peer) -> Card {
        let file = self.cards_folder().join(format!("{}.card", peer.name));
        let renewed = files::read_card(&file).ok().and_then(|text| Card::from_text(&text).ok());
        renewed
            .filter(|card| card.node() == peer.card.node() && card.serial() > peer.card.serial())
            .unwrap_or_else(|| peer.card.clone())
    }
}

/// The card that `barid card export` made last; none is no fault.
pub(super) fn read_own_card(
    source: &Source<'_>,
    config: &Config,
) -> Result<Option<Card>, ConfigError> {
    let path = source.file.with_file_name(OWN_CARD);
    if !path.exists() {
        return Ok(None);
    }
    let refuse = |problem| source.refuse_at(0, problem);
    let text = files::read_card(&path).map_err(|error| refuse(Problem::CardFile(error)))?;
    let card = Card::from_text(&text)
        .map_err(|cause| refuse(Problem::OwnCard { path: path.clone(), cause }))?;
    let own = Identity::Node { trust_domain: config.node.trust_domain.clone() };
    if *card.node() != own {
        let found = card.node().clone();
        return Err(refuse(Problem::OwnCardOfOther { path, found }));
    }
    Ok(Some(card))
}

/// Whether a card contradicts neither the node's own configuration nor other cards.
fn fits(config: &Config, peers: &[Peer], card: &Card) -> Result<(), Problem> {
    let node = card.node();
    if *node == (Identity::Node { trust_domain: config.node.trust_domain.clone() }) {
        return Err(Problem::PeerIsSelf(node.clone()));
    }
    if let Some(peer) = peers.iter().find(|other| other.card.node() == node) {
        return Err(Problem::PeerTwice { node: node.clone(), peer: peer.name.clone() });
    }
    for address in card.agencies().iter().map(|agency| &agency.address) {
        if config.agencies.iter().any(|agency| agency.address == *address) {
            return Err(Problem::AddressHosted(address.clone()));
        }
        let lives_at =
            |peer: &&Peer| peer.card.agencies().iter().any(|agency| agency.address == *address);
        if let Some(peer) = peers.iter().find(lives_at) {
            let (address, peer) = (address.clone(), peer.name.clone());
            return Err(Problem::AddressAtPeer { address, peer });
        }
    }
    Ok(())
}

fn current(name: &NodeName, card: &Card, now: Millis) -> Result<(), Problem> {
    if !card.is_expired_at(now) {
        return Ok(());
    }
    let (node, ended, name) = (card.node().clone(), card.valid_until(), name.clone());
    Err(Problem::CardExpired { node, ended, name })
}

fn read_peer(source: &Source<'_>, raw: &RawPeer) -> Result<Peer, ConfigError> {
    let RawPeer { name: raw_name, card: raw_card, dial } = raw;
    let name: NodeName = raw_name
        .get_ref()
        .parse()
        .map_err(|error| source.refuse(raw_name, Problem::NodeName(error)))?;
    let path = source.path(raw_card)?;
    let text = files::read_card(&path)
        .map_err(|error| source.refuse(raw_card, Problem::CardFile(error)))?;
    let card = Card::from_text(&text).map_err(|cause| {
        let path = path.clone();
        source.refuse(raw_card, Problem::Card { path, cause })
    })?;
    let reachable = card.endpoint().is_some();
    if let Some(dial) = dial.as_ref().filter(|dial| *dial.get_ref())
        && !reachable
    {
        return Err(source.refuse(dial, Problem::NoEndpoint));
    }
    let dials = dial.as_ref().map_or(reachable, |dial| *dial.get_ref());
    Ok(Peer { name, card, file: path, dials })
}
