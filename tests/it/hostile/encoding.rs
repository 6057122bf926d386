//! Rows 30 to 40: headers whose bytes are not the one encoding that counts, all with a good
//! signature over the bytes as they are.

use barid_proto::message::v1 as pb;
use prost::Message as _;

use super::scene::Scene;
use super::{Case, invalid};

/// Fields of a message as they stand on the wire, all of them length-delimited.
type Fields = Vec<(u8, Vec<u8>)>;

/// A number as protobuf writes it.
fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    bytes
}

/// A length-delimited field.
pub(super) fn submessage(number: u8, bytes: &[u8]) -> Vec<u8> {
    let tag = varint(usize::from(number) << 3 | 2);
    [&tag[..], &varint(bytes.len()), bytes].concat()
}

/// So many groups of an unknown field, each in the one before.
pub(super) fn groups(depth: usize) -> Vec<u8> {
    let (start, end) = ([0xfb, 0x07], [0xfc, 0x07]);
    [start.repeat(depth), end.repeat(depth)].concat()
}

/// Reads a number; gives how long it is, too.
fn read_varint(bytes: &[u8]) -> (usize, usize) {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).expect("an end");
    let value =
        bytes[..=last].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, last + 1)
}

/// The fields of a header: every row of it is a message.
fn fields(mut bytes: &[u8]) -> Fields {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (tag, tag_len) = read_varint(bytes);
        let (len, len_len) = read_varint(&bytes[tag_len..]);
        assert_eq!(tag & 7, 2, "rows are length-delimited");
        let number = u8::try_from(tag >> 3).expect("a row's number");
        let begin = tag_len + len_len;
        fields.push((number, bytes[begin..begin + len].to_vec()));
        bytes = &bytes[begin + len..];
    }
    fields
}

fn encode(fields: &Fields) -> Vec<u8> {
    fields.iter().flat_map(|(number, bytes)| submessage(*number, bytes)).collect()
}

/// The bytes of one row.
fn row(fields: &mut Fields, number: u8) -> &mut Vec<u8> {
    let found = fields.iter_mut().find(|(found, _)| *found == number);
    &mut found.expect("a row of every header").1
}

/// A sound header, to be encoded in other ways.
struct Forge<'a> {
    scene: &'a Scene,
    header: Vec<u8>,
}

impl Forge<'_> {
    /// The header with its fields changed.
    fn rewritten(&self, change: impl FnOnce(&mut Fields)) -> Vec<u8> {
        let mut fields = fields(&self.header);
        assert_eq!(encode(&fields), self.header, "reading and writing agree");
        change(&mut fields);
        encode(&fields)
    }

    /// The header with these bytes for row 3, which is `code`, field 1, a number.
    fn status(&self, bytes: &[u8]) -> Vec<u8> {
        self.rewritten(|fields| *row(fields, 3) = bytes.to_vec())
    }

    /// The header with these bytes behind it.
    fn appended(&self, bytes: &[u8]) -> Vec<u8> {
        [&self.header[..], bytes].concat()
    }

    /// A case: these bytes for a header.
    fn case(&self, row: u8, what: &'static str, bytes: Vec<u8>, reason: &'static str) -> Case {
        invalid(row, what, self.scene.with_header_bytes(bytes), reason)
    }
}

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let header = scene.sound_header();
    let forge = Forge { scene, header };
    let tables = [no_headers(&forge), other_forms(&forge), unknown_codes(scene)];
    tables.into_iter().flatten().collect()
}

/// Rows 30 to 32: what does not decode.
fn no_headers(forge: &Forge<'_>) -> Vec<Case> {
    let malformed = |row, what, bytes| forge.case(row, what, bytes, "MALFORMED");
    vec![
        malformed(30, "empty tag", vec![0]),
        malformed(30, "cut short", forge.header[..forge.header.len() - 1].to_vec()),
        malformed(30, "JSON", b"{\"schema\":{}}".to_vec()),
        malformed(30, "field number 0", forge.appended(&[0x02, 0x00])),
        malformed(30, "varint of 11 bytes", [&[0x08][..], &[0xff; 11]].concat()),
        malformed(30, "text that is not UTF-8", forge.status(&[0x08, 1, 0x12, 1, 0xff])),
        malformed(31, "nested 101 deep", forge.appended(&groups(101))),
        forge.case(
            32,
            "4,000 empty recipients",
            forge.appended(&[0x32, 0x00].repeat(4_000)),
            "NOT_CANONICAL",
        ),
    ]
}

/// Rows 33 to 40: what decodes, and does not encode to the same bytes.
fn other_forms(forge: &Forge<'_>) -> Vec<Case> {
    let other_form = |row, what, bytes| forge.case(row, what, bytes, "NOT_CANONICAL");
    vec![
        other_form(33, "number twice", forge.status(&[0x08, 2, 0x08, 1])),
        other_form(
            33,
            "text twice",
            forge.rewritten(|fields| {
                let again = row(fields, 5).clone();
                row(fields, 5).extend(again);
            }),
        ),
        other_form(34, "unknown field", forge.appended(&[0xf8, 0x07, 1])),
        other_form(34, "unknown field in a row", forge.status(&[0x08, 1, 0x78, 1])),
        other_form(35, "padded number", forge.status(&[0x08, 0x81, 0x00])),
        other_form(35, "padded tag", forge.status(&[0x88, 0x00, 1])),
        other_form(35, "padded length", {
            let rest = forge.rewritten(|fields| fields.retain(|(number, _)| *number != 1));
            let mut fields = fields(&forge.header);
            let schema = row(&mut fields, 1);
            let length = u8::try_from(schema.len()).expect("a short row") | 0x80;
            [&[0x0a, length, 0x00], &schema[..], &rest].concat()
        }),
        other_form(
            36,
            "first row last",
            forge.rewritten(|fields| {
                let first = fields.remove(0);
                fields.push(first);
            }),
        ),
        other_form(36, "default written out", forge.status(&[0x08, 1, 0x12, 0])),
        other_form(
            37,
            "row in two parts",
            forge.rewritten(|fields| {
                let case_ref = submessage(4, b"FIR 12/2026");
                fields.insert(2, (2, case_ref));
            }),
        ),
        other_form(
            40,
            "address and group",
            forge.rewritten(|fields| {
                let recipient = [submessage(2, b"group"), row(fields, 6).clone()].concat();
                *row(fields, 6) = recipient;
            }),
        ),
    ]
}

/// Row 39: such a header re-encodes to the same bytes.
fn unknown_codes(scene: &Scene) -> Vec<Case> {
    type Change = fn(&mut pb::Header);
    let changes: [(&'static str, Change); 14] = [
        ("kind", |header| header.schema.as_mut().expect("row 1").kind = 999),
        ("status", |header| header.status.as_mut().expect("row 3").code = 999),
        ("type", |header| header.lineage.as_mut().expect("row 4").r#type = 999),
        ("role", |header| header.recipients[0].role = 999),
        ("precedence", |header| header.precedence.as_mut().expect("row 7").level = 999),
        ("purpose", |header| header.legal.as_mut().expect("row 13").purposes[0] = 999),
        ("algorithm", |header| header.signers[0].algorithm = 999),
        ("tlp", |header| header.sharing = Some(pb::Sharing { tlp: 999, ..Default::default() })),
        ("pap", |header| header.sharing = Some(pb::Sharing { pap: 999, ..Default::default() })),
        ("handling", |header| {
            header.handling = vec![pb::Handling { code: 999, ..Default::default() }];
        }),
        ("onward", |header| header.onward = Some(pb::Onward { level: 999, ..Default::default() })),
        ("personal data", |header| {
            header.data_protection.as_mut().expect("row 14").personal_data = vec![999];
        }),
        ("grading", |header| {
            header.grading = Some(pb::Grading { system: 999, ..Default::default() });
        }),
        ("ack", |header| {
            let transport = Some(pb::AckDemand { level: 999, deadline: None });
            header.ack_policy = Some(pb::AckPolicy { transport, ..Default::default() });
        }),
    ];
    changes
        .map(|(what, change)| {
            let message = scene.with_header(change);
            let payload = &message.envelope.as_ref().expect("an envelope").payload;
            let again = pb::Header::decode(payload.clone()).expect("a header");
            assert_eq!(again.encode_to_vec(), *payload);
            invalid(39, what, message, "UNKNOWN_CODE")
        })
        .into()
}
