//! Places in the delivery log.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

#[cfg(test)]
mod tests;

/// The place of one event: its entry's position in the journal and its index in
/// the entry. The order of cursors is the order of the log.
///
/// As text `<position>.<index>`, both decimal without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Position of the entry, from 0.
    pub position: u64,
    /// 0 = the entry itself, n = its n-th item.
    pub index: u16,
}

/// Not a cursor of this log's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a cursor of the form <position>.<index>")]
pub struct CursorError;

impl Cursor {
    pub(crate) const BYTES: usize = 10;

    /// The entry's own place.
    pub(crate) const fn entry(position: u64) -> Self {
        Self { position, index: 0 }
    }

    /// The last place in front of an entry; `None` in front of the first.
    pub(crate) fn before_entry(position: u64) -> Option<Self> {
        Some(Self { position: position.checked_sub(1)?, index: u16::MAX })
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.position.to_be_bytes());
        bytes[8..].copy_from_slice(&self.index.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [p0, p1, p2, p3, p4, p5, p6, p7, i0, i1] = bytes;
        Self {
            position: u64::from_be_bytes([p0, p1, p2, p3, p4, p5, p6, p7]),
            index: u16::from_be_bytes([i0, i1]),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.index)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (position, index) = text.split_once('.').ok_or(CursorError)?;
        Ok(Self { position: number(position)?, index: number(index)? })
    }
}

/// A number in its one decimal form.
fn number<N: FromStr>(text: &str) -> Result<N, CursorError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return Err(CursorError);
    }
    text.parse().or(Err(CursorError))
}
