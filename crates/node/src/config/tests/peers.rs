//! Cards of other nodes, held against the rest of the configuration.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use barid_link::card::Card;
use barid_message::address::Address;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

use crate::config::{Config, ConfigError, Peer};
use crate::init::{self, Plan};

/// 2026-01-01T00:00:00Z.
const NOW: Millis = Millis(1_767_225_600_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A node pk with customs and police, and a place for cards.
struct Site {
    home: TempDir,
    config: PathBuf,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let agencies = ["pk/customs", "pk/police"].map(|text| Address::parse(text).unwrap());
        let (name, domain) = ("pk".parse().unwrap(), "pk.example".parse().unwrap());
        let plan = Plan::new(home.path().join("pk"), name, domain, agencies.to_vec(), NOW);
        let config = init::create(&plan).unwrap().config;
        Self { home, config }
    }

    /// Puts a card into a file and adds its table; gives the line of its `card`.
    fn peer(&self, name: &str, card: &Card, more: &str) -> usize {
        let path = self.home.path().join(format!("pk/node/{name}.card"));
        File::create(path).unwrap().write_all(card.to_text().as_bytes()).unwrap();
        self.table(name, &format!("card = \"{name}.card\"\n{more}"))
    }

    /// Adds a table; gives the line of what comes after its name.
    fn table(&self, name: &str, rest: &str) -> usize {
        let rest = rest.trim_end();
        let text = std::fs::read_to_string(&self.config).unwrap();
        let text = format!("{text}[[peer]]\nname = \"{name}\"\n{rest}\n");
        File::create(&self.config).unwrap().write_all(text.as_bytes()).unwrap();
        text.lines().count() - rest.lines().count() + 1
    }

    fn load(&self) -> Result<Vec<Peer>, ConfigError> {
        Config::load_at(&self.config, NOW).map(|config| config.peers)
    }

    /// Asserts that it does not load, for this reason at this line.
    fn refused(&self, line: usize, said: &str) {
        let error = self.load().unwrap_err();
        let ConfigError::At { place, .. } = &error else { panic!("{error}") };
        assert_eq!(place.line, line, "{error}");
        let error = error.to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

/// A card of the node of a trust domain, with these agencies.
fn card(domain: &str, agencies: &[&str], change: impl FnOnce(&mut pb::Card)) -> Card {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let card_key = |key: &SigningKey| pb::CardKey {
        spki: key.public().spki().clone(),
        valid_from: Some(NOW.to_proto()),
        valid_until: None,
    };
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let ca = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let agency = |address: &&str| pb::CardAgency {
        address: (*address).to_owned(),
        keys: vec![card_key(&SigningKey::generate(Algorithm::Ed25519).unwrap())],
        may_flash: false,
    };
    let mut content = pb::Card {
        node: format!("spiffe://{domain}/node"),
        name: "far".to_owned(),
        serial: 1,
        issued_at: Some(NOW.to_proto()),
        valid_until: Some((NOW + DAY).to_proto()),
        endpoint: "127.0.0.1:7403".to_owned(),
        server_name: "localhost".to_owned(),
        ca_certificate: ca.der().to_vec().into(),
        tls_keys: vec![vec![7; 32].into()],
        evidence_keys: vec![card_key(&key)],
        agencies: agencies.iter().map(agency).collect(),
        contact: None,
        log_keys: Vec::new(),
        witness_keys: Vec::new(),
    };
    change(&mut content);
    Card::from_proto(Card::sign(&content, &key)).unwrap()
}

#[test]
fn peers_are_read_with_their_cards() {
    let site = Site::new();
    let (ir, af) = (card("ir.example", &["ir/customs"], |_| {}), card("af.example", &[], |_| {}));
    let silent = card("tj.example", &["tj/police"], |card| card.endpoint.clear());
    site.peer("ir", &ir, "");
    site.peer("af", &af, "dial = false");
    site.peer("tj", &silent, "");
    let peers = site.load().unwrap();
    let read: Vec<_> = peers.iter().map(|peer| (peer.name.as_str(), peer.dials)).collect();
    assert_eq!(read, [("ir", true), ("af", false), ("tj", false)]);
    assert_eq!((&peers[0].card, &peers[1].card), (&ir, &af));
    let facts = crate::registry::configured(&Config::load_at(&site.config, NOW).unwrap());
    let peer = &facts.peers[0];
    assert_eq!((&*peer.identity, &*peer.name), ("spiffe://ir.example/node", "ir"));
    assert_eq!((peer.card_serial, peer.valid_until_ms), (1, (NOW + DAY).0));
    assert_eq!(peer.evidence_keys[0].spki, ir.evidence_keys()[0].key.spki());
    assert_eq!(peer.agencies[0].keys[0].spki, ir.agencies()[0].keys[0].key.spki());
    assert_eq!(peer.tls_keys, [&[7; 32][..]]);
    let registry = barid_broker::registry::Registry::new(facts, 1).unwrap();
    let far = Address::parse("ir/customs").unwrap();
    assert_eq!(registry.peer_of(&far).unwrap().name, "ir");
}

#[test]
fn agreements_may_name_parties_of_other_nodes() {
    let site = Site::new();
    site.peer("ir", &card("ir.example", &["ir/customs"], |_| {}), "");
    let text = std::fs::read_to_string(&site.config).unwrap();
    let text = text.replacen("parties = [", "parties = [\n    \"ir/customs\",", 1);
    File::create(&site.config).unwrap().write_all(text.as_bytes()).unwrap();
    let config = Config::load_at(&site.config, NOW).unwrap();
    assert!(config.agreements[0].has_party(&Address::parse("ir/customs").unwrap()));
}

#[test]
fn cards_that_have_ended_are_refused_but_can_be_listed() {
    let site = Site::new();
    let line = site.peer("ir", &card("ir.example", &[], |_| {}), "");
    assert_eq!(site.load().unwrap().len(), 1);
    let error = Config::load_at(&site.config, NOW + DAY).unwrap_err().to_string();
    assert!(error.contains(&format!("node.toml:{line}:")), "{error}");
    assert!(error.contains("spiffe://ir.example/node ended 2026-01-02T00:00:00.000Z"), "{error}");
    assert!(error.contains("`barid peer add CARD --name ir --config FILE`"), "{error}");
    assert_eq!(Config::load_with_expired_cards(&site.config).unwrap().peers.len(), 1);
}

#[test]
fn cards_that_contradict_the_rest_are_refused_at_their_line() {
    let site = Site::new();
    let line = site.peer("self", &card("pk.example", &[], |_| {}), "");
    site.refused(line, "which is this node");

    let site = Site::new();
    let line = site.peer("ir", &card("ir.example", &["pk/police"], |_| {}), "");
    site.refused(line, "pk/police lives at the other node, but it has an [[agency]] table here");

    let site = Site::new();
    site.peer("ir", &card("ir.example", &["ir/customs"], |_| {}), "");
    let line = site.peer("af", &card("af.example", &["ir/customs"], |_| {}), "");
    site.refused(line, "ir/customs lives at its node, and so does the card of ir");

    let site = Site::new();
    site.peer("ir", &card("ir.example", &[], |_| {}), "");
    let line = site.peer("ir-2", &card("ir.example", &[], |_| {}), "");
    site.refused(line, "spiffe://ir.example/node has a [[peer]] table already, under the name ir");

    let site = Site::new();
    site.peer("ir", &card("ir.example", &[], |_| {}), "");
    let line = site.peer("ir", &card("af.example", &[], |_| {}), "");
    site.refused(line - 1, "a peer is called ir already");

    let site = Site::new();
    let silent = card("ir.example", &[], |card| card.endpoint.clear());
    let line = site.peer("ir", &silent, "dial = true");
    site.refused(line + 1, "names no endpoint to call");
}

#[test]
fn files_that_hold_no_card_are_refused_at_their_line() {
    let site = Site::new();
    let line = site.table("ir", "card = \"absent.card\"");
    site.refused(line, "absent.card, which does not exist");

    let site = Site::new();
    let line = site.table("ir", "card = \"keys/ca.pem\"");
    site.refused(line, "this is no card");

    let site = Site::new();
    let line = site.table("Ir", "card = \"absent.card\"");
    site.refused(line - 1, "`Ir` is no name for a node");
}

#[test]
fn the_card_that_was_renewed_counts_and_not_the_one_that_was_pinned() {
    let site = Site::new();
    let pinned = card("ir.example", &["ir/customs"], |_| {});
    site.peer("ir", &pinned, "");
    let at = NOW + 2 * DAY;
    let config = |at| Config::load_at(&site.config, at);
    assert!(config(at).is_err(), "the pinned one has ended");
    let folder = site.home.path().join("pk/node/data/cards");
    std::fs::create_dir_all(&folder).unwrap();
    let renew = |card: &Card| {
        let mut file = File::create(folder.join("ir.card")).unwrap();
        file.write_all(card.to_text().as_bytes()).unwrap();
    };
    let later = |card: &mut pb::Card| {
        card.serial = 2;
        card.valid_until = Some((NOW + 3 * DAY).to_proto());
    };
    let renewed = card("ir.example", &["ir/customs"], later);
    renew(&renewed);
    let config_then = config(at).unwrap();
    assert_eq!(config_then.card_in_force(&config_then.peers[0]), renewed);
    assert_eq!(config_then.peers[0].card, pinned, "what people have pinned stays");
    // Of another node, or older than the pinned one, it is none of this peer's.
    for useless in [card("af.example", &[], later), card("ir.example", &[], |_| {})] {
        renew(&useless);
        let config = config(NOW).unwrap();
        assert_eq!(config.card_in_force(&config.peers[0]), pinned);
    }
}

#[test]
fn the_node_s_own_card_is_its_own() {
    let site = Site::new();
    let own_card = || Config::load_at(&site.config, NOW).map(|config| config.own_card);
    assert_eq!(own_card().unwrap(), None);
    let put = |text: &str| {
        let file = site.config.with_file_name(crate::config::OWN_CARD);
        File::create(file).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let own = card("pk.example", &["pk/customs", "pk/police"], |_| {});
    put(&own.to_text());
    assert_eq!(own_card().unwrap(), Some(own));
    for (text, said) in [
        ("no card", "make the card again"),
        (&*card("ir.example", &[], |_| {}).to_text(), "is the card of spiffe://ir.example/node"),
    ] {
        put(text);
        let error = own_card().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
