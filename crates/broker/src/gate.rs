//! The gate: from bytes to a verified message with leave to be sent.
//!
//! What passes here is still not accepted: `decide` has the last word, because it
//! alone sees what else was accepted meanwhile.

use barid_agreement::{Permit, Question, Refusal as AgreementRefusal};
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::fault::{Fault, Faults};
use barid_message::header::Header;
use barid_message::id::MessageId;
use barid_message::signed::{Check, SignedMessage, VerifiedMessage};
use barid_message::time::Millis;
use barid_message::{Precedence, Reason};

use crate::registry::Registry;

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
/// All faults found, in the order in which they were looked for.
pub fn admit(
    registry: &Registry,
    identity: &str,
    message: SignedMessage,
    now: Millis,
) -> Result<Admitted, Faults> {
    let check = Check { keys: registry.keys(), now, senders: registry.addresses_of(identity) };
    let message = message.verify(&check)?;
    let permit = permit(registry, message.header())?;
    Ok(Admitted { message, permit })
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

fn permit(registry: &Registry, header: &Header) -> Result<Permit, Faults> {
    let fault = |path: String, reason, rule, description: &str| Fault {
        path,
        reason,
        rule,
        description: description.to_owned(),
    };
    let mut faults = Vec::new();
    let precedence = header.precedence();
    if precedence == Precedence::Flash && !registry.may_flash(header.origin()) {
        faults.push(fault(
            "header.precedence.level".into(),
            Reason::PrecedenceNotPermitted,
            "V7",
            "this agency may not send FLASH; use IMMEDIATE, or ask the node's operator for the right",
        ));
    }
    let question = Question {
        origin: header.origin(),
        kind: header.kind(),
        purposes: header.purposes(),
        agreement: header.agreement(),
    };
    let addresses = header.recipients().iter().map(|recipient| &recipient.address);
    let permit = registry.agreements().permit(&question, addresses.clone());
    if permit == Err(AgreementRefusal::NotCovering) {
        // Nothing says then who may be addressed; to tell who is unknown all the same
        // would let names be tried out.
        faults.push(fault(
            "header.legal.agreement".into(),
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
        let refused = addresses
            .enumerate()
            .filter(|(_, address)| !registry.hosts(address) || is_stranger(address));
        faults.extend(refused.map(|(index, _)| not_permitted(index)));
    }
    permit.ok().filter(|_| faults.is_empty()).ok_or_else(|| faults.into())
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
