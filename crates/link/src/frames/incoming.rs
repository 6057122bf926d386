//! Whole slots out of pieces.

use barid_proto::federation::v1::{Data, Lane};
use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::place;
use crate::caps;

/// The slots that came in part, at most one a lane.
#[derive(Debug, Default)]
pub struct Incoming {
    lanes: [Partly; 5],
    received: u64,
}

#[derive(Debug, Default)]
struct Partly {
    number: u64,
    whole: usize,
    bytes: BytesMut,
}

/// A slot that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Which lane.
    pub lane: Lane,
    /// Its number.
    pub number: u64,
    /// The encoded slot.
    pub bytes: Bytes,
}

/// A piece that cannot stand where it came. The other end breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a piece of lane {lane}, number {number} does not fit behind what came before")]
pub struct PieceError {
    /// The lane, by its number.
    pub lane: i32,
    /// The number of the slot.
    pub number: u64,
}

impl Incoming {
    /// Bytes of pieces received so far.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Takes a piece; gives the slot that it makes whole.
    ///
    /// # Errors
    /// [`PieceError`].
    pub fn take(&mut self, data: Data) -> Result<Option<Whole>, PieceError> {
        let wrong = PieceError { lane: data.lane, number: data.number };
        let lane = data.lane();
        let partly = &mut self.lanes[place(lane).ok_or(wrong)?];
        let whole = usize::try_from(data.slot_bytes).map_err(|_too_large| wrong)?;
        let offset = usize::try_from(data.offset).map_err(|_too_large| wrong)?;
        if whole == 0 || whole > caps::LINK_SLOT_BYTES || data.piece.is_empty() {
            return Err(wrong);
        }
        if data.piece.len() > caps::LINK_PIECE_BYTES || offset + data.piece.len() > whole {
            return Err(wrong);
        }
        self.received += data.piece.len() as u64;
        if data.bytes_sent != self.received {
            return Err(wrong);
        }
        if partly.bytes.is_empty() {
            if offset != 0 {
                return Err(wrong);
            }
            (partly.number, partly.whole) = (data.number, whole);
        } else if (partly.number, partly.whole, partly.bytes.len()) != (data.number, whole, offset)
        {
            return Err(wrong);
        }
        // Grown as pieces come: a length alone gets no memory.
        partly.bytes.extend_from_slice(&data.piece);
        let is_whole = partly.bytes.len() == partly.whole;
        Ok(is_whole.then(|| Whole {
            lane,
            number: data.number,
            bytes: std::mem::take(&mut partly.bytes).freeze(),
        }))
    }
}
