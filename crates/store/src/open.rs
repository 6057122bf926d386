//! Opening: the index that is there, or a new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use thiserror::Error;

use crate::cursor::Cursor;
use crate::engine::{Engine, EngineError};
use crate::find::{ReadError, rows_up_to};
use crate::meta::{Log, Meta, MetaError};
use crate::projector::Projector;
use crate::schema::META_KEY;
use crate::view::ReadView;

#[cfg(test)]
mod tests;

/// Memory for the engine's cache where nothing else is asked for, bytes. It is no
/// cap: expect about twice as much.
pub const CACHE_BYTES_DEFAULT: u64 = 16 * 1024 * 1024;

/// The delivery log, open.
pub struct Store {
    projector: Projector,
    view: ReadView,
}

/// What opening gives.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// How far the index goes; `None`: it is new, and everything is to be
    /// projected, from position 0.
    pub applied: Option<Applied>,
    /// Why an index that was there is not used.
    pub rebuilt_because: Option<RebuiltBecause>,
}

/// How far an index goes.
///
/// It is a witness for the journal's recovery (SPINE §2.1b): only what the journal
/// had on disk was ever projected, so a journal that ends in front of `witnessed`
/// has lost records. Therefore the store is opened *before* the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Every entry below this position was projected: go on from here.
    pub next_position: u64,
    /// The journal had every entry below this position on disk. It is more than
    /// `next_position` where a crash fell into a projection.
    pub witnessed: u64,
}

/// Why an index was set aside. A new one is in its place.
#[derive(Debug, Error)]
pub enum RebuiltBecause {
    /// The engine could not open or read it.
    #[error("the index does not open")]
    Engine(#[source] EngineError),
    /// It does not say how far it goes.
    #[error("the index does not say how far it goes")]
    Unmarked,
    /// It was written by another version of the program.
    #[error("the index has schema {0}, which this program does not use")]
    Schema(u32),
    /// It is of another log.
    #[error("the index is of log {}, epoch {}", .0.origin, .0.epoch)]
    OtherLog(Log),
    /// It does not have the newest row that it says it has.
    #[error("the index has lost rows")]
    Rows,
}

/// The store cannot be opened, nor replaced. The index that is there is left as
/// it is.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The damaged index cannot be moved out of the way.
    #[error("cannot set the damaged index {} aside", .path.display())]
    SetAside {
        /// The index.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The disk is full or read-only, or the directory may not be used.
    #[error("cannot open the index {}", .path.display())]
    Engine {
        /// The index.
        path: PathBuf,
        /// Why not.
        source: EngineError,
    },
}

impl OpenError {
    /// Whether the disk is full. Passes when space returns.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Engine { source, .. } if source.is_full())
    }
}

impl Store {
    /// Opens the index of `log` in `directory`, with `cache_bytes` of cache.
    ///
    /// An index that is damaged, of another schema or of another log is renamed to
    /// `<directory>.damaged`, in place of the one that was set aside before, and a
    /// new one is made. The caller holds the lock of the data directory.
    ///
    /// # Errors
    /// [`OpenError`]; the surroundings are at fault, and a new index would not help.
    pub fn open(directory: &Path, log: &Log, cache_bytes: u64) -> Result<Opened, OpenError> {
        let engine_error = |source| OpenError::Engine { path: directory.to_owned(), source };
        let mut rebuilt_because = None;
        if has_content(directory) {
            match Self::reopen(directory, log, cache_bytes) {
                Ok((engine, meta, applied)) => {
                    let store = Self::start(engine, meta);
                    return Ok(Opened { store, applied: Some(applied), rebuilt_because });
                }
                Err(RebuiltBecause::Engine(source)) if source.is_in_use() => {
                    return Err(OpenError::InUse(directory.to_owned()));
                }
                Err(RebuiltBecause::Engine(source)) if source.is_of_surroundings() => {
                    return Err(engine_error(source));
                }
                Err(because) => rebuilt_because = Some(because),
            }
            // A crash from here on leaves no index, or one without its meta row:
            // the next start makes a new one.
            set_aside(directory)
                .map_err(|source| OpenError::SetAside { path: directory.to_owned(), source })?;
        }
        let (engine, meta) = create(directory, log, cache_bytes).map_err(engine_error)?;
        Ok(Opened { store: Self::start(engine, meta), applied: None, rebuilt_because })
    }

    /// Moves an index that is closed out of the way, as [`open`](Self::open) does with one
    /// that is damaged.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn set_aside(directory: &Path) -> io::Result<()> {
        if has_content(directory) { set_aside(directory) } else { Ok(()) }
    }

    /// The one writer, and a view for readers.
    #[must_use]
    pub fn split(self) -> (Projector, ReadView) {
        (self.projector, self.view)
    }

    fn start(engine: Engine, meta: Meta) -> Self {
        let applied = Arc::new(AtomicU64::new(meta.next_position));
        let view = ReadView::new(engine.clone(), Arc::clone(&applied));
        Self { projector: Projector::new(engine, meta, applied), view }
    }

    fn reopen(
        directory: &Path,
        log: &Log,
        cache_bytes: u64,
    ) -> Result<(Engine, Meta, Applied), RebuiltBecause> {
        let engine = Engine::open(directory, cache_bytes).map_err(RebuiltBecause::Engine)?;
        match examine(&engine, log) {
            Ok((meta, applied)) => Ok((engine, meta, applied)),
            Err(because) => {
                engine.close();
                Err(because)
            }
        }
    }
}

/// What the index says of itself, if it is fit for use.
fn examine(engine: &Engine, log: &Log) -> Result<(Meta, Applied), RebuiltBecause> {
    let value = engine.get(META_KEY).map_err(RebuiltBecause::Engine)?;
    let meta =
        Meta::decode(&value.ok_or(RebuiltBecause::Unmarked)?).map_err(|error| match error {
            MetaError::Damaged => RebuiltBecause::Unmarked,
            MetaError::Schema(schema) => RebuiltBecause::Schema(schema),
        })?;
    if meta.log != *log {
        return Err(RebuiltBecause::OtherLog(meta.log));
    }
    let rows_up_to = |place| match rows_up_to(engine, place) {
        Ok(rows) => Ok(rows),
        Err(ReadError::Engine(error)) => Err(RebuiltBecause::Engine(error)),
        Err(ReadError::Damaged(_)) => Err(RebuiltBecause::Rows),
    };
    if let Some(newest) = meta.newest {
        let rows = rows_up_to(newest)?;
        rows.iter().find(|row| row.cursor == newest).ok_or(RebuiltBecause::Rows)?;
    }
    let last = rows_up_to(Cursor { position: u64::MAX, index: u16::MAX })?;
    let behind_last = last.last().map_or(0, |row| row.cursor.position.saturating_add(1));
    let next_position = meta.next_position;
    Ok((meta, Applied { next_position, witnessed: next_position.max(behind_last) }))
}

fn create(directory: &Path, log: &Log, cache_bytes: u64) -> Result<(Engine, Meta), EngineError> {
    let engine = Engine::open(directory, cache_bytes)?;
    let meta = Meta::new(log.clone());
    engine.insert(META_KEY, &meta.encode())?;
    engine.flush()?;
    Ok((engine, meta))
}

/// Whether anything is there; what cannot be read is left for the engine to report.
fn has_content(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Keeps the newest damaged index for whoever wants to know what happened to it.
fn set_aside(directory: &Path) -> io::Result<()> {
    let mut aside = directory.as_os_str().to_owned();
    aside.push(".damaged");
    let aside = PathBuf::from(aside);
    match fs::symlink_metadata(&aside) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&aside)?,
        Ok(_) => fs::remove_file(&aside)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::rename(directory, aside)
}
