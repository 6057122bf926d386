//! What is wrong with bytes, signature and clock, whatever the message says.

use anyhow::Context as _;
use barid_message::header::Kind;
use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use bytes::Bytes;
use serde_json::json;

use super::{Refusal, Vector, World, draft, example, free_name};

/// What is done to a signed note, what it is refused for, where, and by which rule.
type Case = (&'static str, fn(&mut pb::SignedMessage), &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "a bit of the signature is changed",
        |m| signature(m).sig = flipped(&signature(m).sig, 0),
        "SIGNATURE_INVALID",
        "envelope.signatures[0].sig",
        "V1",
    ),
    (
        "the signature is cut",
        |m| {
            signature(m).sig.truncate(63);
        },
        "SIGNATURE_MALFORMED",
        "envelope.signatures[0].sig",
        "V1",
    ),
    (
        "the signature stands there twice",
        |m| {
            let again = signature(m).clone();
            envelope(m).signatures.push(again);
        },
        "SIGNATURE_COUNT",
        "envelope.signatures",
        "V1",
    ),
    (
        "the payload type is that of evidence",
        |m| "application/vnd.barid.evidence.v1+protobuf".clone_into(&mut envelope(m).payload_type),
        "PAYLOAD_TYPE",
        "envelope.payload_type",
        "wire",
    ),
    (
        "the header has an unknown field behind it",
        |m| envelope(m).payload = longer(&envelope(m).payload, &[0xf8, 0x3f, 1]),
        "NOT_CANONICAL",
        "header",
        "wire",
    ),
    (
        "the header is cut in a field",
        |m| envelope(m).payload.truncate(20),
        "MALFORMED",
        "header",
        "wire",
    ),
    (
        "a bit of the body is changed",
        |m| m.body = flipped(&m.body, 8),
        "BODY_MISMATCH",
        "body",
        "V2",
    ),
    ("the body is missing", |m| m.body = Bytes::new(), "BODY_MISMATCH", "body", "V2"),
    ("the envelope is missing", |m| m.envelope = None, "FIELD_MISSING", "envelope", "wire"),
];

/// Adds them to the set.
pub(super) fn add(world: &World, vectors: &mut Vec<Vector>) -> anyhow::Result<()> {
    for (done, change, reason, field, rule) in CASES {
        let mut message = world.sign(draft(example(Kind::Note)?)?, done);
        change(&mut message);
        push(vectors, done, (reason, field, rule), message);
    }
    let mut stranger = World::new()?;
    std::mem::swap(&mut stranger.key, &mut stranger.stranger);
    let done = "signed with a key that nobody registered";
    let message = stranger.sign(draft(example(Kind::Note)?)?, done);
    push(vectors, done, ("KEY_UNKNOWN", "header.signers[0].keyid", "V1"), message);

    for (done, seconds, expected) in [
        ("made 301 s in the future", 301, ("CLOCK_SKEW", "header.times.created_at", "V3")),
        ("made 32 days ago", -32 * 86_400, ("TOO_OLD", "header.times.created_at", "row 8")),
    ] {
        let mut note = draft(example(Kind::Note)?)?;
        let times = note.header_mut().times.as_mut().context("the example has times")?;
        let made = times.created_at.context("the example says when it was made")?;
        times.created_at = Some(Timestamp { seconds: made.seconds + seconds, ..made });
        push(vectors, done, expected, world.sign(note, done));
    }
    Ok(())
}

fn push(
    vectors: &mut Vec<Vector>,
    done: &str,
    (reason, field, rule): (&'static str, &str, &'static str),
    message: pb::SignedMessage,
) {
    let name = free_name(vectors, &format!("wire-{done}"));
    let refused = Some(Refusal { reason, field: field.to_owned(), rule });
    vectors.push(Vector { name, about: json!({"done": done}), refused, message });
}

fn envelope(message: &mut pb::SignedMessage) -> &mut pb::Envelope {
    message.envelope.get_or_insert_default()
}

fn signature(message: &mut pb::SignedMessage) -> &mut pb::Signature {
    envelope(message).signatures.first_mut().expect("it was signed")
}

fn flipped(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

fn longer(bytes: &Bytes, more: &[u8]) -> Bytes {
    [bytes, more].concat().into()
}
