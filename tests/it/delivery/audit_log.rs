//! The audit log as a real node keeps and shows it.

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::LogKey;
use barid_audit::tree::{Hash, verify_consistency, verify_inclusion};
use barid_link::client::AuditClient;
use barid_message::Reason;
use barid_proto::audit::v1 as pb;
use barid_proto::journal::v1::EntryKind;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, address, entries, within};

async fn head(client: &AuditClient, position: Option<u64>) -> SignedCheckpoint {
    let answer = within(client.checkpoint(pb::GetCheckpointRequest { position })).await;
    let answer = answer.expect("a checkpoint");
    let key = LogKey::from_vkey(&answer.log_key).expect("a key");
    SignedCheckpoint::open(&answer.checkpoint, &key).expect("signed")
}

fn hashes(wire: &[impl AsRef<[u8]>]) -> Vec<Hash> {
    wire.iter().map(|hash| Hash::from_slice(hash.as_ref()).expect("32 bytes")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_can_be_shown_to_be_in_the_log() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let client = node.operator().audit();
    let first = head(&client, Some(0)).await.checkpoint().clone();
    for number in 0..20 {
        customs.send(customs.note(&format!("number {number}")).to(&address("pk/police"))).await;
    }
    let asked = ops::GetNodeStatusRequest {};
    let status = within(node.operator().node_status(asked)).await.expect("its state");
    let last = status.durable_position - 1;
    let newest = head(&client, Some(last)).await.checkpoint().clone();
    assert!(newest.size > last && newest.size > first.size);

    let asked = pb::ListLeavesRequest { position: 0, count: 256, purpose: "a test".into() };
    let leaves = within(client.leaves(asked)).await.expect("leaves").leaves;
    assert!(leaves.len() as u64 >= newest.size);
    for (position, leaf) in (0..newest.size).zip(&leaves) {
        let asked = pb::GetInclusionProofRequest { position, size: newest.size };
        let proof = within(client.inclusion(asked)).await.expect("a proof").hashes;
        let leaf = Hash::of_leaf(leaf);
        verify_inclusion(leaf, position, newest.size, &hashes(&proof), newest.root).unwrap();
    }
    let asked = pb::GetConsistencyProofRequest { old_size: first.size, new_size: newest.size };
    let proof = hashes(&within(client.consistency(asked)).await.expect("a proof").hashes);
    verify_consistency(first.size, newest.size, first.root, newest.root, &proof).unwrap();
    let width = u16::try_from(newest.size.min(256)).expect("small");
    let asked = pb::GetTileRequest { level: 0, index: 0, width: width.into() };
    let tile = within(client.tile(asked)).await.expect("a tile").hashes;
    let leaves = &leaves[..usize::from(width)];
    let expected: Vec<u8> = leaves.iter().flat_map(|leaf| Hash::of_leaf(leaf).0).collect();
    assert_eq!(tile, expected);

    refusals(&client, newest.size).await;
    node.stop();
    let entries = entries(&node.data());
    let of_kind = |kind| entries.iter().filter(|entry| entry.body.kind() == kind).count();
    assert_eq!((of_kind(EntryKind::ReadOpened), of_kind(EntryKind::ReadClosed)), (1, 1));
}

/// What lies outside the log, and leaves without a purpose.
async fn refusals(client: &AuditClient, size: u64) {
    let asked = pb::GetInclusionProofRequest { position: size, size };
    let refused = within(client.inclusion(asked)).await.expect_err("refused");
    assert_eq!(refused.reason(), Some(Reason::OutOfRange));
    let asked = pb::GetConsistencyProofRequest { old_size: 0, new_size: size };
    let refused = within(client.consistency(asked)).await.expect_err("refused");
    assert_eq!(refused.reason(), Some(Reason::OutOfRange));
    let asked = pb::GetCheckpointRequest { position: Some(u64::MAX) };
    let refused = within(client.checkpoint(asked)).await.expect_err("refused");
    assert_eq!(refused.reason(), Some(Reason::OutOfRange));
    let asked = pb::GetTileRequest { level: 8, index: 0, width: 257 };
    let refused = within(client.tile(asked)).await.expect_err("refused");
    assert_eq!(refused.reason(), Some(Reason::FieldInvalid));
    let asked = pb::ListLeavesRequest { position: 0, count: 1, purpose: String::new() };
    let refused = within(client.leaves(asked)).await.expect_err("refused");
    assert_eq!(refused.reason(), Some(Reason::FieldMissing));
}
