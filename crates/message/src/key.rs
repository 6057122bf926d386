//! Keys of agencies and nodes: reading, weighing, signing, verifying.

mod ecdsa;
mod pem;
mod public;
mod signing;

use std::fmt;

use barid_proto::message::v1::SignatureAlgorithm;
use thiserror::Error;

use crate::digest::Digest;

pub use public::{PublicKey, SignatureError};
pub use signing::SigningKey;

/// Signature algorithms of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), verified strictly.
    Ed25519,
    /// ECDSA over NIST P-256 with SHA-256 (FIPS 186-5), DER, low S.
    EcdsaP256,
}

impl Algorithm {
    /// Its code in a header's `signers`.
    pub fn to_proto(self) -> SignatureAlgorithm {
        match self {
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
            Self::EcdsaP256 => SignatureAlgorithm::EcdsaP256Sha256,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::EcdsaP256 => "ECDSA P-256",
        })
    }
}

/// The first 8 bytes of SHA-256 over a key's SubjectPublicKeyInfo: which key is
/// meant. A hint that saves a search; trust comes from the registry alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// The id of the key with this SubjectPublicKeyInfo.
    pub fn of_spki(spki: &[u8]) -> Self {
        let Digest([a, b, c, d, e, f, g, h, ..]) = Digest::of(spki);
        Self([a, b, c, d, e, f, g, h])
    }

    /// Reads a key id.
    ///
    /// # Errors
    /// Any other length than 8.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyIdLength> {
        <[u8; 8]>::try_from(bytes).map(Self).or(Err(KeyIdLength))
    }

    /// Its 8 bytes.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// Not 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key id has 8 bytes")]
pub struct KeyIdLength;

/// Lower-case hexadecimal.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not the DER SubjectPublicKeyInfo of an Ed25519 or uncompressed P-256 key.
    #[error("not the SubjectPublicKeyInfo (DER) of an Ed25519 or uncompressed P-256 key")]
    NotSpki,
    /// An Ed25519 key that would verify signatures nobody made: of small order, or
    /// encoded in another way than the one its point has.
    #[error("a weak key: of small order, or not canonically encoded")]
    Weak,
    /// The bytes are no point of the curve.
    #[error("not a point of the curve")]
    NotOnCurve,
    /// Not an unencrypted PKCS#8 private key of Ed25519 or P-256.
    #[error("not an unencrypted PKCS#8 private key of Ed25519 or P-256")]
    NotPkcs8,
    /// Not one PEM block with the expected label.
    #[error("not one PEM block labelled {label}")]
    NotPem {
        /// The label expected, e.g. `PUBLIC KEY`.
        label: &'static str,
    },
    /// The library or the system's source of randomness failed.
    #[error("key generation failed in the cryptographic library")]
    Generation,
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof_tests;
