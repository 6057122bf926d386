//! Bundles of evidence from the journals of two real cores, and what is done to them.

mod histories;
mod keys;
mod ledger;
mod reframed;

use barid_audit::bundle::{
    Bundle, Contradiction, Refused, Trust, TrustError, Verdict, contradiction, join,
};
use barid_audit::entry::{Entry, EntryKind};
use barid_proto::audit::v1::{Event, Evidence, EvidenceBundle};
use bytes::Bytes;
use prost::Message as _;

use ledger::{Ledgers, rewritten};

fn open(bytes: &Bytes) -> Bundle {
    Bundle::open(bytes).unwrap()
}

fn encoded(bundle: &EvidenceBundle) -> Bytes {
    bundle.encode_to_vec().into()
}

fn text(bundle: &Bundle) -> String {
    let lines = bundle.story().into_iter().map(|line| format!("{}: {}\n", line.label, line.text));
    lines.collect()
}

#[test]
fn each_node_s_bundle_is_proven_to_whoever_trusts_its_keys() {
    let ledgers = Ledgers::new();
    for side in 0..2 {
        let bundle = open(&ledgers.bundle(side));
        assert_eq!(bundle.judge(Some(&ledgers.trust(1))), Verdict::Proven);
        let events: Vec<_> = bundle.statements().iter().map(|one| one.event()).collect();
        for event in [Event::SubmissionAccepted, Event::RelayAccepted, Event::HandedOver] {
            assert!(events.contains(&event), "{event:?} is not in the bundle of side {side}");
        }
        let story = text(&bundle);
        for words in ["pk/customs, which signed it", "ir/police", "agr:pk-ir version 1"] {
            assert!(story.contains(words), "{words} is not in\n{story}");
        }
    }
}

#[test]
fn without_trust_a_bundle_lists_the_keys_to_compare() {
    let ledgers = Ledgers::new();
    let Verdict::ConsistentOnly(keys) = open(&ledgers.bundle(0)).judge(None) else {
        panic!("nobody is trusted, and yet it is proven or refused");
    };
    let lines = keys.iter().map(|key| format!("{key}\n")).collect::<String>();
    let trust = Trust::parse(format!("barid-trust 1\nquorum 1\n{lines}").as_bytes()).unwrap();
    assert_eq!(open(&ledgers.bundle(0)).judge(Some(&trust)), Verdict::Proven);
}

#[test]
fn bundles_of_two_nodes_become_one() {
    let ledgers = Ledgers::new();
    let joined = join(&[ledgers.bundle(1), ledgers.bundle(0)]).unwrap();
    assert_eq!(joined, join(&[ledgers.bundle(0), ledgers.bundle(1)]).unwrap());
    let bundle = open(&joined);
    assert_eq!(bundle.logs().len(), 2);
    assert_eq!(bundle.judge(Some(&ledgers.trust(1))), Verdict::Proven);
    assert!(!text(&bundle).contains("that log is not in the bundle"));
}

#[test]
fn the_body_may_be_left_out_and_not_be_another() {
    let ledgers = Ledgers::new();
    let mut bundle = EvidenceBundle::decode(ledgers.bundle(0)).unwrap();
    bundle.message.as_mut().unwrap().body = Bytes::new();
    let without = open(&encoded(&bundle));
    assert_eq!(without.judge(Some(&ledgers.trust(0))), Verdict::Proven);
    assert!(text(&without).contains("what the body says: it was left out"));
    bundle.message.as_mut().unwrap().body = Bytes::from_static(b"another");
    assert_eq!(Bundle::open(&encoded(&bundle)).unwrap_err(), Refused::Body);
}

/// One bit of every byte of the file, turned alone: 0 may be accepted. `BARID_FLIPS=8`
/// turns every bit of each.
#[test]
fn no_byte_can_be_changed() {
    let ledgers = Ledgers::new();
    let bytes = ledgers.bundle(0);
    #[expect(clippy::disallowed_methods, reason = "how long a test may take is said outside")]
    let bits = std::env::var("BARID_FLIPS").map_or(1, |text| text.parse().unwrap());
    let flipped = |at: usize, bit: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << ((at + bit) % 8);
        Bundle::open(&changed.into()).is_ok()
    };
    let half = |from: usize| {
        (from..bytes.len()).step_by(2).find(|at| (0..bits).any(|bit| flipped(*at, bit)))
    };
    let accepted = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0).or_else(|| other.join().unwrap())
    });
    assert_eq!(accepted, None, "a bundle is accepted with this byte changed");
    for length in (0..bytes.len()).step_by(13) {
        assert!(Bundle::open(&bytes.slice(..length)).is_err(), "cut off at {length}");
    }
}

/// As above, with lengths and framing made anew around what is changed.
#[test]
fn nothing_can_be_added_left_out_or_doubled() {
    let ledgers = Ledgers::new();
    let whole = EvidenceBundle::decode(ledgers.bundle(0)).unwrap();
    let refused = |what: &str, change: &dyn Fn(&mut EvidenceBundle)| {
        let mut changed = whole.clone();
        change(&mut changed);
        assert!(changed != whole, "{what}: nothing was changed");
        assert!(Bundle::open(&encoded(&changed)).is_err(), "{what}");
    };
    for at in 0..whole.evidence.len() {
        refused("evidence left out", &|bundle| drop(bundle.evidence.remove(at)));
        refused("evidence twice", &|bundle| bundle.evidence.insert(at, whole.evidence[at].clone()));
        refused("evidence cut", &|bundle| {
            let evidence = &mut bundle.evidence[at].evidence;
            evidence.truncate(evidence.len() - 1);
        });
    }
    let log = &whole.logs[0];
    for at in 0..log.records.len() {
        refused("an entry left out", &|bundle| drop(bundle.logs[0].records.remove(at)));
        refused("an entry twice", &|bundle| {
            bundle.logs[0].records.insert(at, log.records[at].clone());
        });
        refused("a longer proof", &|bundle| {
            bundle.logs[0].records[at].path.push(Bytes::from_static(&[0; 32]));
        });
        refused("a shorter proof", &|bundle| drop(bundle.logs[0].records[at].path.pop()));
        refused("nothing opened", &|bundle| bundle.logs[0].records[at].openings.clear());
        refused("another item", &|bundle| bundle.logs[0].records[at].openings[0].index += 1);
        refused("a longer leaf", &|bundle| {
            let leaf = &mut bundle.logs[0].records[at].leaf;
            *leaf = [leaf, &[0x40, 1][..]].concat().into();
        });
    }
    refused("no log", &|bundle| bundle.logs.clear());
    refused("a log twice", &|bundle| bundle.logs.push(log.clone()));
    refused("a cosignature of nobody", &|bundle| bundle.logs[0].witnesses.clear());
    refused("no checkpoint", &|bundle| bundle.logs[0].checkpoint.clear());
    refused("no message", &|bundle| bundle.message = None);
    refused("another version", &|bundle| bundle.version = 2);
    refused("a second signature", &|bundle| {
        let envelope = bundle.message.as_mut().unwrap().envelope.as_mut().unwrap();
        envelope.signatures.push(envelope.signatures[0].clone());
    });
    let mut unknown = whole.encode_to_vec();
    unknown.extend([0x7a, 0]);
    assert_eq!(Bundle::open(&unknown.into()).unwrap_err(), Refused::NotCanonical);
}

#[test]
fn parts_of_other_bundles_do_not_fit() {
    let (ours, theirs) = (Ledgers::new(), Ledgers::new());
    let whole = EvidenceBundle::decode(ours.bundle(0)).unwrap();
    let other = EvidenceBundle::decode(theirs.bundle(0)).unwrap();
    let far = EvidenceBundle::decode(ours.bundle(1)).unwrap();
    let refused = |what: &str, change: &dyn Fn(&mut EvidenceBundle)| {
        let mut changed = whole.clone();
        change(&mut changed);
        assert!(Bundle::open(&encoded(&changed)).is_err(), "{what}");
    };
    for from in [&other, &far] {
        refused("another log's head", &|bundle| {
            bundle.logs[0].checkpoint = from.logs[0].checkpoint.clone();
        });
        refused("another log's head and key", &|bundle| {
            bundle.logs[0].checkpoint = from.logs[0].checkpoint.clone();
            bundle.logs[0].key.clone_from(&from.logs[0].key);
        });
        refused("another log's entries", &|bundle| {
            bundle.logs[0].records.clone_from(&from.logs[0].records);
        });
    }
    refused("another message", &|bundle| bundle.message.clone_from(&other.message));
    refused("other evidence", &|bundle| bundle.evidence.clone_from(&other.evidence));
    refused("another log", &|bundle| bundle.logs.clone_from(&other.logs));
}

#[test]
fn a_bundle_made_anew_with_other_keys_is_refused() {
    let (honest, forged) = (Ledgers::new(), Ledgers::new());
    let forged = open(&forged.bundle(0));
    assert!(matches!(forged.judge(None), Verdict::ConsistentOnly(_)), "it agrees with itself");
    let verdict = forged.judge(Some(&honest.trust(0)));
    assert!(matches!(verdict, Verdict::Refused(Refused::NotTrusted(_))), "{verdict:?}");
}

/// The lines of a trust file are the two logs', the witness's, the agency's and the nodes'.
#[test]
fn trusted_in_part_is_not_trusted() {
    let ledgers = Ledgers::new();
    let lines = ledgers.trust_lines();
    let whole = open(&join(&[ledgers.bundle(0), ledgers.bundle(1)]).unwrap());
    let alone = open(&ledgers.bundle(0));
    let needed = |bundle: &Bundle| -> Vec<usize> {
        let is_needed = |left_out: &usize| {
            let mut lines = lines.clone();
            lines.remove(*left_out);
            let text = format!("barid-trust 1\nquorum 1\n{}", lines.join("\n"));
            match Trust::parse(text.as_bytes()) {
                Ok(trust) => bundle.judge(Some(&trust)) != Verdict::Proven,
                Err(fault) => fault == TrustError::Witnesses,
            }
        };
        (0..lines.len()).filter(is_needed).collect()
    };
    assert_eq!(needed(&whole), [0, 1, 2, 3], "both logs say which keys are their nodes'");
    assert_eq!(needed(&alone), [0, 2, 3, 5], "the other node's key is in no log of its own");
}

#[test]
fn a_head_needs_as_many_witnesses_as_the_trust_says() {
    let ledgers = Ledgers::new();
    let alone = open(&ledgers.gather(0, &ledgers.kept(0), false));
    assert_eq!(alone.judge(Some(&ledgers.trust(0))), Verdict::Proven);
    let verdict = alone.judge(Some(&ledgers.trust(1)));
    assert!(matches!(verdict, Verdict::Refused(Refused::Witnesses(_))), "{verdict:?}");
    assert!(text(&alone).contains("no witness cosigned it"));
}

#[test]
fn a_split_view_is_proven_from_two_bundles() {
    let ledgers = Ledgers::new();
    let honest = ledgers.kept(0);
    let seen = open(&ledgers.bundle(0));
    assert_eq!(contradiction(&seen, &open(&ledgers.bundle(0))), None);
    assert_eq!(contradiction(&seen, &open(&ledgers.bundle(1))), None);
    // The log grew: no contradiction, though head and proofs are others.
    let older = ledgers.gather(0, &honest[..honest.len() - 1], false);
    assert_eq!(contradiction(&seen, &open(&older)), None);
    let mut found = 0;
    for rewritten in 0..honest.len() {
        // The log's own key signs another history, in which one entry is another.
        let mut forged = honest.clone();
        forged[rewritten].leaf = [&forged[rewritten].leaf[..], &[0x40, 1]].concat().into();
        let forged = ledgers.gather(0, &forged, false);
        let Contradiction { origin, heads, .. } = contradiction(&seen, &open(&forged)).unwrap();
        assert_eq!(origin, "pk.example/log/1");
        assert_ne!(heads[0], heads[1]);
        found += 1;
    }
    assert!(found >= 9, "the log has {found} entries");
}

#[test]
fn what_a_node_may_not_say_is_refused_though_it_signs_and_logs_it() {
    let ledgers = Ledgers::new();
    let refused = |at: usize, change: &dyn Fn(&mut Entry)| rewritten(&ledgers, at, change);
    let accepted = ledgers.first(EntryKind::Accepted);
    let relayed = ledgers.first(EntryKind::CustodyReceived);
    let told = ledgers.first(EntryKind::EvidenceTaken);
    let entries = &ledgers.pair.sides[0].entries;
    let rewrite = |change: &dyn Fn(&mut Evidence)| {
        let evidence = Evidence::decode(entries[relayed].items[0].evidence.clone());
        let mut evidence = evidence.unwrap();
        change(&mut evidence);
        Bytes::from(evidence.encode_to_vec())
    };
    // A hand-over at a node that does not have the recipient.
    let handed_over = rewrite(&|evidence| evidence.set_event(Event::HandedOver));
    let why = refused(relayed, &|entry| {
        entry.items[0].event = Event::HandedOver;
        entry.items[0].evidence = handed_over.clone();
    });
    assert!(matches!(why, Refused::NotTheRecipients(_)), "{why}");
    // Another event than the leaf's, another place, another time.
    let why = refused(relayed, &|entry| entry.items[0].evidence = handed_over.clone());
    assert!(matches!(why, Refused::OtherEntry(_)), "{why}");
    let moved = rewrite(&|evidence| evidence.position += 1);
    let why = refused(relayed, &|entry| entry.items[0].evidence = moved.clone());
    assert!(matches!(why, Refused::OtherEntry(_)), "{why}");
    let why = refused(relayed, &|entry| entry.time.0 += 1);
    assert!(matches!(why, Refused::OtherEntry(_)), "{why}");
    // Somebody it was not sent to.
    let stranger = rewrite(&|evidence| evidence.recipient = "ir/customs".into());
    let why = refused(relayed, &|entry| entry.items[0].evidence = stranger.clone());
    assert!(matches!(why, Refused::OtherMessage(_)), "{why}");
    // The other node's word, which that node has not signed.
    let why = refused(told, &|entry| {
        let evidence = Evidence::decode(entry.items[0].evidence.clone());
        let mut evidence = evidence.unwrap();
        evidence.reason = 7;
        entry.items[0].evidence = evidence.encode_to_vec().into();
    });
    assert!(matches!(why, Refused::EvidenceSignature(_)), "{why}");
    // No acceptance.
    let why = refused(accepted, &|entry| entry.evidence = Bytes::new());
    assert_eq!(why, Refused::Acceptance);
}

#[test]
fn trust_files_are_read_whole_or_not_at_all() {
    for (text, fault) in [
        ("", TrustError::FirstLine),
        ("barid-trust 2\n", TrustError::FirstLine),
        ("barid-trust 1\nlog x\n", TrustError::Line(2)),
        ("barid-trust 1\n\n# a comment\nagency pk/customs 00\n", TrustError::Line(4)),
        ("barid-trust 1\nquorum 1\nquorum 1\n", TrustError::Line(3)),
        ("barid-trust 1\nquorum 1\n", TrustError::Witnesses),
        ("barid-trust 1\ntrust everybody\n", TrustError::Line(2)),
    ] {
        assert_eq!(Trust::parse(text.as_bytes()).unwrap_err(), fault, "{text:?}");
    }
    assert_eq!(Trust::parse(&[0xff]).unwrap_err(), TrustError::NotText);
}

#[test]
fn hostile_sizes_cost_nothing() {
    // Two bytes in the file, a hundred in memory each.
    let records = [[0x22, 0]; 4_000_000].concat();
    let mut log = vec![0x22];
    prost::encoding::encode_varint(records.len() as u64, &mut log);
    let bundle: Bytes = [&log[..], &records].concat().into();
    assert_eq!(Bundle::open(&bundle).unwrap_err(), Refused::TooLarge);
    let long = Bytes::from(vec![0; 17 * 1024 * 1024]);
    assert_eq!(Bundle::open(&long).unwrap_err(), Refused::TooLarge);
    let nested = [0x22, 0x7f].repeat(1_000);
    assert_eq!(Bundle::open(&nested.into()).unwrap_err(), Refused::Malformed);
}
