//! Cards that change while nodes are linked: what is renewed by itself, and what waits for
//! a person.

use std::path::{Path, PathBuf};

use barid_link::card::Card;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use super::border::{Border, card, is_live, keep, peer, until};
use crate::harness::{Agency, Node, program, within, write};

/// Exports a node's card as its operator would; gives its serial.
fn export(node: &Node, more: &[&Path]) -> u64 {
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

fn serial(card: Option<&barid_proto::federation::v1::SignedCard>) -> u64 {
    card.map_or(0, |card| Card::from_proto(card.clone()).expect("a card").serial())
}

fn is_live_with(peer: &ops::Peer, newest: u64) -> bool {
    is_live(peer) && serial(peer.card.as_ref()) == newest
}

/// One message each way, with its end told to the sender.
async fn both_ways(border: &Border) {
    let (customs, police) = (border.customs().await, border.police().await);
    for (from, to) in [(&customs, &police), (&police, &customs)] {
        let id = from.send(from.note("still there?").to(&to.address)).await;
        assert_eq!(to.inbox().take().await, "still there?");
        from.told(id, Event::HandedOver).await;
    }
}

/// Adds the CA of another site to those that an account trusts.
fn trust(account: &Path, other: &Node) {
    let file = account.join("ca.pem");
    let read = |path: &Path| std::fs::read(path).expect("a CA that init made");
    write(&file, &[read(&file), read(&other.dir.join("ca/ca.pem"))].concat());
}

/// Makes keys for a node anew, another CA included, and has it and its people trust both.
fn next_keys(node: &Node, name: &str, agencies: &[&str]) -> Node {
    let later = Node::site(agencies).named(name).make();
    node.trust(&later);
    for agency in agencies {
        trust(&node.dir.join("agencies").join(agency.replace('/', "-")), &later);
    }
    trust(&node.dir.join("operators/admin"), &later);
    later
}

fn key(node: &Node, file: &str) -> PathBuf {
    node.dir.join("node/keys").join(file)
}

/// The next keys stand on a card that the peer takes over the link; then they are used.
async fn change_keys(node: &mut Node, name: &str, later: &Node, other: (&Node, &str)) -> u64 {
    let (peer, peer_name) = other;
    let next = [key(later, "tls.pem"), key(later, "evidence-key.pem")];
    let both = export(node, &[&next[0], &next[1]]);
    node.restart();
    until(peer, name, |seen| is_live_with(seen, both)).await;
    until(node, peer_name, |seen| seen.holds_card_serial == both).await;
    for file in ["tls.pem", "tls-key.pem", "evidence-key.pem"] {
        std::fs::copy(key(later, file), key(node, file)).expect("a key that init made");
    }
    let alone = export(node, &[]);
    node.restart();
    until(peer, name, is_live).await;
    alone
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_changes_its_ca_its_certificate_and_its_key_and_nobody_calls_anybody() {
    let mut border = Border::start();
    border.live().await;
    for (node, name) in [(&border.pk, "ir"), (&border.ir, "pk")] {
        assert!(peer(node, name).await.certificate_valid_until.is_some(), "whoever called");
    }
    // Who follows evidence all the time knows the new key when it comes to it.
    let customs = border.customs().await;
    let mut evidence = customs.client.evidence(String::new(), true);
    let mut alone = 0;
    for when in ["before", "after"] {
        if when == "after" {
            let later = next_keys(&border.ir, "ir", &["ir/police"]);
            alone = change_keys(&mut border.ir, "ir", &later, (&border.pk, "pk")).await;
        }
        let police = border.police().await;
        let sent = customs.send(customs.note(when).to(&police.address)).await.to_string();
        assert_eq!(police.inbox().take().await, when);
        loop {
            let one = within(evidence.next()).await.expect("evidence").expect("it is followed");
            let said = one.statement.expect("by a key of the time");
            if said.event() == Event::HandedOver {
                assert_eq!(said.message_id, sent);
                break;
            }
        }
    }
    // What was renewed is in the journal, not in the file that people have pinned.
    border.pk.restart();
    until(&border.pk, "ir", |peer| is_live_with(peer, alone)).await;
    both_ways(&border).await;
    // And those who look from outside see it too.
    let mut list = program();
    list.args(["peer", "list", "--json", "--config"]).arg(border.pk.config());
    let said = list.output().expect("the program runs").stdout;
    let listed: serde_json::Value = serde_json::from_slice(&said).expect("one peer");
    assert_eq!(listed["serial"], alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_calls_changes_its_keys_and_is_still_let_in() {
    let mut border = Border::start();
    border.live().await;
    let later = next_keys(&border.pk, "pk", &["pk/customs", "pk/border-guard"]);
    change_keys(&mut border.pk, "pk", &later, (&border.ir, "ir")).await;
    both_ways(&border).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_card_grants_beyond_the_older_waits_for_a_person() {
    let mut border = Border::made(None);
    border.ir.edit("may_flash = true", "may_flash = false");
    let older = card(&border.ir, None);
    keep(&border.ir, &older);
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
    until(&border.pk, "ir", |peer| serial(peer.offered_card.as_ref()) == newest).await;
    assert!(serial(border.peer_of_pk().await.card.as_ref()) < newest);
    let police = {
        drop(police);
        border.police().await
    };
    let refused = police.send(flash(&police)).await;
    police.told(refused, Event::Refused).await;
    // Somebody has compared it.
    let mut renew = program();
    let operator = border.pk.dir.join("operators/admin/operator.toml");
    renew.args(["peer", "renew", "ir", "--yes", "--client"]).arg(operator);
    let said = renew.output().expect("the program runs");
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && told.contains("ir/police may send FLASH"), "{told}");
    until(&border.pk, "ir", |peer| is_live_with(peer, newest)).await;
    until(&border.ir, "pk", |peer| peer.holds_card_serial == newest).await;
    let sent = police.send(flash(&police)).await;
    let mut inbox = customs.inbox();
    within(inbox.next().await.ack()).await.expect("taken");
    police.told(sent, Event::HandedOver).await;
    // There is nothing more to let count.
    let request = ops::RenewPeerRequest { name: "ir".into(), fingerprint: "1".repeat(32) };
    let error = within(border.pk.operator().renew_peer(request)).await.expect_err("none waits");
    assert!(format!("{error:?}").contains(&format!("{:?}", Reason::NotFound)), "{error:?}");
}
