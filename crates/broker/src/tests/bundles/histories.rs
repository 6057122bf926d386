//! Whatever happens to a message, its bundle holds together.

use barid_audit::bundle::{Bundle, Verdict};
use proptest::prelude::*;

use super::super::links::{op, run};
use super::super::pair::Pair;
use super::ledger::Ledgers;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Cut off at any moment, refused, expired, dead letters, written off, contradicted.
    #[test]
    fn every_message_has_a_bundle_at_every_moment(
        ops in prop::collection::vec(op(), 1..50),
        ends in any::<bool>(),
    ) {
        let mut pair = Pair::new();
        for op in &ops {
            run(&mut pair, op);
        }
        if ends {
            pair.settle_down();
        }
        let ledgers = Ledgers::of(pair);
        for origin in 0..2 {
            for side in 0..2 {
                let kept = ledgers.kept(side);
                let sides = &ledgers.pair.sides;
                let known: Vec<_> = if side == origin {
                    sides[side].accepted()
                } else {
                    sides[side].taken()
                };
                for message in sides[origin].blobs.values() {
                    let signed = barid_message::signed::SignedMessage::from_proto(message.clone());
                    let id = signed.unwrap().header().unwrap().message_id().to_string();
                    if known.iter().all(|(_, known)| *known != id) {
                        continue;
                    }
                    let bytes = ledgers.gather_of(side, &kept, true, message);
                    prop_assert!(bytes.is_ok(), "{id} at side {side}: {bytes:?}");
                    let bundle = Bundle::open(&bytes.unwrap());
                    prop_assert!(bundle.is_ok(), "{id} at side {side}: {bundle:?}");
                    let verdict = bundle.unwrap().judge(None);
                    prop_assert!(matches!(verdict, Verdict::ConsistentOnly(_)));
                }
            }
        }
    }
}
