//! Limits of a bundle. They bound what a hostile file costs whoever checks it.

/// Bytes of a bundle. The largest honest one has a message of 272 KiB, evidence for 100
/// recipients and the registries of a few logs.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Fields in a bundle, all levels together: an empty one has two bytes in the file and a
/// hundred in memory.
pub const FIELDS_MAX: usize = 65_536;

/// Logs of a bundle.
pub const LOGS_MAX: usize = 16;

/// Pieces of evidence in a bundle: 100 recipients with 40 each.
pub const EVIDENCE_MAX: usize = 4_096;

/// Bytes of a leaf: an entry of a tile has a length of 16 bits before it.
pub const LEAF_BYTES_MAX: usize = 65_535;

/// Bytes of facts that are shown: a registry with 30 peers' cards and its agreements has
/// some 600 KiB.
pub const FACTS_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Bytes of a trust file.
pub const TRUST_BYTES_MAX: usize = 1024 * 1024;

const _: () = assert!(FACTS_BYTES_MAX < BUNDLE_BYTES_MAX);
