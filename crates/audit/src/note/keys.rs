//! The two kinds of keys that sign notes: a log's own, and a witness's. They are types
//! apart, so that neither signature can be asked of or taken for the other.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use barid_message::key::{PublicKey, SigningKey};

use super::{KEY_ID_BYTES, KeyName, NoteError, NoteSignature, decode_base64, encode_base64};

/// Signature type of a log's signature: Ed25519 over the text.
const ED25519: u8 = 0x01;

/// Signature type of a cosignature: Ed25519 over a time and the text.
const COSIGNATURE: u8 = 0x04;

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// A key with the name under which it signs, and its id: one of [`LogKey`] and
/// [`WitnessKey`], by its signature type.
#[derive(Clone, PartialEq, Eq)]
pub struct NoteKey<const KIND: u8> {
    name: KeyName,
    id: [u8; KEY_ID_BYTES],
    key: PublicKey,
}

/// What a log's checkpoints are checked with. Its name is the log's origin.
pub type LogKey = NoteKey<ED25519>;

/// What a witness's cosignatures are checked with.
pub type WitnessKey = NoteKey<COSIGNATURE>;

impl<const KIND: u8> NoteKey<KIND> {
    /// A key under the name it signs with.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: PublicKey) -> Result<Self, NoteError> {
        let raw = key.ed25519().ok_or(NoteError::Key)?;
        let hashed = [name.as_str().as_bytes(), b"\n", &[KIND], raw].concat();
        let digest = digest::digest(&digest::SHA256, &hashed);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest.as_ref()[..KEY_ID_BYTES]);
        Ok(Self { name, id, key })
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn from_vkey(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(NoteError::VerifierKey);
        let (name, id, key) = (KeyName::parse(part()?)?, part()?, part()?);
        let key = decode_base64(key).ok_or(NoteError::VerifierKey)?;
        let (found, raw) = key.split_first().ok_or(NoteError::VerifierKey)?;
        if *found != KIND {
            return Err(NoteError::VerifierKey);
        }
        let named = Self::new(name, PublicKey::from_ed25519(raw)?)?;
        if format!("{:08x}", u32::from_be_bytes(named.id)) == id {
            Ok(named)
        } else {
            Err(NoteError::VerifierKey)
        }
    }

    /// The verifier key: `<name>+<id in hexadecimal>+<base64 of type and key>`.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        let raw = self.key.ed25519().unwrap_or_default();
        let key = encode_base64(&[&[KIND], raw].concat());
        format!("{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id))
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether a signature stands under this key's name and id.
    #[must_use]
    pub fn made(&self, signature: &NoteSignature) -> bool {
        signature.name == self.name && signature.key_id == self.id
    }

    fn check_made(&self, signature: &NoteSignature) -> Result<(), NoteError> {
        if self.made(signature) { Ok(()) } else { Err(NoteError::Unsigned) }
    }

    fn signature(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.id, bytes }
    }
}

impl LogKey {
    /// Checks a signature over a note's text.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] where it is another key's, [`NoteError::BadSignature`]
    /// where it does not hold.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<(), NoteError> {
        self.check_made(signature)?;
        Ok(self.key.verify_bytes(text.as_bytes(), &signature.bytes)?)
    }
}

impl WitnessKey {
    /// Checks a cosignature over a checkpoint's text, and says when it was made, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] where it is another key's, [`NoteError::BadSignature`]
    /// where it does not hold.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<u64, NoteError> {
        self.check_made(signature)?;
        let (time, bytes) = signature.bytes.split_first_chunk().ok_or(NoteError::BadSignature)?;
        let time_s = u64::from_be_bytes(*time);
        if i64::try_from(time_s).is_err() || bytes.len() != SIGNATURE_BYTES {
            return Err(NoteError::BadSignature);
        }
        self.key.verify_bytes(cosigned(time_s, text).as_bytes(), bytes)?;
        Ok(time_s)
    }
}

impl<const KIND: u8> fmt::Debug for NoteKey<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKey({})", self.to_vkey())
    }
}

/// A private key under its name: a [`LogSigner`] or a [`WitnessSigner`].
pub struct NoteSigner<const KIND: u8> {
    public: NoteKey<KIND>,
    key: Arc<SigningKey>,
}

/// What a log signs its checkpoints with.
pub type LogSigner = NoteSigner<ED25519>;

/// What a witness cosigns checkpoints with.
pub type WitnessSigner = NoteSigner<COSIGNATURE>;

impl<const KIND: u8> NoteSigner<KIND> {
    /// A private key under the name it signs with.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: Arc<SigningKey>) -> Result<Self, NoteError> {
        Ok(Self { public: NoteKey::new(name, key.public().clone())?, key })
    }

    /// What its signatures are checked with.
    #[must_use]
    pub const fn public(&self) -> &NoteKey<KIND> {
        &self.public
    }

    /// What signs, for tests of what it must not be taken for.
    #[cfg(test)]
    pub(super) fn key_for_tests(&self) -> &SigningKey {
        &self.key
    }
}

impl LogSigner {
    /// Signs a note's text.
    #[must_use]
    pub fn sign(&self, text: &str) -> NoteSignature {
        self.public.signature(self.key.sign_bytes(text.as_bytes()))
    }
}

impl WitnessSigner {
    /// Signs a checkpoint's text as of a time, in seconds since 1970. Whether it may is
    /// for [`crate::witness::judge`] to say, before.
    #[must_use]
    pub fn cosign(&self, text: &str, time_s: u64) -> NoteSignature {
        let signature = self.key.sign_bytes(cosigned(time_s, text).as_bytes());
        self.public.signature([&time_s.to_be_bytes(), &signature[..]].concat())
    }
}

impl<const KIND: u8> fmt::Debug for NoteSigner<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.public.name())
    }
}

/// What a cosignature covers (C2SP tlog-cosignature 1.0, Ed25519).
fn cosigned(time_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}
