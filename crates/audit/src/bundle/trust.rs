//! Whose keys are trusted: what no bundle can say of itself.

use std::fmt;

use barid_message::address::Address;
use barid_message::digest::Digest;

use super::caps::TRUST_BYTES_MAX;
use super::{Bundle, Refused, Verdict};
use crate::note::{LogKey, WitnessKey};
use crate::witness::Policy;

/// First line of a trust file.
const FIRST_LINE: &str = "barid-trust 1";

/// Keys that somebody has compared with those who own them, and how many witnesses a
/// log's head needs.
#[derive(Clone, Debug)]
pub struct Trust {
    logs: Vec<LogKey>,
    agencies: Vec<(Address, Digest)>,
    nodes: Vec<(String, Digest)>,
    witnesses: Policy,
}

/// A key that a bundle rests on, as the line of a trust file that would trust it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fingerprint {
    /// A log's verifier key.
    Log(String),
    /// An agency's address, and SHA-256 of its key's SubjectPublicKeyInfo.
    Agency(String, Digest),
    /// A node's identity, and SHA-256 of the SubjectPublicKeyInfo of its evidence key; of a
    /// node whose own log is not in the bundle.
    Node(String, Digest),
    /// A witness's verifier key.
    Witness(String),
}

/// The line of a trust file.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(key) => write!(f, "log {key}"),
            Self::Agency(address, digest) => write!(f, "agency {address} {digest}"),
            Self::Node(identity, digest) => write!(f, "node {identity} {digest}"),
            Self::Witness(key) => write!(f, "witness {key}"),
        }
    }
}

/// Why a trust file is none. Nothing is trusted by half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Too large, or not text.
    #[error("the trust file is larger than 1 MiB, or not text")]
    NotText,
    /// It begins with something else.
    #[error("the trust file does not begin with the line `{FIRST_LINE}`")]
    FirstLine,
    /// A line that says nothing known.
    #[error(
        "line {0} of the trust file is none of `log KEY`, `agency ADDRESS SHA256`, `node IDENTITY SHA256`, `witness KEY` and `quorum NUMBER`"
    )]
    Line(usize),
    /// A policy that can never be met, or that counts one witness twice.
    #[error("the trust file asks for more witnesses than it names, or names one twice")]
    Witnesses,
}

impl Trust {
    /// Reads a trust file: `barid-trust 1`, then lines `log KEY`, `agency ADDRESS SHA256`,
    /// `node IDENTITY SHA256`, `witness KEY`, and at most one `quorum NUMBER`, 0 where there is none. Empty lines
    /// and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        if bytes.len() > TRUST_BYTES_MAX {
            return Err(TrustError::NotText);
        }
        let text = std::str::from_utf8(bytes).map_err(|_why| TrustError::NotText)?;
        let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(TrustError::FirstLine);
        }
        let (mut logs, mut witnesses) = (Vec::new(), Vec::new());
        let (mut agencies, mut nodes) = (Vec::new(), Vec::new());
        let mut quorum = None;
        for (number, line) in lines {
            let wrong = || TrustError::Line(number);
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            match words.as_slice() {
                ["log", key] => logs.push(LogKey::from_vkey(key).map_err(|_why| wrong())?),
                ["agency", address, digest] => {
                    let address = Address::parse(address).map_err(|_why| wrong())?;
                    agencies.push((address, sha256(digest).ok_or_else(wrong)?));
                }
                ["node", identity, digest] => {
                    nodes.push(((*identity).to_owned(), sha256(digest).ok_or_else(wrong)?));
                }
                ["witness", key] => {
                    witnesses.push(WitnessKey::from_vkey(key).map_err(|_why| wrong())?);
                }
                ["quorum", needed] if quorum.is_none() => {
                    quorum = Some(needed.parse().map_err(|_why| wrong())?);
                }
                _ => return Err(wrong()),
            }
        }
        let witnesses = Policy::new(witnesses, quorum.unwrap_or(0));
        let witnesses = witnesses.map_err(|_why| TrustError::Witnesses)?;
        Ok(Self { logs, agencies, nodes, witnesses })
    }

    /// Whether a bundle rests on nothing but trusted keys.
    ///
    /// # Errors
    /// [`Refused`] names the first key that is not trusted.
    fn covers(&self, bundle: &Bundle) -> Result<(), Refused> {
        for log in &bundle.logs {
            if !self.logs.contains(log.key()) {
                let line = Fingerprint::Log(log.key().to_vkey()).to_string();
                return Err(Refused::NotTrusted(line));
            }
            let few = || Refused::Witnesses(log.origin().to_owned());
            let cosigned = log.head.cosigned_by(self.witnesses.witnesses());
            if !self.witnesses.is_met_by(&cosigned.map_err(|_why| few())?) {
                return Err(few());
            }
        }
        // Of a node whose log is not shown, others alone say which key is its own.
        for node in bundle.strangers() {
            if !self.nodes.contains(&node) {
                let (identity, digest) = node;
                return Err(Refused::NotTrusted(Fingerprint::Node(identity, digest).to_string()));
            }
        }
        let digest = Digest::of(bundle.agency_key.spki());
        let is_trusted = |(address, key): &(Address, Digest)| {
            address.as_str() == bundle.origin_agency() && *key == digest
        };
        if self.agencies.iter().any(is_trusted) {
            Ok(())
        } else {
            let line = Fingerprint::Agency(bundle.origin_agency().to_owned(), digest);
            Err(Refused::NotTrusted(line.to_string()))
        }
    }
}

impl Bundle {
    /// What the bundle is worth to whoever trusts these keys, or has none to trust yet.
    #[must_use]
    pub fn judge(&self, trust: Option<&Trust>) -> Verdict {
        match trust.map(|trust| trust.covers(self)) {
            Some(Ok(())) => Verdict::Proven,
            Some(Err(why)) => Verdict::Refused(why),
            None => Verdict::ConsistentOnly(self.fingerprints()),
        }
    }

    /// Nodes whose word is in it and whose own log is not, with the keys they signed with.
    fn strangers(&self) -> impl Iterator<Item = (String, Digest)> {
        let strangers = self.statements.iter().filter(|one| !one.is_in_own_log());
        strangers.map(|one| (one.evidence.issuer.clone(), Digest::of(one.key.spki())))
    }

    /// The keys that it rests on.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        let logs = self.logs.iter().map(|log| Fingerprint::Log(log.key().to_vkey()));
        let agency = self.origin_agency().to_owned();
        let agency = Fingerprint::Agency(agency, Digest::of(self.agency_key.spki()));
        let witnesses = self.logs.iter().flat_map(|log| &log.witnesses);
        let witnesses = witnesses.map(|key| Fingerprint::Witness(key.to_vkey()));
        let nodes = self.strangers().map(|(identity, key)| Fingerprint::Node(identity, key));
        let mut all: Vec<_> = logs.chain([agency]).chain(nodes).chain(witnesses).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// 64 lower-case hexadecimal digits.
fn sha256(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    if text.len() != 64 || text.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(Digest(digest))
}
