//! The signed header, parsed: what routing, custody and handling go by.

use barid_proto::message::v1 as pb;

pub use pb::{Kind, Precedence, Purpose, RecipientRole, SignatureAlgorithm, Status};

use crate::address::Address;
use crate::caps;
use crate::digest::Digest;
use crate::fault::{Faults, Findings};
use crate::id::MessageId;
use crate::key::KeyId;
use crate::rules;
use crate::time::Millis;

/// A header that keeps every rule of the standard which needs no clock and no key.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub(crate) facts: Facts,
    pub(crate) proto: pb::Header,
}

/// What was read out of a header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    pub(crate) message_id: MessageId,
    pub(crate) thread_id: Option<MessageId>,
    pub(crate) correlation_id: Option<MessageId>,
    pub(crate) status: Status,
    pub(crate) lineage: Lineage,
    pub(crate) origin: Address,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) precedence: Precedence,
    pub(crate) created_at: Millis,
    pub(crate) ends: Ends,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) agreement: AgreementRef,
    pub(crate) hop_limit: u32,
    pub(crate) body_digest: Digest,
    pub(crate) signer: Signer,
}

/// How a message stands to earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lineage {
    /// It stands by itself.
    New,
    /// It replaces these, of its originator and thread, by a whole new body.
    Update(Vec<Version>),
    /// It recalls these.
    Cancel(Vec<Version>),
}

impl Lineage {
    /// What it replaces or recalls: 1 to 16; none of a new message.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        match self {
            Self::New => &[],
            Self::Update(versions) | Self::Cancel(versions) => versions,
        }
    }
}

/// A message that another one replaces or recalls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Who signed it: the agency that replaces it, or a unit of it.
    pub originator: Address,
    /// Its id.
    pub id: MessageId,
    /// SHA-256 of its header.
    pub header_digest: Digest,
}

impl Version {
    /// As a header names it.
    #[must_use]
    pub fn to_proto(&self) -> pb::Reference {
        pb::Reference {
            originator: self.originator.to_string(),
            message_id: self.id.to_string(),
            header_digest: self.header_digest.to_bytes(),
        }
    }
}

/// One recipient: one inbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recipient {
    /// The inbox.
    pub address: Address,
    /// What is expected of it.
    pub role: RecipientRole,
}

/// The agreement that a message relies on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgreementRef {
    /// Its id, e.g. `agr:af-pk:2027-03`.
    pub id: String,
    /// Version of its text, from 1.
    pub version: u32,
    /// SHA-256 of its text.
    pub sha256: Digest,
    /// The clause relied on, as information; may be empty.
    pub clause: String,
}

/// The ends that a header sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) deliver_by: Option<Millis>,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) retain_until: Option<Millis>,
}

/// The key that must sign a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signer {
    /// Which key.
    pub keyid: KeyId,
    /// The algorithm that the header names; the key's own decides.
    pub algorithm: SignatureAlgorithm,
}

impl Header {
    /// Parses a header: every rule that needs neither clock nor key. The clock's
    /// rules are part of [`crate::signed::SignedMessage::verify`].
    ///
    /// # Errors
    /// All faults.
    pub fn parse(proto: pb::Header) -> Result<Self, Faults> {
        let mut findings = Findings::default();
        let outline = rules::header::read(&proto, &mut findings);
        findings.or(outline.facts()).map(|facts| Self { facts, proto })
    }

    /// The message's id, unique within the originating agency.
    pub fn message_id(&self) -> MessageId {
        self.facts.message_id
    }

    /// The matter it belongs to; its own id where it begins one.
    pub fn thread_id(&self) -> MessageId {
        self.facts.thread_id.unwrap_or(self.facts.message_id)
    }

    /// The message that it answers.
    pub fn correlation_id(&self) -> Option<MessageId> {
        self.facts.correlation_id
    }

    /// The kind, which fixes the body.
    pub fn kind(&self) -> Kind {
        self.facts.kind
    }

    /// Whether it speaks of the real world.
    pub fn status(&self) -> Status {
        self.facts.status
    }

    /// How it stands to earlier messages.
    pub fn lineage(&self) -> &Lineage {
        &self.facts.lineage
    }

    /// Who speaks.
    pub fn origin(&self) -> &Address {
        &self.facts.origin
    }

    /// To whom: 1 to 100, none twice, none the origin.
    pub fn recipients(&self) -> &[Recipient] {
        &self.facts.recipients
    }

    /// Order of handling.
    pub fn precedence(&self) -> Precedence {
        self.facts.precedence
    }

    /// When it was made.
    pub fn created_at(&self) -> Millis {
        self.facts.created_at
    }

    /// Until when it is to be delivered: 30 days after its creation if it does not say,
    /// and never for longer than its bytes may be kept.
    pub fn deliver_by(&self) -> Millis {
        let Ends { deliver_by, retain_until, .. } = self.facts.ends;
        let by = deliver_by.unwrap_or_else(|| self.created_at() + caps::DELIVER_BY_MAX);
        retain_until.map_or(by, |kept| kept.min(by))
    }

    /// Until when its content holds, if it has an end of its own.
    pub fn expires_at(&self) -> Option<Millis> {
        self.facts.ends.expires_at
    }

    /// Until when its bytes may be kept, if it says so.
    pub fn retain_until(&self) -> Option<Millis> {
        self.facts.ends.retain_until
    }

    /// Why it may be sent: 1 to 8, none twice.
    pub fn purposes(&self) -> &[Purpose] {
        &self.facts.purposes
    }

    /// The agreement relied on.
    pub fn agreement(&self) -> &AgreementRef {
        &self.facts.agreement
    }

    /// How many nodes it may pass, 1 to 4; 3 if it does not say.
    pub fn hop_limit(&self) -> u32 {
        self.facts.hop_limit
    }

    /// The key that must sign it.
    pub fn signer(&self) -> Signer {
        self.facts.signer
    }

    /// SHA-256 of the body that belongs to it.
    pub fn body_digest(&self) -> Digest {
        self.facts.body_digest
    }

    /// The header as it came, with the rows that have no getter here.
    pub fn proto(&self) -> &pb::Header {
        &self.proto
    }
}
