//! What can be wrong with a configuration, each as one sentence that says what
//! and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use barid_agreement::TermsError;
use barid_link::card::CardError;
use barid_link::identity::{Identity, IdentityError};
use barid_message::address::{Address, AddressError};
use barid_message::key::KeyError;
use barid_message::time::Millis;

use super::files::FileError;
use super::{NodeName, NodeNameError};

/// Why [`Config::load`](super::Config::load) refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {cause}; name a readable file with --config", file.display())]
    Unreadable {
        /// The configuration file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is larger than [`FILE_BYTES_MAX`](super::FILE_BYTES_MAX).
    #[error("{} is larger than 1 MiB, so it is no configuration; name another file with --config", file.display())]
    TooLarge {
        /// The configuration file.
        file: PathBuf,
    },
    /// The file is not UTF-8.
    #[error("{} is not UTF-8 text; save it as UTF-8", file.display())]
    NotText {
        /// The configuration file.
        file: PathBuf,
    },
    /// One place in the file is wrong.
    #[error("{place}: {problem}")]
    At {
        /// Where.
        place: Place,
        /// What.
        problem: Box<Problem>,
    },
    /// A file that the configuration names is wrong.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of byte `offset` of `text`, which is what `file` holds.
    pub(super) fn of(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// What is wrong at one place of the file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Not TOML, an unknown or missing key, or a value of the wrong type.
    #[error("{message}; correct this, config/README.md lists every key")]
    Form {
        /// The parser's own words: its errors have no other structure.
        message: String,
    },
    /// The node's name is no label.
    #[error(transparent)]
    NodeName(NodeNameError),
    /// Not a trust domain.
    #[error("`{text}` is no trust domain: {cause}; use a name such as pk.example")]
    TrustDomain {
        /// What was written.
        text: String,
        /// The rule that it breaks.
        cause: IdentityError,
    },
    /// An empty path.
    #[error("the path is empty; write a path, relative to this file or absolute")]
    EmptyPath,
    /// A secret key stands where backups of the data would take it along.
    #[error("the key {} lies in the data folder {}, where a backup would copy it; keep keys elsewhere", key.display(), data.display())]
    KeyInsideData {
        /// The key file.
        key: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// Not an address to listen on.
    #[error("`{0}` is no address to listen on; write IP:PORT, for example 127.0.0.1:7401")]
    Listen(String),
    /// Two listeners on one address.
    #[error("two listeners have {0}; give each a port of its own")]
    SameListener(std::net::SocketAddr),
    /// A number outside its range.
    #[error("{key} = {value} is out of range; choose {min} to {max}")]
    Range {
        /// The key.
        key: &'static str,
        /// What was written.
        value: u32,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// The longest retry delay is below the shortest.
    #[error("retry_delay_s_max = {max} is below retry_delay_s_min = {min}; make it at least {min}")]
    RetryDelays {
        /// Shortest delay in seconds.
        min: u32,
        /// Longest delay in seconds.
        max: u32,
    },
    /// Not an address of an agency.
    #[error("{cause}; write CC/AGENCY or CC/AGENCY/UNIT, for example pk/customs")]
    Address {
        /// The rule that it breaks.
        cause: AddressError,
    },
    /// Two tables for one address.
    #[error("{0} has an [[agency]] table already; merge the two")]
    AgencyTwice(Address),
    /// Not an identity.
    #[error("`{text}` is no identity: {cause}; write {form}")]
    Identity {
        /// What was written.
        text: String,
        /// The rule that it breaks.
        cause: IdentityError,
        /// The form to use.
        form: String,
    },
    /// An identity of another kind than this key takes.
    #[error("{identity} is no identity of {wanted}; write {form}")]
    IdentityKind {
        /// What was written.
        identity: Identity,
        /// Who is wanted here.
        wanted: &'static str,
        /// The form to use.
        form: String,
    },
    /// A system of one agency in the table of another.
    #[error(
        "{system} is no system of {address}; a system acts for its own agency and that agency's units"
    )]
    ForeignSystem {
        /// The system's identity.
        system: Identity,
        /// Address of the table.
        address: Address,
    },
    /// An identity twice where it may stand once.
    #[error("{0} stands here twice; remove one")]
    IdentityTwice(Identity),
    /// Not base64.
    #[error(
        "the key is not base64; write the DER SubjectPublicKeyInfo in standard base64 on one line"
    )]
    KeyText,
    /// A key that cannot be trusted.
    #[error("this public key is refused: {cause}; have the agency make a new Ed25519 or P-256 key")]
    Key {
        /// Why.
        cause: KeyError,
    },
    /// One key under two addresses, or twice under one.
    #[error("this key belongs to {0} already; a key has one owner and one table")]
    KeyTwice(Address),
    /// Not a time.
    #[error(
        "`{0}` is no time; write UTC such as 2026-01-31T00:00:00Z, whole milliseconds, years 2000 to 2199"
    )]
    Time(String),
    /// A key that ends before it begins.
    #[error("valid_until is not after valid_from; correct one of them")]
    KeyNeverValid,
    /// Terms that make no agreement.
    #[error("{cause}; correct this [[agreement]] table")]
    Terms {
        /// Why.
        cause: TermsError,
    },
    /// Two agreements with one id.
    #[error("agreement {0} stands here twice; keep the version in force")]
    AgreementTwice(String),
    /// One value twice in a list.
    #[error("`{0}` stands in this list twice; remove one")]
    ValueTwice(String),
    /// A code that the standard does not have.
    #[error("`{text}` is no {what} of the message standard; write one of {known}")]
    UnknownCode {
        /// Kind or purpose.
        what: &'static str,
        /// What was written.
        text: String,
        /// The codes there are, separated by commas.
        known: String,
    },
    /// A card's file cannot be read.
    #[error(transparent)]
    CardFile(FileError),
    /// A card's file holds no card that counts.
    #[error("{}: {cause}", path.display())]
    Card {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: CardError,
    },
    /// What lies where the node's own card does.
    #[error("{}: {cause}; move it away, and make the card again with `barid card export`", path.display())]
    OwnCard {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: CardError,
    },
    /// The same, of another node.
    #[error("{} is the card of {found}; move it away, and make this node's with `barid card export`", path.display())]
    OwnCardOfOther {
        /// The file.
        path: PathBuf,
        /// Whose.
        found: Identity,
    },
    /// A card that may no longer be used.
    #[error(
        "the card of {node} ended {ended}; get its present one, then `barid peer add CARD --name {name} --config FILE`"
    )]
    CardExpired {
        /// Whose.
        node: Identity,
        /// When.
        ended: Millis,
        /// What it is called here.
        name: NodeName,
    },
    /// The node's own card.
    #[error(
        "this is a card of {0}, which is this node; name the other node's card, and give each node a trust domain of its own"
    )]
    PeerIsSelf(Identity),
    /// Two cards of one node.
    #[error(
        "{node} has a [[peer]] table already, under the name {peer}; keep that name and the newer card"
    )]
    PeerTwice {
        /// Which.
        node: Identity,
        /// What it is called already.
        peer: NodeName,
    },
    /// Two peers of one name.
    #[error("a peer is called {0} already; give each a name of its own")]
    PeerNameTwice(NodeName),
    /// A peer's card takes an address from the agencies here.
    #[error(
        "this card says that {0} lives at the other node, but it has an [[agency]] table here; do not use the card before both nodes agree"
    )]
    AddressHosted(Address),
    /// Two cards take one address.
    #[error(
        "this card says that {address} lives at its node, and so does the card of {peer}; do not use it before all three agree"
    )]
    AddressAtPeer {
        /// Which.
        address: Address,
        /// The peer whose card had it first.
        peer: NodeName,
    },
    /// To be called, but nobody knows where.
    #[error("the card names no endpoint to call; take `dial` out, or get a card with one")]
    NoEndpoint,
}
