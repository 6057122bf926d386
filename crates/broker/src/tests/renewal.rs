//! A newer card of a peer: in force at once, and behind a restart.

use barid_audit::entry::Entry;
use barid_message::Reason;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::journal::v1 as facts;
use bytes::Bytes;

use super::place;
use crate::decide::renew::{Renewal, renew};
use crate::decide::start;
use crate::state::State;

const NOW: Millis = Millis(1_767_225_600_000);
const IR: &str = "spiffe://ir.example/node";

fn peer(serial: u64, pinned: &'static [u8], agencies: &[&str]) -> facts::RegisteredPeer {
    let agency = |address: &&str| facts::RegisteredAgency {
        address: (*address).into(),
        ..Default::default()
    };
    facts::RegisteredPeer {
        identity: IR.into(),
        name: "ir".into(),
        card_serial: serial,
        valid_until_ms: NOW.0 + serial,
        agencies: agencies.iter().map(agency).collect(),
        pinned: Bytes::from_static(pinned),
        evidence_keys: vec![evidence_key(serial)],
        ..Default::default()
    }
}

/// Begin of an Ed25519 key in PKCS#8; the seed follows.
const PKCS8: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Another one for each card.
fn evidence_key(serial: u64) -> facts::RegisteredKey {
    let seed = [u8::try_from(serial).unwrap(); 32];
    let key = SigningKey::from_pkcs8_der(&[PKCS8, &seed].concat()).unwrap();
    let spki = Bytes::copy_from_slice(key.public().spki());
    facts::RegisteredKey { spki, valid_from_ms: 0, valid_until_ms: 0 }
}

fn configured(key: &SigningKey, peer: facts::RegisteredPeer) -> facts::RegistryFacts {
    let registry = place::registry(key, &place::agreement());
    facts::RegistryFacts { peers: vec![peer], ..registry }
}

fn fold(state: &mut State, entry: Entry) {
    state.fold(&entry).unwrap();
}

fn started(facts: &facts::RegistryFacts) -> State {
    let mut state = State::new();
    let entry = start::registry(&state, NOW, facts).unwrap();
    fold(&mut state, entry);
    state
}

fn renewal(state: &State, peer: facts::RegisteredPeer) -> Renewal {
    let registry_position = state.registry().position();
    Renewal { registry_position, peer, actor: String::new() }
}

#[test]
fn a_renewed_card_counts_at_once_and_behind_a_restart_until_people_pin_another() {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let pinned = configured(&key, peer(1, b"one", &["ir/police"]));
    let mut state = started(&pinned);
    let newer = renewal(&state, peer(2, b"one", &["ir/police", "ir/health"]));
    let entry = renew(&state, NOW, &newer).unwrap();
    fold(&mut state, entry);
    let in_force = |state: &State| state.registry().peer(IR).unwrap().card_serial;
    assert_eq!(in_force(&state), 2);
    assert_eq!(state.registry().position(), state.next_position() - 1, "older permits are over");
    // The same file as before: what was renewed from it stays.
    assert_eq!(start::registry(&state, NOW, &pinned), None);
    let restored = State::from_snapshot(state.next_position(), &state.to_snapshot()).unwrap();
    assert_eq!(in_force(&restored), 2);
    assert_eq!(start::registry(&restored, NOW, &pinned), None);
    let keys = restored.registry().peer(IR).unwrap().all_evidence_keys().count();
    let new = restored.registry().peer(IR).unwrap().evidence_keys(NOW).len();
    assert_eq!((keys, new), (2, 1), "what it signed before can still be read");
    // Its name is the configuration's.
    let renamed = configured(
        &key,
        facts::RegisteredPeer { name: "mirjaveh".into(), ..peer(1, b"one", &["ir/police"]) },
    );
    let entry = start::registry(&state, NOW, &renamed).unwrap();
    fold(&mut state, entry);
    assert_eq!(in_force(&state), 2);
    assert_eq!(state.registry().peer(IR).unwrap().name, "mirjaveh");
    // People have pinned another card, even one with a lower serial.
    let entry = start::registry(&state, NOW, &configured(&key, peer(1, b"two", &["ir/police"])));
    fold(&mut state, entry.unwrap());
    assert_eq!(in_force(&state), 1);
}

#[test]
fn a_card_checked_against_another_registry_or_against_nothing_is_refused() {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let mut state = started(&configured(&key, peer(1, b"one", &["ir/police"])));
    let older = renewal(&state, peer(3, b"one", &["ir/police"]));
    let entry = renew(&state, NOW, &renewal(&state, peer(2, b"one", &["ir/police"]))).unwrap();
    fold(&mut state, entry);
    assert_eq!(renew(&state, NOW, &older).unwrap_err().reason(), Reason::RegistryChanged);
    // An address that is hosted here: folded, it would leave no registry at all.
    let taken = renewal(&state, peer(3, b"one", &["ir/police", "pk/customs"]));
    assert_eq!(renew(&state, NOW, &taken).unwrap_err().reason(), Reason::WrongState);
}
