//! A log as it is written: leaves in, files out.

use super::{Frontier, HASH_BYTES, Hash, Tile, TileError, bundle, bundle_entries, bundle_path};

/// A file of a log: its path below the log's prefix, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Where it belongs.
    pub path: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// The growing end of a log: what its next files are made of, at most 256 entries and
/// 256 hashes on each of 8 levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grower {
    frontier: Frontier,
    entries: Vec<Vec<u8>>,
    /// Of each level of tiles the hashes of its last tile, as far as it is not full.
    rows: Vec<Vec<Hash>>,
}

/// Files that a leaf completed. Every entry bundle is written before the tiles over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// The bundle of the entries.
    pub bundle: Option<LogFile>,
    /// Tiles, lowest level first.
    pub tiles: Vec<LogFile>,
}

impl Grower {
    /// The end of a log that is stored: its frontier, its last bundle and, of each level,
    /// its last tile; of those that are full nothing. `None` where they do not belong
    /// together.
    #[must_use]
    pub fn resume(frontier: Frontier, last_bundle: &[u8], rows: Vec<Vec<Hash>>) -> Option<Self> {
        let entries = bundle_entries(last_bundle).ok()?;
        let hashes = entries.iter().map(|entry| Hash::of_leaf(entry));
        if !hashes.eq(rows.first().into_iter().flatten().copied()) {
            return None;
        }
        let entries = entries.into_iter().map(<[u8]>::to_vec).collect();
        Some(Self { frontier, entries, rows })
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of the tree so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Adds a leaf, and gives the files that are complete with it.
    ///
    /// # Errors
    /// [`TileError::Entry`] where no bundle can hold it; nothing is added then.
    pub fn push(&mut self, leaf: Vec<u8>) -> Result<Completed, TileError> {
        if u16::try_from(leaf.len()).is_err() {
            return Err(TileError::Entry(leaf.len()));
        }
        let mut completed = Completed::default();
        let hash = Hash::of_leaf(&leaf);
        self.entries.push(leaf);
        for (level, index, hash) in self.frontier.push(hash) {
            let Some((level, index)) = Tile::row_of(level, index) else { continue };
            let at = usize::try_from(level).unwrap_or(usize::MAX);
            if self.rows.len() <= at {
                self.rows.resize(at + 1, Vec::new());
            }
            let row = &mut self.rows[at];
            row.push(hash);
            if let Some(tile) =
                Tile::new(level, index / Tile::WIDTH, width(row)).filter(Tile::is_full)
            {
                completed.tiles.push(tile_file(tile, row));
                row.clear();
            }
        }
        if !completed.tiles.is_empty() {
            completed.bundle = Some(self.bundle(self.size() - 1)?);
            self.entries.clear();
        }
        Ok(completed)
    }

    /// The files that a checkpoint of the present size needs beside those that are
    /// complete: the last bundle and the last tile of each level.
    ///
    /// # Errors
    /// None that [`Grower::push`] has not told.
    pub fn partial(&self) -> Result<Completed, TileError> {
        let mut partial = Completed::default();
        if !self.entries.is_empty() {
            partial.bundle = Some(self.bundle(self.size() - 1)?);
        }
        for (level, row) in (0..).zip(&self.rows) {
            let nodes = self.size() >> (Tile::HEIGHT * level);
            if let Some(tile) = Tile::new(level, nodes / Tile::WIDTH, width(row)) {
                partial.tiles.push(tile_file(tile, row));
            }
        }
        Ok(partial)
    }

    /// The bundle that ends with this leaf.
    fn bundle(&self, last: u64) -> Result<LogFile, TileError> {
        let width = u16::try_from(self.entries.len()).unwrap_or(u16::MAX);
        let bytes = bundle(self.entries.iter().map(Vec::as_slice))?;
        Ok(LogFile { path: bundle_path(last / Tile::WIDTH, width), bytes })
    }
}

fn width(row: &[Hash]) -> u16 {
    u16::try_from(row.len()).unwrap_or(u16::MAX)
}

fn tile_file(tile: Tile, row: &[Hash]) -> LogFile {
    let mut bytes = Vec::with_capacity(row.len() * HASH_BYTES);
    row.iter().for_each(|hash| bytes.extend_from_slice(&hash.0));
    LogFile { path: tile.to_string(), bytes }
}
