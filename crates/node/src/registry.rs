//! The registry as the journal keeps it: from the configuration, and from the cards of
//! peers.

use barid_agreement::Agreement;
use barid_link::card::{Card, CardAgency};
use barid_message::registry::RegisteredKey;
use barid_proto::federation::v1::SignedCard;
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::AgreementRef;
use bytes::Bytes;
use prost::Message as _;

use crate::config::{Agency, Config};

/// What the configuration says.
pub(crate) fn configured(config: &Config) -> facts::RegistryFacts {
    let pinned = |peer: &crate::config::Peer| facts::RegisteredPeer {
        name: peer.name.to_string(),
        pinned: peer.card.digest().to_bytes(),
        ..of_card(&peer.card)
    };
    facts::RegistryFacts {
        agencies: config.agencies.iter().map(agency).collect(),
        agreements: config.agreements.iter().map(agreement).collect(),
        operators: config.operators.iter().map(ToString::to_string).collect(),
        peers: config.peers.iter().map(pinned).collect(),
    }
}

/// A peer as it is from a newer card on.
pub(crate) fn renewed(
    known: &barid_broker::registry::Peer,
    older: &Card,
    newer: &Card,
) -> facts::RegisteredPeer {
    let same_ca = older.ca_certificate() == newer.ca_certificate();
    let former_ca =
        if same_ca { known.former_ca.clone() } else { older.ca_certificate().to_vec().into() };
    facts::RegisteredPeer {
        name: known.name.clone(),
        pinned: known.pinned.clone(),
        former_ca,
        ..of_card(newer)
    }
}

/// The card of a peer that is in force. `None`: it cannot be read back, which is a fault
/// of this program, for none gets into the registry unread.
pub(crate) fn card(peer: &barid_broker::registry::Peer) -> Option<Card> {
    Card::from_proto(SignedCard::decode(peer.card.clone()).ok()?).ok()
}

fn of_card(card: &Card) -> facts::RegisteredPeer {
    facts::RegisteredPeer {
        identity: card.node().to_string(),
        card_serial: card.serial(),
        valid_until_ms: card.valid_until().0,
        evidence_keys: card.evidence_keys().iter().map(key).collect(),
        agencies: card.agencies().iter().map(far_agency).collect(),
        tls_keys: card.tls_keys().iter().map(|digest| digest.to_bytes()).collect(),
        card: card.as_proto().encode_to_vec().into(),
        ..Default::default()
    }
}

fn key(key: &RegisteredKey) -> facts::RegisteredKey {
    facts::RegisteredKey {
        spki: Bytes::copy_from_slice(key.key.spki()),
        valid_from_ms: key.valid_from.0,
        valid_until_ms: key.valid_until.map_or(0, |until| until.0),
    }
}

fn agency(agency: &Agency) -> facts::RegisteredAgency {
    facts::RegisteredAgency {
        address: agency.address.to_string(),
        systems: agency.systems.iter().map(ToString::to_string).collect(),
        keys: agency.keys.iter().map(key).collect(),
        may_flash: agency.may_flash,
    }
}

fn far_agency(agency: &CardAgency) -> facts::RegisteredAgency {
    facts::RegisteredAgency {
        address: agency.address.to_string(),
        systems: Vec::new(),
        keys: agency.keys.iter().map(key).collect(),
        may_flash: agency.may_flash,
    }
}

fn agreement(agreement: &Agreement) -> facts::RegisteredAgreement {
    let reference = agreement.reference();
    facts::RegisteredAgreement {
        agreement: Some(AgreementRef {
            id: reference.id,
            version: reference.version,
            sha256: Bytes::copy_from_slice(&reference.sha256.0),
            clause: reference.clause,
        }),
        text: Bytes::copy_from_slice(agreement.text().as_bytes()),
    }
}
