//! Whoever hears that the node listens may stop it at once.

use super::AGENCIES;
use crate::harness::Node;

#[test]
fn a_node_that_has_said_that_it_listens_stops_in_order() {
    for _ in 0..20 {
        let mut node = Node::start(&AGENCIES);
        let ended = node.stop();
        assert!(ended.status.success(), "{ended:?}");
    }
}
