//! A message with at least one open delivery.
//!
//! There may be a hundred thousand of them on a small post, and each costs memory until
//! its last delivery has ended: of what its entry says, only what is needed until then is
//! kept, and agreements are shared.

use std::sync::Arc;

use barid_journal::BlobRef;
use barid_message::address::{Address, AddressError};
use barid_message::digest::Digest;
use barid_message::id::{MessageId, MessageIdError};
use barid_message::time::Millis;
use barid_message::{Kind, Precedence, Reason, Status};
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::AgreementRef;
use bytes::Bytes;

/// Agreements that are shared at most; others are looked for no more.
const SHARED_MAX: usize = 64;

/// An accepted message with at least one open delivery.
#[derive(Debug)]
pub struct Message {
    /// Position of its ACCEPTED entry.
    pub position: u64,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// Originating agency.
    pub origin: Address,
    /// Id.
    pub id: MessageId,
    /// SHA-256 of its header.
    pub header_digest: Digest,
    /// Where its bytes lie.
    pub blob: BlobRef,
    /// Kind.
    pub kind: Kind,
    /// Precedence.
    pub precedence: Precedence,
    /// Status.
    pub status: Status,
    /// Until when it is to be delivered.
    pub deliver_by: Millis,
    /// When its content is no longer valid; `None` where it says nothing.
    pub expires_at: Option<Millis>,
    /// What it is for, by number.
    pub purposes: Box<[i32]>,
    /// The agreement that it named, and the clause that allowed it.
    pub agreement: Option<Arc<AgreementRef>>,
    /// The evidence by which this node has custody: SUBMISSION_ACCEPTED, or
    /// RELAY_ACCEPTED where it came from a peer.
    pub evidence: Bytes,
    /// The peer that it came from, and SUBMISSION_ACCEPTED of the origin's node
    /// (encoded `SignedEvidence`).
    pub from: Option<Origin>,
}

/// Where a message came from that was not submitted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The peer.
    pub peer: Arc<str>,
    /// SUBMISSION_ACCEPTED of the origin's node, encoded.
    pub acceptance: Bytes,
}

/// Why facts are those of no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum FactsError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Id(#[from] MessageIdError),
    #[error("a digest has another length")]
    Digest,
}

/// When, and by what evidence, a message was accepted, and from whom.
pub(super) struct Acceptance {
    pub(super) position: u64,
    pub(super) time: Millis,
    pub(super) evidence: Bytes,
    pub(super) from: Option<Origin>,
}

/// Agreements that open messages name: few, and the same again and again.
#[derive(Debug, Default)]
pub(super) struct Agreements(Vec<Arc<AgreementRef>>);

impl Agreements {
    fn share(&mut self, named: &AgreementRef) -> Arc<AgreementRef> {
        if let Some(shared) = self.0.iter().find(|shared| ***shared == *named) {
            return Arc::clone(shared);
        }
        // With bytes of its own: those of an entry are slices of up to 1 MiB of journal.
        let sha256 = Bytes::copy_from_slice(&named.sha256);
        let own = Arc::new(AgreementRef { sha256, ..named.clone() });
        if self.0.len() == SHARED_MAX {
            self.0.clear();
        }
        self.0.push(Arc::clone(&own));
        own
    }
}

impl Message {
    pub(super) fn new(
        facts: &pb::AcceptedFacts,
        acceptance: Acceptance,
        agreements: &mut Agreements,
    ) -> Result<Self, FactsError> {
        let Acceptance { position, time, evidence, from } = acceptance;
        Ok(Self {
            position,
            accepted_at: time,
            origin: Address::parse(&facts.origin_agency)?,
            id: MessageId::parse(&facts.message_id)?,
            header_digest: Digest::from_slice(&facts.header_digest)
                .map_err(|_why| FactsError::Digest)?,
            blob: blob(facts),
            kind: facts.kind(),
            precedence: facts.precedence(),
            status: facts.status(),
            deliver_by: Millis(facts.deliver_by_ms),
            expires_at: (facts.expires_at_ms != 0).then_some(Millis(facts.expires_at_ms)),
            purposes: facts.purposes.as_slice().into(),
            agreement: facts.agreement.as_ref().map(|named| agreements.share(named)),
            evidence: Bytes::copy_from_slice(&evidence),
            from,
        })
    }

    /// What a snapshot keeps of the facts: as much as is kept here.
    pub(super) fn facts(&self) -> pb::AcceptedFacts {
        pb::AcceptedFacts {
            origin_agency: self.origin.as_str().to_owned(),
            message_id: self.id.to_string(),
            header_digest: self.header_digest.to_bytes(),
            blob_segment: self.blob.segment,
            blob_offset: self.blob.offset,
            blob_length: self.blob.length,
            kind: self.kind.into(),
            precedence: self.precedence.into(),
            status: self.status.into(),
            deliver_by_ms: self.deliver_by.0,
            expires_at_ms: self.expires_at.map_or(0, |at| at.0),
            purposes: self.purposes.to_vec(),
            agreement: self.agreement.as_deref().cloned(),
            ..Default::default()
        }
    }

    /// When its deliveries end by themselves, and as what: EXPIRED where the
    /// content's validity ends first, else NON_DELIVERED (SPINE §3.3).
    #[must_use]
    pub fn end(&self) -> (Millis, Event, Reason) {
        match self.expires_at.filter(|at| *at <= self.deliver_by) {
            Some(at) => (at, Event::Expired, Reason::ExpiresAtPassed),
            None => (self.deliver_by, Event::NonDelivered, Reason::DeliverByPassed),
        }
    }
}

/// Where the bytes of an accepted message lie.
const fn blob(facts: &pb::AcceptedFacts) -> BlobRef {
    BlobRef { segment: facts.blob_segment, offset: facts.blob_offset, length: facts.blob_length }
}
