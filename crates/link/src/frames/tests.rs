use barid_proto::federation::v1::{Data, Lane};
use bytes::Bytes;
use proptest::prelude::*;

use super::{Credit, Incoming, LANES, Outgoing, Whole};
use crate::caps;

fn sent(outgoing: &mut Outgoing, sent: &mut u64) -> Option<Data> {
    let mut data = outgoing.next_piece()?;
    *sent += data.piece.len() as u64;
    data.bytes_sent = *sent;
    Some(data)
}

proptest! {
    #[test]
    fn slots_come_whole_and_in_order_in_their_lanes(
        slots in prop::collection::vec((0..5_usize, 1..20_000_usize), 1..40),
    ) {
        let (mut outgoing, mut incoming, mut bytes_sent) = (Outgoing::default(), Incoming::default(), 0);
        let mut numbers = [0_u64; 5];
        let mut expected: [Vec<Whole>; 5] = Default::default();
        for (place, length) in slots {
            numbers[place] += 1;
            let byte = u8::try_from(numbers[place] % 251).unwrap();
            let bytes = Bytes::from(vec![byte; length]);
            let (lane, number) = (LANES[place], numbers[place]);
            outgoing.push(lane, number, bytes.clone());
            expected[place].push(Whole { lane, number, bytes });
        }
        let mut came: [Vec<Whole>; 5] = Default::default();
        while let Some(data) = sent(&mut outgoing, &mut bytes_sent) {
            prop_assert!(data.piece.len() <= caps::LINK_PIECE_BYTES);
            if let Some(whole) = incoming.take(data).unwrap() {
                came[LANES.iter().position(|lane| *lane == whole.lane).unwrap()].push(whole);
            }
        }
        prop_assert_eq!(came, expected);
        prop_assert_eq!(incoming.received(), bytes_sent);
    }
}

#[test]
fn flash_goes_between_the_pieces_of_a_routine_slot_and_nobody_starves() {
    let mut outgoing = Outgoing::default();
    outgoing.push(Lane::Routine, 1, Bytes::from(vec![0; 100_000]));
    assert_eq!(outgoing.next_piece().unwrap().lane(), Lane::Routine);
    outgoing.push(Lane::Flash, 1, Bytes::from(vec![0; 400_000]));
    outgoing.push(Lane::Evidence, 1, Bytes::from(vec![0; 400_000]));
    let order: Vec<Lane> =
        std::iter::from_fn(|| outgoing.next_piece()).map(|data| data.lane()).collect();
    assert_eq!(order[0], Lane::Flash);
    let of = |lane, range: std::ops::Range<usize>| {
        order[range].iter().filter(|sent| **sent == lane).count()
    };
    assert!((4..=7).contains(&of(Lane::Routine, 0..80)), "{}", of(Lane::Routine, 0..80));
    assert!((4..=7).contains(&of(Lane::Evidence, 0..80)), "{}", of(Lane::Evidence, 0..80));
}

#[test]
fn pieces_that_do_not_fit_are_refused() {
    let piece = |number, slot_bytes, offset, bytes: usize, bytes_sent| Data {
        lane: Lane::Routine.into(),
        number,
        slot_bytes,
        offset,
        piece: Bytes::from(vec![0; bytes]),
        bytes_sent,
    };
    let mut begun = Incoming::default();
    begun.take(piece(1, 10, 0, 4, 4)).unwrap();
    for wrong in [
        piece(1, 10, 5, 4, 8),
        piece(2, 10, 4, 4, 8),
        piece(1, 11, 4, 4, 8),
        piece(1, 10, 4, 7, 11),
        piece(1, 10, 4, 0, 4),
        piece(1, 10, 4, 4, 9),
        Data { lane: 0, ..piece(1, 10, 4, 4, 8) },
        piece(1, u32::MAX, 4, 4, 8),
    ] {
        let mut incoming = Incoming::default();
        incoming.take(piece(1, 10, 0, 4, 4)).unwrap();
        assert!(incoming.take(wrong.clone()).is_err(), "{wrong:?}");
    }
    assert!(begun.take(piece(1, 10, 4, 6, 10)).unwrap().is_some());
}

/// Simulates a link of so many bytes a second and such a round trip; gives the window
/// in the end and the bytes that arrived in 30 s.
fn simulate(bytes_a_second: u64, round_trip_ms: u64) -> (u64, u64) {
    let mut credit = Credit::default();
    let mut arrivals: std::collections::VecDeque<(u64, u64)> = std::collections::VecDeque::new();
    let (mut free_at_us, mut received) = (0_u64, 0);
    for now_ms in 0..30_000_u64 {
        while arrivals.front().is_some_and(|(at, _)| *at <= now_ms) {
            let (_, bytes) = arrivals.pop_front().unwrap();
            received = bytes;
            assert!(credit.receive(bytes, now_ms));
        }
        while credit.has_room() {
            let sent = credit.send(4_096, now_ms);
            free_at_us = free_at_us.max(now_ms * 1_000) + 4_096 * 1_000_000 / bytes_a_second;
            arrivals.push_back((free_at_us / 1_000 + round_trip_ms, sent));
        }
    }
    (credit.window(), received)
}

#[test]
fn a_thin_link_is_kept_short_and_a_fat_one_full() {
    let (window, received) = simulate(8_000, 600);
    assert!(window <= 16_384, "{window}");
    assert!(received > 8_000 * 30 * 7 / 10, "{received}");
    let (_, received) = simulate(10_000_000, 20);
    assert!(received > 10_000_000 * 30 * 7 / 10, "{received}");
}

#[test]
fn more_than_was_sent_cannot_have_arrived() {
    let mut credit = Credit::default();
    credit.send(100, 0);
    assert!(!credit.receive(101, 1));
    assert!(credit.receive(100, 1));
}
