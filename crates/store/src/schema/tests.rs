use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1::{Kind, Precedence, Status};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{EventRow, META_KEY, Run, event_key, event_place, indexes};
use crate::cursor::Cursor;

fn row() -> EventRow {
    EventRow {
        cursor: Cursor { position: 0x0102_0304_0506_0708, index: 0x090a },
        time: Millis(1),
        event: Event::HandedOver,
        reason: Reason::Unspecified,
        origin_agency: Some(Address::parse("pk/customs/gwadar").unwrap()),
        message_id: Some(MessageId::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").unwrap()),
        recipient: Some(Address::parse("ir/police").unwrap()),
        kind: Kind::Note,
        precedence: Precedence::Flash,
        status: Status::Actual,
        actor: String::new(),
        tries: 0,
        accepted_position: Some(0),
        has_evidence: true,
    }
}

/// The bytes on disk: a change here is a change of the schema's number.
#[test]
fn keys_are_these_bytes_for_ever() {
    let row = row();
    assert_eq!(event_key(row.cursor), b"\x02\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a");
    let position = b"\x01\x02\x03\x04\x05\x06\x07\x08";
    let id = b"\x01\x7f\x22\xe2\x79\xb0\x7c\xc3\x98\xc4\xdc\x0c\x0c\x07\x39\x8f";
    let expected: [(&[&[u8]], bool); 7] = [
        (&[b"\x06\x06", position], false),
        (&[b"\x03", id, position], false),
        (&[b"\x05\x0e", position], false),
        (&[b"\x04\x0apk/customs", position], false),
        (&[b"\x04\x11pk/customs/gwadar", position], false),
        (&[b"\x04\x09ir/police", position], false),
        (&[b"\x04\x11pk/customs/gwadar", position], true),
    ];
    let written = indexes(&row).into_iter();
    let written: Vec<_> =
        written.map(|(run, is_owed)| (run.first_key(row.cursor.position), is_owed)).collect();
    assert_eq!(written, expected.map(|(key, is_owed)| (key.concat(), is_owed)));
    assert_eq!(META_KEY, b"\x01");
}

proptest! {
    #[test]
    fn keys_name_their_places_in_order(a in any::<(u64, u16)>(), b in any::<(u64, u16)>()) {
        let [a, b] = [a, b].map(|(position, index)| Cursor { position, index });
        prop_assert_eq!(event_place(&event_key(a)), Some(a));
        prop_assert_eq!(Run::events().position(&event_key(a)), Some(a.position));
        prop_assert_eq!(a.cmp(&b), event_key(a).cmp(&event_key(b)));
        let run = Run::by_kind(Kind::Alert);
        prop_assert_eq!(run.position(&run.first_key(a.position)), Some(a.position));
        prop_assert_eq!(Run::by_kind(Kind::Note).position(&run.first_key(a.position)), None);
        prop_assert!(Run::events().first_key(a.position) <= event_key(a));
        prop_assert!(Run::events().last_key(a.position) >= event_key(a));
    }
}
