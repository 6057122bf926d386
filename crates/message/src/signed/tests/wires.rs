//! Encodings: rows 30 to 40.

use barid_proto::message::v1 as pb;
use prost::Message;

use super::refusal;
use crate::caps;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{self, World};

/// A sound header's bytes and body.
fn sound(world: &World) -> (Vec<u8>, Vec<u8>) {
    let message = world.compose(world.draft(sample::note()));
    (message.envelope.unwrap().payload.to_vec(), message.body.to_vec())
}

/// A field of length-delimited bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

#[test]
fn headers_of_other_encodings_are_refused() {
    let world = World::new(Algorithm::Ed25519);
    let (header, body) = sound(&world);
    let decoded = pb::Header::decode(&header[..]).unwrap();
    let status = decoded.status.clone().unwrap().encode_to_vec();
    let schema = decoded.schema.clone().unwrap().encode_to_vec();
    assert_eq!(status, [8, 1]);
    assert_eq!(&header[..2], &field(1, &schema)[..2]);
    let rest = &header[2 + schema.len()..];
    let at = header.windows(4).position(|part| part == [0x1a, 2, 8, 1]).unwrap();
    let with_status =
        |status: &[u8]| [&header[..at], &field(3, status), &header[at + 4..]].concat();
    assert_eq!(with_status(&status), header);
    let address = b"ir/police";
    let recipient = [field(1, address), vec![0x20, 1]].concat();
    let at_recipient = header.windows(recipient.len()).position(|part| part == recipient).unwrap();
    let with_recipient = |recipient: &[u8]| {
        let after = &header[at_recipient + 11 + 2..];
        [&header[..at_recipient - 2], &field(6, recipient), after].concat()
    };
    assert_eq!(with_recipient(&recipient), header);

    let not_canonical = [
        ("34 unknown field", [&header[..], &[0xf8, 0x07, 1]].concat()),
        ("33 field twice", [&header[..], &field(1, &schema)].concat()),
        ("36 out of order", [rest, &field(1, &schema)].concat()),
        ("33 scalar twice", with_status(&[8, 2, 8, 1])),
        ("35 padded number", with_status(&[8, 0x81, 0])),
        ("35 padded tag", with_status(&[0x88, 0, 1])),
        ("36 explicit default", with_status(&[8, 1, 0x12, 0])),
        ("37 split in two", [&header[..], &field(1, &[])].concat()),
        ("38 high bits", with_status(&[8, 0x81, 0x80, 0x80, 0x80, 0x10])),
        ("38 bool of two", {
            let mut header = decoded;
            header.extensions.push(pb::Extension { id: "x".into(), ..Default::default() });
            let at = header.encode_to_vec();
            let end = at.windows(5).position(|part| part == [0xa2, 1, 3, 0x0a, 1]).unwrap();
            let critical = [0xa2, 1, 5, 0x0a, 1, b'x', 0x10, 2];
            [&at[..end], &critical, &at[end + 6..]].concat()
        }),
        (
            "40 two members of a oneof",
            with_recipient(&[field(2, b"group"), field(1, address), vec![0x20, 1]].concat()),
        ),
    ];
    for (name, bytes) in not_canonical {
        let expected = (Reason::NotCanonical, "header".to_owned());
        assert_eq!(refusal(&world, world.sign_bytes(bytes, &body)), expected, "{name}");
    }
}

#[test]
fn headers_that_are_no_headers_are_refused() {
    let world = World::new(Algorithm::Ed25519);
    let (header, body) = sound(&world);
    let deep = (0..101).fold(Vec::new(), |inner, _| {
        let mut group = vec![0xfb, 0x07];
        group.extend(inner);
        group.extend([0xfc, 0x07]);
        group
    });
    let malformed = [
        ("30 empty tag", vec![0]),
        ("30 cut short", header[..header.len() - 1].to_vec()),
        ("30 other message", b"{\"schema\":{}}".to_vec()),
        ("30 number of 11 bytes", [&[8][..], &[0xff; 11]].concat()),
        ("30 bad UTF-8", field(3, &[0x12, 1, 0xff])),
        ("31 depth of 101", [&header[..], &deep].concat()),
        ("38 group", [&header[..], &[0x0b, 0x0c]].concat()),
    ];
    for (name, bytes) in malformed {
        let expected = (Reason::Malformed, "header".to_owned());
        assert_eq!(refusal(&world, world.sign_bytes(bytes, &body)), expected, "{name}");
    }
    let empty = world.sign_bytes(Vec::new(), &body);
    assert_eq!(refusal(&world, empty), (Reason::FieldMissing, "header.schema".into()));
}

#[test]
fn bodies_of_other_encodings_are_refused_unless_their_schema_is_newer() {
    let world = World::new(Algorithm::Ed25519);
    let (header, body) = sound(&world);
    let sign = |body: &[u8], minor| {
        let mut header = pb::Header::decode(&header[..]).unwrap();
        let info = header.content.as_mut().unwrap().body.as_mut().unwrap();
        info.size = u32::try_from(body.len()).unwrap();
        info.sha256 = crate::digest::Digest::of(body).to_bytes();
        let version = header.schema.as_mut().unwrap().schema_version.as_mut().unwrap();
        version.minor = minor;
        world.sign(&header, body)
    };
    let newer = [&body[..], &[0xf8, 0x07, 1]].concat();
    assert_eq!(refusal(&world, sign(&newer, 0)), (Reason::NotCanonical, "body".into()));
    let taken = super::SignedMessage::from_proto(sign(&newer, 1)).unwrap();
    assert!(taken.verify(&world.check()).is_ok());
    assert_eq!(refusal(&world, sign(&[0], 0)), (Reason::Malformed, "body".into()));
    assert_eq!(refusal(&world, sign(&[0], 1)), (Reason::Malformed, "body".into()));
}

#[test]
fn envelopes_of_another_kind_or_size_are_refused() {
    let world = World::new(Algorithm::Ed25519);
    let (header, body) = sound(&world);
    let message = world.sign_bytes(header, &body);
    let change = |change: fn(&mut pb::SignedMessage)| {
        let mut message = message.clone();
        change(&mut message);
        refusal(&world, message)
    };
    let at = |reason, path: &str| (reason, path.to_owned());
    assert_eq!(change(|m| m.envelope = None), at(Reason::FieldMissing, "envelope"));
    // Row 71.
    let other_kind = change(|m| {
        let envelope = m.envelope.as_mut().unwrap();
        envelope.payload_type = "application/vnd.barid.evidence.v1+protobuf".into();
    });
    assert_eq!(other_kind, at(Reason::PayloadType, "envelope.payload_type"));
    let long = change(|m| {
        let envelope = m.envelope.as_mut().unwrap();
        envelope.payload = vec![0; caps::HEADER_BYTES_MAX + 1].into();
    });
    assert_eq!(long, at(Reason::TooLarge, "envelope.payload"));
    let long = change(|m| m.body = vec![0; caps::BODY_BYTES_MAX + 1].into());
    assert_eq!(long, at(Reason::TooLarge, "body"));
}

#[test]
fn a_header_of_another_major_version_is_told_apart() {
    let world = World::new(Algorithm::Ed25519);
    let (header, body) = sound(&world);
    let mut newer = pb::Header::decode(&header[..]).unwrap();
    newer.schema.as_mut().unwrap().spec_version = Some(pb::Version { major: 2, minor: 0 });
    let known = world.sign(&newer, &body);
    assert_eq!(refusal(&world, known).0, Reason::VersionUnsupported);
    let unknown = [newer.encode_to_vec(), vec![0xf8, 0x07, 1]].concat();
    let unknown = world.sign_bytes(unknown, &body);
    assert_eq!(refusal(&world, unknown), (Reason::VersionUnsupported, "header.schema".into()));
}
