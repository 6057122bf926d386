//! Public keys: what a signature is checked with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

use super::{Algorithm, KeyError, KeyId, ecdsa, pem};
use crate::dsse::{PayloadType, pae};
use crate::reason::Reason;

/// SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410).
const ED25519_PREFIX: [u8; 12] = [0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0];

/// SubjectPublicKeyInfo before the 64 coordinate bytes of an uncompressed P-256 key
/// (RFC 5480): id-ecPublicKey, prime256v1, BIT STRING, 0x04.
const P256_PREFIX: [u8; 27] = [
    0x30, 89, 0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 3, 1, 7, 3, 66, 0, 4,
];

/// A public key that was weighed on the way in. A clone is a pointer; the
/// decompressed point is kept, which saves a tenth of each verification.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Bytes,
    keyid: KeyId,
    point: Point,
}

enum Point {
    Ed25519(VerifyingKey),
    EcdsaP256(ParsedPublicKey),
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Not of the one form that the algorithm's signatures have.
    #[error("not of the form of a signature: Ed25519 64 bytes, ECDSA P-256 DER with low S")]
    Malformed,
    /// Not by this key over these bytes.
    #[error("not a signature by this key over these bytes")]
    Invalid,
}

impl SignatureError {
    /// The reason with which a message is refused for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::Malformed => Reason::SignatureMalformed,
            Self::Invalid => Reason::SignatureInvalid,
        }
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER: Ed25519, or P-256 uncompressed. Each key
    /// has exactly one form here, so that it has exactly one key id.
    ///
    /// # Errors
    /// [`KeyError::NotSpki`], [`KeyError::NotOnCurve`], and [`KeyError::Weak`] for
    /// Ed25519 points of small order or of another encoding than their own: with one
    /// of those, one signature can hold for every message.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let point = if let Some(raw) = spki.strip_prefix(&ED25519_PREFIX) {
            let raw = raw.try_into().or(Err(KeyError::NotSpki))?;
            Point::Ed25519(ed25519_point(raw)?)
        } else if spki.starts_with(&P256_PREFIX) && spki.len() == P256_PREFIX.len() + 64 {
            let sec1 = &spki[P256_PREFIX.len() - 1..];
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, sec1);
            Point::EcdsaP256(key.or(Err(KeyError::NotOnCurve))?)
        } else {
            return Err(KeyError::NotSpki);
        };
        let keyid = KeyId::of_spki(spki);
        Ok(Self(Arc::new(Inner { spki: Bytes::copy_from_slice(spki), keyid, point })))
    }

    /// An Ed25519 key from its 32 bytes (RFC 8032).
    ///
    /// # Errors
    /// As [`PublicKey::from_spki`].
    pub fn from_ed25519(raw: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki(&[&ED25519_PREFIX, raw].concat())
    }

    /// A P-256 key from its uncompressed point (SEC 1), 65 bytes.
    pub(super) fn from_p256(sec1: &[u8]) -> Result<Self, KeyError> {
        let coordinates = sec1.strip_prefix(&[4]).ok_or(KeyError::NotSpki)?;
        Self::from_spki(&[&P256_PREFIX, coordinates].concat())
    }

    /// Reads one PEM block `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError::NotPem`], or as [`PublicKey::from_spki`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_spki(&pem::decode(pem::PUBLIC_KEY, text)?)
    }

    /// One PEM block `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        pem::encode(pem::PUBLIC_KEY, self.spki()).to_string()
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> &Bytes {
        &self.0.spki
    }

    /// The key's id.
    pub fn keyid(&self) -> KeyId {
        self.0.keyid
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self.0.point {
            Point::Ed25519(_) => Algorithm::Ed25519,
            Point::EcdsaP256(_) => Algorithm::EcdsaP256,
        }
    }

    /// Checks a signature over a payload as this kind of thing.
    ///
    /// Valid for Ed25519 is what `verify_strict` of ed25519-dalek calls valid, one at
    /// a time: batch and cofactored checks accept crafted signatures that it refuses
    /// (SPINE §6.2). For P-256 the DER form is the only one and S is low, so that
    /// nobody can make a second signature out of a first.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(
        &self,
        payload_type: PayloadType,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.verify_bytes(&pae(payload_type, payload), signature)
    }

    /// The 32 bytes of an Ed25519 key (RFC 8032); `None` for any other.
    pub fn ed25519(&self) -> Option<&[u8]> {
        self.spki().strip_prefix(&ED25519_PREFIX)
    }

    /// Checks a signature over bytes as they are, of formats that bring their own
    /// context (C2SP signed notes). Everything else goes through
    /// [`PublicKey::verify`].
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify_bytes(&self, bytes: &[u8], sig: &[u8]) -> Result<(), SignatureError> {
        match &self.0.point {
            Point::Ed25519(key) => {
                let sig = Signature::from_slice(sig).or(Err(SignatureError::Malformed))?;
                key.verify_strict(bytes, &sig).or(Err(SignatureError::Invalid))
            }
            Point::EcdsaP256(key) => {
                let form = ecdsa::Signature::from_der(sig).ok_or(SignatureError::Malformed)?;
                if !form.is_low_s() {
                    return Err(SignatureError::Malformed);
                }
                key.verify_sig(bytes, sig).or(Err(SignatureError::Invalid))
            }
        }
    }
}

/// Weighs an Ed25519 point.
fn ed25519_point(raw: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    let key = VerifyingKey::from_bytes(raw).or(Err(KeyError::NotOnCurve))?;
    if key.is_weak() || key.to_edwards().compress().as_bytes() != raw {
        return Err(KeyError::Weak);
    }
    Ok(key)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.algorithm(), self.keyid())
    }
}
