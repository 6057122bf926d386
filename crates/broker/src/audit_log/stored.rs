//! Reading the files of a log.

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{LogKey, NOTE_BYTES_MAX};
use barid_audit::tree::{
    self, BUNDLE_ENTRY_BYTES_MAX, Frontier, Grower, HASH_BYTES, Hash, Subtrees, Tile, bundle_path,
};
use barid_journal::Files;
use barid_journal::space::DiskFailure;

/// Name of the newest signed head.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// Name of the newest head with as many cosignatures as are needed.
pub(super) const COSIGNED: &str = "cosigned";

/// Bytes of a full bundle of the longest entries.
const BUNDLE_BYTES_MAX: u64 = Tile::WIDTH * (BUNDLE_ENTRY_BYTES_MAX as u64 + 2);

/// Bytes of a full tile.
const TILE_BYTES_MAX: u64 = Tile::WIDTH * HASH_BYTES as u64;

/// Why nothing of a log can be read.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The log is not so large, or not yet.
    #[error("the log's newest head has {newest} leaves, fewer than {size}")]
    Beyond {
        /// Leaves asked for.
        size: u64,
        /// Leaves there are.
        newest: u64,
    },
    /// A file is not there.
    #[error("the log has no file {0}")]
    Missing(String),
    /// A file is not what it should be.
    #[error("a file of the log is damaged: {0}")]
    Damaged(#[from] tree::TileError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// The tree of a size, from its tiles.
pub(super) struct Stored<'a> {
    pub(super) files: &'a Files,
    pub(super) size: u64,
}

impl Subtrees for Stored<'_> {
    type Error = TileError;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, TileError> {
        let beyond = TileError::Beyond { size: self.size, newest: self.size };
        let tile = Tile::holding(level, index, self.size).ok_or(beyond)?;
        Ok(tile.subtree(&self::tile(self.files, tile)?, level, index)?)
    }
}

/// A tile as it was at that width, which is the beginning of the full one.
pub(super) fn tile(files: &Files, tile: Tile) -> Result<Vec<u8>, TileError> {
    let length = usize::from(tile.width()) * HASH_BYTES;
    let mut bytes = match files.read(&tile.to_string(), TILE_BYTES_MAX)? {
        None if !tile.is_full() => files.read(&tile.full().to_string(), TILE_BYTES_MAX)?,
        read => read,
    }
    .ok_or_else(|| TileError::Missing(tile.to_string()))?;
    if bytes.len() < length {
        return Err(tree::TileError::TileLength.into());
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The first entries of a bundle.
pub(super) fn entries(files: &Files, index: u64, width: u16) -> Result<Vec<Vec<u8>>, TileError> {
    let full = 256;
    let path = bundle_path(index, width);
    let bytes = match files.read(&path, BUNDLE_BYTES_MAX)? {
        None if width < full => files.read(&bundle_path(index, full), BUNDLE_BYTES_MAX)?,
        read => read,
    }
    .ok_or(TileError::Missing(path))?;
    let mut entries = tree::bundle_entries(&bytes)?;
    if entries.len() < usize::from(width) {
        return Err(tree::TileError::Bundle.into());
    }
    entries.truncate(usize::from(width));
    Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
}

/// A file as it stands.
pub(super) fn file(files: &Files, path: &str) -> Result<Option<Vec<u8>>, DiskFailure> {
    files.read(path, BUNDLE_BYTES_MAX.max(TILE_BYTES_MAX))
}

/// The newest head of a log, where this key has signed it.
pub(crate) fn head(files: &Files, key: &LogKey) -> Result<Option<SignedCheckpoint>, DiskFailure> {
    signed(files, CHECKPOINT, key)
}

/// A head in a file of this name.
pub(super) fn signed(
    files: &Files,
    name: &str,
    key: &LogKey,
) -> Result<Option<SignedCheckpoint>, DiskFailure> {
    let Some(bytes) = files.read(name, NOTE_BYTES_MAX as u64)? else {
        return Ok(None);
    };
    let opened = SignedCheckpoint::open(&bytes, key);
    let told = opened.inspect_err(|error| tracing::warn!(%error, "checkpoint passed over"));
    Ok(told.ok())
}

/// The growing end of a log of that size. `None` where its last files are not those of
/// one tree.
pub(super) fn grower(files: &Files, size: u64) -> Result<Option<Grower>, TileError> {
    let width = |nodes: u64| u16::try_from(nodes % Tile::WIDTH).unwrap_or(0);
    let frontier = Frontier::of(&Stored { files, size }, size)?;
    let mut rows = Vec::new();
    for level in 0..Tile::levels(size) {
        let nodes = size >> (Tile::HEIGHT * level);
        rows.push(match Tile::new(level, nodes / Tile::WIDTH, width(nodes)) {
            Some(last) => last.hashes(&tile(files, last)?)?,
            None => Vec::new(),
        });
    }
    let entries = match width(size) {
        0 => Vec::new(),
        width => entries(files, size / Tile::WIDTH, width)?,
    };
    let bundle = tree::bundle(entries.iter().map(Vec::as_slice))?;
    Ok(Grower::resume(frontier, &bundle, rows))
}
