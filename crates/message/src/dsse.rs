//! What is signed: the DSSE pre-authentication encoding of a payload and its type.

use std::fmt;

/// The kinds of signed things. The type is part of what is signed, so that no
/// signature can be used as a signature of another kind (SPINE §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadType {
    /// The header of a message, by the originating agency.
    Header,
    /// An acknowledgement, by the recipient's agency.
    Ack,
    /// One evidence, by a node.
    Evidence,
    /// The root of a batch of evidence, by a node.
    EvidenceBatch,
    /// A custody receipt, by a node.
    Custody,
    /// A card with an agency's or node's keys.
    Card,
    /// The text of an agreement, by its parties.
    Agreement,
    /// The hello of a link, by a node.
    Hello,
    /// A request to erase, by the originating agency.
    Erasure,
}

impl PayloadType {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Header,
        Self::Ack,
        Self::Evidence,
        Self::EvidenceBatch,
        Self::Custody,
        Self::Card,
        Self::Agreement,
        Self::Hello,
        Self::Erasure,
    ];

    /// The media type that stands in the envelope and under the signature.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "application/vnd.barid.header.v1+protobuf",
            Self::Ack => "application/vnd.barid.ack.v1+protobuf",
            Self::Evidence => "application/vnd.barid.evidence.v1+protobuf",
            Self::EvidenceBatch => "application/vnd.barid.evidence-batch.v1+protobuf",
            Self::Custody => "application/vnd.barid.custody.v1+protobuf",
            Self::Card => "application/vnd.barid.card.v1+protobuf",
            Self::Agreement => "application/vnd.barid.agreement.v1+protobuf",
            Self::Hello => "application/vnd.barid.hello.v1+protobuf",
            Self::Erasure => "application/vnd.barid.erasure.v1+protobuf",
        }
    }

    /// The kind of that media type, if it is one.
    pub fn parse(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == media_type)
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bytes that a signature covers (DSSE protocol 1.0, "Signature Definition"):
/// `DSSEv1 SP len(type) SP type SP len(payload) SP payload`.
pub fn pae(payload_type: PayloadType, payload: &[u8]) -> Vec<u8> {
    pae_of(payload_type.as_str(), payload)
}

/// As [`pae`], for any type: the published vector has one that is not ours.
fn pae_of(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (type_len, payload_len) = (payload_type.len(), payload.len());
    let mut bytes = format!("DSSEv1 {type_len} {payload_type} {payload_len} ").into_bytes();
    bytes.reserve_exact(payload_len);
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests;
