use super::{Discrepancy, NodeFigures, reckon};
use crate::demo::ledger::Ledger;
use crate::demo::ledger::tests::{inboxes, key, send, sound};

const SOUND: NodeFigures =
    NodeFigures { totals: [3, 0, 6, 6, 0, 0, 0], waiting: 0, outstanding: 0 };

fn told(ledger: &Ledger, node: &NodeFigures) -> Vec<String> {
    reckon(ledger, node).iter().map(Discrepancy::to_string).collect()
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
        let found = reckon(&sound(), &node);
        assert!(matches!(found.as_slice(), [Discrepancy::Differs { .. }]), "{place}: {found:?}");
    }
    for node in [NodeFigures { waiting: 1, ..SOUND }, NodeFigures { outstanding: 1, ..SOUND }] {
        assert_eq!(reckon(&sound(), &node).len(), 1);
    }
    let node = NodeFigures { totals: [3, 0, 6, 5, 0, 0, 0], ..SOUND };
    assert_eq!(told(&sound(), &node), ["handed over: the agencies counted 6, the node 5"]);
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
