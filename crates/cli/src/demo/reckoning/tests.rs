use barid_message::Reason;
use barid_proto::audit::v1::Event;

use super::{Discrepancy, NodeBook, NodeFigures, reckon};
use crate::demo::ledger::tests::{address, inboxes, key, send, sound};
use crate::demo::ledger::{Answer, Expected, Final, Ledger};

const SOUND: NodeFigures =
    NodeFigures { totals: [3, 0, 6, 6, 0, 0, 0], waiting: 0, outstanding: 0 };

fn told(ledger: &Ledger, node: &NodeFigures) -> Vec<String> {
    reckon(ledger, &[book(*node)]).iter().map(Discrepancy::to_string).collect()
}

/// Of the one node that all agencies of the ledger have.
fn book(figures: NodeFigures) -> NodeBook {
    NodeBook { country: "pk", restarts: 0, figures }
}

#[test]
fn equal_books_agree() {
    assert!(told(&sound(), &SOUND).is_empty());
}

#[test]
fn every_number_of_the_node_is_compared() {
    for place in 0..SOUND.totals.len() {
        let mut node = SOUND;
        node.totals[place] += 1;
        let found = reckon(&sound(), &[book(node)]);
        assert!(matches!(found.as_slice(), [Discrepancy::Differs { .. }]), "{place}: {found:?}");
    }
    for node in [NodeFigures { waiting: 1, ..SOUND }, NodeFigures { outstanding: 1, ..SOUND }] {
        assert_eq!(reckon(&sound(), &[book(node)]).len(), 1);
    }
    let node = NodeFigures { totals: [3, 0, 6, 5, 0, 0, 0], ..SOUND };
    assert_eq!(told(&sound(), &node), ["handed over: the agencies counted 6, the node of pk 5"]);
}

#[test]
fn a_loss_a_duplicate_and_a_missing_end_fail_even_where_the_node_agrees() {
    let mut ledger = sound();
    send(&mut ledger, 4);
    let [police, health] = inboxes();
    let node = NodeFigures { totals: [4, 0, 8, 6, 0, 0, 0], waiting: 2, outstanding: 2 };
    let found = told(&ledger, &node);
    assert!(found.contains(&"lost: 2, should be none".to_owned()), "{found:?}");
    assert!(found.contains(&"deliveries without final: 2, should be none".to_owned()));

    ledger.received(&police, &key(4), false);
    ledger.received(&police, &key(4), false);
    ledger.received(&health, &key(4), false);
    let found = told(&ledger, &node);
    assert!(found.contains(&"duplicates: 1, should be none".to_owned()), "{found:?}");
    assert!(!found.iter().any(|line| line.starts_with("lost")));
}

#[test]
fn faults_of_the_ledger_are_told() {
    let mut ledger = sound();
    ledger.fault("something".to_owned());
    assert_eq!(told(&ledger, &SOUND), ["something"]);
}

#[test]
fn a_message_that_crosses_a_border_stands_in_the_books_of_both_nodes() {
    let mut ledger = sound();
    let [police, abroad] = ["pk/police", "ir/police"].map(address);
    ledger.sending(&key(4), &[police.clone(), abroad.clone()], Expected::HandedOver);
    ledger.answered(&key(4), Answer::Accepted);
    for inbox in [police, abroad] {
        ledger.received(&inbox, &key(4), false);
        ledger.acknowledged(&inbox, &key(4));
        let ended = Final { event: Event::HandedOver, reason: Reason::Unspecified };
        ledger.ended(&inbox, &key(4), ended);
    }
    let of = |country, totals| NodeBook {
        country,
        restarts: 0,
        figures: NodeFigures { totals, ..NodeFigures::default() },
    };
    let nodes = [of("pk", [4, 0, 8, 8, 0, 0, 0]), of("ir", [1, 0, 1, 1, 0, 0, 0])];
    assert_eq!(reckon(&ledger, &nodes), []);
    let nodes = [nodes[0], of("ir", [1, 0, 1, 0, 0, 0, 0])];
    assert_eq!(
        reckon(&ledger, &nodes)[0].to_string(),
        "handed over: the agencies counted 1, the node of ir 0"
    );
}

#[test]
fn a_refusal_may_be_repeated_once_for_each_restart() {
    let figures = NodeFigures { totals: [3, 1, 6, 6, 0, 0, 0], ..NodeFigures::default() };
    let node = |restarts| NodeBook { restarts, ..book(figures) };
    assert_eq!(reckon(&sound(), &[node(0)]).len(), 1);
    assert_eq!(reckon(&sound(), &[node(1)]), []);
}
