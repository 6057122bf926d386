//! What nodes said of the message, and which entries of which logs keep it.

use std::collections::BTreeMap;

use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::{KeyId, PublicKey};
use barid_message::time::Millis;
use barid_proto::audit::v1 as pb;
use barid_proto::audit::v1::signed_evidence::Proof;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::journal::v1::EntryKind;
use barid_proto::message::v1 as wire;
use barid_proto::message::v1::recipient::Target;
use prost::Message as _;

use super::Refused;
use super::keys::{InForce, Used, own_key, valid};
use super::log::{Record, Shown, ShownLog};

/// Evidence that a node signed and a log keeps.
#[derive(Debug)]
pub struct Statement {
    pub(super) evidence: Evidence,
    pub(super) time: Millis,
    pub(super) digest: Digest,
    pub(super) key: PublicKey,
    /// At least one.
    pub(super) places: Vec<Place>,
}

/// Where evidence is kept, by its place among the bundle's logs and their entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) log: usize,
    pub(super) record: usize,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The entry of its issuer's own log that it names, at this index.
    Own(u32),
    /// An entry by which another node took it in, at this index.
    TakenIn(u32),
    /// Evidence of an entry names it as what it rests on.
    Parent,
}

/// Evidence whose signature nobody has looked at yet.
pub(super) struct Read {
    evidence: Evidence,
    time: Millis,
    digest: Digest,
    envelope: wire::Envelope,
    keyid: KeyId,
}

impl Statement {
    /// What it says.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Whether the bundle shows the log of the node that says it. Where it does not, only
    /// the word of those who took it in says whose key signed it.
    #[must_use]
    pub fn is_in_own_log(&self) -> bool {
        self.places.iter().any(|place| matches!(place.how, How::Own(_)))
    }

    /// What it says has happened.
    #[must_use]
    pub fn event(&self) -> Event {
        self.evidence.event()
    }
}

/// Reads all evidence: its form, its order, and that it is about this message.
pub(super) fn read(
    evidence: &[pb::SignedEvidence],
    header: &wire::Header,
    header_digest: Digest,
) -> Result<Vec<Read>, Refused> {
    let mut all: Vec<Read> = Vec::new();
    for signed in evidence {
        let next = read_one(signed)?;
        let place = |one: &Read| {
            let Evidence { log_origin, position, index, .. } = &one.evidence;
            (log_origin.clone(), *position, *index)
        };
        if all.last().is_some_and(|last| place(last) >= place(&next)) {
            return Err(Refused::Order);
        }
        if !is_about(&next.evidence, header, header_digest) {
            return Err(Refused::OtherMessage(next.evidence.issuer));
        }
        all.push(next);
    }
    Ok(all)
}

fn read_one(signed: &pb::SignedEvidence) -> Result<Read, Refused> {
    let (Some(Proof::Single(envelope)), None) = (&signed.proof, &signed.opening) else {
        return Err(Refused::Evidence);
    };
    let [signature] = envelope.signatures.as_slice() else {
        return Err(Refused::Evidence);
    };
    let keyid = KeyId::from_slice(&signature.keyid).map_err(|_why| Refused::Evidence)?;
    let is_one = envelope.payload == signed.evidence
        && envelope.payload_type == PayloadType::Evidence.as_str();
    let evidence = Evidence::decode(signed.evidence.clone()).map_err(|_why| Refused::Evidence)?;
    let time = evidence.time.as_ref().and_then(|time| Millis::from_proto(time).ok());
    let domain = evidence.log_origin.split_once("/log/").map(|(domain, _epoch)| domain);
    let is_own = domain.is_some_and(|domain| evidence.issuer == format!("spiffe://{domain}/node"));
    match time {
        Some(time) if is_one && is_own => {
            let digest = Digest::of(&signed.evidence);
            Ok(Read { evidence, time, digest, envelope: envelope.clone(), keyid })
        }
        _ => Err(Refused::Evidence),
    }
}

fn is_about(evidence: &Evidence, header: &wire::Header, header_digest: Digest) -> bool {
    let origin = header.originator.as_ref().map(|row| row.address.as_str());
    let id = header.identity.as_ref().map(|row| row.message_id.as_str());
    let is_recipient = |one: &wire::Recipient| matches!(&one.target, Some(Target::Address(address)) if *address == evidence.recipient);
    evidence.header_digest == header_digest.0.as_slice()
        && Some(evidence.origin_agency.as_str()) == origin
        && Some(evidence.message_id.as_str()) == id
        && (evidence.recipient.is_empty() || header.recipients.iter().any(is_recipient))
}

/// Checks that each is kept by logs, as their entries say, and signed with a key that
/// counted for its issuer when one of them wrote it down.
pub(super) fn check(
    all: Vec<Read>,
    logs: &[ShownLog],
    used: &mut Used,
) -> Result<Vec<Statement>, Refused> {
    let mut places = places(&all, logs)?;
    let mut checked = Vec::with_capacity(all.len());
    for read in all {
        let issuer = || read.evidence.issuer.clone();
        let places = places.remove(&read.digest).ok_or_else(|| Refused::NotLogged(issuer()))?;
        let mut found: Option<PublicKey> = None;
        for place in &places {
            let log = &logs[place.log];
            let key = key_at(&read, log, &log.records[place.record], place.how, used)?;
            let is_other = key.as_ref().zip(found.as_ref()).is_some_and(|(key, it)| key != it);
            if is_other {
                return Err(Refused::EvidenceSignature(issuer()));
            }
            found = found.or(key);
        }
        let key = found.ok_or_else(|| Refused::EvidenceSignature(issuer()))?;
        let signature = read.envelope.signatures.first().map_or(&[][..], |one| &one.sig);
        key.verify(PayloadType::Evidence, &read.envelope.payload, signature)
            .map_err(|_why| Refused::EvidenceSignature(issuer()))?;
        let Read { evidence, time, digest, .. } = read;
        checked.push(Statement { evidence, time, digest, key, places });
    }
    Ok(checked)
}

/// Where each evidence is kept. Every opening must lead to some.
fn places(all: &[Read], logs: &[ShownLog]) -> Result<BTreeMap<Digest, Vec<Place>>, Refused> {
    let known: BTreeMap<_, _> = all.iter().map(|read| (read.digest, read)).collect();
    let mut places: BTreeMap<Digest, Vec<Place>> = BTreeMap::new();
    for (log, shown) in logs.iter().enumerate() {
        for (number, record) in shown.records.iter().enumerate() {
            for opening in &record.openings {
                let Shown::Evidence(digest) = opening.shown else {
                    continue;
                };
                let read = known.get(&Digest(digest)).ok_or(Refused::Unused)?;
                let is_own = read.evidence.log_origin == shown.origin();
                let how =
                    if is_own { How::Own(opening.index) } else { How::TakenIn(opening.index) };
                let mut put = |digest, how| {
                    places.entry(digest).or_default().push(Place { log, record: number, how });
                };
                put(read.digest, how);
                // A message that was taken over rests on its acceptance, which came with it.
                if is_own
                    && record.kind() == EntryKind::Taken
                    && let Ok(parent) = Digest::from_slice(&read.evidence.parent)
                    && known.contains_key(&parent)
                {
                    put(parent, How::Parent);
                }
            }
        }
    }
    Ok(places)
}

/// Checks that evidence says what its entry says, and gives the key that it is signed with
/// where this log knows it. A node that has changed its key signs the same evidence anew:
/// the logs that took it in before know the former key, its own the newer.
fn key_at(
    read: &Read,
    log: &ShownLog,
    record: &Record,
    how: How,
    used: &mut Used,
) -> Result<Option<PublicKey>, Refused> {
    let Evidence { issuer, recipient, .. } = &read.evidence;
    if !is_of_entry(read, record, how) {
        return Err(Refused::OtherEntry(issuer.clone()));
    }
    if let How::Own(_) = how {
        if read.evidence.event() == Event::HandedOver
            && InForce::at(log, record, used)?.agency(recipient).is_none()
        {
            return Err(Refused::NotTheRecipients(issuer.clone()));
        }
        return Ok(own_key(log, read.keyid, used));
    }
    let registry = InForce::at(log, record, used)?;
    let unknown = || Refused::EvidenceSignature(issuer.clone());
    let peer = registry.peer(issuer, used).ok_or_else(unknown)?;
    if let How::TakenIn(_) = how
        && !peer.agencies.iter().any(|agency| agency.address == *recipient)
    {
        return Err(Refused::NotTheRecipients(issuer.clone()));
    }
    Ok(valid(&peer.evidence_keys, read.keyid, record.leaf.time_ms))
}

/// Whether an entry's permanent part says the same as the evidence that it keeps.
fn is_of_entry(read: &Read, record: &Record, how: How) -> bool {
    let Evidence { position, index, .. } = read.evidence;
    let event = read.evidence.event();
    let item = |index: u32| {
        let place = index.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| record.leaf.items.get(place))
    };
    match how {
        How::Own(shown) => {
            let says = match item(shown) {
                Some(item) => item.event() == event && item.reason() == read.evidence.reason(),
                None => matches!(
                    (record.kind(), event),
                    (EntryKind::Accepted, Event::SubmissionAccepted)
                        | (EntryKind::Taken, Event::RelayAccepted)
                ),
            };
            // What is told of a fork stands with each delivery too.
            let first = record.leaf.items.first();
            let told = first.map_or(Reason::Unspecified, |item| item.reason());
            says && (shown > 0 || read.evidence.reason() == told)
                && (position, index) == (record.leaf.position, shown)
                && read.time == Millis(record.leaf.time_ms)
        }
        How::TakenIn(shown) => match (record.kind(), item(shown)) {
            (EntryKind::EvidenceTaken, Some(item)) => item.event() == event,
            (EntryKind::Contradicted, Some(item)) => item.event() == Event::Contradiction,
            _ => false,
        },
        How::Parent => event == Event::SubmissionAccepted,
    }
}
