//! Bugs that a seed found, by what led to them. Seeds change with the operations that there
//! are; these do not.

use crate::op::{Letter, Op, Reply, Story};
use crate::world::live;

/// Lives through these operations on three nodes.
fn holds(ops: Vec<Op>) {
    let outcomes = live(&Story { seed: 1, nodes: 3, ops }, true);
    assert_eq!(outcomes.violations, [], "{:#?}", outcomes.trace);
}

/// One agency of the first node writes to one of the second.
fn letter(lives_ms: u64) -> Op {
    Op::Submit(Letter { agency: 0, to: 1 << 2, precedence: 3, lives_ms, expires: false })
}

/// The node at which a message became a dead letter told so, and then nothing got through
/// past its deadline: the sender's node ended what it did not have, and both had a final.
#[test]
fn a_dead_letter_elsewhere_is_not_ended_here() {
    let mut ops = vec![letter(300_000), Op::Wait(5_000)];
    for _ in 0..6 {
        ops.push(Op::HandOut { agency: 2, system: 0, max: 1, loses: false });
        ops.push(Op::Wait(1_000));
        ops.push(Op::Settle { agency: 2, which: 0, answer: Reply::Nack(1) });
        ops.push(Op::Wait(2_000));
    }
    ops.extend([Op::Wait(5_000), Op::Partition { some: 0 }, Op::Wait(400_000)]);
    holds(ops);
}
