//! Why a card is none, or not the next one of a node.

use barid_message::address::{Address, AddressError};
use barid_message::key::{KeyError, KeyId, SignatureError};
use barid_message::text::TextError;
use barid_message::time::TimeError;
use thiserror::Error;

use crate::identity::{Identity, IdentityError};

/// Why a card is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CardError {
    /// A text without the block.
    #[error(
        "this is no card: it is not one block from BEGIN BARID CARD to END BARID CARD; copy the file again, as `barid card export` made it"
    )]
    NoBlock,
    /// More than [`caps::CARD_BYTES`](crate::caps::CARD_BYTES).
    #[error("the card is larger than 64 KiB; have the other node export its card again")]
    TooLarge,
    /// Not the protobuf message.
    #[error("the card does not decode; copy the file again")]
    Malformed,
    /// Another encoding than the one of its meaning.
    #[error("the card is not in its canonical encoding; have the other node export it again")]
    NotCanonical,
    /// Signed as something else.
    #[error("this is signed as something else than a card; ask the other node for its card")]
    PayloadType,
    /// No signature, or several.
    #[error("the card has {0} signatures where one is needed; have the other node export it again")]
    SignatureCount(usize),
    /// The signature names none of the card's evidence keys that count when it was made.
    #[error(
        "the card is not signed by an evidence key that stands in it; do not use it, and call the other node"
    )]
    Signer,
    /// The signature is wrong.
    #[error(
        "the card was changed after it was signed ({0}); do not use it, and have it sent again by another way"
    )]
    Signature(SignatureError),
    /// It says something that no card may say.
    #[error("{0}; have the other node correct its configuration and export its card again")]
    Content(#[from] CardFault),
}

/// What stands on a card that must not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CardFault {
    /// The node's identity.
    #[error("the card's node is no identity: {0}")]
    Identity(IdentityError),
    /// An identity of something else.
    #[error("the card is of {0}, which is no node")]
    NotNode(Identity),
    /// Serials begin at 1.
    #[error("the card's serial is 0")]
    Serial,
    /// No time where one is needed.
    #[error("the card does not say {0}")]
    TimeMissing(&'static str),
    /// Not an instant of the standard.
    #[error("the card's {field} is {cause}")]
    Time {
        /// Of which field.
        field: &'static str,
        /// Why.
        cause: TimeError,
    },
    /// It ends before it begins.
    #[error("the card ends before it was issued")]
    NeverValid,
    /// No TLS key, or one whose digest is none, or one twice.
    #[error("the card does not name its TLS keys, each once, by SHA-256 digests")]
    TlsKeys,
    /// Nothing to check evidence with.
    #[error("the card has no evidence key")]
    NoEvidenceKey,
    /// A key that cannot be trusted.
    #[error("a key of {owner} on the card is {cause}")]
    Key {
        /// Whose.
        owner: String,
        /// Why.
        cause: KeyError,
    },
    /// A key of signed notes that not every tool can check.
    #[error("a key of {0} on the card is not Ed25519")]
    NotEd25519(String),
    /// A key that ends before it begins.
    #[error("a key of {0} on the card ends before it begins")]
    KeyNeverValid(String),
    /// A key of two owners, or twice of one.
    #[error("the key {0} stands on the card twice")]
    KeyTwice(KeyId),
    /// An address that is none.
    #[error("an agency's address on the card is {0}")]
    Address(AddressError),
    /// An agency twice.
    #[error("{0} stands on the card twice")]
    AgencyTwice(Address),
    /// Not `host:port`, or a host that is neither a DNS name nor an address.
    #[error("the card's endpoint is not HOST:PORT")]
    Endpoint,
    /// No name to check the TLS certificate by.
    #[error("the card's server name is neither a DNS name nor an IP address")]
    ServerName,
    /// Not the certificate of a CA.
    #[error("the card's CA certificate is no certificate of a CA")]
    CaCertificate,
    /// A text that deceives.
    #[error("the card's {field} {cause}")]
    Text {
        /// Of which field.
        field: &'static str,
        /// Why.
        cause: TextError,
    },
    /// A text that is missing or too long.
    #[error("the card's {field} has not {min} to {max} characters")]
    TextLength {
        /// Of which field.
        field: &'static str,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
}

/// Why a card may not take the place of the pinned one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SuccessorError {
    /// A card of another node.
    #[error("the pinned card is of {pinned}, this one of {newer}; name the card of the same node")]
    OtherNode {
        /// Whose card is pinned.
        pinned: Identity,
        /// Whose this one is.
        newer: Identity,
    },
    /// Not newer.
    #[error(
        "the pinned card has serial {pinned}, this one {newer}, which is not newer; keep the pinned one"
    )]
    NotNewer {
        /// The pinned card's.
        pinned: u64,
        /// This card's.
        newer: u64,
    },
    /// Signed by a stranger.
    #[error(
        "this card is signed by no key of the pinned one; call the other node, and if it lost its keys, remove the old card and its [[peer]] table first"
    )]
    Signer,
}
