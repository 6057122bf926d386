//! Two nodes join, as two administrators would do it: cards, a telephone call, a table.

use std::path::PathBuf;
use std::time::Duration;

use barid_link::card::Card;
use barid_message::key::SigningKey;
use barid_node::config::Config;
use barid_proto::federation::v1 as pb;

use super::{Desk, Said};
use crate::harness::{Process, free_address, now, write};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Two sites in one folder, not running: `pk` and `ir`, each with a customs.
struct Border(Desk);

impl Border {
    fn new() -> Self {
        let desk = Desk::new();
        for country in ["pk", "ir"] {
            let listen = [(); 3].map(|()| free_address().to_string());
            let agency = format!("{country}/customs");
            let node = ["init", country, "--node", country, "--agency", &agency];
            let [exchange, operations, federation] = &listen;
            let listen = ["--exchange", exchange, "--operations", operations];
            let listen = [&listen[..], &["--federation", federation]].concat();
            desk.run(&[&node[..], &listen].concat()).done();
        }
        Self(desk)
    }

    fn config(&self, country: &str) -> PathBuf {
        self.0.path(&format!("{country}/node/node.toml"))
    }

    fn config_text(&self, country: &str) -> String {
        std::fs::read_to_string(self.config(country)).expect("node.toml can be read")
    }

    /// Has a node write its card to `COUNTRY.card`.
    fn export(&self, country: &str) -> Said {
        let (config, file) = (format!("{country}/node/node.toml"), format!("{country}.card"));
        let role = ["--contact-role", "duty officer"];
        let export = ["card", "export", "--config", &config, "-o", &file];
        self.0.run(&[&export[..], &role].concat())
    }

    /// Adds a card to the node of pk.
    fn add_to_pk(&self, card: &str, more: &[&str]) -> Said {
        let add = ["peer", "add", card, "--name", "ir", "--config", "pk/node/node.toml"];
        self.0.run(&[&add[..], more].concat())
    }

    fn card(&self, country: &str) -> Card {
        let text = std::fs::read_to_string(self.0.path(&format!("{country}.card")));
        Card::from_text(&text.expect("a card was exported")).expect("a card")
    }

    fn evidence_key(&self, country: &str) -> SigningKey {
        let config = Config::load(&self.config(country)).expect("what init made");
        config.evidence.read().expect("a key that init made")
    }

    /// Writes ir's card anew with a change, signed by a node's key.
    fn forge(&self, signer: &str, change: impl FnOnce(&mut pb::Card)) {
        let mut content = self.card("ir").content();
        change(&mut content);
        let signed = Card::sign(&content, &self.evidence_key(signer));
        let text = match Card::from_proto(signed.clone()) {
            Ok(card) => card.to_text(),
            Err(_refused) => armoured(&signed),
        };
        write(&self.0.path("ir.card"), text.as_bytes());
    }

    /// Each has the other's card; pk calls, ir waits to be called.
    fn join(&self) {
        for other in ["pk", "ir"] {
            self.export(other).done();
        }
        self.add_both();
    }

    /// Adds each card, as it lies there, to the other node.
    fn add_both(&self) {
        for (country, other) in [("pk", "ir"), ("ir", "pk")] {
            let (config, file) = (format!("{country}/node/node.toml"), format!("{other}.card"));
            let add = ["peer", "add", &file, "--name", other, "--config", &config, "--yes"];
            self.0.run(&add).done();
        }
        let waits = self.config_text("ir") + "dial = false\n";
        write(&self.config("ir"), waits.as_bytes());
    }

    /// Tests the peer ir, as the operator of pk.
    fn test_ir(&self) -> Said {
        let config = ["--config", "pk/node/node.toml"];
        self.0.run(&[&["--context", "pk", "peer", "test", "ir"][..], &config].concat())
    }

    /// Starts a node, and ends it in order.
    fn starts(&self, country: &str) {
        let mut node = Process::serve(&self.config(country));
        if let Err(ended) = node.listening() {
            panic!("{country} does not start: {ended:?}");
        }
        let ended = node.stop();
        assert!(ended.status.success(), "{ended:?}");
    }
}

/// A card's file, whatever stands in it.
fn armoured(signed: &pb::SignedCard) -> String {
    use base64::Engine as _;
    use prost::Message as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(signed.encode_to_vec());
    format!("-----BEGIN BARID CARD-----\n{base64}\n-----END BARID CARD-----\n")
}

#[test]
fn two_nodes_join_by_their_cards() {
    let border = Border::new();
    for (country, other) in [("pk", "ir"), ("ir", "pk")] {
        let exported = border.export(other);
        let digits = border.card(other).fingerprint().to_string();
        assert!(exported.done().err.contains(&digits), "{}", exported.err);
        assert!(exported.err.contains("barid peer add"), "{}", exported.err);
        let file = format!("{other}.card");
        let shown = border.0.run(&["card", "show", &file]);
        let node = format!("spiffe://{other}.barid/node");
        for said in [&*digits, &*node, &format!("{other}/customs"), "duty officer", "Ed25519"] {
            assert!(shown.done().out.contains(said), "{said}: {}", shown.out);
        }
        let shown = border.0.run(&["--json", "card", "show", &file]).done().json();
        assert_eq!(shown[0]["fingerprint"], digits.as_str());
        assert_eq!(shown[0]["card"]["node"], node.as_str());

        let before = border.config_text(country);
        let config = format!("{country}/node/node.toml");
        let add = ["peer", "add", &file, "--name", other, "--config", &config];
        let added = border.0.run(&[&add[..], &["--fingerprint", &digits]].concat());
        assert!(added.done().has_row(&[&format!("{other}/customs"), "yes"]), "{}", added.out);
        assert!(added.err.contains("Restart the node"), "{}", added.err);
        let after = border.config_text(country);
        assert!(after.starts_with(&before), "all else is as it was");
        let list = border.0.run(&["peer", "list", "--config", &config]);
        assert!(list.done().has_row(&[other, &node, &digits]), "{}", list.out);
    }
    border.starts("pk");
    border.starts("ir");
}

#[test]
fn bad_cards_are_refused_and_change_nothing() {
    let border = Border::new();
    border.export("ir").done();
    let good = std::fs::read_to_string(border.0.path("ir.card")).expect("a card");
    let before = border.config_text("pk");
    let restore = || write(&border.0.path("ir.card"), good.as_bytes());
    let refused = |more: &[&str], code, why: &str| {
        let said = border.add_to_pk("ir.card", more);
        assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
        let last = said.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("barid: ") && last.contains(why), "{why}: {}", said.err);
        assert_eq!(border.config_text("pk"), before);
        assert!(!border.0.path("pk/node/peers").exists());
    };

    // One character of the name, below the signature.
    let card = border.card("ir");
    let mut edited = card.as_proto().clone();
    let envelope = edited.envelope.as_mut().expect("a card has one");
    let mut payload = envelope.payload.to_vec();
    let at = payload.windows(10).position(|part| part == b"ir/customs").expect("the address");
    payload[at + 3] = b'b';
    envelope.payload = payload.into();
    write(&border.0.path("ir.card"), armoured(&edited).as_bytes());
    refused(&["--yes"], 1, "was changed after it was signed");

    restore();
    border.forge("ir", |card| {
        card.issued_at = Some((now() - 3 * DAY).to_proto());
        card.valid_until = Some((now() - 2 * DAY).to_proto());
    });
    refused(&["--yes"], 1, "spiffe://ir.barid/node ended");

    restore();
    border.forge("pk", |_same| {});
    refused(&["--yes"], 1, "not signed by an evidence key that stands in it");

    restore();
    border.forge("ir", |card| card.agencies[0].address = "pk/customs".to_owned());
    refused(&["--yes"], 1, "has an [[agency]] table here");

    restore();
    refused(&[], 2, "nobody is there to ask");
    border.export("pk").done();
    let other = border.card("pk").fingerprint().to_string();
    refused(&["--fingerprint", &other], 1, "nothing was changed");
    border.add_to_pk("ir.card", &["--yes"]).done();
}

#[test]
fn a_node_does_not_start_on_a_card_that_was_changed() {
    let border = Border::new();
    border.export("ir").done();
    border.add_to_pk("ir.card", &["--yes"]).done();
    border.starts("pk");
    let pinned = border.0.path("pk/node/peers/ir.card");
    border.forge("pk", |_same| {});
    let forged = std::fs::read(border.0.path("ir.card")).expect("a card");
    write(&pinned, &forged);
    let mut node = Process::serve(&border.config("pk"));
    let Err(ended) = node.listening() else { panic!("it starts") };
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let line = border.config_text("pk").lines().count();
    assert!(ended.stderr.contains(&format!("node.toml:{line}:")), "{}", ended.stderr);
    assert!(ended.stderr.contains("call the other node"), "{}", ended.stderr);
}

fn runs(border: &Border, country: &str) -> Process {
    let mut node = Process::serve(&border.config(country));
    node.listening().expect("it listens");
    node
}

#[test]
fn a_peer_is_tested_step_by_step_and_its_session_left_alone() {
    let border = Border::new();
    border.join();
    let said = border.test_ir();
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.has_row(&["ok", "card", "spiffe://ir.barid/node"]), "{}", said.out);
    assert!(said.has_row(&["FAILS", "TCP", "refused"]), "{}", said.out);
    assert!(said.has_row(&["FAILS", "link", "cannot ask this node"]), "{}", said.out);
    assert!(!said.out.contains("TLS"), "no step behind one that fails: {}", said.out);
    let last = said.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("barid: ir: TCP fails; ask"), "{last}");

    let _nodes = [runs(&border, "ir"), runs(&border, "pk")];
    let mut said = border.test_ir();
    for _ in 0..100 {
        if said.code == Some(0) {
            break;
        }
        said = border.test_ir();
    }
    said.done();
    for step in ["card", "address", "TCP", "TLS", "identity", "clock"] {
        assert!(said.has_row(&["ok", step]), "{step}: {}", said.out);
    }
    let live = |said: &Said| {
        let line = said.out.lines().find_map(|line| line.split_once("live since "));
        line.and_then(|(_, rest)| rest.split_once(';')).expect("a live link").0.to_owned()
    };
    assert_eq!(live(&said), live(border.test_ir().done()), "the session is the same");

    border.0.run(&["--context", "ir", "--json", "peer", "test", "ir"]).failed(2, "--config");
    let test = ["peer", "test", "af", "--config", "pk/node/node.toml"];
    border.0.run(&test).failed(2, "the configuration has ir");
}

#[test]
fn a_peer_that_answers_with_another_key_is_told_apart() {
    let border = Border::new();
    border.join();
    let _ir = runs(&border, "ir");
    let pinned = border.card("ir");
    border.forge("ir", |card| {
        card.serial = pinned.serial() + 1;
        card.tls_keys = vec![vec![7; 32].into()];
    });
    border.add_to_pk("ir.card", &["--yes"]).done();
    let said = border.test_ir();
    assert!(said.has_row(&["ok", "TLS"]), "{}", said.out);
    assert!(said.has_row(&["FAILS", "identity", "not on its card"]), "{}", said.out);
    let last = said.err.lines().last().unwrap_or_default();
    assert!(last.contains("identity fails; its certificate was renewed"), "{last}");
}

#[test]
fn a_peer_that_has_another_ca_for_this_node_says_so() {
    let border = Border::new();
    for country in ["pk", "ir"] {
        border.export(country).done();
    }
    let mut content = border.card("pk").content();
    content.ca_certificate = border.card("ir").ca_certificate().to_vec().into();
    let wrong = Card::sign(&content, &border.evidence_key("pk"));
    let wrong = Card::from_proto(wrong).expect("a card").to_text();
    write(&border.0.path("pk.card"), wrong.as_bytes());
    border.add_both();
    let _ir = runs(&border, "ir");
    let said = border.test_ir();
    assert!(said.has_row(&["ok", "TCP"]), "{}", said.out);
    assert!(said.has_row(&["FAILS", "TLS", "refused this client's certificate"]), "{}", said.out);
    let last = said.err.lines().last().unwrap_or_default();
    assert!(last.contains("add this node's present card"), "{last}");
}
