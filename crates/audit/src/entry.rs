//! Entries: what the journal keeps of each state change, as leaf and side part.

use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use crate::commitment::{Entropy, Nonce, commit, item, opens};

pub use pb::EntryKind;

#[cfg(test)]
mod tests;

/// Version of every kind's meaning so far. A new meaning is a new version of its
/// kind, never a change of this one.
const VERSION: u32 = 1;

/// One state change, with every value that was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Position in the journal, from 0.
    pub position: u64,
    /// When it was decided; never before the entry in front of it.
    pub time: Millis,
    /// What happened.
    pub body: Body,
    /// Encoded evidence with index 0; empty where there is none.
    pub evidence: Bytes,
    /// The deliveries it is about.
    pub items: Vec<Item>,
}

/// What an entry says of one delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What happened.
    pub event: Event,
    /// Why.
    pub reason: Reason,
    /// To which delivery.
    pub facts: pb::DeliveryFacts,
    /// Encoded evidence, whose index is the item's place from 1; empty where
    /// there is none.
    pub evidence: Bytes,
}

/// The kinds of entries, each with its facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The node started.
    Restarted(pb::RestartedFacts),
    /// The registry from here on.
    RegistryChanged(pb::RegistryFacts),
    /// A message was accepted; one item a recipient.
    Accepted(Box<pb::AcceptedFacts>),
    /// A submission was refused.
    SubmissionRefused(pb::RefusedFacts),
    /// Further refusals, counted.
    RefusalsCounted(pb::RefusalsCountedFacts),
    /// One delivery was handed over.
    HandedOver,
    /// One delivery came back and will be tried again.
    Returned,
    /// One delivery became a dead letter.
    DeadLettered,
    /// One delivery ended without hand-over.
    Ended,
    /// One delivery is past its deadline and in doubt.
    Overdue,
    /// One dead letter was put back.
    Retried,
    /// Reading began.
    ReadOpened(pb::ReadFacts),
    /// Reading ended.
    ReadClosed(pb::ReadFacts),
    /// The clock came into doubt, or was confirmed.
    Clock(pb::ClockFacts),
    /// The node stopped in order.
    Stopped,
    /// Slots of a lane may be sent up to a number.
    LinkHorizon(pb::LinkHorizonFacts),
    /// A message was taken over from a peer; one item a recipient taken.
    Taken(Box<pb::TakenFacts>),
    /// A peer's slot was answered, and nothing taken over.
    SlotAnswered(pb::InboundSlot),
    /// Evidence came from a peer; one item where its delivery is open here.
    EvidenceTaken(pb::InboundSlot),
    /// A peer's custody receipt; one item a delivery answered.
    CustodyReceived(Box<pb::CustodyFacts>),
    /// A deferred delivery has a number again.
    Requeued,
    /// A peer broke the rules of the link.
    PeerMisbehaved(Box<pb::MisbehaviourFacts>),
    /// An operator proposed to write a peer off.
    WriteOffProposed(pb::WriteOffFacts),
    /// An operator withdrew such a proposal.
    WriteOffWithdrawn(pb::WriteOffFacts),
    /// A second operator confirmed it.
    WriteOffConfirmed(pb::WriteOffFacts),
    /// One delivery that was written off ended; its number stays what it was.
    WrittenOff,
    /// A number goes out without deliveries that have ended.
    SlotCleared(pb::SlotClearedFacts),
    /// Evidence of a peer says otherwise than the final here; one item.
    Contradicted(pb::InboundSlot),
    /// A newer card of a peer is in force.
    PeerRenewed(Box<pb::PeerRenewedFacts>),
    /// Stored data were found damaged, or were taken for lost.
    Damage(pb::DamageFacts),
    /// Segments of bodies are unlinked.
    BodiesRemoved(pb::BodiesRemovedFacts),
}

/// An entry in the form that the journal keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Number of the kind.
    pub kind: u16,
    /// Version of the kind's meaning.
    pub version: u16,
    /// Encoded `Leaf`: permanent.
    pub leaf: Vec<u8>,
    /// Encoded `Side`: erasable.
    pub side: Vec<u8>,
}

/// Why a record is not an entry. Each of them means damage or a newer program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Leaf or side part does not decode.
    #[error("the record at position {0} does not decode")]
    Malformed(u64),
    /// A kind or version that this program does not know.
    #[error(
        "the record at position {0} is of kind {1} version {2}, which this program does not know"
    )]
    Unknown(u64, u16, u16),
    /// Leaf, side part and frame do not belong together.
    #[error("the record at position {0} does not match its leaf")]
    Mismatch(u64),
}

impl Entry {
    /// Encodes the entry. The same entry and entropy always give the same bytes.
    #[must_use]
    pub fn encode(&self, entropy: &Entropy) -> Encoded {
        let kind = self.body.kind();
        let nonce = entropy.nonce(0);
        let facts = self.body.encode();
        let commitment = commit(&nonce, &item(&self.evidence, &facts));
        let mut leaf = pb::Leaf {
            kind: kind.into(),
            version: VERSION,
            position: self.position,
            time_ms: self.time.0,
            salt: Bytes::copy_from_slice(&entropy.salt()),
            commitment: Bytes::copy_from_slice(&commitment),
            items: Vec::with_capacity(self.items.len()),
        };
        let mut side = pb::Side {
            facts: facts.into(),
            nonce: Bytes::copy_from_slice(&nonce.0),
            items: Vec::with_capacity(self.items.len()),
            evidence: self.evidence.clone(),
        };
        for (index, entry_item) in (1..).zip(&self.items) {
            let nonce = entropy.nonce(index);
            let facts = entry_item.facts.encode_to_vec();
            let commitment = commit(&nonce, &item(&entry_item.evidence, &facts));
            leaf.items.push(pb::LeafItem {
                event: entry_item.event.into(),
                reason: entry_item.reason.into(),
                commitment: Bytes::copy_from_slice(&commitment),
            });
            side.items.push(pb::SideItem {
                facts: facts.into(),
                nonce: Bytes::copy_from_slice(&nonce.0),
                evidence: entry_item.evidence.clone(),
            });
        }
        Encoded {
            kind: kind_number(kind),
            version: 1,
            leaf: leaf.encode_to_vec(),
            side: side.encode_to_vec(),
        }
    }

    /// Decodes a record, and checks that leaf, side part and frame belong
    /// together.
    ///
    /// # Errors
    /// [`EntryError`]: the journal's own checksums held, so this is a newer
    /// program's record, or a fault of ours.
    pub fn decode(
        position: u64,
        kind: u16,
        version: u16,
        leaf: &[u8],
        side: Bytes,
    ) -> Result<Self, EntryError> {
        let malformed = |_| EntryError::Malformed(position);
        let leaf = pb::Leaf::decode(leaf).map_err(malformed)?;
        let side = pb::Side::decode(side).map_err(malformed)?;
        if version != 1 || leaf.version != VERSION || kind_number(leaf.kind()) != kind {
            return Err(EntryError::Unknown(position, kind, version));
        }
        let mismatch = EntryError::Mismatch(position);
        if leaf.position != position || leaf.items.len() != side.items.len() {
            return Err(mismatch);
        }
        check(&leaf.commitment, &side.nonce, &side.evidence, &side.facts).ok_or(mismatch)?;
        let body = Body::decode(leaf.kind(), side.facts)
            .ok_or(EntryError::Unknown(position, kind, version))?
            .map_err(malformed)?;
        let mut items = Vec::with_capacity(side.items.len());
        for (leaf, side) in leaf.items.into_iter().zip(side.items) {
            check(&leaf.commitment, &side.nonce, &side.evidence, &side.facts).ok_or(mismatch)?;
            items.push(Item {
                event: leaf.event(),
                reason: leaf.reason(),
                facts: pb::DeliveryFacts::decode(side.facts).map_err(malformed)?,
                evidence: side.evidence,
            });
        }
        Ok(Self { position, time: Millis(leaf.time_ms), body, evidence: side.evidence, items })
    }

    /// The evidence of this entry with its index, where there is some.
    pub fn evidence(&self) -> impl Iterator<Item = (u32, &Bytes)> {
        (0..)
            .zip(
                std::iter::once(&self.evidence).chain(self.items.iter().map(|item| &item.evidence)),
            )
            .filter(|(_, evidence)| !evidence.is_empty())
    }
}

impl Body {
    /// The number under which the kind is kept.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Restarted(_) => EntryKind::Restarted,
            Self::RegistryChanged(_) => EntryKind::RegistryChanged,
            Self::Accepted(_) => EntryKind::Accepted,
            Self::SubmissionRefused(_) => EntryKind::SubmissionRefused,
            Self::RefusalsCounted(_) => EntryKind::RefusalsCounted,
            Self::HandedOver => EntryKind::HandedOver,
            Self::Returned => EntryKind::Returned,
            Self::DeadLettered => EntryKind::DeadLettered,
            Self::Ended => EntryKind::Ended,
            Self::Overdue => EntryKind::Overdue,
            Self::Retried => EntryKind::Retried,
            Self::ReadOpened(_) => EntryKind::ReadOpened,
            Self::ReadClosed(_) => EntryKind::ReadClosed,
            Self::Clock(_) => EntryKind::Clock,
            Self::Stopped => EntryKind::Stopped,
            Self::LinkHorizon(_) => EntryKind::LinkHorizon,
            Self::Taken(_) => EntryKind::Taken,
            Self::SlotAnswered(_) => EntryKind::SlotAnswered,
            Self::EvidenceTaken(_) => EntryKind::EvidenceTaken,
            Self::CustodyReceived(_) => EntryKind::CustodyReceived,
            Self::Requeued => EntryKind::Requeued,
            Self::PeerMisbehaved(_) => EntryKind::PeerMisbehaved,
            Self::WriteOffProposed(_) => EntryKind::WriteOffProposed,
            Self::WriteOffWithdrawn(_) => EntryKind::WriteOffWithdrawn,
            Self::WriteOffConfirmed(_) => EntryKind::WriteOffConfirmed,
            Self::WrittenOff => EntryKind::WrittenOff,
            Self::SlotCleared(_) => EntryKind::SlotCleared,
            Self::Contradicted(_) => EntryKind::Contradicted,
            Self::PeerRenewed(_) => EntryKind::PeerRenewed,
            Self::Damage(_) => EntryKind::Damage,
            Self::BodiesRemoved(_) => EntryKind::BodiesRemoved,
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Restarted(facts) => facts.encode_to_vec(),
            Self::RegistryChanged(facts) => facts.encode_to_vec(),
            Self::Accepted(facts) => facts.encode_to_vec(),
            Self::SubmissionRefused(facts) => facts.encode_to_vec(),
            Self::RefusalsCounted(facts) => facts.encode_to_vec(),
            Self::ReadOpened(facts) | Self::ReadClosed(facts) => facts.encode_to_vec(),
            Self::Clock(facts) => facts.encode_to_vec(),
            Self::LinkHorizon(facts) => facts.encode_to_vec(),
            Self::Taken(facts) => facts.encode_to_vec(),
            Self::SlotAnswered(facts) | Self::EvidenceTaken(facts) | Self::Contradicted(facts) => {
                facts.encode_to_vec()
            }
            Self::CustodyReceived(facts) => facts.encode_to_vec(),
            Self::PeerMisbehaved(facts) => facts.encode_to_vec(),
            Self::WriteOffProposed(facts)
            | Self::WriteOffWithdrawn(facts)
            | Self::WriteOffConfirmed(facts) => facts.encode_to_vec(),
            Self::SlotCleared(facts) => facts.encode_to_vec(),
            Self::PeerRenewed(facts) => facts.encode_to_vec(),
            Self::Damage(facts) => facts.encode_to_vec(),
            Self::BodiesRemoved(facts) => facts.encode_to_vec(),
            Self::HandedOver
            | Self::Returned
            | Self::DeadLettered
            | Self::Ended
            | Self::Overdue
            | Self::Retried
            | Self::Requeued
            | Self::WrittenOff
            | Self::Stopped => Vec::new(),
        }
    }

    /// `None` where the kind is unknown.
    fn decode(kind: EntryKind, facts: Bytes) -> Option<Result<Self, prost::DecodeError>> {
        Some(match kind {
            EntryKind::Unspecified => return None,
            EntryKind::Restarted => pb::RestartedFacts::decode(facts).map(Self::Restarted),
            EntryKind::RegistryChanged => {
                pb::RegistryFacts::decode(facts).map(Self::RegistryChanged)
            }
            EntryKind::Accepted => {
                pb::AcceptedFacts::decode(facts).map(|facts| Self::Accepted(Box::new(facts)))
            }
            EntryKind::SubmissionRefused => {
                pb::RefusedFacts::decode(facts).map(Self::SubmissionRefused)
            }
            EntryKind::RefusalsCounted => {
                pb::RefusalsCountedFacts::decode(facts).map(Self::RefusalsCounted)
            }
            EntryKind::ReadOpened => pb::ReadFacts::decode(facts).map(Self::ReadOpened),
            EntryKind::ReadClosed => pb::ReadFacts::decode(facts).map(Self::ReadClosed),
            EntryKind::Clock => pb::ClockFacts::decode(facts).map(Self::Clock),
            EntryKind::HandedOver => Ok(Self::HandedOver),
            EntryKind::Returned => Ok(Self::Returned),
            EntryKind::DeadLettered => Ok(Self::DeadLettered),
            EntryKind::Ended => Ok(Self::Ended),
            EntryKind::Overdue => Ok(Self::Overdue),
            EntryKind::Retried => Ok(Self::Retried),
            EntryKind::Stopped => Ok(Self::Stopped),
            EntryKind::LinkHorizon => pb::LinkHorizonFacts::decode(facts).map(Self::LinkHorizon),
            EntryKind::Taken => {
                pb::TakenFacts::decode(facts).map(|facts| Self::Taken(Box::new(facts)))
            }
            EntryKind::SlotAnswered => pb::InboundSlot::decode(facts).map(Self::SlotAnswered),
            EntryKind::EvidenceTaken => pb::InboundSlot::decode(facts).map(Self::EvidenceTaken),
            EntryKind::CustodyReceived => {
                pb::CustodyFacts::decode(facts).map(|facts| Self::CustodyReceived(Box::new(facts)))
            }
            EntryKind::Requeued => Ok(Self::Requeued),
            EntryKind::PeerMisbehaved => pb::MisbehaviourFacts::decode(facts)
                .map(|facts| Self::PeerMisbehaved(Box::new(facts))),
            EntryKind::WriteOffProposed => {
                pb::WriteOffFacts::decode(facts).map(Self::WriteOffProposed)
            }
            EntryKind::WriteOffWithdrawn => {
                pb::WriteOffFacts::decode(facts).map(Self::WriteOffWithdrawn)
            }
            EntryKind::WriteOffConfirmed => {
                pb::WriteOffFacts::decode(facts).map(Self::WriteOffConfirmed)
            }
            EntryKind::WrittenOff => Ok(Self::WrittenOff),
            EntryKind::SlotCleared => pb::SlotClearedFacts::decode(facts).map(Self::SlotCleared),
            EntryKind::Contradicted => pb::InboundSlot::decode(facts).map(Self::Contradicted),
            EntryKind::PeerRenewed => {
                pb::PeerRenewedFacts::decode(facts).map(|facts| Self::PeerRenewed(Box::new(facts)))
            }
            EntryKind::Damage => pb::DamageFacts::decode(facts).map(Self::Damage),
            EntryKind::BodiesRemoved => {
                pb::BodiesRemovedFacts::decode(facts).map(Self::BodiesRemoved)
            }
        })
    }
}

/// Whether an event ends its delivery (SPINE §3.3).
#[must_use]
pub const fn is_final(event: Event) -> bool {
    matches!(event, Event::HandedOver | Event::Refused | Event::Expired | Event::NonDelivered)
}

/// Kinds are numbered from 1 and few: the number always fits.
fn kind_number(kind: EntryKind) -> u16 {
    u16::try_from(i32::from(kind)).unwrap_or(0)
}

fn check(commitment: &[u8], nonce: &[u8], evidence: &[u8], facts: &[u8]) -> Option<()> {
    let nonce = Nonce(nonce.try_into().ok()?);
    opens(commitment, &nonce, &item(evidence, facts)).then_some(())
}
