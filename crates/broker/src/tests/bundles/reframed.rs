//! Every field of a bundle changed, left out and doubled, with the lengths around it made
//! anew: what a forger does who knows the format.

use barid_audit::bundle::{Bundle, Verdict};
use bytes::Bytes;
use prost::encoding::{decode_varint, encode_varint};

use super::ledger::Ledgers;

/// Which fields of a message are messages, by number.
struct Level(&'static [(u64, Self)]);

const ENVELOPE: Level = Level(&[(3, Level(&[]))]);
const LOG: Level = Level(&[(4, Level(&[(3, Level(&[]))]))]);
const BUNDLE: Level =
    Level(&[(2, Level(&[(1, ENVELOPE)])), (3, Level(&[(2, ENVELOPE)])), (4, LOG)]);

/// One field: its key, its value or length, its bytes where it has some.
struct Field {
    key: u64,
    value: u64,
    bytes: Option<Vec<u8>>,
}

fn fields(mut bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = decode_varint(&mut bytes).unwrap();
        let value = decode_varint(&mut bytes).unwrap();
        let mut field = Field { key, value, bytes: None };
        if key & 7 == 2 {
            let (inner, rest) = bytes.split_at(usize::try_from(value).unwrap());
            field.bytes = Some(inner.to_vec());
            bytes = rest;
        }
        fields.push(field);
    }
    fields
}

fn write(field: &Field, into: &mut Vec<u8>) {
    encode_varint(field.key, into);
    match &field.bytes {
        Some(bytes) => {
            encode_varint(bytes.len() as u64, into);
            into.extend(bytes);
        }
        None => encode_varint(field.value, into),
    }
}

/// What a field may become, and what it is called then.
fn changed(field: &Field, level: &Level) -> Vec<(String, Vec<Field>)> {
    let number = field.key >> 3;
    let with = |bytes| vec![Field { bytes: Some(bytes), ..*field }];
    let same = || Field { bytes: field.bytes.clone(), ..*field };
    let mut all = vec![
        (format!("{number} left out"), vec![]),
        (format!("{number} twice"), vec![same(), same()]),
        (format!("{number} under another number"), vec![Field { key: field.key + 8, ..same() }]),
    ];
    let Some(bytes) = &field.bytes else {
        for value in [field.value + 1, 0, u64::MAX] {
            all.push((format!("{number} = {value}"), vec![Field { value, ..same() }]));
        }
        return all;
    };
    if let Some((_, inner)) = level.0.iter().find(|(known, _)| *known == number) {
        let inner = edits(bytes, inner).into_iter();
        all.extend(inner.map(|(what, bytes)| (format!("{number}.{what}"), with(bytes))));
        return all;
    }
    let longer = [&bytes[..], &[0]].concat();
    all.push((format!("{number} longer"), with(longer)));
    all.push((format!("{number} shorter"), with(bytes[..bytes.len() - 1].to_vec())));
    all.push((format!("{number} in front"), with([&[0], &bytes[..]].concat())));
    all.push((format!("{number} empty"), with(Vec::new())));
    all
}

/// A message with each of its fields changed in each way.
fn edits(bytes: &[u8], level: &Level) -> Vec<(String, Vec<u8>)> {
    let fields = fields(bytes);
    let mut all = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        for (what, instead) in changed(field, level) {
            let mut edited = Vec::new();
            fields[..place].iter().for_each(|field| write(field, &mut edited));
            instead.iter().for_each(|field| write(field, &mut edited));
            fields[place + 1..].iter().for_each(|field| write(field, &mut edited));
            all.push((what, edited));
        }
    }
    all
}

#[test]
fn no_field_can_be_changed_with_its_frame_made_anew() {
    let ledgers = Ledgers::new();
    let whole = ledgers.bundle(0);
    let edits = edits(&whole, &BUNDLE);
    assert!(edits.len() > 500, "{} edits", edits.len());
    let mut accepted: Vec<_> = edits
        .into_iter()
        .filter(|(_, edited)| *edited != whole)
        .filter_map(|(what, edited)| Some((what, Bundle::open(&Bytes::from(edited)).ok()?)))
        .collect();
    // The body may be left out: that is no lie, and the story says so.
    let (what, without) = accepted.pop().unwrap();
    assert_eq!((what.as_str(), accepted.len()), ("2.2 left out", 0));
    assert_eq!(without.judge(Some(&ledgers.trust(1))), Verdict::Proven);
    let story = without.story();
    assert!(story.iter().any(|line| line.text.contains("it was left out")));
}
