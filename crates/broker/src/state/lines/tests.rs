use barid_message::time::Millis;
use proptest::prelude::*;

use super::{Change, KEPT_MS, Lines, Standing};
use crate::caps;

fn change(position: u64, message: u64, is_update: bool, replaces: &[u64]) -> Change {
    Change { position, time: Millis(position), message, is_update, replaces: replaces.to_vec() }
}

fn standings(lines: &Lines) -> Vec<Standing> {
    (0..=6).map(|version| lines.standing(version)).collect()
}

#[test]
fn two_updates_of_one_head_fork_until_they_are_merged() {
    let mut lines = Lines::default();
    lines.fold(&change(1, 1, true, &[0]));
    assert_eq!(lines.forks(), 0);
    assert_eq!(lines.heads_with(2, &[0]), 2);
    lines.fold(&change(2, 2, true, &[0]));
    assert_eq!(
        (lines.forks(), lines.standing(1), lines.standing(2)),
        (1, Standing::Head, Standing::Head)
    );
    assert_eq!(lines.heads_with(3, &[1, 2]), 1);
    lines.fold(&change(3, 3, true, &[1, 2]));
    assert_eq!((lines.forks(), lines.standing(2)), (0, Standing::Replaced));
}

#[test]
fn a_recall_is_remembered_before_what_it_recalls_comes() {
    let mut lines = Lines::default();
    lines.fold(&change(1, 2, false, &[1]));
    assert_eq!(lines.standing(1), Standing::Recalled);
    // What it recalls is itself an update: it does not become a head by coming late.
    assert_eq!(lines.heads_with(1, &[0]), 0);
    lines.fold(&change(2, 1, true, &[0]));
    assert_eq!((lines.standing(1), lines.standing(0)), (Standing::Recalled, Standing::Replaced));
    assert_eq!(lines.forks(), 0);
}

proptest! {
    /// Lanes overtake one another: in whatever order versions come, they stand the same
    /// in the end, and a snapshot says the same.
    #[test]
    fn the_order_of_arrival_makes_no_difference(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        replaced in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 6),
    ) {
        // Message n + 1 replaces or recalls an earlier one that is no recall: of recalls
        // the origin's node lets nobody speak.
        let change = |position: u64, at: usize| {
            let (is_update, which) = replaced[at];
            let earlier = (0..=at).filter(|n| *n == 0 || replaced[*n - 1].0);
            let earlier: Vec<_> = earlier.map(|n| n as u64).collect();
            let replaces = [*which.get(&earlier)];
            let at = at as u64;
            change(position, at + 1, is_update, &replaces)
        };
        let (mut in_order, mut shuffled) = (Lines::default(), Lines::default());
        for at in 0..6 {
            in_order.fold(&change(at as u64, at));
        }
        for (position, at) in (0_u64..).zip(order) {
            let expected = shuffled.heads_with(change(0, at).message, &change(0, at).replaces);
            let is_update = change(0, at).is_update;
            shuffled.fold(&change(position, at));
            let line = shuffled.versions.get(&change(0, at).replaces[0]).unwrap();
            prop_assert!(!is_update || shuffled.lines[line].heads() == expected);
        }
        prop_assert_eq!(standings(&in_order), standings(&shuffled));
        prop_assert_eq!(in_order.forks(), shuffled.forks());
        let kept = shuffled.to_snapshot();
        let restored = Lines::from_snapshot(&kept).unwrap();
        prop_assert_eq!(restored.to_snapshot(), kept);
        prop_assert_eq!(restored.versions, shuffled.versions);
        prop_assert_eq!(restored.by_age, shuffled.by_age);
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let mut lines = Lines::default();
    for n in 1..=caps::LINE_VERSIONS_MAX as u64 + 5 {
        lines.fold(&change(n, n, true, &[n - 1]));
    }
    assert_eq!(lines.versions.len(), caps::LINE_VERSIONS_MAX);
    assert_eq!((lines.lines.len(), lines.forks()), (1, 0));
    // The oldest are forgotten, the newest is not.
    assert_eq!(lines.standing(caps::LINE_VERSIONS_MAX as u64 + 4), Standing::Replaced);
    let many = 10_000..10_000 + caps::VERSIONS_MAX as u64;
    for n in many {
        lines.fold(&change(n, 2 * n, false, &[2 * n + 1]));
    }
    assert_eq!(lines.versions.len(), caps::VERSIONS_MAX);
    assert_eq!(lines.by_age.len(), lines.lines.len());
    let later = Change { time: Millis(KEPT_MS * 2), ..change(1 << 40, 1, false, &[2]) };
    lines.fold(&later);
    assert_eq!((lines.versions.len(), lines.lines.len()), (1, 1));
}

#[test]
fn a_snapshot_that_is_none_is_refused() {
    let mut lines = Lines::default();
    lines.fold(&change(1, 1, true, &[0]));
    let mut kept = lines.to_snapshot();
    kept[0].standings[0] = 3;
    assert!(Lines::from_snapshot(&kept).is_none());
    kept[0].standings.clear();
    assert!(Lines::from_snapshot(&kept).is_none());
}
