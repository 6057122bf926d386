use std::sync::Arc;

use barid_message::key::{Algorithm, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::note::{KeyName, LogSigner, WitnessSigner};
use crate::tree::{Frontier, Subtrees, consistency};

const ORIGIN: &str = "border.example/log/1";

/// A log whose leaves are numbers, with another history from a leaf on.
struct Log {
    fork_at: u64,
}

impl Subtrees for Log {
    type Error = std::convert::Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            let leaf = if index < self.fork_at { index } else { index + 1_000_000 };
            return Ok(Hash::of_leaf(&leaf.to_be_bytes()));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        Ok(Hash::of_node(left, self.subtree(level - 1, 2 * index + 1)?))
    }
}

impl Log {
    fn at(&self, size: u64) -> Checkpoint {
        let root = Frontier::of(self, size).unwrap().root();
        Checkpoint { origin: KeyName::parse(ORIGIN).unwrap(), size, root }
    }

    fn proof(&self, old: u64, new: u64) -> Vec<Hash> {
        consistency(self, old, new).unwrap()
    }
}

const HONEST: Log = Log { fork_at: u64::MAX };

#[test]
fn a_head_that_continues_is_cosigned_and_every_other_is_not() {
    let (held, new) = (HONEST.at(90), HONEST.at(130));
    let proof = HONEST.proof(90, 130);
    assert_eq!(judge(Some(&held), 90, &proof, &new), Ok(()));
    assert_eq!(judge(Some(&held), 90, &[], &held), Ok(()), "the same head again");
    assert_eq!(judge(None, 0, &[], &new), Ok(()), "the first head");
    assert_eq!(judge(Some(&HONEST.at(0)), 0, &[], &new), Ok(()), "behind the empty tree");
    // Row 89: smaller than what was seen.
    let small = HONEST.at(60);
    assert_eq!(judge(Some(&held), 90, &[], &small), Err(Refusal::OldSize));
    assert_eq!(judge(Some(&held), 60, &[], &small), Err(Refusal::Conflict(90)));
    // Row 90: the same size, another root.
    let fork = Log { fork_at: 70 };
    assert_eq!(judge(Some(&held), 90, &[], &fork.at(90)), Err(Refusal::Fork(90)));
    // A log that was rewritten, with the proofs of either of its histories.
    for proof in [&proof, &fork.proof(90, 130), &vec![]] {
        let refused = judge(Some(&held), 90, proof, &fork.at(130));
        assert_eq!(refused, Err(Refusal::Unproven));
    }
    // Row 91.
    assert_eq!(judge(None, 0, &proof, &new), Err(Refusal::Unproven));
    let long = vec![Hash::of_nothing(); 64];
    assert_eq!(judge(Some(&held), 90, &long, &new), Err(Refusal::ProofTooLong));
    assert_eq!(judge(Some(&held), 90, &proof[1..], &new), Err(Refusal::Unproven));
    assert_eq!(judge(Some(&held), 90, &proof, &held), Err(Refusal::Unproven));
    assert_eq!(judge(None, 90, &proof, &new), Err(Refusal::Conflict(0)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A witness that has seen `held` leaves never cosigns a history that is another one
    /// within them, whatever it is shown.
    #[test]
    fn no_rewritten_log_is_cosigned(
        held in 1..200_u64,
        more in 0..200_u64,
        at in any::<prop::sample::Index>(),
        old in 0..400_u64,
        honest_proof in any::<bool>(),
    ) {
        let fork_at = at.index(usize::try_from(held).unwrap()) as u64;
        let fork = Log { fork_at };
        let (seen, shown) = (HONEST.at(held), fork.at(held + more));
        let proof = if honest_proof { HONEST.proof(held, held + more) } else { fork.proof(held, held + more) };
        for old in [old, held] {
            prop_assert!(judge(Some(&seen), old, &proof, &shown).is_err());
        }
        let later = Log { fork_at: held };
        let proof = later.proof(held, held + more);
        prop_assert_eq!(judge(Some(&seen), held, &proof, &later.at(held + more)), Ok(()));
    }

    #[test]
    fn nothing_makes_a_witness_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(Request::parse(&bytes));
        drop(parse_answer(&bytes));
        drop(Request::parse(&[b"old 5\n", &bytes[..]].concat()));
    }
}

#[test]
fn requests_and_answers_read_back() {
    let key = || Arc::new(SigningKey::generate(Algorithm::Ed25519).unwrap());
    let log = LogSigner::new(KeyName::parse(ORIGIN).unwrap(), key()).unwrap();
    let note = HONEST.at(130).sign(&log).unwrap().note().clone();
    let request = Request { old: 90, proof: HONEST.proof(90, 130), note };
    let text = request.to_string();
    assert_eq!(Request::parse(text.as_bytes()).as_ref(), Ok(&request));
    for (from, to) in [
        ("old 90", "old 090"),
        ("old 90", "old -1"),
        ("old 90", "new 90"),
        ("old 90\n", "old 90\nAAAA\n"),
        ("\n\n", "\n"),
        (ORIGIN, "border.\u{1}example"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_eq!(Request::parse(changed.as_bytes()), Err(Refusal::Malformed), "{from:?}");
    }
    let long = Request { proof: vec![Hash::of_nothing(); 64], ..request };
    let refused = Request::parse(long.to_string().as_bytes());
    assert_eq!(refused, Err(Refusal::ProofTooLong));
    assert_eq!(Request::parse(&vec![b'a'; REQUEST_BYTES_MAX + 1]), Err(Refusal::Malformed));

    let witness = WitnessSigner::new(KeyName::parse("w.example").unwrap(), key()).unwrap();
    let line = witness.cosign("text\n", 3);
    assert_eq!(parse_answer(format!("{line}\n").as_bytes()), Ok(vec![line.clone()]));
    assert_eq!(parse_answer(line.to_string().as_bytes()), Err(NoteError::Shape));
    let many = format!("{line}\n").repeat(33);
    assert_eq!(parse_answer(many.as_bytes()), Err(NoteError::TooLarge));
}

#[test]
fn a_policy_counts_each_witness_once() {
    let key = || Arc::new(SigningKey::generate(Algorithm::Ed25519).unwrap());
    let named = |name: &str, key: Arc<SigningKey>| {
        WitnessSigner::new(KeyName::parse(name).unwrap(), key).unwrap().public().clone()
    };
    let (a, b) = (named("a", key()), named("b", key()));
    let unreachable = PolicyError::Unreachable { needed: 2, witnesses: 1 };
    assert_eq!(Policy::new(vec![a.clone()], 2), Err(unreachable));
    assert_eq!(Policy::new(vec![a.clone(), named("a", key())], 1), Err(PolicyError::Repeated));
    let under_two_names = WitnessKey::new(KeyName::parse("c").unwrap(), a.key().clone()).unwrap();
    assert_eq!(Policy::new(vec![a.clone(), under_two_names], 1), Err(PolicyError::Repeated));
    let policy = Policy::new(vec![a, b], 2).unwrap();
    let by = |name: &str| Cosigned { witness: KeyName::parse(name).unwrap(), time_s: 1 };
    assert!(!policy.is_met_by(&[by("a"), by("a"), by("c")]));
    assert!(policy.is_met_by(&[by("b"), by("a")]));
    assert!(Policy::new(vec![], 0).unwrap().is_met_by(&[]));
}
