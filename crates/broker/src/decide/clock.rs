//! Whether peers confirm a clock that is in doubt (SPINE §1.7).
//!
//! They confirm what this node's clock says, and set nothing: a clock that is wrong by itself
//! stays in doubt whatever they say. One peer is not enough, since it hears this node's time
//! and could say the same: whoever had it believed would end all that waits here.

use std::sync::Arc;
use std::time::Duration;

use barid_message::time::Millis;

use crate::caps;
use crate::clock::Reading;

/// What a peer has said of its clock, over a link that is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its identity.
    pub peer: Arc<str>,
    /// What its clock showed.
    pub said: Millis,
    /// When it was heard, by this node's monotonic clock: the wall clock may have jumped
    /// since.
    pub at: Duration,
}

/// The peers that confirm the wall clock as it stands at `now`: two at least, and more than
/// half of those heard lately.
#[must_use]
pub fn confirming(now: Reading, heard: &[Heard]) -> Option<Vec<Arc<str>>> {
    let since = |heard: &Heard| now.monotonic.saturating_sub(heard.at);
    let lately: Vec<_> = heard.iter().filter(|one| since(one) <= caps::PEER_CLOCK_FRESH).collect();
    let agrees = |heard: &&&Heard| {
        let theirs = heard.said + since(heard);
        theirs.distance(now.wall) <= Duration::from_millis(caps::CLOCK_DRIFT_MAX_MS)
    };
    let agreeing: Vec<_> = lately.iter().filter(agrees).map(|one| Arc::clone(&one.peer)).collect();
    let is_enough = agreeing.len() >= caps::PEERS_CONFIRM_MIN && 2 * agreeing.len() > lately.len();
    is_enough.then_some(agreeing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Reading =
        Reading { wall: Millis(1_800_000_000_000), monotonic: Duration::from_secs(1_000) };

    /// Heard so long ago, of a clock that is so far ahead now.
    fn heard(peer: &str, ago_s: u64, ahead_s: i64) -> Heard {
        let ago = Duration::from_secs(ago_s);
        let theirs = Millis(NOW.wall.0.saturating_add_signed(ahead_s * 1_000));
        Heard { peer: peer.into(), said: theirs - ago, at: NOW.monotonic - ago }
    }

    fn by(heard: &[Heard]) -> usize {
        confirming(NOW, heard).map_or(0, |peers| peers.len())
    }

    #[test]
    fn one_peer_does_not_confirm_and_two_do() {
        assert_eq!(by(&[]), 0);
        assert_eq!(by(&[heard("a", 1, 0)]), 0);
        assert_eq!(by(&[heard("a", 1, 0), heard("b", 40, -300)]), 2);
        assert_eq!(by(&[heard("a", 1, 0), heard("b", 1, 301)]), 0, "the second says no");
    }

    #[test]
    fn more_than_half_must_agree() {
        let agreeing = [heard("a", 1, 0), heard("b", 1, 10)];
        let with = |others: &[Heard]| by(&[&agreeing[..], others].concat());
        assert_eq!(with(&[heard("c", 1, 3_600)]), 2);
        assert_eq!(with(&[heard("c", 1, 3_600), heard("d", 1, -3_600)]), 0);
    }

    #[test]
    fn what_was_heard_before_the_clock_jumped_is_held_against_it_as_it_is_now() {
        let before = [heard("a", 5, 0), heard("b", 5, 0)];
        let jumped = Reading { wall: NOW.wall + Duration::from_secs(3_600), ..NOW };
        assert_eq!(confirming(jumped, &before), None);
        let old = [heard("a", 46, 0), heard("b", 46, 0)];
        assert_eq!(by(&old), 0, "who has said nothing for so long is not heard");
    }
}
