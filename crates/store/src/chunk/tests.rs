use proptest::collection;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{PLACES_BYTES_MAX, Place, Places, ROWS_BYTES_MAX, RawRow, Rows};
use crate::cursor::Cursor;

/// The bytes on disk: a change here is a change of the schema's number.
#[test]
fn chunks_are_these_bytes_for_ever() {
    let place = |position, is_owed| Place { position, is_owed };
    let mut places = Places::new(place(7, false));
    assert!(places.add(place(7, true)) && places.add(place(8, false)));
    assert!(places.add(place(8 + 64, false)) && places.add(place(8 + 64, true)));
    assert_eq!(places.into_value(), b"\x01\x02\x81\x01");

    let row = |position, index, bytes| RawRow { cursor: Cursor { position, index }, bytes };
    let mut rows = Rows::new(row(7, 1, b"one"));
    assert!(rows.add(row(7, 2, b"two")) && rows.add(row(207, 0, b"three")));
    assert_eq!(rows.into_value(), b"\x00\x01\x03one\x00\x02\x03two\xc8\x01\x00\x05three");
}

#[test]
fn a_row_of_any_length_begins_a_chunk() {
    let row = RawRow { cursor: Cursor::entry(1), bytes: &[1; ROWS_BYTES_MAX] };
    let mut rows = Rows::new(row);
    assert!(!rows.add(RawRow { cursor: Cursor::entry(2), bytes: b"" }));
    assert_eq!(Rows::decode(row.cursor, &rows.into_value()), Some(vec![row]));
}

proptest! {
    #[test]
    fn places_survive_their_encoding(
        first in 0..u64::MAX / 4,
        steps in collection::vec((1..1_000_u64, any::<bool>()), 0..200),
    ) {
        let first = Place { position: first, is_owed: false };
        let (mut places, mut kept, mut last) = (Places::new(first), vec![first], first.position);
        for (step, is_owed) in steps {
            last += step;
            let place = Place { position: last, is_owed };
            if !places.add(place) {
                break;
            }
            kept.push(place);
        }
        let value = places.into_value();
        prop_assert!(value.len() <= PLACES_BYTES_MAX);
        prop_assert_eq!(Places::decode(first.position, &value), Some(kept));
    }

    #[test]
    fn rows_survive_their_encoding(
        steps in collection::vec((0..3_u64, 1..4_u16, collection::vec(any::<u8>(), 0..300)), 1..40),
    ) {
        let mut cursor = Cursor::entry(9);
        let rows: Vec<(Cursor, &[u8])> = steps.iter().map(|(step, index, bytes)| {
            let index = if *step == 0 { cursor.index + index } else { *index };
            cursor = Cursor { position: cursor.position + step, index };
            (cursor, bytes.as_slice())
        }).collect();
        let rows: Vec<RawRow<'_>> =
            rows.into_iter().map(|(cursor, bytes)| RawRow { cursor, bytes }).collect();
        let mut chunk = Rows::new(rows[0]);
        let kept = 1 + rows[1..].iter().take_while(|row| chunk.add(**row)).count();
        let value = chunk.into_value();
        prop_assert!(value.len() <= ROWS_BYTES_MAX);
        prop_assert_eq!(Rows::decode(rows[0].cursor, &value), Some(rows[..kept].to_vec()));
    }

    #[test]
    fn no_bytes_make_decoding_panic(first in any::<u64>(), bytes in any::<Vec<u8>>()) {
        if let Some(places) = Places::decode(first, &bytes) {
            prop_assert!(places.is_sorted_by(|a, b| a.position < b.position));
        }
        if let Some(rows) = Rows::decode(Cursor::entry(first), &bytes) {
            prop_assert!(rows.is_sorted_by(|a, b| a.cursor < b.cursor));
        }
    }
}
