//! The gate: from bytes to a verified message with leave to be sent.
//!
//! What passes here is still not accepted: `decide` has the last word, because it
//! alone sees what else was accepted meanwhile.

use barid_agreement::{Permit, Question, Refusal as AgreementRefusal};
use barid_audit::evidence;
use barid_message::address::Address;
use barid_message::caps::CLOCK_SKEW_MAX;
use barid_message::digest::Digest;
use barid_message::fault::{Fault, Faults};
use barid_message::header::Header;
use barid_message::id::MessageId;
use barid_message::signed::{Check, SignedMessage, VerifiedMessage};
use barid_message::time::Millis;
use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use bytes::Bytes;
use prost::Message as _;

use crate::caps;
use crate::registry::{Peer, Registry};

/// A verified message and the permit to send it.
#[derive(Debug)]
pub struct Admitted {
    /// The message.
    pub message: VerifiedMessage,
    /// Leave to send it to all its recipients.
    pub permit: Permit,
}

/// Takes a message through all checks that need no knowledge of other messages.
///
/// # Errors
/// All faults found, in the order in which they were looked for, and what the message
/// is where it was not for want of a good signature that it was refused.
pub fn admit(
    registry: &Registry,
    identity: &str,
    message: SignedMessage,
    now: Millis,
) -> Result<Admitted, NotAdmitted> {
    let check = Check { keys: registry.keys(), now, senders: registry.addresses_of(identity) };
    let message = message.verify(&check)?;
    match permit(registry, message.header()) {
        Ok(permit) => Ok(Admitted { message, permit }),
        Err(faults) => {
            let header = message.header();
            let known = Known {
                origin: header.origin().clone(),
                id: header.message_id(),
                header_digest: message.header_digest(),
            };
            Err(NotAdmitted { faults, known: Some(known) })
        }
    }
}

/// Why a message does not pass the gate.
#[derive(Clone, Debug, PartialEq)]
pub struct NotAdmitted {
    /// All faults found.
    pub faults: Faults,
    /// What it is, where its signature held: then its refusal can be found by id.
    pub known: Option<Known>,
}

impl From<Faults> for NotAdmitted {
    fn from(faults: Faults) -> Self {
        Self { faults, known: None }
    }
}

/// A message that may be a repeat of one accepted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Originating agency.
    pub origin: Address,
    /// Id.
    pub id: MessageId,
    /// Digest of the header. The same one is the same message.
    pub header_digest: Digest,
}

/// What a message says it is, where it is whole, signed with a registered key of its
/// originator, and brought by a system of that agency. Nothing else is looked at: a
/// repeat gets its receipt whatever has expired or changed since (SPINE §6.1).
#[must_use]
pub fn recognise(registry: &Registry, identity: &str, message: &SignedMessage) -> Option<Known> {
    let header = message.header().ok()?;
    let is_own = registry.addresses_of(identity).contains(header.origin());
    let key = registry.keys().lookup(header.origin(), header.signer().keyid)?;
    (is_own && message.check_signature(&key.key).is_ok() && message.check_body().is_ok()).then(
        || Known {
            origin: header.origin().clone(),
            id: header.message_id(),
            header_digest: message.header_digest(),
        },
    )
}

/// A message from a peer that passed the gate, and the acceptance of its origin's node.
#[derive(Debug)]
pub struct Relayed {
    /// The message, and leave for its sender, kind and purposes.
    pub admitted: Admitted,
    /// SUBMISSION_ACCEPTED of the origin's node, encoded `SignedEvidence`.
    pub acceptance: Bytes,
    /// SHA-256 of that evidence.
    pub acceptance_digest: Bytes,
}

/// Takes a message that a peer brought through the same checks as one that is
/// submitted here. The peer's word counts for nothing but what its card says: its
/// agencies and their keys. The keys must count at the time of the acceptance by the
/// origin's node, whose evidence travels along (SPINE §6.6).
///
/// # Errors
/// All faults found. `CLOCK_SKEW` where the message is from the future by the clock
/// here: it may be good later. One that was made after its acceptance never is.
pub fn admit_relayed(
    registry: &Registry,
    peer: &Peer,
    message: SignedMessage,
    acceptance: &SignedEvidence,
    now: Millis,
) -> Result<Relayed, Faults> {
    let unchecked = message.header()?;
    let origin = unchecked.origin().clone();
    if !peer.covers(&origin) {
        return Err(fault(
            "header.originator.address",
            Reason::PeerNotCovering,
            "row 5",
            "the card of the node that brought it does not cover this agency",
        )
        .into());
    }
    let accepted = accepted_at_origin(peer, &message, &unchecked, acceptance)?;
    if accepted > now + CLOCK_SKEW_MAX {
        let text = "the origin's node accepted it in the future, by the clock here";
        return Err(fault("acceptance.time", Reason::ClockSkew, "V3", text).into());
    }
    if unchecked.created_at() > accepted + CLOCK_SKEW_MAX {
        let text = "it was made after the origin's node accepted it";
        return Err(fault("header.times.created_at", Reason::TimeOrder, "V4", text).into());
    }
    if unchecked.created_at() > now + CLOCK_SKEW_MAX {
        let text = "it was made in the future, by the clock here";
        return Err(fault("header.times.created_at", Reason::ClockSkew, "V3", text).into());
    }
    let senders = [origin];
    let check = Check { keys: &peer.keys, now: accepted, senders: &senders };
    let message = message.verify(&check)?;
    let header = message.header();
    if header.precedence() == Precedence::Flash && !peer.may_flash(header.origin()) {
        return Err(no_flash().into());
    }
    // Recipients are decided about one by one, with the state at hand.
    let permit = permit_for(registry, header, [])?;
    let (bytes, digest) = (acceptance.encode_to_vec(), evidence::digest(&acceptance.evidence));
    Ok(Relayed {
        admitted: Admitted { message, permit },
        acceptance: bytes.into(),
        acceptance_digest: digest,
    })
}

/// When the origin's node accepted the message, as it stated with its signature.
fn accepted_at_origin(
    peer: &Peer,
    message: &SignedMessage,
    header: &Header,
    acceptance: &SignedEvidence,
) -> Result<Millis, Faults> {
    let wrong =
        |text: &str| Faults::from(fault("acceptance", Reason::SignatureInvalid, "V1", text));
    if acceptance.encoded_len() > caps::PEER_EVIDENCE_BYTES {
        return Err(wrong("the acceptance of the origin's node is too large to be one"));
    }
    let stated = Evidence::decode(acceptance.evidence.clone())
        .map_err(|_why| wrong("the acceptance of the origin's node does not decode"))?;
    let time = stated.time.as_ref().and_then(|time| Millis::from_proto(time).ok());
    let time = time.ok_or_else(|| wrong("the acceptance of the origin's node has no time"))?;
    let evidence = evidence::verify(acceptance, &peer.evidence_keys(time))
        .map_err(|_why| wrong("the acceptance is not signed by the origin's node"))?;
    let is_of_this = evidence.event() == Event::SubmissionAccepted
        && evidence.issuer == *peer.identity
        && evidence.origin_agency == header.origin().as_str()
        && evidence.message_id == header.message_id().to_string()
        && evidence.header_digest == message.header_digest().0.as_slice();
    if is_of_this { Ok(time) } else { Err(wrong("the acceptance is of another message")) }
}

fn fault(path: &str, reason: Reason, rule: &'static str, description: &str) -> Fault {
    Fault { path: path.to_owned(), reason, rule, description: description.to_owned() }
}

fn no_flash() -> Fault {
    fault(
        "header.precedence.level",
        Reason::PrecedenceNotPermitted,
        "V7",
        "this agency may not send FLASH; use IMMEDIATE, or ask the node's operator for the right",
    )
}

fn permit(registry: &Registry, header: &Header) -> Result<Permit, Faults> {
    let mut faults = Vec::new();
    let precedence = header.precedence();
    if precedence == Precedence::Flash && !registry.may_flash(header.origin()) {
        faults.push(no_flash());
    }
    let question = question(header);
    let addresses = header.recipients().iter().map(|recipient| &recipient.address);
    let permit = registry.agreements().permit(&question, addresses.clone());
    if permit == Err(AgreementRefusal::NotCovering) {
        // Nothing says then who may be addressed; to tell who is unknown all the same
        // would let names be tried out.
        faults.push(fault(
            "header.legal.agreement",
            Reason::AgreementNotCovering,
            "V6",
            "no agreement in force under this id, version and hash covers sender, kind and purposes; \
             GetNodeInfo lists those you are a party to",
        ));
    } else {
        // Unknown and forbidden answer alike, for the same reason.
        let is_stranger = |address: &Address| {
            permit.is_err() && registry.agreements().permit(&question, [address]).is_err()
        };
        let is_known =
            |address: &Address| registry.hosts(address) || registry.peer_of(address).is_some();
        let refused =
            addresses.enumerate().filter(|(_, address)| !is_known(address) || is_stranger(address));
        faults.extend(refused.map(|(index, _)| not_permitted(index)));
    }
    permit.ok().filter(|_| faults.is_empty()).ok_or_else(|| faults.into())
}

/// Leave to hand a message to some of its recipients.
///
/// # Errors
/// The reason why not.
pub(crate) fn permit_for<'a>(
    registry: &Registry,
    header: &Header,
    recipients: impl IntoIterator<Item = &'a Address>,
) -> Result<Permit, Faults> {
    registry.agreements().permit(&question(header), recipients).map_err(|refusal| {
        let text = "the agreement here does not cover this message and recipient";
        fault("header.legal.agreement", refusal.reason(), "V6", text).into()
    })
}

fn question(header: &Header) -> Question<'_> {
    Question {
        origin: header.origin(),
        kind: header.kind(),
        purposes: header.purposes(),
        agreement: header.agreement(),
    }
}

fn not_permitted(index: usize) -> Fault {
    Fault {
        path: format!("header.recipients[{index}].address"),
        reason: Reason::RecipientNotPermitted,
        rule: "V6",
        description: "there is no such recipient, or you may not send to it; check the address and the agreement"
            .to_owned(),
    }
}
