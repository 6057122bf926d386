//! Cards that change while nodes are linked: what is renewed by itself, and what waits for
//! a person.

use std::path::Path;
use std::time::Duration;

use barid_link::card::Card;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use super::border::Border;
use crate::harness::{Agency, Node, now, program, within, write};

/// Exports a node's card as its operator would; gives its serial.
fn export(node: &Node, more: &[&Path]) -> u64 {
    // The serial is in seconds: a later card has a higher one.
    let began = now().0 / 1_000;
    while now().0 / 1_000 == began {
        std::thread::sleep(Duration::from_millis(20));
    }
    let flags = ["--next-certificate", "--next-evidence-key"];
    let mut command = program();
    command.args(["card", "export", "--config"]).arg(node.config());
    for (flag, file) in flags.iter().zip(more) {
        command.arg(flag).arg(file);
    }
    let said = command.output().expect("the program runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Card::from_text(&String::from_utf8_lossy(&said.stdout)).expect("a card").serial()
}

/// How a node sees its one peer.
async fn peer(node: &Node) -> ops::Peer {
    let request = ops::ListPeersRequest::default();
    within(node.operator().list_peers(request)).await.expect("the peers").peers.remove(0)
}

/// Waits until a node sees its peer so.
async fn until(node: &Node, what: impl Fn(&ops::Peer) -> bool) {
    let seen = async {
        while !what(&peer(node).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(seen).await;
}

fn serial(card: Option<&barid_proto::federation::v1::SignedCard>) -> u64 {
    card.map_or(0, |card| Card::from_proto(card.clone()).expect("a card").serial())
}

fn is_live_with(peer: &ops::Peer, newest: u64) -> bool {
    peer.state() == ops::LinkState::Live && serial(peer.card.as_ref()) == newest
}

/// One message each way, with its end told to the sender.
async fn both_ways(border: &Border) {
    let (customs, police) = (border.customs().await, border.police().await);
    for (from, to) in [(&customs, &police), (&police, &customs)] {
        let id = from.send(from.note("still there?").to(&to.address)).await;
        assert_eq!(to.inbox().take().await, "still there?");
        border.evidence_of(from, id, Event::HandedOver).await;
    }
}

/// Adds the CA of another site to those that an account trusts.
fn trust(account: &Path, other: &Node) {
    let file = account.join("ca.pem");
    let read = |path: &Path| std::fs::read(path).expect("a CA that init made");
    write(&file, &[read(&file), read(&other.dir.join("ca/ca.pem"))].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_changes_its_ca_its_certificate_and_its_key_and_nobody_calls_anybody() {
    let mut border = Border::start();
    border.live().await;
    assert!(
        peer(&border.ir).await.certificate_valid_until.is_some()
            && peer(&border.pk).await.certificate_valid_until.is_some(),
        "whoever called"
    );
    // Made anew for the same node, another CA included.
    let later = Node::site(&["ir/police"]).named("ir").make();
    border.ir.trust(&later);
    for account in ["agencies/ir-police", "operators/admin"] {
        trust(&border.ir.dir.join(account), &later);
    }
    let keys = |node: &Node, file: &str| node.dir.join("node/keys").join(file);
    let next = [keys(&later, "tls.pem"), keys(&later, "evidence-key.pem")];
    let both = export(&border.ir, &[&next[0], &next[1]]);
    border.ir.restart();
    until(&border.pk, |peer| is_live_with(peer, both)).await;
    until(&border.ir, |peer| peer.holds_card_serial == both).await;
    both_ways(&border).await;
    // Known by then, the new keys are taken into use.
    for file in ["tls.pem", "tls-key.pem", "evidence-key.pem"] {
        std::fs::copy(keys(&later, file), keys(&border.ir, file)).expect("a key that init made");
    }
    let alone = export(&border.ir, &[]);
    border.ir.restart();
    border.live().await;
    both_ways(&border).await;
    // What was renewed is in the journal, not in the file that people have pinned.
    border.pk.restart();
    until(&border.pk, |peer| is_live_with(peer, alone)).await;
    both_ways(&border).await;
    // And those who look from outside see it too.
    let mut list = program();
    list.args(["peer", "list", "--json", "--config"]).arg(border.pk.config());
    let said = list.output().expect("the program runs").stdout;
    let listed: serde_json::Value = serde_json::from_slice(&said).expect("one peer");
    assert_eq!(listed["serial"], alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_card_grants_beyond_the_older_waits_for_a_person() {
    let mut border = Border::made();
    border.ir.edit("may_flash = true", "may_flash = false");
    let older = super::border::card(&border.ir, None);
    write(&border.pk.dir.join("node/ir.card"), older.as_bytes());
    border.ir.edit("may_flash = false", "may_flash = true");
    border.pk.restart();
    border.ir.restart();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let flash =
        |police: &Agency| police.alert("stop it").flash("it is on its way").to(&customs.address);
    let newest = export(&border.ir, &[]);
    border.ir.restart();
    until(&border.pk, |peer| serial(peer.offered_card.as_ref()) == newest).await;
    assert!(serial(peer(&border.pk).await.card.as_ref()) < newest);
    let police = {
        drop(police);
        border.police().await
    };
    let refused = police.send(flash(&police)).await;
    border.evidence_of(&police, refused, Event::Refused).await;
    // Somebody has compared it.
    let mut renew = program();
    let operator = border.pk.dir.join("operators/admin/operator.toml");
    renew.args(["peer", "renew", "ir", "--yes", "--client"]).arg(operator);
    let said = renew.output().expect("the program runs");
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && told.contains("ir/police may send FLASH"), "{told}");
    until(&border.pk, |peer| is_live_with(peer, newest)).await;
    until(&border.ir, |peer| peer.holds_card_serial == newest).await;
    let sent = police.send(flash(&police)).await;
    let mut inbox = customs.inbox();
    within(inbox.next().await.ack()).await.expect("taken");
    border.evidence_of(&police, sent, Event::HandedOver).await;
    // There is nothing more to let count.
    let request = ops::RenewPeerRequest { name: "ir".into(), fingerprint: "1".repeat(32) };
    let error = within(border.pk.operator().renew_peer(request)).await.expect_err("none waits");
    assert!(format!("{error:?}").contains(&format!("{:?}", Reason::NotFound)), "{error:?}");
}
