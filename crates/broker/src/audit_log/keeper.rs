//! The log's thread: behind the durable position, from the journal's own files.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use barid_audit::note::LogSigner;
use barid_audit::tree::{self, Completed, Grower, LogFile};
use barid_journal::files::{Ensured, WriteError};
use barid_journal::reader::ReadError;
use barid_journal::space::DiskFailure;
use barid_journal::{Claim, Files, FilesWriter, Reader};
use tokio::sync::watch;

use super::desk::Cosignature;
use super::stored::{self, CHECKPOINT, COSIGNED, TileError};
use super::{Desk, Standing, Trouble};
use crate::caps;
use crate::clock::Clock;
use crate::writer::Progress;

/// Keeps the log. It never waits for anybody, and nobody for it.
pub(crate) struct Keeper {
    pub(crate) files: Files,
    pub(crate) reader: Reader,
    pub(crate) signer: LogSigner,
    pub(crate) every: Duration,
    /// Cosignatures that a head needs, 1 at least.
    pub(crate) needed: usize,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) standing: watch::Sender<Standing>,
}

/// Why the log does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Tile(#[from] TileError),
    #[error(transparent)]
    Sign(#[from] CheckpointError),
    /// What the journal says is not what was signed.
    #[error(
        "the journal's first {0} entries are not those that its signed head is about: one of them \
         was changed; compare the data folder with a copy, and call the partners"
    )]
    Contradicted(u64),
}

impl From<DiskFailure> for Failure {
    fn from(failure: DiskFailure) -> Self {
        Self::Write(failure.into())
    }
}

impl From<tree::TileError> for Failure {
    fn from(error: tree::TileError) -> Self {
        Self::Tile(error.into())
    }
}

/// Where the log is taken up from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Its own files, as far as they hold together.
    Files,
    /// The journal, from the beginning: every file is looked at.
    Journal,
}

/// Why the log's thread stops following the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The writer is gone, and all is in the log.
    Over,
    /// Files are damaged.
    Distrusted,
}

/// The log as it grows.
struct Growth {
    grower: Grower,
    writer: FilesWriter,
    /// Tiles over bundles that are not durable yet.
    tiles: Vec<LogFile>,
    /// The head on the disk, which the tree must come through.
    signed: Option<SignedCheckpoint>,
    /// The newest with as many cosignatures as are needed.
    cosigned: Option<SignedCheckpoint>,
    /// Size of which all files are on the disk.
    on_disk: Option<u64>,
}

impl Keeper {
    /// Runs until the writer is gone. A log that fails is taken up again from its files,
    /// and where those are no good, from the journal.
    pub(crate) fn run(self) {
        let mut pause = caps::INDEX_RETRY_MIN;
        let mut from = Source::Files;
        loop {
            let error = match self.follow(from, &mut pause) {
                Ok(End::Over) => return,
                Ok(End::Distrusted) => {
                    self.desk.trust();
                    from = Source::Journal;
                    continue;
                }
                Err(error) => error,
            };
            tracing::error!(error = &error as &dyn Error, "audit log is down");
            let is_over = matches!(error, Failure::Contradicted(_));
            let trouble = if is_over { Trouble::Contradicted } else { Trouble::Failing };
            self.standing.send_modify(|standing| standing.trouble = Some(trouble));
            if is_over || !self.rest(pause) {
                return;
            }
            pause = (2 * pause).min(caps::INDEX_RETRY_MAX);
        }
    }

    /// Waits out a pause, and until the disk has room for new messages. Whether the writer
    /// is still there.
    fn rest(&self, pause: Duration) -> bool {
        let began = self.now();
        loop {
            let left = pause.saturating_sub(self.now().saturating_sub(began));
            if left.is_zero() && self.progress.has_room(Claim::Intake) {
                return true;
            }
            if self.desk.wait(u64::MAX, left.max(caps::INDEX_RETRY_MIN)).is_over {
                return false;
            }
        }
    }

    fn follow(&self, from: Source, pause: &mut Duration) -> Result<End, Failure> {
        let mut growth = self.resume(from)?;
        let mut scan = self.reader.scan(growth.grower.size());
        let mut signed_at = None;
        loop {
            let woken = self.desk.wait(u64::MAX, Duration::ZERO);
            if woken.is_distrusted {
                return Ok(End::Distrusted);
            }
            while let Some(record) = scan.next().transpose()? {
                growth.push(record.leaf.to_vec())?;
            }
            for cosignature in self.desk.cosignatures() {
                self.cosign(&mut growth, cosignature)?;
            }
            let is_hurried = woken.wanted > growth.signed_size();
            if is_hurried || woken.is_over || self.until_due(signed_at).is_zero() {
                self.sign(&mut growth)?;
                (signed_at, *pause) = (Some(self.now()), caps::INDEX_RETRY_MIN);
                // However many ask: so many heads a second and no more.
                self.desk.wait(u64::MAX, caps::LOG_HURRY);
            }
            if woken.is_over && growth.grower.size() == self.reader.next_position() {
                return Ok(End::Over);
            }
            let signed = growth.signed_size();
            // What is asked for and not durable yet comes with the journal.
            let lag = if woken.wanted > signed { caps::LOG_HURRY } else { caps::LOG_LAG_MAX };
            self.desk.wait(woken.wanted.max(signed), lag);
        }
    }

    fn until_due(&self, signed_at: Option<Duration>) -> Duration {
        let since = |at| self.every.saturating_sub(self.now().saturating_sub(at));
        signed_at.map_or(Duration::ZERO, since)
    }

    /// The log as its files have it; from the beginning where they do not hold together.
    fn resume(&self, from: Source) -> Result<Growth, Failure> {
        let signed = stored::head(&self.files, self.signer.public())?;
        let grower = match &signed {
            None => None,
            Some(_) if from == Source::Journal => None,
            Some(signed) => {
                let Checkpoint { size, root, .. } = *signed.checkpoint();
                match stored::grower(&self.files, size) {
                    Ok(grower) => grower.filter(|grower| grower.root() == root),
                    Err(TileError::Disk(failure)) => return Err(failure.into()),
                    Err(_damaged) => None,
                }
            }
        };
        if signed.is_some() && grower.is_none() {
            tracing::warn!("files of the audit log are damaged; they are made again");
        }
        let on_disk = grower.as_ref().map(Grower::size);
        let grower = grower.unwrap_or_default();
        let cosigned = stored::signed(&self.files, COSIGNED, self.signer.public())?;
        let (writer, tiles) = (self.files.writer(), Vec::new());
        Ok(Growth { grower, writer, tiles, signed, cosigned, on_disk })
    }

    /// Signs the head of the tree, once its files are durable. A crash before the end
    /// leaves the head before.
    fn sign(&self, growth: &mut Growth) -> Result<(), Failure> {
        let size = growth.grower.size();
        if size < growth.signed_size() {
            // The journal ends before what was signed, which a start finds first.
            return Err(Failure::Contradicted(growth.signed_size()));
        }
        if growth.on_disk != Some(size) {
            let partial = growth.grower.partial()?;
            growth.write(partial)?;
            growth.settle()?;
            growth.on_disk = Some(size);
        }
        if size > growth.signed_size() || growth.signed.is_none() {
            let origin = self.signer.public().name().clone();
            let checkpoint = Checkpoint { origin, size, root: growth.grower.root() };
            let signed = checkpoint.sign(&self.signer)?;
            growth.writer.write(CHECKPOINT, &signed.to_bytes())?;
            growth.writer.settle()?;
            growth.signed = Some(signed);
        }
        self.tell(growth);
        Ok(())
    }

    /// Puts a cosignature under the newest head, if it is of that.
    fn cosign(&self, growth: &mut Growth, cosignature: Cosignature) -> Result<(), Failure> {
        let Cosignature { key, size, signature } = cosignature;
        let Some(signed) = growth.signed.as_mut().filter(|one| one.checkpoint().size == size)
        else {
            return Ok(());
        };
        if let Err(error) = signed.add(&key, signature) {
            tracing::debug!(%error, "cosignature passed over");
            return Ok(());
        }
        growth.writer.write(CHECKPOINT, &signed.to_bytes())?;
        if signed.note().signatures().len() > self.needed {
            growth.writer.write(COSIGNED, &signed.to_bytes())?;
            growth.cosigned = Some(signed.clone());
        }
        growth.writer.settle()?;
        self.tell(growth);
        Ok(())
    }

    fn tell(&self, growth: &Growth) {
        let told = |head: &Option<SignedCheckpoint>| head.clone().map(Arc::new);
        let now = Standing {
            head: told(&growth.signed),
            cosigned: told(&growth.cosigned),
            trouble: None,
        };
        self.standing.send_if_modified(|standing| {
            let is_new = *standing != now;
            *standing = now;
            is_new
        });
    }

    fn now(&self) -> Duration {
        self.clock.read().monotonic
    }
}

impl Growth {
    fn signed_size(&self) -> u64 {
        self.signed.as_ref().map_or(0, |signed| signed.checkpoint().size)
    }

    fn push(&mut self, leaf: Vec<u8>) -> Result<(), Failure> {
        let completed = self.grower.push(leaf)?;
        if let Some(signed) = &self.signed
            && signed.checkpoint().size == self.grower.size()
            && signed.checkpoint().root != self.grower.root()
        {
            return Err(Failure::Contradicted(self.grower.size()));
        }
        if completed.bundle.is_some() {
            self.write(completed)?;
        }
        if self.tiles.len() >= caps::LOG_TILES_PENDING {
            self.settle()?;
        }
        Ok(())
    }

    fn write(&mut self, completed: Completed) -> Result<(), Failure> {
        if let Some(bundle) = completed.bundle {
            self.ensure(&bundle)?;
        }
        self.tiles.extend(completed.tiles);
        Ok(())
    }

    /// Makes bundles durable, then the tiles over them.
    fn settle(&mut self) -> Result<(), Failure> {
        self.writer.settle()?;
        for tile in std::mem::take(&mut self.tiles) {
            self.ensure(&tile)?;
        }
        Ok(self.writer.settle()?)
    }

    fn ensure(&mut self, file: &LogFile) -> Result<(), Failure> {
        if self.writer.ensure(&file.path, &file.bytes)? == Ensured::Replaced {
            tracing::warn!(file = file.path, "file of the audit log was damaged; made again");
        }
        // Who asks for a part of what is full is given it of the whole.
        if !file.path.contains(".p/") {
            self.writer.remove_folder_later(&format!("{}.p", file.path));
        }
        Ok(())
    }
}
