//! What the node is told: one strict TOML file, read once into typed values.
//!
//! [`Config::load`] looks at the text and at every file that it names. Nothing here
//! is changed while the node runs; secrets are named by path and never stand in the
//! file.

mod agencies;
mod agreements;
mod alarm;
mod audit;
mod error;
mod files;
mod limits;
mod peers;
mod raw;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use barid_agreement::Agreement;
use barid_link::card::Card;
use barid_link::identity::{Identity, TrustDomain};
use barid_message::key::PublicKey;
use barid_message::time::Millis;
use serde::Deserialize;

pub use agencies::Agency;
pub use alarm::Alarm;
pub use audit::{Audit, AuditKeys};
pub use error::{ConfigError, Place, Problem};
pub use files::{FileError, TlsMaterial};
pub use limits::{Delivery, Storage};
pub use peers::Peer;

use crate::clock;
use raw::{RawConfig, RawListen, RawNode, RawPeer, RawTls, Text};
use source::{Source, lies_in};

/// Largest configuration file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The node's own card, beside its configuration.
pub const OWN_CARD: &str = "node.card";

/// Folder of the data folder with the cards of peers that were renewed over the link:
/// written by the node, for the tools of its administrators.
pub(crate) const CARDS: &str = "cards";

/// A whole configuration. Paths are relative to the file's folder, as joined.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[node]`.
    pub node: Node,
    /// `[listen]`.
    pub listen: Listen,
    /// `[tls]`.
    pub tls: Tls,
    /// `[evidence]`.
    pub evidence: Evidence,
    /// `[audit]`.
    pub audit: Audit,
    /// `[log]`.
    pub log: Log,
    /// `[storage]`.
    pub storage: Storage,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[alarm]`; `None`: no command is run.
    pub alarm: Option<Alarm>,
    /// `[[agency]]`, in the order of the file.
    pub agencies: Vec<Agency>,
    /// `[[operator]]`: identities, in the order of the file.
    pub operators: Vec<Identity>,
    /// `[[monitor]]`: identities that may ask how the node is, and nothing else.
    pub monitors: Vec<Identity>,
    /// `[[agreement]]`, in the order of the file.
    pub agreements: Vec<Agreement>,
    /// `[[peer]]`: nodes that this one is linked with, in the order of the file.
    pub peers: Vec<Peer>,
    /// The file [`OWN_CARD`] beside this one, where there is one: what `barid card export`
    /// made last, and peers are sent.
    pub own_card: Option<Card>,
}

/// `[node]`: who this node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `name`: for people, in logs and tables.
    pub name: NodeName,
    /// `trust_domain`: what its identities and its log are named after; never
    /// changed once messages have been accepted.
    pub trust_domain: TrustDomain,
    /// `data`: folder of journal, bodies and indexes; made by the first start,
    /// on a disk that honours sync.
    pub data: PathBuf,
}

/// `[listen]`: where the node listens; port 0 takes any free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// `exchange`: for agency systems.
    pub exchange: SocketAddr,
    /// `operations`: for operators, health and reflection; keep it off public
    /// networks.
    pub operations: SocketAddr,
    /// `federation`, default none: for other nodes. Without it this node only calls.
    pub federation: Option<SocketAddr>,
    /// `witness`, default none: plain HTTP for tools that have heads of linked nodes' logs
    /// cosigned (C2SP tlog-witness). Put what ends TLS in front of it.
    pub witness: Option<SocketAddr>,
}

/// `[tls]`: PEM files of the node's own certificate and of those it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `certificate`: the node's chain, its own certificate first.
    pub certificate: PathBuf,
    /// `key`: its private key; mode 0600, not in the data folder.
    pub key: PathBuf,
    /// `client_ca`: CAs whose client certificates are accepted.
    pub client_ca: PathBuf,
    /// `crl`, default none: revocation lists of these CAs. Without one, no
    /// certificate is taken for revoked.
    pub crl: Vec<PathBuf>,
}

/// `[evidence]`: what receipts are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// `key`: PKCS#8 PEM of Ed25519 or P-256; mode 0600, not in the data folder.
    pub key: PathBuf,
}

/// `[log]`: what the process says on stderr. No setting logs the content of
/// messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// `format`, default text.
    pub format: LogFormat,
    /// `level`, default info.
    pub level: LogLevel,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The least important thing that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Someone should look.
    Error,
    /// Someone may want to look.
    Warn,
    /// Starts, stops, changes.
    #[default]
    Info,
    /// Every decision.
    Debug,
    /// Every step.
    Trace,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Name of a node: 1 to 32 of `[a-z0-9-]`, no hyphen at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName(String);

/// Why a text names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name for a node; use 1 to 32 of a-z, 0-9 and inner hyphens")]
pub struct NodeNameError(pub String);

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let whole = (1..=32).contains(&text.len())
            && text.chars().all(known)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if whole { Ok(Self(text.to_owned())) } else { Err(NodeNameError(text.to_owned())) }
    }
}

impl NodeName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Config {
    /// Reads `file` and looks at every file that it names, so that what is
    /// wrong is said before anything is opened or bound.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        Self::load_at(file, clock::now())
    }

    /// As [`Config::load`], but cards may have expired: for those who list and replace
    /// them.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with_expired_cards(file: &Path) -> Result<Self, ConfigError> {
        Self::load_at(file, Millis(0))
    }

    /// As [`Config::load`], at that time.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_at(file: &Path, now: Millis) -> Result<Self, ConfigError> {
        let text = read_text(file)?;
        let source = Source { file, text: &text };
        let (mut config, peers) = Self::parse(&source)?;
        config.tls.read()?;
        let keys = config.audit.read_keys()?;
        let Audit { log_key, witness_key, .. } = &config.audit;
        let mut known: Vec<(PublicKey, &Path)> = Vec::new();
        for (key, path) in [
            (config.evidence.read()?.public(), &config.evidence.key),
            (keys.log.public(), log_key),
            (keys.witness.public(), witness_key),
        ] {
            if let Some((_, other)) = known.iter().find(|(other, _)| other == key) {
                let (path, other) = (path.clone(), other.to_path_buf());
                return Err(FileError::SharedKey { path, other }.into());
            }
            known.push((key.clone(), path));
        }
        for key in [&config.tls.key, &config.evidence.key, log_key, witness_key] {
            files::outside(&config.node.data, key)?;
        }
        config.peers = peers::read_peers(&source, &config, &peers, now)?;
        config.own_card = peers::read_own_card(&source, &config)?;
        Ok(config)
    }

    /// Reads the text and touches no file; hence without peers, whose tables are given
    /// back.
    fn parse(source: &Source<'_>) -> Result<(Self, Vec<RawPeer>), ConfigError> {
        let raw: RawConfig = toml::from_str(source.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            source.refuse_at(offset, Problem::Form { message: error.message().to_owned() })
        })?;
        let node = Node::read(source, &raw.node)?;
        let tls = Tls::read_paths(source, &raw.tls)?;
        let evidence = Evidence { key: source.path(&raw.evidence.key)? };
        let audit = Audit::read(source, &raw.audit)?;
        let [log, witness] = audit.paths(&raw.audit);
        for (raw, key) in
            [(&raw.tls.key, &*tls.key), (&raw.evidence.key, &*evidence.key), log, witness]
        {
            node.keep_out(source, raw, key)?;
        }
        let operators = agencies::read_operators(source, &node.trust_domain, &raw.operator, &[])?;
        let config = Self {
            listen: Listen::read(source, &raw.listen)?,
            log: Log { format: raw.log.format, level: raw.log.level },
            storage: Storage::read(source, &raw.storage)?,
            delivery: Delivery::read(source, &raw.delivery)?,
            alarm: Alarm::read(source, &raw.alarm)?,
            agencies: agencies::read_agencies(source, &node.trust_domain, &raw.agency)?,
            monitors: agencies::read_operators(
                source,
                &node.trust_domain,
                &raw.monitor,
                &operators,
            )?,
            operators,
            agreements: agreements::read_agreements(source, &raw.agreement)?,
            node,
            tls,
            evidence,
            audit,
            peers: Vec::new(),
            own_card: None,
        };
        Ok((config, raw.peer))
    }
}

impl Node {
    fn read(source: &Source<'_>, raw: &RawNode) -> Result<Self, ConfigError> {
        let RawNode { name, trust_domain, data } = raw;
        Ok(Self {
            name: name
                .get_ref()
                .parse()
                .map_err(|error| source.refuse(name, Problem::NodeName(error)))?,
            trust_domain: trust_domain.get_ref().parse().map_err(|cause| {
                let text = trust_domain.get_ref().clone();
                source.refuse(trust_domain, Problem::TrustDomain { text, cause })
            })?,
            data: source.path(data)?,
        })
    }

    /// Refuses a key whose path leads into the data folder.
    fn keep_out(&self, source: &Source<'_>, raw: &Text, key: &Path) -> Result<(), ConfigError> {
        if !lies_in(key, &self.data) {
            return Ok(());
        }
        let (key, data) = (key.to_path_buf(), self.data.clone());
        Err(source.refuse(raw, Problem::KeyInsideData { key, data }))
    }
}

impl Listen {
    fn read(source: &Source<'_>, raw: &RawListen) -> Result<Self, ConfigError> {
        let address = |raw: &Text| -> Result<SocketAddr, ConfigError> {
            let wrong = |_| source.refuse(raw, Problem::Listen(raw.get_ref().clone()));
            raw.get_ref().parse().map_err(wrong)
        };
        let RawListen { exchange, operations, federation, witness } = raw;
        let mut taken = Vec::new();
        let mut own = |raw: &Text| -> Result<SocketAddr, ConfigError> {
            let address = address(raw)?;
            if taken.contains(&address) && address.port() != 0 {
                return Err(source.refuse(raw, Problem::SameListener(address)));
            }
            taken.push(address);
            Ok(address)
        };
        Ok(Self {
            exchange: own(exchange)?,
            operations: own(operations)?,
            federation: federation.as_ref().map(&mut own).transpose()?,
            witness: witness.as_ref().map(own).transpose()?,
        })
    }
}

impl Tls {
    fn read_paths(source: &Source<'_>, raw: &RawTls) -> Result<Self, ConfigError> {
        let RawTls { certificate, key, client_ca, crl } = raw;
        Ok(Self {
            certificate: source.path(certificate)?,
            key: source.path(key)?,
            client_ca: source.path(client_ca)?,
            crl: crl.iter().map(|raw| source.path(raw)).collect::<Result<_, _>>()?,
        })
    }
}

fn read_text(file: &Path) -> Result<String, ConfigError> {
    let unreadable = |cause| ConfigError::Unreadable { file: file.to_path_buf(), cause };
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(ConfigError::TooLarge { file: file.to_path_buf() });
    }
    String::from_utf8(bytes).map_err(|_not_utf8| ConfigError::NotText { file: file.to_path_buf() })
}
