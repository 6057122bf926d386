//! What the audit log is signed with, and how often.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use barid_message::key::{Algorithm, SigningKey};

use super::error::ConfigError;
use super::files::{FileError, read_signing_key};
use super::limits::{CHECKPOINT_EVERY, COSIGNATURES};
use super::raw::{RawAudit, Text};
use super::source::Source;

/// `[audit]`: the log that partners can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// `log_key`: PKCS#8 PEM of Ed25519 that signs the heads of this node's log; mode 0600,
    /// not in the data folder, used for nothing else.
    pub log_key: PathBuf,
    /// `witness_key`: as `log_key`, with which heads of other nodes' logs are cosigned.
    pub witness_key: PathBuf,
    /// `checkpoint_every_s`, default 30, 1 to 300: from one signed head to the next.
    pub checkpoint_every: Duration,
    /// `cosignatures_needed`, default 0, 0 to 16: cosignatures of linked nodes that make a
    /// head of this node's log one to be trusted. More than 0: where there is none for 10
    /// minutes, that is a problem.
    pub cosignatures_needed: u32,
}

/// The keys of `[audit]`.
#[derive(Debug, Clone)]
pub struct AuditKeys {
    /// Signs heads of this node's log.
    pub log: Arc<SigningKey>,
    /// Cosigns heads of others.
    pub witness: Arc<SigningKey>,
}

impl Audit {
    pub(super) fn read(source: &Source<'_>, raw: &RawAudit) -> Result<Self, ConfigError> {
        let every = CHECKPOINT_EVERY.read(source, raw.checkpoint_every_s.as_ref())?;
        Ok(Self {
            log_key: source.path(&raw.log_key)?,
            witness_key: source.path(&raw.witness_key)?,
            checkpoint_every: Duration::from_secs(every.into()),
            cosignatures_needed: COSIGNATURES.read(source, raw.cosignatures_needed.as_ref())?,
        })
    }

    /// The keys with their places in the file.
    pub(super) fn paths<'a>(&'a self, raw: &'a RawAudit) -> [(&'a Text, &'a Path); 2] {
        [(&raw.log_key, &self.log_key), (&raw.witness_key, &self.witness_key)]
    }

    /// Reads both keys.
    ///
    /// # Errors
    /// A file is missing, unreadable, open to others, or holds another kind of key.
    pub fn read_keys(&self) -> Result<AuditKeys, FileError> {
        Ok(AuditKeys {
            log: read_ed25519("audit.log_key", &self.log_key)?,
            witness: read_ed25519("audit.witness_key", &self.witness_key)?,
        })
    }
}

/// Checkpoints and cosignatures are Ed25519: every tool of C2SP reads those.
fn read_ed25519(key: &'static str, path: &Path) -> Result<Arc<SigningKey>, FileError> {
    let signing = read_signing_key(key, path)?;
    if signing.public().algorithm() == Algorithm::Ed25519 {
        Ok(Arc::new(signing))
    } else {
        Err(FileError::NotEd25519 { key, path: path.to_path_buf() })
    }
}
