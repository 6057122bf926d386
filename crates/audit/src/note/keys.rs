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

/// A key with the name under which it signs, and its id.
#[derive(Clone, PartialEq, Eq)]
struct NamedKey {
    name: KeyName,
    id: [u8; KEY_ID_BYTES],
    key: PublicKey,
}

impl NamedKey {
    fn new(name: KeyName, key: PublicKey, kind: u8) -> Result<Self, NoteError> {
        let raw = key.ed25519().ok_or(NoteError::Key)?;
        let hashed = [name.as_str().as_bytes(), b"\n", &[kind], raw].concat();
        let digest = digest::digest(&digest::SHA256, &hashed);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest.as_ref()[..KEY_ID_BYTES]);
        Ok(Self { name, id, key })
    }

    /// `<name>+<id in hexadecimal>+<base64 of kind and key>`.
    fn to_vkey(&self, kind: u8) -> String {
        let raw = self.key.ed25519().unwrap_or_default();
        let key = encode_base64(&[&[kind], raw].concat());
        format!("{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id))
    }

    fn from_vkey(text: &str, kind: u8) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(NoteError::VerifierKey);
        let (name, id, key) = (KeyName::parse(part()?)?, part()?, part()?);
        let key = decode_base64(key).ok_or(NoteError::VerifierKey)?;
        let (found, raw) = key.split_first().ok_or(NoteError::VerifierKey)?;
        if *found != kind {
            return Err(NoteError::VerifierKey);
        }
        let named = Self::new(name, PublicKey::from_ed25519(raw)?, kind)?;
        if format!("{:08x}", u32::from_be_bytes(named.id)) == id {
            Ok(named)
        } else {
            Err(NoteError::VerifierKey)
        }
    }

    fn made(&self, signature: &NoteSignature) -> bool {
        signature.name == self.name && signature.key_id == self.id
    }

    fn signature(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.id, bytes }
    }
}

/// What a log's checkpoints are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct LogKey(NamedKey);

impl LogKey {
    /// A log's key under the name it signs with, which is the log's origin.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: PublicKey) -> Result<Self, NoteError> {
        NamedKey::new(name, key, ED25519).map(Self)
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn from_vkey(text: &str) -> Result<Self, NoteError> {
        NamedKey::from_vkey(text, ED25519).map(Self)
    }

    /// The verifier key: `<name>+<id>+<key>`.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        self.0.to_vkey(ED25519)
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.0.name
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// Whether a signature stands under this key's name and id.
    #[must_use]
    pub fn made(&self, signature: &NoteSignature) -> bool {
        self.0.made(signature)
    }

    /// Checks a signature over a note's text.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] where it is another key's, [`NoteError::BadSignature`]
    /// where it does not hold.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<(), NoteError> {
        if !self.made(signature) {
            return Err(NoteError::Unsigned);
        }
        Ok(self.0.key.verify_bytes(text.as_bytes(), &signature.bytes)?)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.to_vkey())
    }
}

/// What a log signs its checkpoints with.
pub struct LogSigner {
    public: LogKey,
    key: Arc<SigningKey>,
}

impl LogSigner {
    /// A log's private key under the log's origin.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: Arc<SigningKey>) -> Result<Self, NoteError> {
        Ok(Self { public: LogKey::new(name, key.public().clone())?, key })
    }

    /// What its signatures are checked with.
    #[must_use]
    pub const fn public(&self) -> &LogKey {
        &self.public
    }

    /// What signs, for tests of what it must not be taken for.
    #[cfg(test)]
    pub(super) fn key_for_tests(&self) -> &SigningKey {
        &self.key
    }

    /// Signs a note's text.
    #[must_use]
    pub fn sign(&self, text: &str) -> NoteSignature {
        self.public.0.signature(self.key.sign_bytes(text.as_bytes()))
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.public.name())
    }
}

/// What a witness's cosignatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey(NamedKey);

impl WitnessKey {
    /// A witness's key under its name.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: PublicKey) -> Result<Self, NoteError> {
        NamedKey::new(name, key, COSIGNATURE).map(Self)
    }

    /// Reads a verifier key.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn from_vkey(text: &str) -> Result<Self, NoteError> {
        NamedKey::from_vkey(text, COSIGNATURE).map(Self)
    }

    /// The verifier key: `<name>+<id>+<key>`.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        self.0.to_vkey(COSIGNATURE)
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.0.name
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// Whether a signature stands under this key's name and id.
    #[must_use]
    pub fn made(&self, signature: &NoteSignature) -> bool {
        self.0.made(signature)
    }

    /// Checks a cosignature over a checkpoint's text, and says when it was made, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] where it is another key's, [`NoteError::BadSignature`]
    /// where it does not hold.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<u64, NoteError> {
        if !self.made(signature) {
            return Err(NoteError::Unsigned);
        }
        let (time, bytes) = signature.bytes.split_first_chunk().ok_or(NoteError::BadSignature)?;
        let time_s = u64::from_be_bytes(*time);
        if i64::try_from(time_s).is_err() || bytes.len() != SIGNATURE_BYTES {
            return Err(NoteError::BadSignature);
        }
        self.0.key.verify_bytes(cosigned(time_s, text).as_bytes(), bytes)?;
        Ok(time_s)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({})", self.to_vkey())
    }
}

/// What a witness cosigns checkpoints with.
pub struct WitnessSigner {
    public: WitnessKey,
    key: Arc<SigningKey>,
}

impl WitnessSigner {
    /// A witness's private key under its name.
    ///
    /// # Errors
    /// [`NoteError::Key`] where it is not Ed25519.
    pub fn new(name: KeyName, key: Arc<SigningKey>) -> Result<Self, NoteError> {
        Ok(Self { public: WitnessKey::new(name, key.public().clone())?, key })
    }

    /// What its cosignatures are checked with.
    #[must_use]
    pub const fn public(&self) -> &WitnessKey {
        &self.public
    }

    /// Signs a checkpoint's text as of a time, in seconds since 1970. Whether it may is
    /// for [`crate::witness::judge`] to say, before.
    #[must_use]
    pub fn cosign(&self, text: &str, time_s: u64) -> NoteSignature {
        let signature = self.key.sign_bytes(cosigned(time_s, text).as_bytes());
        self.public.0.signature([&time_s.to_be_bytes(), &signature[..]].concat())
    }
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessSigner({})", self.public.name())
    }
}

/// What a cosignature covers (C2SP tlog-cosignature 1.0, Ed25519).
fn cosigned(time_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}
