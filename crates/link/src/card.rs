//! What a node says of itself before the first link: its card, signed, handed over out
//! of band and compared by telephone.
//!
//! A [`Card`] has passed every check that needs neither clock nor configuration. That
//! it verifies says only that whoever made it holds the keys that stand in it: who that
//! is, two people find out by reading its [`Fingerprint`] to each other.

mod armour;
mod error;
mod fingerprint;
mod grants;
mod parse;
#[cfg(test)]
mod tests;

use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::{PublicKey, SigningKey};
use barid_message::registry::RegisteredKey;
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;
use bytes::Bytes;
use prost::Message as _;
use rustls::pki_types::CertificateDer;

use crate::identity::Identity;
use crate::tls::Endpoint;

pub use error::{CardError, CardFault, SuccessorError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use grants::Grant;

/// A node's card: whole, canonical, signed by a key that stands in it.
#[derive(Clone, Debug)]
pub struct Card {
    signed: pb::SignedCard,
    payload: Bytes,
    signer: PublicKey,
    facts: Facts,
}

/// What stands on a card.
#[derive(Clone, Debug)]
struct Facts {
    node: Identity,
    name: String,
    serial: u64,
    issued_at: Millis,
    valid_until: Millis,
    endpoint: Option<Endpoint>,
    server_name: String,
    ca_certificate: CertificateDer<'static>,
    tls_keys: Vec<Digest>,
    evidence_keys: Vec<RegisteredKey>,
    log_keys: Vec<RegisteredKey>,
    witness_keys: Vec<RegisteredKey>,
    agencies: Vec<CardAgency>,
    contact: Contact,
}

/// An agency or unit that a node speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAgency {
    /// Its address.
    pub address: Address,
    /// Keys that its messages are signed with. A unit without keys uses its agency's;
    /// an agency without keys sends nothing.
    pub keys: Vec<RegisteredKey>,
    /// Whether its node lets it send FLASH.
    pub may_flash: bool,
}

/// Whom to call when machines disagree; what is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// A role, not a person.
    pub role: String,
    /// Telephone number.
    pub telephone: String,
    /// Address for mail.
    pub email: String,
}

impl Card {
    /// Signs what a node says of itself. Nothing is checked here: what was signed is a
    /// card once [`Card::from_proto`] takes it.
    #[must_use]
    pub fn sign(card: &pb::Card, key: &SigningKey) -> pb::SignedCard {
        let payload = card.encode_to_vec().into();
        pb::SignedCard { envelope: Some(key.envelope(PayloadType::Card, payload)) }
    }

    /// Takes a card from the wire.
    ///
    /// # Errors
    /// [`CardError`]: the first rule that it breaks; the signature is checked before
    /// anything that it covers is believed.
    pub fn from_proto(signed: pb::SignedCard) -> Result<Self, CardError> {
        parse::card(signed)
    }

    /// Reads a card from a file's text: one block, white space around it allowed.
    ///
    /// # Errors
    /// As [`Card::from_proto`], and [`CardError::NoBlock`].
    pub fn from_text(text: &str) -> Result<Self, CardError> {
        Self::from_proto(armour::decode(text)?)
    }

    /// The card as a file: `-----BEGIN BARID CARD-----`, the signed card in base64,
    /// `-----END BARID CARD-----`.
    #[must_use]
    pub fn to_text(&self) -> String {
        armour::encode(&self.signed)
    }

    /// The card on the wire, as it came.
    #[must_use]
    pub const fn as_proto(&self) -> &pb::SignedCard {
        &self.signed
    }

    /// What was signed, field by field, for those who show it.
    #[must_use]
    pub fn content(&self) -> pb::Card {
        pb::Card::decode(self.payload.clone()).expect("parsing decoded the same bytes")
    }

    /// SHA-256 of what was signed: what names this card and no other.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.payload)
    }

    /// What two administrators read to each other.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.payload)
    }

    /// Whether `newer` may take this card's place without a telephone call: the same
    /// node, a higher serial, signed by a key that this card holds and that counts when
    /// the newer one was made.
    ///
    /// # Errors
    /// [`SuccessorError`] says which of these fails.
    pub fn successor(&self, newer: &Self) -> Result<(), SuccessorError> {
        if newer.node() != self.node() {
            let (pinned, newer) = (self.node().clone(), newer.node().clone());
            return Err(SuccessorError::OtherNode { pinned, newer });
        }
        if newer.serial() <= self.serial() {
            let (pinned, newer) = (self.serial(), newer.serial());
            return Err(SuccessorError::NotNewer { pinned, newer });
        }
        let holds =
            |key: &RegisteredKey| key.key == newer.signer && key.is_valid_at(newer.facts.issued_at);
        if self.evidence_keys().iter().any(holds) { Ok(()) } else { Err(SuccessorError::Signer) }
    }

    /// Who the node is: always [`Identity::Node`].
    #[must_use]
    pub const fn node(&self) -> &Identity {
        &self.facts.node
    }

    /// What the node calls itself, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// A higher one replaces a lower one.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.facts.serial
    }

    /// When it was made.
    #[must_use]
    pub const fn issued_at(&self) -> Millis {
        self.facts.issued_at
    }

    /// Until when it may be used.
    #[must_use]
    pub const fn valid_until(&self) -> Millis {
        self.facts.valid_until
    }

    /// Whether it may no longer be used at that time.
    #[must_use]
    pub fn is_expired_at(&self, time: Millis) -> bool {
        self.facts.valid_until <= time
    }

    /// Where the node takes links. None: it only calls.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        self.facts.endpoint.as_ref()
    }

    /// Name or address that its TLS certificate carries; empty only where there is no
    /// endpoint.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.facts.server_name
    }

    /// The CA of its TLS certificate, DER.
    #[must_use]
    pub const fn ca_certificate(&self) -> &CertificateDer<'static> {
        &self.facts.ca_certificate
    }

    /// SHA-256 of the SubjectPublicKeyInfo of each TLS key that it may use; at least one.
    #[must_use]
    pub fn tls_keys(&self) -> &[Digest] {
        &self.facts.tls_keys
    }

    /// Keys of its evidence, custody receipts and cards; at least one.
    #[must_use]
    pub fn evidence_keys(&self) -> &[RegisteredKey] {
        &self.facts.evidence_keys
    }

    /// Ed25519 keys that sign the heads of its audit log.
    #[must_use]
    pub fn log_keys(&self) -> &[RegisteredKey] {
        &self.facts.log_keys
    }

    /// Ed25519 keys that it cosigns the heads of others' logs with.
    #[must_use]
    pub fn witness_keys(&self) -> &[RegisteredKey] {
        &self.facts.witness_keys
    }

    /// The evidence key that signed this card.
    #[must_use]
    pub const fn signer(&self) -> &PublicKey {
        &self.signer
    }

    /// Agencies and units that it speaks for, none twice.
    #[must_use]
    pub fn agencies(&self) -> &[CardAgency] {
        &self.facts.agencies
    }

    /// Whom to call.
    #[must_use]
    pub const fn contact(&self) -> &Contact {
        &self.facts.contact
    }
}

impl PartialEq for Card {
    fn eq(&self, other: &Self) -> bool {
        self.payload == other.payload
    }
}

impl Eq for Card {}
