//! The message that a bundle is about, and whose key signed it.

use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::{KeyId, PublicKey};
use barid_message::signed::SignedMessage;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1 as wire;

use super::Refused;
use super::keys::{InForce, Used, valid};
use super::log::ShownLog;
use super::statement::Statement;

pub(super) struct About {
    pub(super) message: wire::SignedMessage,
    pub(super) header: wire::Header,
    pub(super) header_digest: Digest,
}

/// Reads the message: a header in its one encoding, and its body where it is there.
/// Whether a rule of the standard holds that was made since is not asked.
pub(super) fn read(message: Option<wire::SignedMessage>) -> Result<About, Refused> {
    let message = message.ok_or(Refused::Malformed)?;
    let signed = SignedMessage::from_proto(message.clone()).map_err(said)?;
    let header_digest = signed.header_digest();
    let header = signed.proto_header().clone();
    let content = header.content.as_ref().and_then(|row| row.body.as_ref());
    let content = content.ok_or(Refused::Body)?;
    let is_there = !message.body.is_empty();
    let is_it = usize::try_from(content.size) == Ok(message.body.len())
        && content.sha256 == Digest::of(&message.body).0.as_slice();
    if is_there && !is_it {
        return Err(Refused::Body);
    }
    Ok(About { message, header, header_digest })
}

/// The key that signed the message, which counted for its agency when the message was
/// accepted, by every log that shows how it came there.
pub(super) fn agency_key(
    message: &wire::SignedMessage,
    header: &wire::Header,
    statements: &[Statement],
    logs: &[ShownLog],
    used: &mut Used,
) -> Result<PublicKey, Refused> {
    let agency = header.originator.as_ref().map_or("", |row| row.address.as_str());
    let uncounted = || Refused::AgencyKey(agency.to_owned());
    let [signer] = header.signers.as_slice() else {
        return Err(uncounted());
    };
    let keyid = KeyId::from_slice(&signer.keyid).map_err(|_why| uncounted())?;
    let mut accepted = statements.iter().filter(|one| one.event() == Event::SubmissionAccepted);
    let (Some(acceptance), None) = (accepted.next(), accepted.next()) else {
        return Err(Refused::Acceptance);
    };
    let mut found: Option<PublicKey> = None;
    for (number, log) in logs.iter().enumerate() {
        let place = acceptance.places.iter().find(|place| place.log == number);
        let place = place.ok_or_else(|| Refused::NoMessage(log.origin().to_owned()))?;
        let registry = InForce::at(log, &log.records[place.record], used)?;
        let registered = if log.origin() == acceptance.evidence.log_origin {
            registry.agency(agency)
        } else {
            let peer = registry.peer(&acceptance.evidence.issuer, used);
            peer.and_then(|peer| peer.agencies.iter().find(|one| one.address == agency))
        };
        let keys = &registered.ok_or_else(uncounted)?.keys;
        let key = valid(keys, keyid, acceptance.time.0).ok_or_else(uncounted)?;
        if found.replace(key.clone()).is_some_and(|other| other != key) {
            return Err(uncounted());
        }
    }
    let key = found.ok_or(Refused::Acceptance)?;
    let unsigned = || Refused::Message("its signature is not its agency's".to_owned());
    let envelope = message.envelope.as_ref().ok_or(Refused::Malformed)?;
    let [signature] = envelope.signatures.as_slice() else {
        return Err(unsigned());
    };
    if signature.keyid != signer.keyid || signer.algorithm() != key.algorithm().to_proto() {
        return Err(unsigned());
    }
    key.verify(PayloadType::Header, &envelope.payload, &signature.sig)
        .map_err(|_why| unsigned())?;
    Ok(key)
}

fn said(faults: barid_message::fault::Faults) -> Refused {
    Refused::Message(faults.first().description.clone())
}
