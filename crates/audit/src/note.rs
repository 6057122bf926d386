//! Signed notes (C2SP signed-note 1.0): a text, and under it one line for each signature.
//!
//! A note that was read is not believed yet: its text counts where a key that is known
//! has signed it, which [`crate::checkpoint`] and [`crate::witness`] ask for.

mod keys;

#[cfg(test)]
mod tests;

use std::fmt;

use barid_message::key::{KeyError, SignatureError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use keys::{LogKey, LogSigner, NoteKey, NoteSigner, WitnessKey, WitnessSigner};

/// Bytes of a note: 16 post-quantum signatures of 3.3 KB have room.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

/// Signatures under a note. The standard asks for 16 at least.
pub const NOTE_SIGNATURES_MAX: usize = 32;

/// Bytes of a key's name.
pub const KEY_NAME_BYTES_MAX: usize = 300;

/// What a signature line begins with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// Bytes of the key's id in front of a signature.
const KEY_ID_BYTES: usize = 4;

/// Why bytes are not a note, or a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`NOTE_BYTES_MAX`], or more than [`NOTE_SIGNATURES_MAX`] signatures.
    #[error("the note is larger than {NOTE_BYTES_MAX} bytes or has more than 32 signatures")]
    TooLarge,
    /// Not UTF-8, or with control characters.
    #[error("the note is not UTF-8 text, or has control characters in it")]
    NotText,
    /// Text, an empty line and signature lines is not what it consists of.
    #[error("the note does not consist of a text, an empty line and signature lines")]
    Shape,
    /// A name of a key that is none.
    #[error("a key's name is empty, too long, or has spaces, plus signs or controls in it")]
    KeyName,
    /// A verifier key that is none.
    #[error("not a verifier key of this kind: name+id+base64, as the log or witness gave it")]
    VerifierKey,
    /// A key that is not Ed25519, or a weak one.
    #[error("not an Ed25519 key that may be used")]
    Key,
    /// No signature by the key that was asked for.
    #[error("the note is not signed by the key that is known for its log")]
    Unsigned,
    /// A signature under the name and id of a known key does not hold.
    #[error("a signature of the note does not verify")]
    BadSignature,
}

impl From<KeyError> for NoteError {
    fn from(_why: KeyError) -> Self {
        Self::Key
    }
}

impl From<SignatureError> for NoteError {
    fn from(_why: SignatureError) -> Self {
        Self::BadSignature
    }
}

/// The name of a key, such as `border.example/log/1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// Reads a name: 1 to 300 bytes without spaces, plus signs and control characters.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn parse(name: &str) -> Result<Self, NoteError> {
        let is_one = (1..=KEY_NAME_BYTES_MAX).contains(&name.len())
            && name.chars().all(|char| !char.is_whitespace() && !char.is_control() && char != '+');
        if is_one { Ok(Self(name.to_owned())) } else { Err(NoteError::KeyName) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// One signature under a note, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key that is said to have made it.
    pub name: KeyName,
    /// The key's id: 4 bytes of a hash over name, kind and key. A hint.
    pub key_id: [u8; KEY_ID_BYTES],
    /// What the key has made.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// [`NoteError::Shape`] and [`NoteError::KeyName`].
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let rest = line.strip_prefix(LINE_START).ok_or(NoteError::Shape)?;
        let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Shape)?;
        let name = KeyName::parse(name)?;
        let bytes = decode_base64(encoded).ok_or(NoteError::Shape)?;
        let (key_id, signature) = bytes.split_first_chunk().ok_or(NoteError::Shape)?;
        if signature.is_empty() {
            return Err(NoteError::Shape);
        }
        Ok(Self { name, key_id: *key_id, bytes: signature.to_vec() })
    }
}

/// The line, without a newline.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id, &self.bytes[..]].concat();
        write!(f, "{LINE_START}{} {}", self.name, encode_base64(&bytes))
    }
}

/// A text and its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// A text without signatures yet. It must end in a newline and have no other
    /// control characters.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn unsigned(text: String) -> Result<Self, NoteError> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        if !is_plain(&text) {
            return Err(NoteError::NotText);
        }
        if text.ends_with('\n') {
            Ok(Self { text, signatures: Vec::new() })
        } else {
            Err(NoteError::Shape)
        }
    }

    /// Reads a note with at least one signature. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_why| NoteError::NotText)?;
        if !is_plain(note) {
            return Err(NoteError::NotText);
        }
        // The last empty line: a text may have empty lines of its own.
        let end = note.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooLarge);
            }
            signatures.push(NoteSignature::parse(line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, its last newline included: what is signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature. One that is there already is not added again.
    ///
    /// # Errors
    /// [`NoteError::TooLarge`] where the note has as many as it may have.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() == NOTE_SIGNATURES_MAX {
            return Err(NoteError::TooLarge);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Takes out signatures.
    pub(crate) fn remove(&mut self, which: impl Fn(&NoteSignature) -> bool) {
        self.signatures.retain(|signature| !which(signature));
    }
}

/// The note as it is stored and sent.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Whether a text has no control characters but newlines. The standard bans those below
/// U+0020; the others would reach a terminal just as well.
fn is_plain(text: &str) -> bool {
    text.chars().all(|char| char == '\n' || !char.is_control())
}

/// Standard base64 with padding (RFC 4648 §4).
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The one encoding that bytes have: padding is there, and the bits behind the end are
/// zero, so that no letter of a note can be another one.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A number as the notes have it: decimal, without leading zeroes or a sign.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
