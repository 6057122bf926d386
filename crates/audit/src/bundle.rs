//! Evidence of one message in one file, and its check without a node and without a
//! network. `proto/EVIDENCE.md` is the same for whoever writes a verifier of their own.
//!
//! [`Bundle::open`] finds out whether a file agrees with itself: every signature, proof
//! and commitment holds, and no byte stands in it that none of them covers. What that is
//! worth depends on whose keys those are, which no file can say of itself:
//! [`Trust::judge`].

mod about;
pub mod caps;
mod contradiction;
mod gather;
mod keys;
mod log;
mod report;
mod shape;
mod spans;
mod statement;
mod story;
mod trust;

use barid_message::digest::Digest;
use barid_message::key::PublicKey;
use barid_proto::audit::v1 as pb;
use barid_proto::message::v1 as wire;
use bytes::Bytes;

use crate::checkpoint::CheckpointError;

pub use contradiction::{Contradiction, contradiction};
pub use gather::{GatherError, Kept, Source, gather, join};
pub use log::ShownLog;
pub use report::{Answer, Finding, Report};
pub use statement::Statement;
pub use story::Line;
pub use trust::{Fingerprint, Trust, TrustError};

/// A bundle that agrees with itself.
#[derive(Debug)]
pub struct Bundle {
    message: wire::SignedMessage,
    header: wire::Header,
    header_digest: Digest,
    /// The key of the agency that signed the message.
    agency_key: PublicKey,
    statements: Vec<Statement>,
    logs: Vec<ShownLog>,
}

/// What a bundle is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It agrees with itself, and every key that it rests on is trusted.
    Proven,
    /// It agrees with itself; whether these keys are whose they seem is for people to
    /// find out.
    ConsistentOnly(Vec<Fingerprint>),
    /// It proves nothing.
    Refused(Refused),
}

/// Why a bundle proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than any honest one.
    #[error("it is larger, or has more parts, than a bundle may have")]
    TooLarge,
    /// Not a bundle.
    #[error("it is no bundle, or is cut off: it does not decode")]
    Malformed,
    /// Not in the one encoding.
    #[error("it holds bytes that nothing covers: it is not encoded in the one form that counts")]
    NotCanonical,
    /// Another version of the format.
    #[error("it is of version {0} of the format; this program knows version 1")]
    Version(u32),
    /// A list out of order, or an element twice.
    #[error("a list in it is out of order, or names something twice")]
    Order,
    /// Something that nothing else in it needs.
    #[error("it holds something that the check does not need, and that could be anything")]
    Unused,
    /// The message.
    #[error("the message does not hold: {0}")]
    Message(String),
    /// The body is another one.
    #[error("the message's body is not the one that its signed header names")]
    Body,
    /// A log's key.
    #[error("the key of a log is none")]
    LogKey,
    /// A log's head.
    #[error("the head of the log {0} does not hold: {1}")]
    Head(String, CheckpointError),
    /// An entry that is not under its log's head.
    #[error("an entry is not in the log {0}: its proof leads to another head")]
    NotInLog(String),
    /// A commitment that does not open.
    #[error("what is shown of the entry at position {0} is not what its leaf commits to")]
    Opening(u64),
    /// Evidence that does not decode, or without the one signature that it has.
    #[error("a piece of evidence does not decode, or not in the form that this version knows")]
    Evidence,
    /// Evidence about something else.
    #[error("evidence of {0} is about another message, or about somebody it was not sent to")]
    OtherMessage(String),
    /// Evidence whose signature does not hold.
    #[error("evidence of {0} is not signed with the key that counted for it")]
    EvidenceSignature(String),
    /// Evidence that no log has.
    #[error("evidence of {0} is in no log of the bundle")]
    NotLogged(String),
    /// Evidence that its entry does not say.
    #[error("evidence of {0} says something else than the entry that it is from")]
    OtherEntry(String),
    /// A node that speaks for somebody whom it has not.
    #[error("{0} is no node of the recipient whom its evidence names")]
    NotTheRecipients(String),
    /// Not exactly one acceptance.
    #[error("it does not hold exactly one evidence that the message was accepted")]
    Acceptance,
    /// A log without the entry by which the message came.
    #[error("the log {0} does not show how the message came there")]
    NoMessage(String),
    /// Whose keys counted is not shown.
    #[error("it does not show whose keys counted in the log {0} at position {1}")]
    NoRegistry(String, u64),
    /// The key did not count.
    #[error("the key that signed the message did not count for {0} when it was accepted")]
    AgencyKey(String),
    /// A key that the trust file does not name, of somebody or something that it may.
    #[error("the trust file does not name this key: {0}")]
    NotTrusted(String),
    /// Too few witnesses that are trusted.
    #[error("too few witnesses whom you trust have cosigned the head of the log {0}")]
    Witnesses(String),
}

impl Bundle {
    /// Reads a bundle and checks that everything in it holds together.
    ///
    /// # Errors
    /// [`Refused`]: it proves nothing, whoever is trusted.
    pub fn open(bytes: &Bytes) -> Result<Self, Refused> {
        let (bundle, unused) = check(&shape::decode(bytes)?)?;
        if unused.is_empty() { Ok(bundle) } else { Err(Refused::Unused) }
    }

    /// The logs that it shows.
    #[must_use]
    pub fn logs(&self) -> &[ShownLog] {
        &self.logs
    }

    /// What nodes said of the message.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// SHA-256 of the message's header.
    #[must_use]
    pub const fn header_digest(&self) -> Digest {
        self.header_digest
    }

    /// Address of the agency that signed the message.
    #[must_use]
    pub fn origin_agency(&self) -> &str {
        self.header.originator.as_ref().map_or("", |row| &row.address)
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(&self) -> &str {
        self.header.identity.as_ref().map_or("", |row| &row.message_id)
    }
}

/// Checks a bundle, and names the entries about keys that nothing in it rests on: each by
/// the place of its log and its own in that.
fn check(bundle: &pb::EvidenceBundle) -> Result<(Bundle, Vec<(usize, usize)>), Refused> {
    let about::About { message, header, header_digest } = about::read(bundle.message.clone())?;
    let mut logs: Vec<ShownLog> = Vec::new();
    for log in &bundle.logs {
        let log = ShownLog::open(log)?;
        if logs.last().is_some_and(|last| last.origin() >= log.origin()) {
            return Err(Refused::Order);
        }
        logs.push(log);
    }
    let mut used = keys::Used::default();
    let statements = statement::read(&bundle.evidence, &header, header_digest)?;
    let statements = statement::check(statements, &logs, &mut used)?;
    let agency_key = about::agency_key(&message, &header, &statements, &logs, &mut used)?;
    let unused = used.others(&logs);
    Ok((Bundle { message, header, header_digest, agency_key, statements, logs }, unused))
}
