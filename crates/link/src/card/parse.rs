//! From an untrusted signed card to a [`Card`].

use std::collections::BTreeSet;

use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::{Algorithm, KeyId, PublicKey};
use barid_message::registry::RegisteredKey;
use barid_message::text::{self, Layout};
use barid_message::time::Millis;
use barid_proto::Timestamp;
use barid_proto::federation::v1 as pb;
use barid_proto::message::v1::{Envelope, Signature};
use bytes::Bytes;
use prost::Message as _;
use rustls::pki_types::{CertificateDer, ServerName};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Card, CardAgency, CardError, CardFault, Contact, Facts};
use crate::caps;
use crate::identity::Identity;
use crate::tls::Endpoint;

/// How the node itself is called where a key has an owner.
const NODE: &str = "the node";

pub(super) fn card(signed: pb::SignedCard) -> Result<Card, CardError> {
    let envelope = signed.envelope.as_ref().ok_or(CardError::Malformed)?;
    let payload = envelope.payload.clone();
    if payload.len() > caps::CARD_BYTES {
        return Err(CardError::TooLarge);
    }
    if envelope.payload_type != PayloadType::Card.as_str() {
        return Err(CardError::PayloadType);
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(CardError::SignatureCount(envelope.signatures.len()));
    };
    let proto = pb::Card::decode(payload.clone()).or(Err(CardError::Malformed))?;
    // Protobuf has many encodings of one meaning, and the fingerprint covers bytes.
    if proto.encode_to_vec() != payload {
        return Err(CardError::NotCanonical);
    }
    let mut seen = BTreeSet::new();
    let evidence_keys = keys(&proto.evidence_keys, NODE, &mut seen)?;
    if evidence_keys.is_empty() {
        return Err(CardFault::NoEvidenceKey.into());
    }
    let signer = signer(&evidence_keys, signature)?.clone();
    verify(&signer, envelope, signature)?;
    let facts = facts(proto, evidence_keys, &mut seen)?;
    let counts = |key: &RegisteredKey| key.key == signer && key.is_valid_at(facts.issued_at);
    if !facts.evidence_keys.iter().any(counts) {
        return Err(CardError::Signer);
    }
    Ok(Card { signed, payload, signer, facts })
}

/// The evidence key that the signature names.
fn signer<'k>(
    keys: &'k [RegisteredKey],
    signature: &Signature,
) -> Result<&'k PublicKey, CardError> {
    let keyid = KeyId::from_slice(&signature.keyid).or(Err(CardError::Signer))?;
    let named = keys.iter().map(|key| &key.key).find(|key| key.keyid() == keyid);
    named.ok_or(CardError::Signer)
}

fn verify(key: &PublicKey, envelope: &Envelope, signature: &Signature) -> Result<(), CardError> {
    key.verify(PayloadType::Card, &envelope.payload, &signature.sig).map_err(CardError::Signature)
}

fn facts(
    proto: pb::Card,
    evidence_keys: Vec<RegisteredKey>,
    seen: &mut BTreeSet<KeyId>,
) -> Result<Facts, CardFault> {
    let pb::Card {
        node,
        name,
        serial,
        issued_at,
        valid_until,
        endpoint,
        server_name,
        ca_certificate,
        tls_keys,
        evidence_keys: _,
        agencies,
        contact,
        log_keys,
        witness_keys,
    } = proto;
    if serial == 0 {
        return Err(CardFault::Serial);
    }
    let issued_at = time("time of issue", issued_at)?;
    let valid_until = time("end", valid_until)?;
    if valid_until <= issued_at {
        return Err(CardFault::NeverValid);
    }
    let endpoint = self::endpoint(&endpoint)?;
    if (endpoint.is_some() || !server_name.is_empty())
        && ServerName::try_from(server_name.as_str()).is_err()
    {
        return Err(CardFault::ServerName);
    }
    Ok(Facts {
        node: identity(&node)?,
        name: line("name", name, 1, caps::CARD_NAME_CHARS)?,
        serial,
        issued_at,
        valid_until,
        endpoint,
        server_name,
        ca_certificate: ca(&ca_certificate)?,
        tls_keys: self::tls_keys(&tls_keys)?,
        evidence_keys,
        log_keys: ed25519_keys(&log_keys, "the node's log", seen)?,
        witness_keys: ed25519_keys(&witness_keys, "the node as a witness", seen)?,
        agencies: self::agencies(agencies, seen)?,
        contact: self::contact(contact.unwrap_or_default())?,
    })
}

fn identity(text: &str) -> Result<Identity, CardFault> {
    match text.parse().map_err(CardFault::Identity)? {
        node @ Identity::Node { .. } => Ok(node),
        other => Err(CardFault::NotNode(other)),
    }
}

fn time(field: &'static str, time: Option<Timestamp>) -> Result<Millis, CardFault> {
    let time = time.ok_or(CardFault::TimeMissing(field))?;
    Millis::from_proto(&time).map_err(|cause| CardFault::Time { field, cause })
}

/// In the one form in which it is shown, so that nothing hides in another.
fn endpoint(text: &str) -> Result<Option<Endpoint>, CardFault> {
    if text.is_empty() {
        return Ok(None);
    }
    let endpoint: Endpoint = format!("https://{text}").parse().or(Err(CardFault::Endpoint))?;
    let usable = endpoint.authority() == text
        && endpoint.port() != 0
        && ServerName::try_from(endpoint.host()).is_ok();
    if usable { Ok(Some(endpoint)) } else { Err(CardFault::Endpoint) }
}

fn ca(der: &Bytes) -> Result<CertificateDer<'static>, CardFault> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) if certificate.is_ca() => Ok(CertificateDer::from(der.to_vec())),
        _ => Err(CardFault::CaCertificate),
    }
}

fn tls_keys(proto: &[Bytes]) -> Result<Vec<Digest>, CardFault> {
    let mut digests = Vec::with_capacity(proto.len());
    for bytes in proto {
        let digest = Digest::from_slice(bytes).or(Err(CardFault::TlsKeys))?;
        if digests.contains(&digest) {
            return Err(CardFault::TlsKeys);
        }
        digests.push(digest);
    }
    if digests.is_empty() { Err(CardFault::TlsKeys) } else { Ok(digests) }
}

/// `seen` holds all keys of the card so far: a key that speaks for two could not say
/// for which.
fn keys(
    proto: &[pb::CardKey],
    owner: &str,
    seen: &mut BTreeSet<KeyId>,
) -> Result<Vec<RegisteredKey>, CardFault> {
    let mut keys = Vec::with_capacity(proto.len());
    for pb::CardKey { spki, valid_from, valid_until } in proto {
        let key = PublicKey::from_spki(spki)
            .map_err(|cause| CardFault::Key { owner: owner.to_owned(), cause })?;
        if !seen.insert(key.keyid()) {
            return Err(CardFault::KeyTwice(key.keyid()));
        }
        let valid_from = time("begin of a key", *valid_from)?;
        let valid_until = valid_until.map(|end| time("end of a key", Some(end))).transpose()?;
        if valid_until.is_some_and(|end| end <= valid_from) {
            return Err(CardFault::KeyNeverValid(owner.to_owned()));
        }
        keys.push(RegisteredKey { key, valid_from, valid_until });
    }
    Ok(keys)
}

/// As [`keys`], of notes that every tool of C2SP reads.
fn ed25519_keys(
    proto: &[pb::CardKey],
    owner: &str,
    seen: &mut BTreeSet<KeyId>,
) -> Result<Vec<RegisteredKey>, CardFault> {
    let keys = keys(proto, owner, seen)?;
    if keys.iter().all(|key| key.key.algorithm() == Algorithm::Ed25519) {
        Ok(keys)
    } else {
        Err(CardFault::NotEd25519(owner.to_owned()))
    }
}

fn agencies(
    proto: Vec<pb::CardAgency>,
    seen: &mut BTreeSet<KeyId>,
) -> Result<Vec<CardAgency>, CardFault> {
    let mut addresses = BTreeSet::new();
    let mut agencies = Vec::with_capacity(proto.len());
    for pb::CardAgency { address, keys, may_flash } in proto {
        let address = Address::parse(&address).map_err(CardFault::Address)?;
        if !addresses.insert(address.clone()) {
            return Err(CardFault::AgencyTwice(address));
        }
        let keys = self::keys(&keys, address.as_str(), seen)?;
        agencies.push(CardAgency { address, keys, may_flash });
    }
    Ok(agencies)
}

fn contact(proto: pb::Contact) -> Result<Contact, CardFault> {
    let pb::Contact { role, telephone, email } = proto;
    Ok(Contact {
        role: line("contact role", role, 0, caps::CARD_ROLE_CHARS)?,
        telephone: line("contact telephone", telephone, 0, caps::CARD_TELEPHONE_CHARS)?,
        email: line("contact email", email, 0, caps::CARD_EMAIL_CHARS)?,
    })
}

fn line(field: &'static str, text: String, min: usize, max: usize) -> Result<String, CardFault> {
    if !(min..=max).contains(&text.chars().count()) {
        return Err(CardFault::TextLength { field, min, max });
    }
    text::check(&text, Layout::Line).map_err(|cause| CardFault::Text { field, cause })?;
    Ok(text)
}
