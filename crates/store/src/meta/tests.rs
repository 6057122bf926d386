use super::{Cursor, Log, Meta, MetaError};

fn meta() -> Meta {
    Meta {
        log: Log { origin: "x/log/1".into(), epoch: 1 },
        next_position: 9,
        newest: Some(Cursor { position: 8, index: 2 }),
    }
}

/// The bytes on disk: a change here is a change of the schema's number.
#[test]
fn the_meta_row_is_these_bytes_for_ever() {
    let expected = b"\x08\x02\x12\x07x/log/1\x18\x01\x20\x09\x2a\x0a\0\0\0\0\0\0\0\x08\0\x02";
    assert_eq!(meta().encode(), expected);
    assert_eq!(Meta::decode(expected), Ok(meta()));
    let new = Meta::new(meta().log);
    assert_eq!(Meta::decode(&new.encode()), Ok(new));
}

#[test]
fn another_schema_and_damage_are_told_apart() {
    assert_eq!(Meta::decode(b"\x08\x01"), Err(MetaError::Schema(1)));
    assert_eq!(Meta::decode(b""), Err(MetaError::Schema(0)));
    assert_eq!(Meta::decode(b"\x08\x02\x2a\x01\0"), Err(MetaError::Damaged));
    assert_eq!(Meta::decode(b"\x08"), Err(MetaError::Damaged));
}
