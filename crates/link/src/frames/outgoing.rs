//! What goes out next: strict by precedence, with a floor for whoever waits below.

use std::collections::VecDeque;

use barid_proto::federation::v1::{Data, Lane};
use bytes::Bytes;

use super::{LANES, place};
use crate::caps;

/// Places of the lanes that the floors speak of.
const FLASH: usize = 0;
const EVIDENCE: usize = 4;

/// Slots that wait to be sent, by lane.
#[derive(Debug, Default)]
pub struct Outgoing {
    lanes: [Waiting; 5],
}

#[derive(Debug, Default)]
struct Waiting {
    slots: VecDeque<(u64, Bytes)>,
    /// How much of the first slot went out.
    offset: usize,
    bytes: usize,
    /// Sixteenths of its floor that it was passed over.
    passed_over: u32,
}

impl Outgoing {
    /// Puts a slot behind those of its lane.
    pub fn push(&mut self, lane: Lane, number: u64, slot: Bytes) {
        if let Some(place) = place(lane) {
            let waiting = &mut self.lanes[place];
            waiting.bytes += slot.len();
            waiting.slots.push_back((number, slot));
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(|waiting| waiting.slots.is_empty())
    }

    /// How many more slots of each lane are wanted. Few: what waits here was offered,
    /// and nobody but the other end can say any more what became of it.
    #[must_use]
    pub fn wants(&self) -> [usize; 5] {
        self.lanes.each_ref().map(|waiting| {
            if waiting.bytes >= caps::LINK_WAITING_BYTES {
                0
            } else {
                caps::LINK_WAITING_SLOTS.saturating_sub(waiting.slots.len())
            }
        })
    }

    /// The next piece, `bytes_sent` still to be filled in.
    pub fn next_piece(&mut self) -> Option<Data> {
        let chosen = self.choose()?;
        for (place, waiting) in self.lanes.iter_mut().enumerate() {
            if place == chosen || waiting.slots.is_empty() {
                waiting.passed_over = 0;
            } else {
                // One piece in 16 for every lower lane, one in 8 for evidence below FLASH.
                waiting.passed_over += if place == EVIDENCE && chosen != FLASH { 2 } else { 1 };
            }
        }
        self.lanes[chosen].piece(LANES[chosen])
    }

    fn choose(&self) -> Option<usize> {
        let waits = |place: &usize| !self.lanes[*place].slots.is_empty();
        let starved = (1..LANES.len())
            .filter(waits)
            .filter(|place| self.lanes[*place].passed_over >= caps::LINK_FLOOR - 1)
            .max_by_key(|place| self.lanes[*place].passed_over);
        starved.or_else(|| (0..LANES.len()).find(waits))
    }
}

impl Waiting {
    fn piece(&mut self, lane: Lane) -> Option<Data> {
        let (number, slot) = self.slots.front()?;
        let (number, offset) = (*number, self.offset);
        let end = slot.len().min(offset + caps::LINK_PIECE_BYTES);
        let whole = u32::try_from(slot.len()).ok()?;
        let piece = slot.slice(offset..end);
        if end == slot.len() {
            self.bytes -= slot.len();
            self.slots.pop_front();
            self.offset = 0;
        } else {
            self.offset = end;
        }
        Some(Data {
            lane: lane.into(),
            number,
            slot_bytes: whole,
            offset: u32::try_from(offset).ok()?,
            piece,
            bytes_sent: 0,
        })
    }
}
