//! Keys over time: what counted when the log wrote it counts for good.

use barid_audit::bundle::{Bundle, Refused, Verdict, contradiction, join};
use barid_audit::entry::{Body, Entry, EntryKind};
use barid_audit::evidence;
use barid_message::dsse::PayloadType;
use barid_message::key::{Algorithm, SigningKey};
use barid_proto::audit::v1::signed_evidence::Proof;
use barid_proto::audit::v1::{Event, Evidence, EvidenceBundle};
use barid_proto::journal::v1::{PeerRenewedFacts, RegisteredKey, RegistryFacts};
use bytes::Bytes;
use prost::Message as _;

use super::ledger::{self, Ledgers, rewritten};
use super::open;

#[test]
fn a_key_that_had_ended_or_is_missing_proves_nothing() {
    let ledgers = Ledgers::new();
    let registry = ledgers.first(EntryKind::RegistryChanged);
    let changed = |change: &dyn Fn(&mut RegistryFacts)| {
        rewritten(&ledgers, registry, &|entry| match &mut entry.body {
            Body::RegistryChanged(facts) => change(facts),
            other => panic!("not a registry: {other:?}"),
        })
    };
    let ended = changed(&|facts| facts.agencies[0].keys[0].valid_until_ms = 1);
    assert!(matches!(ended, Refused::AgencyKey(_)), "{ended}");
    let ended = changed(&|facts| facts.peers[0].evidence_keys[0].valid_until_ms = 1);
    assert!(matches!(ended, Refused::EvidenceSignature(_)), "{ended}");
    let gone = changed(&|facts| facts.agencies[0].keys.clear());
    assert!(matches!(gone, Refused::AgencyKey(_)), "{gone}");
    let gone = changed(&|facts| facts.peers.clear());
    assert!(matches!(gone, Refused::EvidenceSignature(_)), "{gone}");
    let gone = changed(&|facts| facts.peers[0].agencies.clear());
    assert!(matches!(gone, Refused::NotTheRecipients(_)), "{gone}");
}

#[test]
fn a_key_that_ends_later_does_not_undo_what_it_signed() {
    let ledgers = Ledgers::new();
    let entries = &ledgers.pair.sides[0].entries;
    let mut kept = ledgers.kept(0);
    let registry = entries.iter().find(|entry| matches!(entry.body, Body::RegistryChanged(_)));
    let mut later = registry.unwrap().clone();
    later.position = entries.len() as u64;
    later.time = entries.last().unwrap().time;
    if let Body::RegistryChanged(facts) = &mut later.body {
        facts.agencies[0].keys.clear();
        facts.peers.clear();
    }
    kept.push(ledger::kept(&later));
    let bundle = open(&ledgers.gather(0, &kept, true));
    assert_eq!(bundle.judge(Some(&ledgers.trust(1))), Verdict::Proven);
}

/// A card that was renewed on the way brings the key that the other node's word is signed
/// with; and one behind it brings nothing.
#[test]
fn a_renewed_card_counts_from_where_the_log_has_it() {
    let ledgers = Ledgers::new();
    let entries = &ledgers.pair.sides[0].entries;
    let registry = ledgers.first(EntryKind::RegistryChanged);
    // Nothing of the message rests on this entry: it can be another.
    let between = ledgers.first(EntryKind::LinkHorizon);
    let told = ledgers.first(EntryKind::EvidenceTaken);
    assert!(registry < between && between < told);
    let Body::RegistryChanged(known) = &entries[registry].body else {
        panic!("not a registry");
    };
    let peer = known.peers[0].clone();
    let other = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let mut kept = ledgers.kept(0);
    let mut put = |at: usize, body: Body| {
        let items = Vec::new();
        let entry = Entry { body, items, evidence: Bytes::new(), ..entries[at].clone() };
        kept[at] = ledger::kept(&entry);
    };
    let mut former = known.clone();
    former.peers[0].evidence_keys =
        vec![RegisteredKey { spki: other.public().spki().clone(), ..RegisteredKey::default() }];
    put(registry, Body::RegistryChanged(former));
    let renewed = PeerRenewedFacts { peer: Some(peer), actor: String::new() };
    put(between, Body::PeerRenewed(Box::new(renewed)));
    let bytes = ledgers.gather(0, &kept, true);
    assert_eq!(open(&bytes).judge(Some(&ledgers.trust(1))), Verdict::Proven);
    // The same without the card.
    kept[between] = ledgers.kept(0)[between].clone();
    let why = ledgers.try_gather(0, &kept, true).unwrap_err().to_string();
    assert!(why.contains("not signed with the key that counted"), "{why}");
    // The card left out of the bundle.
    let mut bundle = EvidenceBundle::decode(bytes).unwrap();
    let records = &mut bundle.logs[0].records;
    let before = records.len();
    records.retain(|record| {
        let leaf = barid_proto::journal::v1::Leaf::decode(record.leaf.clone()).unwrap();
        leaf.kind() != EntryKind::PeerRenewed
    });
    assert_eq!(records.len(), before - 1);
    let why = Bundle::open(&bundle.encode_to_vec().into()).unwrap_err();
    assert!(matches!(why, Refused::EvidenceSignature(_)), "{why}");
}

/// A signature by the right key for something else proves nothing here.
#[test]
fn a_signature_made_for_another_kind_of_thing_is_refused() {
    let ledgers = Ledgers::new();
    let whole = EvidenceBundle::decode(ledgers.bundle(0)).unwrap();
    let key = &ledgers.pair.sides[0].evidence_key;
    let own = |one: &barid_proto::audit::v1::SignedEvidence| {
        let Some(Proof::Single(envelope)) = &one.proof else {
            return false;
        };
        envelope.signatures[0].keyid == key.public().keyid().as_bytes().as_slice()
    };
    let at = whole.evidence.iter().position(own).unwrap();
    for kind in PayloadType::ALL.into_iter().filter(|kind| *kind != PayloadType::Evidence) {
        for name in [kind.as_str(), PayloadType::Evidence.as_str()] {
            let mut bundle = whole.clone();
            let signed = &mut bundle.evidence[at];
            let mut envelope = key.envelope(kind, signed.evidence.clone());
            envelope.payload_type = name.to_owned();
            signed.proof = Some(Proof::Single(envelope));
            let why = Bundle::open(&bundle.encode_to_vec().into()).unwrap_err();
            let is_so = matches!(why, Refused::Evidence | Refused::EvidenceSignature(_));
            assert!(is_so, "{kind} as {name}: {why}");
        }
    }
}

/// A node that signs two ends of one delivery is caught by its own key, though each was
/// kept by another log.
#[test]
fn two_words_of_one_node_for_one_place_are_a_contradiction() {
    let mut ledgers = Ledgers::new();
    let seen = open(&ledgers.bundle(0));
    let told = ledgers.first(EntryKind::EvidenceTaken);
    let mut kept = ledgers.kept(0);
    let mut entry = ledgers.pair.sides[0].entries[told].clone();
    let mut stated = Evidence::decode(entry.items[0].evidence.clone()).unwrap();
    stated.set_event(Event::Refused);
    let statement = Bytes::from(stated.encode_to_vec());
    let signed = evidence::sign(statement.clone(), &ledgers.pair.sides[1].evidence_key, None);
    entry.items[0].event = Event::Refused;
    entry.items[0].facts.proof = evidence::proof_alone(signed);
    entry.items[0].evidence = statement;
    kept[told] = ledger::kept(&entry);
    ledgers.logs[0] = Ledgers::new().logs.into_iter().next().unwrap();
    let other = open(&ledgers.gather(0, &kept, false));
    let found = contradiction(&seen, &other).unwrap();
    assert_eq!(found.origin, "ir.example/log/1");
    assert!(found.what.contains("both signed by its node"), "{}", found.what);
    assert!(found.heads.iter().all(|head| head.starts_with("pk.example/log/1\n")));
}

/// The same evidence is signed anew when it is told anew; other logs know the former key.
#[test]
fn a_node_that_has_changed_its_key_is_believed_in_both() {
    let mut ledgers = Ledgers::new();
    let before = [0, 1].map(|side| ledgers.bundle(side));
    for side in 0..2 {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        ledgers.pair.sides[side].evidence_key = key;
        ledgers.pair.restart(side, false);
    }
    let after = [0, 1].map(|side| ledgers.bundle(side));
    assert_ne!(before[0], after[0]);
    let trust = ledgers.trust(1);
    for one in [&before[0], &after[0]] {
        for other in [&before[1], &after[1]] {
            for pair in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
                let bundle = open(&join(&pair).unwrap());
                assert_eq!(bundle.judge(Some(&trust)), Verdict::Proven);
            }
        }
    }
}
