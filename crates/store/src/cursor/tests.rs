use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Cursor, CursorError};

proptest! {
    #[test]
    fn cursors_survive_text_and_bytes_and_keep_their_order(
        a in any::<(u64, u16)>(), b in any::<(u64, u16)>()
    ) {
        let [a, b] = [a, b].map(|(position, index)| Cursor { position, index });
        prop_assert_eq!(a.to_string().parse(), Ok(a));
        prop_assert_eq!(Cursor::from_bytes(a.to_bytes()), a);
        prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
    }
}

#[test]
fn nothing_lies_between_an_entry_and_the_place_before_it() {
    assert_eq!(Cursor::before_entry(0), None);
    let before = Cursor::before_entry(7).unwrap();
    assert_eq!(before, Cursor { position: 6, index: u16::MAX });
    assert!(before < Cursor::entry(7));
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        ".",
        "7",
        "7.",
        ".7",
        "+7.0",
        "7.+0",
        "-1.0",
        "07.0",
        "7.00",
        "7.65536",
        " 7.0",
        "7.0 ",
        "7.0.0",
        "0x7.0",
        "18446744073709551616.0",
        "\u{667}.0",
    ] {
        assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
    }
    assert_eq!("0.0".parse(), Ok(Cursor::entry(0)));
}
