//! Whole messages as they lie on the disk, held against the entries that name them.

use std::path::PathBuf;

use barid_audit::entry::{Body, Entry};
use barid_journal::blobs::GetError;
use barid_journal::{BlobRef, Blobs};
use barid_message::digest::Digest;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1 as wire;
use bytes::Bytes;
use prost::Message as _;

use crate::state::Message;

/// A message that an entry names.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    at: BlobRef,
    header_digest: Bytes,
}

/// Why a message could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Its bytes are missing or damaged, or the disk does not give them back.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The bytes are whole, and those of something else.
    #[error("at byte {} of {} lies another message than the journal names", at.offset, path.display())]
    Other {
        /// Which blob.
        at: BlobRef,
        /// The file.
        path: PathBuf,
    },
}

impl Kept {
    /// Of an open message.
    pub(crate) fn open(message: &Message) -> Self {
        Self { at: message.blob, header_digest: message.header_digest.to_bytes() }
    }

    pub(crate) fn accepted(facts: &pb::AcceptedFacts) -> Self {
        let at = BlobRef {
            segment: facts.blob_segment,
            offset: facts.blob_offset,
            length: facts.blob_length,
        };
        Self { at, header_digest: facts.header_digest.clone() }
    }

    /// The message that an entry names, if it names one.
    pub(crate) fn of_entry(entry: &Entry) -> Option<Self> {
        match &entry.body {
            Body::Accepted(facts) => Some(Self::accepted(facts)),
            Body::Taken(facts) => facts.message.as_ref().map(Self::accepted),
            Body::SubmissionRefused(facts) if facts.blob_length > 0 => {
                let pb::RefusedFacts { blob_segment, blob_offset, blob_length, .. } = *facts;
                let at =
                    BlobRef { segment: blob_segment, offset: blob_offset, length: blob_length };
                Some(Self { at, header_digest: facts.header_digest.clone() })
            }
            _ => None,
        }
    }

    /// Where it lies.
    pub(crate) const fn at(&self) -> BlobRef {
        self.at
    }

    /// Reads it back. A checksum says only that some message is whole: where segments were
    /// swapped, or a number was used twice, it is another one.
    pub(crate) fn read(&self, blobs: &Blobs) -> Result<wire::SignedMessage, KeptError> {
        self.decode(blobs, &blobs.get(self.at)?)
    }

    /// Reads it from the disk anew, and checks the body as well; gives its bytes.
    pub(crate) fn recheck(&self, blobs: &Blobs) -> Result<u64, KeptError> {
        let bytes = blobs.recheck(self.at)?;
        let message = self.decode(blobs, &bytes)?;
        let payload = message.envelope.unwrap_or_default().payload;
        let header = wire::Header::decode(payload).ok();
        let body = header.and_then(|header| header.content).and_then(|content| content.body);
        if body.is_some_and(|body| body.sha256 == Digest::of(&message.body).0.as_slice()) {
            Ok(bytes.len() as u64)
        } else {
            Err(self.other(blobs))
        }
    }

    fn decode(&self, blobs: &Blobs, bytes: &Bytes) -> Result<wire::SignedMessage, KeptError> {
        let message = wire::SignedMessage::decode(bytes.clone()).ok();
        message
            .filter(|message| {
                let payload = message.envelope.as_ref().map(|envelope| &envelope.payload);
                payload
                    .is_some_and(|payload| Digest::of(payload).0.as_slice() == self.header_digest)
            })
            .ok_or_else(|| self.other(blobs))
    }

    fn other(&self, blobs: &Blobs) -> KeptError {
        KeptError::Other { at: self.at, path: blobs.path(self.at.segment) }
    }
}
