//! A folder of received messages: one file for each, as signed.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use barid_message::digest::Digest;
use barid_message::signed::SignedMessage;
use barid_proto::message::v1 as pb;

use crate::document;
use crate::durable;

/// More than any message in JSON: what is larger is none of ours.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A folder that messages are kept in.
pub(super) struct Folder(PathBuf);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is on disk now.
    New,
    /// It was there before: a repeat.
    Already,
}

impl Folder {
    /// Opens a folder, and makes it where it is not there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        durable::folder(path)?;
        Ok(Self(path.to_path_buf()))
    }

    /// Keeps a message: when this returns, it survives a power cut.
    ///
    /// An id is unique within its agency only. Where the file of another message has
    /// the name, the header's digest is put behind it.
    pub(super) fn keep(&self, message: &pb::SignedMessage) -> anyhow::Result<Kept> {
        let signed = SignedMessage::from_proto(message.clone())?;
        let id = signed.header()?.message_id();
        let digest = signed.header_digest();
        let plain = self.0.join(format!("{id}.json"));
        let marked = self.0.join(format!("{id}-{:.16}.json", digest.to_string()));
        for file in [&plain, &marked] {
            match digest_in(file)? {
                Some(held) if held == digest => return Ok(Kept::Already),
                Some(_another) => {}
                None => {
                    let mut text = serde_json::to_vec(message)?;
                    text.push(b'\n');
                    durable::write(file, &text)?;
                    return Ok(Kept::New);
                }
            }
        }
        bail!("{} holds another message; move it away", marked.display())
    }
}

/// Which message a file holds; none where there is no file.
fn digest_in(file: &Path) -> anyhow::Result<Option<Digest>> {
    let opened = match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let mut text = String::new();
    opened
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let message: pb::SignedMessage = serde_json::from_str(&text)
        .with_context(|| format!("{} is no received message; move it away", file.display()))?;
    Ok(Some(document::header_digest(&message)))
}
