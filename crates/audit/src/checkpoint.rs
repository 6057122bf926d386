//! Checkpoints: a log's origin, size and root as a signed note (C2SP tlog-checkpoint 1.0).

use std::fmt;

use crate::note::{
    KeyName, LogKey, LogSigner, Note, NoteError, NoteSignature, WitnessKey, decode_base64,
    encode_base64, parse_decimal,
};
use crate::tree::Hash;

/// Where a log stands: how many leaves, under which root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log, `<trust domain>/log/<epoch>`.
    pub origin: KeyName,
    /// Leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Why a note is not a checkpoint that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no note, or its signature does not count.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root, in three lines.
    #[error("the checkpoint's text is not its origin, size and root, in three lines")]
    Text,
    /// The tree without leaves has another root than that of nothing.
    #[error("the checkpoint has no leaves and not the root of no leaves")]
    EmptyRoot,
    /// It is about another log.
    #[error("the checkpoint is of another log than the one asked for")]
    Origin,
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Extension lines are refused: nobody who watches a
    /// log can check what they say.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Text)?.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Text);
        let (origin, size, root) = (KeyName::parse(line()?)?, line()?, line()?);
        if lines.next().is_some() {
            return Err(CheckpointError::Text);
        }
        let size = parse_decimal(size).ok_or(CheckpointError::Text)?;
        let root = decode_base64(root).and_then(|root| Hash::from_slice(&root));
        let root = root.ok_or(CheckpointError::Text)?;
        if size == 0 && root != Hash::of_nothing() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin, size, root })
    }

    /// Signs it as its log.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`] where the key signs for another log.
    pub fn sign(self, key: &LogSigner) -> Result<SignedCheckpoint, CheckpointError> {
        if self.origin != *key.public().name() {
            return Err(CheckpointError::Origin);
        }
        let mut note = Note::unsigned(self.to_string())?;
        let signature = key.sign(note.text());
        note.add(signature)?;
        Ok(SignedCheckpoint { checkpoint: self, note })
    }
}

/// The text that is signed: three lines.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, encode_base64(&self.root.0))
    }
}

/// A checkpoint that its log has signed, with whatever cosignatures stand under it. It is
/// made by signing or by checking the signature, and in no other way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// A cosignature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Name of the witness.
    pub witness: KeyName,
    /// As of when, in seconds since 1970, by the witness's clock.
    pub time_s: u64,
}

impl SignedCheckpoint {
    /// Reads a checkpoint and checks its log's signature. Signatures of other keys are
    /// kept and not believed.
    ///
    /// # Errors
    /// [`CheckpointError`]: of another log than the key's, unsigned, or a signature under
    /// the key's name that does not hold.
    pub fn open(bytes: &[u8], key: &LogKey) -> Result<Self, CheckpointError> {
        Self::of(Note::parse(bytes)?, key)
    }

    /// As [`SignedCheckpoint::open`], of a note that was read.
    ///
    /// # Errors
    /// As there.
    pub fn of(note: Note, key: &LogKey) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != *key.name() {
            return Err(CheckpointError::Origin);
        }
        let mut signed = false;
        for signature in note.signatures().iter().filter(|signature| key.made(signature)) {
            key.verify(note.text(), signature)?;
            signed = true;
        }
        if signed { Ok(Self { checkpoint, note }) } else { Err(NoteError::Unsigned.into()) }
    }

    /// What it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The note as it is stored and sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_string().into_bytes()
    }

    /// Adds a cosignature that was checked, in place of an earlier one of the same
    /// witness.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] and [`NoteError::BadSignature`] where it is not this
    /// witness's, [`NoteError::TooLarge`] where the note is full.
    pub fn add(&mut self, key: &WitnessKey, signature: NoteSignature) -> Result<(), NoteError> {
        key.verify(self.note.text(), &signature)?;
        self.note.remove(|other| key.made(other));
        self.note.add(signature)
    }

    /// The checkpoint with its log's signature alone.
    #[must_use]
    pub fn without_cosignatures(mut self, key: &LogKey) -> Self {
        self.note.remove(|signature| !key.made(signature));
        self
    }

    /// Which of these witnesses have cosigned it: each once, with its newest time.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] where a cosignature under the name of one of them does
    /// not hold: somebody has changed the note.
    pub fn cosigned_by(&self, witnesses: &[WitnessKey]) -> Result<Vec<Cosigned>, NoteError> {
        let mut cosigned: Vec<Cosigned> = Vec::new();
        for signature in self.note.signatures() {
            let Some(key) = witnesses.iter().find(|key| key.made(signature)) else {
                continue;
            };
            let time_s = key.verify(self.note.text(), signature)?;
            match cosigned.iter_mut().find(|other| other.witness == *key.name()) {
                Some(other) => other.time_s = other.time_s.max(time_s),
                None => cosigned.push(Cosigned { witness: key.name().clone(), time_s }),
            }
        }
        Ok(cosigned)
    }
}
