//! Tiles: the tree cut into files of up to 256 hashes, and its entries into bundles of as
//! many (C2SP tlog-tiles).

use std::fmt;

use super::{HASH_BYTES, Hash};

/// Levels of the tree in one level of tiles.
const HEIGHT: u32 = 8;

/// Hashes of a full tile, entries of a full bundle.
const WIDTH: u64 = 1 << HEIGHT;

/// Levels of tiles that a tree of 2^64 leaves has.
const LEVELS: u32 = u64::BITS / HEIGHT;

/// Bytes of one entry in a bundle: its length is a `u16`.
pub const BUNDLE_ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// A file of hashes: `width` of them, roots of subtrees of 2^(8 · `level`) leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u32,
    index: u64,
    width: u16,
}

/// Why bytes are not a tile or bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// They have another length than the tile's hashes.
    #[error("the tile has not as many bytes as its hashes")]
    TileLength,
    /// The bundle ends in the middle of an entry, or has too many.
    #[error("the bundle does not consist of whole entries, 256 at most")]
    Bundle,
    /// An entry is longer than a bundle can say.
    #[error("an entry of {0} bytes is longer than 65535")]
    Entry(usize),
}

impl Tile {
    /// Levels of the tree in one level of tiles.
    pub const HEIGHT: u32 = 8;

    /// Hashes of a full tile, entries of a full bundle.
    pub const WIDTH: u64 = WIDTH;

    /// Which level of tiles a subtree's root stands in, and its place there; `None` where
    /// it stands in none, and follows from those below.
    #[must_use]
    pub const fn row_of(level: u32, index: u64) -> Option<(u32, u64)> {
        if level.is_multiple_of(HEIGHT) { Some((level / HEIGHT, index)) } else { None }
    }

    /// The same tile with all its hashes: what is left where it was not full when it was
    /// asked for, and is now.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// Its hashes, from its bytes.
    ///
    /// # Errors
    /// [`TileError::TileLength`] where the bytes are not this tile.
    pub fn hashes(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        if bytes.len() != usize::from(self.width) * HASH_BYTES {
            return Err(TileError::TileLength);
        }
        Ok(bytes.chunks_exact(HASH_BYTES).filter_map(Hash::from_slice).collect())
    }

    /// The tiles of one level that a tree of `size` leaves has and one of `old` leaves had
    /// not, whole or in part.
    pub fn between(level: u32, old: u64, new: u64) -> impl Iterator<Item = Self> {
        let nodes = |size: u64| size.checked_shr(HEIGHT * level).unwrap_or(0);
        let (old, new) = (nodes(old), nodes(new));
        let first = if old < new { old / WIDTH } else { new.div_ceil(WIDTH) };
        (first..new.div_ceil(WIDTH)).map(move |index| Self {
            level,
            index,
            width: width(new - index * WIDTH),
        })
    }

    /// Levels of tiles of a tree of `size` leaves.
    #[must_use]
    pub fn levels(size: u64) -> u32 {
        (0..LEVELS).filter(|level| size >> (HEIGHT * level) > 0).count().try_into().unwrap_or(0)
    }

    /// The tile of a tree of `size` leaves that a subtree's root is in, or follows from.
    /// `None` where the tree has not the whole subtree.
    #[must_use]
    pub fn holding(level: u32, index: u64, size: u64) -> Option<Self> {
        let whole = size.checked_shr(level)? > index;
        let (tile_level, inside) = (level / HEIGHT, level % HEIGHT);
        let index = (index << inside) / WIDTH;
        let nodes = size >> (HEIGHT * tile_level);
        whole.then(|| Self { level: tile_level, index, width: width(nodes - index * WIDTH) })
    }

    /// A tile of the journal's entries' hashes or above: its level, its place from 0, and
    /// how many hashes it has, 1 to 256.
    #[must_use]
    pub fn new(level: u32, index: u64, width: u16) -> Option<Self> {
        let is_one = level < LEVELS && (1..=WIDTH).contains(&u64::from(width));
        is_one.then_some(Self { level, index, width })
    }

    /// Its level.
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.level
    }

    /// Its place in its level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all 256 hashes, so that it never changes.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width as u64 == WIDTH
    }

    /// The subtrees whose roots it holds, in order: level and index.
    pub fn subtrees(&self) -> impl Iterator<Item = (u32, u64)> + use<> {
        let (level, first) = (self.level * HEIGHT, self.index * WIDTH);
        (0..u64::from(self.width)).map(move |offset| (level, first + offset))
    }

    /// The root of a subtree, from the bytes of the tile that holds it.
    ///
    /// # Errors
    /// [`TileError`] where the bytes are not this tile, or do not reach so far.
    pub fn subtree(&self, bytes: &[u8], level: u32, index: u64) -> Result<Hash, TileError> {
        if bytes.len() != usize::from(self.width) * HASH_BYTES {
            return Err(TileError::TileLength);
        }
        let inside = level % HEIGHT;
        let count = 1 << inside;
        let first = usize::try_from((index << inside) % WIDTH).unwrap_or(usize::MAX);
        let hashes = bytes.chunks_exact(HASH_BYTES).skip(first).take(count);
        let mut hashes: Vec<Hash> = hashes.filter_map(Hash::from_slice).collect();
        if hashes.len() != count {
            return Err(TileError::TileLength);
        }
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|two| Hash::of_node(two[0], two[1])).collect();
        }
        hashes.pop().ok_or(TileError::TileLength)
    }
}

/// `tile/<level>/<index>[.p/<width>]`, below the log's prefix.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.level, path(self.index, self.width))
    }
}

/// Path of a bundle of `width` entries, below the log's prefix.
#[must_use]
pub fn bundle_path(index: u64, width: u16) -> String {
    format!("tile/entries/{}", path(index, width))
}

/// A bundle of entries: of each its length as a big-endian `u16`, then its bytes.
///
/// # Errors
/// [`TileError::Entry`] where one is too long, [`TileError::Bundle`] where they are more
/// than 256.
pub fn bundle<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bytes = Vec::new();
    for (count, entry) in (1..).zip(entries) {
        if count > WIDTH {
            return Err(TileError::Bundle);
        }
        let length = u16::try_from(entry.len()).map_err(|_long| TileError::Entry(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle.
///
/// # Errors
/// [`TileError::Bundle`] where it is none.
pub fn bundle_entries(mut bytes: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(TileError::Bundle)?;
        entries.push(entry);
        bytes = rest;
    }
    let fits = bytes.is_empty() && entries.len() as u64 <= WIDTH;
    if fits { Ok(entries) } else { Err(TileError::Bundle) }
}

/// How many of a row's nodes one tile holds.
fn width(nodes: u64) -> u16 {
    u16::try_from(nodes.min(WIDTH)).unwrap_or(u16::MAX)
}

/// Three digits a part, all but the last with an `x`: 1234067 is `x001/x234/067`.
fn path(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    if u64::from(width) < WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}
