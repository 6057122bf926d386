//! Signed messages: from untrusted bytes to a message that every rule holds for.

use barid_proto::message::v1 as pb;
use bytes::Bytes;
use prost::Message;

use crate::address::Address;
use crate::body::Body;
use crate::caps;
use crate::digest::Digest;
use crate::dsse::PayloadType;
use crate::fault::{At, Faults, Findings};
use crate::header::{Header, Signer};
use crate::key::{KeyId, PublicKey};
use crate::reason::Reason;
use crate::registry::KeyRegistry;
use crate::rules::header::{Content, Outline, Schema};
use crate::rules::{body, clock, header};
use crate::time::Millis;
use crate::wire;

/// Where the envelope stands.
const ENVELOPE: At<'static> = At::root("envelope");

/// A message whose header decodes canonically, and of which nothing else is known:
/// neither who signed it nor whether any rule holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedMessage {
    envelope: pb::Envelope,
    header: pb::Header,
    body: Bytes,
}

/// What a message is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// Who may sign with what.
    pub keys: &'a KeyRegistry,
    /// The node's time.
    pub now: Millis,
    /// The addresses that the caller may speak for.
    pub senders: &'a [Address],
}

/// A message that passed every rule of the standard, with a signature by a key that
/// counts for its originator. Whether it is permitted is another question.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedMessage {
    envelope: pb::Envelope,
    header: Header,
    header_digest: Digest,
    body: Body,
    body_bytes: Bytes,
}

impl SignedMessage {
    /// Takes a message from the wire: sizes, payload type, and a header that decodes
    /// and re-encodes to the same bytes.
    ///
    /// # Errors
    /// `FIELD_MISSING`, `PAYLOAD_TYPE`, `TOO_LARGE`, `MALFORMED`, `NOT_CANONICAL`, and
    /// `VERSION_UNSUPPORTED` for a header of another major version.
    pub fn from_proto(proto: pb::SignedMessage) -> Result<Self, Faults> {
        let mut findings = Findings::default();
        let pb::SignedMessage { envelope, body } = proto;
        let Some(envelope) = envelope else {
            findings.missing(ENVELOPE, "wire");
            return Err(findings.into_faults());
        };
        if envelope.payload_type != PayloadType::Header.as_str() {
            let text = format!("{} is expected", PayloadType::Header);
            findings.add(ENVELOPE.field("payload_type"), Reason::PayloadType, "wire", text);
        }
        size(ENVELOPE.field("payload"), &envelope.payload, caps::HEADER_BYTES_MAX, &mut findings);
        size(body::AT, &body, caps::BODY_BYTES_MAX, &mut findings);
        if findings.count() > 0 {
            return Err(findings.into_faults());
        }
        let header = read_header(&envelope.payload, &mut findings);
        findings.or(header).map(|header| Self { envelope, header, body })
    }

    /// Takes a message from its own encoding, as [`VerifiedMessage::wire`] gives it.
    ///
    /// # Errors
    /// As [`SignedMessage::from_proto`].
    pub fn from_wire(bytes: &Bytes) -> Result<Self, Faults> {
        let mut findings = Findings::default();
        let proto = wire::decode(bytes, At::root("message"), &mut findings);
        Self::from_proto(findings.or(proto)?)
    }

    /// The header as it came, no rule checked.
    pub fn proto_header(&self) -> &pb::Header {
        &self.header
    }

    /// The header, by every rule that needs neither clock nor key.
    ///
    /// # Errors
    /// All faults of the header.
    pub fn header(&self) -> Result<Header, Faults> {
        Header::parse(self.header.clone())
    }

    /// SHA-256 of the header's bytes: with the originating agency and the id, the
    /// message's identity.
    pub fn header_digest(&self) -> Digest {
        Digest::of(&self.envelope.payload)
    }

    /// Checks everything, and collects all faults: the sender, the header, the clock,
    /// the signature, the body, in this order. A rule that needs what could not be read
    /// is left out. One decoding and encoding, one SHA-256 of the body, one signature
    /// check.
    ///
    /// # Errors
    /// All faults; the first decides.
    pub fn verify(self, check: &Check<'_>) -> Result<VerifiedMessage, Faults> {
        let Self { envelope, header: proto, body: body_bytes } = self;
        let mut findings = Findings::default();
        sender(&proto, check.senders, &mut findings);
        let outline = header::read(&proto, &mut findings);
        clock::check(&outline, check.now, &mut findings);
        let key = key(&outline, check, &mut findings);
        signature(&envelope, outline.signer, key, &mut findings);
        let body = read_body(&proto, &outline, &body_bytes, &mut findings);
        let (facts, body) = findings.or(outline.facts().zip(body))?;
        let header = Header { facts, proto };
        let header_digest = Digest::of(&envelope.payload);
        Ok(VerifiedMessage { envelope, header, header_digest, body, body_bytes })
    }

    /// Checks the signature alone, by a key that the caller trusts: for messages that
    /// a node handed out, or a file kept.
    ///
    /// # Errors
    /// Faults of the header, `SIGNATURE_…` and `ALGORITHM_MISMATCH`.
    pub fn check_signature(&self, key: &PublicKey) -> Result<(), Faults> {
        let mut findings = Findings::default();
        let signer = header::read(&self.header, &mut findings).signer;
        signature(&self.envelope, signer, Some(key), &mut findings);
        findings.or(Some(()))
    }

    /// Checks that the body is the header's, and reads it.
    ///
    /// # Errors
    /// Faults of the header, `BODY_MISMATCH`, and faults of the body.
    pub fn check_body(&self) -> Result<Body, Faults> {
        let mut findings = Findings::default();
        let outline = header::read(&self.header, &mut findings);
        let body = read_body(&self.header, &outline, &self.body, &mut findings);
        findings.or(body)
    }

    /// The message on the wire.
    pub fn into_proto(self) -> pb::SignedMessage {
        pb::SignedMessage { envelope: Some(self.envelope), body: self.body }
    }
}

impl VerifiedMessage {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// SHA-256 of the header's bytes.
    pub fn header_digest(&self) -> Digest {
        self.header_digest
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The message on the wire: the signed bytes as they came, not copied.
    pub fn to_proto(&self) -> pb::SignedMessage {
        let (envelope, body) = (Some(self.envelope.clone()), self.body_bytes.clone());
        pb::SignedMessage { envelope, body }
    }

    /// The message as it travels and is stored: [`VerifiedMessage::to_proto`], encoded.
    pub fn wire(&self) -> Bytes {
        self.to_proto().encode_to_vec().into()
    }
}

fn size(at: At<'_>, bytes: &Bytes, max: usize, findings: &mut Findings) {
    if bytes.len() > max {
        let text = format!("has {} bytes; at most {max} are allowed", bytes.len());
        findings.add(at, Reason::TooLarge, "V18", text);
    }
}

fn read_header(bytes: &Bytes, findings: &mut Findings) -> Option<pb::Header> {
    let header: pb::Header = wire::decode(bytes, header::AT, findings)?;
    wire::canonical(&header, bytes, header::AT, findings);
    let version = header.schema.as_ref().and_then(|schema| schema.spec_version);
    if findings.count() > 0 && version.is_some_and(|version| version.major > 1) {
        // The fields of another major are unknown ones here: say what is the matter.
        *findings = Findings::default();
        let text = "only major version 1 is spoken here";
        findings.add(header::AT.field("schema"), Reason::VersionUnsupported, "row 1", text);
    }
    Some(header)
}

/// The caller speaks for nobody else. An address that is none is row 5's fault.
fn sender(header: &pb::Header, senders: &[Address], findings: &mut Findings) {
    let origin = header.originator.as_ref().and_then(|row| Address::parse(&row.address).ok());
    if origin.is_some_and(|origin| !senders.contains(&origin)) {
        let text = "the caller may not speak for this address; use that agency's identity";
        let at = header::AT.field("originator");
        findings.add(at.field("address"), Reason::SenderMismatch, "row 5", text);
    }
}

/// The registered key that the header names, if it counts for the originator now and
/// counted when the message was made (V1).
fn key<'k>(outline: &Outline, check: &Check<'k>, findings: &mut Findings) -> Option<&'k PublicKey> {
    let at = header::AT.field("signers");
    let at = at.item(0);
    let at = at.field("keyid");
    let Signer { keyid, .. } = outline.signer?;
    let Some(registered) = check.keys.lookup(outline.origin.as_ref()?, keyid) else {
        if check.keys.owner_of(keyid).is_some() {
            let text = "the key of another; sign with a key of the originating agency";
            findings.add(at, Reason::SenderMismatch, "V1", text);
        } else {
            let text = "no key of this id is registered for the originator; register it first";
            findings.add(at, Reason::KeyUnknown, "V1", text);
        }
        return None;
    };
    let times = [Some(check.now), outline.created_at];
    if times.into_iter().flatten().any(|time| !registered.is_valid_at(time)) {
        let text = "the key does not count now, or did not at created_at; sign with a current one";
        findings.add(at, Reason::KeyNotValid, "V1", text);
    }
    Some(&registered.key)
}

/// Exactly one signature, by the key that the header names and its algorithm.
fn signature(
    envelope: &pb::Envelope,
    signer: Option<Signer>,
    key: Option<&PublicKey>,
    findings: &mut Findings,
) {
    let at = ENVELOPE.field("signatures");
    let [pb::Signature { sig, keyid }] = envelope.signatures.as_slice() else {
        let text = "exactly one signature is expected";
        findings.add(at, Reason::SignatureCount, "V1", text);
        return;
    };
    let (Some(signer), Some(key)) = (signer, key) else {
        return;
    };
    if signer.algorithm != key.algorithm().to_proto() {
        let text = format!("the registered key is of algorithm {}", key.algorithm());
        let signers = header::AT.field("signers");
        let signer = signers.item(0);
        findings.add(signer.field("algorithm"), Reason::AlgorithmMismatch, "V1", text);
        return;
    }
    let at = at.item(0);
    match KeyId::from_slice(keyid) {
        Err(fault) => {
            let text = fault.to_string();
            findings.add(at.field("keyid"), Reason::SignatureMalformed, "V1", text);
        }
        Ok(keyid) if keyid != signer.keyid || keyid != key.keyid() => {
            let text = "another key than the header's signer";
            findings.add(at.field("keyid"), Reason::SignatureInvalid, "V1", text);
        }
        Ok(_) => {
            if let Err(fault) = key.verify(PayloadType::Header, &envelope.payload, sig) {
                findings.add(at.field("sig"), fault.reason(), "V1", fault.to_string());
            }
        }
    }
}

/// The body, if it is the one that the header names (V2), and its rules.
fn read_body(
    header: &pb::Header,
    outline: &Outline,
    bytes: &Bytes,
    findings: &mut Findings,
) -> Option<Body> {
    let is_other = |Content { size, sha256 }| {
        usize::try_from(size) != Ok(bytes.len()) || Digest::of(bytes) != sha256
    };
    if outline.body.is_some_and(is_other) {
        let text = "not the bytes of the header's size and SHA-256; send the body that was signed";
        findings.add(body::AT, Reason::BodyMismatch, "V2", text);
        return None;
    }
    let Schema { kind, minor } = outline.schema?;
    let body = Body::decode(kind, bytes, minor == 0, findings)?;
    body::check(&body, body::Context::new(header, outline.created_at), findings);
    Some(body)
}

#[cfg(test)]
mod tests;
