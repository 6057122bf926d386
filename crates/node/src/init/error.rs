//! Why `init` made nothing, each as one sentence.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use barid_link::identity::IdentityError;
use barid_message::address::Address;
use barid_message::key::KeyError;
use barid_message::time::Millis;

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// Something is there already.
    #[error("{} exists and is not an empty folder; name a new folder, nothing was changed", .0.display())]
    Taken(PathBuf),
    /// A path such as `.` or `/`, which cannot appear at once.
    #[error("{} is no name for a new folder; name one, for example ./barid", .0.display())]
    Nameless(PathBuf),
    /// The folder in which the new one should stand does not exist.
    #[error("the folder {} does not exist; make it first", .0.display())]
    NoParent(PathBuf),
    /// All is in its place, but may be gone after a power cut.
    #[error("{} was made, but the disk did not confirm it: {cause}; remove it and try again", dir.display())]
    Unsynced {
        /// What was made.
        dir: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Something could not be written.
    #[error("cannot write {}: {cause}; nothing was left behind", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// No agencies.
    #[error("a node hosts at least one agency; add for example --agency pk/customs")]
    NoAgency,
    /// One agency twice.
    #[error("{0} is named twice; name each agency once")]
    AgencyTwice(Address),
    /// Two addresses whose folders would have one name.
    #[error("{0} and {1} would share the folder agencies/{2}; make them in two runs")]
    FolderTwice(Address, Address, String),
    /// A unit whose identity would be that of its agency's first system.
    #[error(
        "a unit cannot be called `main`, as {0} is: the agency's own first system has that name"
    )]
    UnitMain(Address),
    /// Not a label.
    #[error("`{name}` is no name for an operator: {cause}; use for example admin")]
    Operator {
        /// The name.
        name: String,
        /// The rule that it breaks.
        cause: IdentityError,
    },
    /// One operator twice.
    #[error("operator {0} is named twice; name each operator once")]
    OperatorTwice(String),
    /// No DNS name, or not one.
    #[error("`{0}` is no DNS name; use for example node.pk.example")]
    DnsName(String),
    /// Two listeners on one address.
    #[error("two listeners would have {0}; give each a port of its own")]
    SameListener(SocketAddr),
    /// A listener on whatever port is free: clients are told the port in their files.
    #[error("{0} names no port that clients could be told; give one, for example {ip}:7401", ip = .0.ip())]
    AnyPort(SocketAddr),
    /// Certificates for too short or too long.
    #[error("certificates can be valid for 1 day to 10 years; choose a time between")]
    Validity,
    /// A time that certificates cannot hold.
    #[error("the machine's clock says {0}, which no certificate can hold; set the clock")]
    Time(Millis),
    /// The system's source of randomness failed.
    #[error("the system gives no random numbers; check /dev/urandom")]
    Randomness,
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A signing key could not be made.
    #[error("cannot make a signing key: {0}")]
    SigningKey(#[from] KeyError),
}

impl InitError {
    /// Whether it is the plan that cannot be meant, whatever the machine is like.
    #[must_use]
    pub fn is_of_the_plan(&self) -> bool {
        match self {
            Self::Nameless(_)
            | Self::NoAgency
            | Self::AgencyTwice(_)
            | Self::FolderTwice(..)
            | Self::UnitMain(_)
            | Self::Operator { .. }
            | Self::OperatorTwice(_)
            | Self::DnsName(_)
            | Self::SameListener(_)
            | Self::AnyPort(_)
            | Self::Validity => true,
            Self::Taken(_)
            | Self::NoParent(_)
            | Self::Unsynced { .. }
            | Self::Write { .. }
            | Self::Time(_)
            | Self::Randomness
            | Self::Certificate(_)
            | Self::SigningKey(_) => false,
        }
    }
}
