//! Who is at the other end: the one URI name of a certificate, parsed once.

mod leaf;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use barid_message::address::Address;
use thiserror::Error;

pub(crate) use leaf::Leaf;

/// Longest URI, in bytes (SPIFFE-ID, section 2.3: 2,048; ours are far shorter).
const URI_BYTES: usize = 512;
/// Longest label, in bytes (RFC 1123).
const LABEL_BYTES: usize = 63;
/// Longest trust domain, in bytes (SPIFFE-ID, section 2.1).
const TRUST_DOMAIN_BYTES: usize = 255;

/// The names that one federation member's CA answers for, e.g.
/// "border.example".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

/// A caller or callee, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// `spiffe://<trust domain>/node`: a node.
    Node {
        /// Its trust domain.
        trust_domain: TrustDomain,
    },
    /// `spiffe://<trust domain>/agency/<cc>/<agency>/<system>`: a system of an
    /// agency.
    Agency {
        /// Of the node that hosts the agency.
        trust_domain: TrustDomain,
        /// The agency's address, `<cc>/<agency>`.
        agency: Address,
        /// Which of its systems.
        system: Arc<str>,
    },
    /// `spiffe://<trust domain>/operator/<name>`: a person or tool that
    /// operates a node.
    Operator {
        /// Of the node.
        trust_domain: TrustDomain,
        /// Who.
        name: Arc<str>,
    },
}

/// SHA-256 of a TLS key's SubjectPublicKeyInfo (DER).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    /// The key of a chain's first certificate, PEM.
    ///
    /// # Errors
    /// [`IdentityError::Certificate`] where there is none.
    pub fn of_chain_pem(pem: &[u8]) -> Result<Self, IdentityError> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        let first = CertificateDer::pem_slice_iter(pem).next().and_then(Result::ok);
        let leaf = Leaf::from_der(&first.ok_or(IdentityError::Certificate)?)?;
        Ok(leaf.key)
    }
}

/// Why a certificate or a text names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// Not an X.509 certificate.
    #[error("the certificate cannot be read")]
    Certificate,
    /// No URI name, or more than one.
    #[error("the certificate holds {0} URI names where one is needed")]
    UriCount(usize),
    /// Longer than any identity.
    #[error("the identity is too long")]
    TooLong,
    /// Not of the form `spiffe://…`.
    #[error("the identity does not begin with spiffe://")]
    Scheme,
    /// The trust domain breaks its grammar.
    #[error("the trust domain is not lower-case labels joined by dots")]
    TrustDomain,
    /// A label of the path breaks its grammar.
    #[error("the path holds a label that is not of a-z, 0-9 and inner hyphens")]
    Label,
    /// What stands in the place of an agency's address is none.
    #[error("the path holds no agency address of the form <cc>/<agency>")]
    Agency,
    /// The path is none of node, agency and operator.
    #[error("the path is none of /node, /agency/<cc>/<agency>/<system>, /operator/<name>")]
    Path,
}

impl TrustDomain {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TrustDomain {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        if text.len() > TRUST_DOMAIN_BYTES {
            return Err(IdentityError::TooLong);
        }
        if !text.split('.').all(is_label) {
            return Err(IdentityError::TrustDomain);
        }
        Ok(Self(text.into()))
    }
}

impl Identity {
    /// The trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        match self {
            Self::Node { trust_domain }
            | Self::Agency { trust_domain, .. }
            | Self::Operator { trust_domain, .. } => trust_domain,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { trust_domain } => write!(f, "spiffe://{trust_domain}/node"),
            Self::Agency { trust_domain, agency, system } => {
                write!(f, "spiffe://{trust_domain}/agency/{agency}/{system}")
            }
            Self::Operator { trust_domain, name } => {
                write!(f, "spiffe://{trust_domain}/operator/{name}")
            }
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        if uri.len() > URI_BYTES {
            return Err(IdentityError::TooLong);
        }
        let rest = uri.strip_prefix("spiffe://").ok_or(IdentityError::Scheme)?;
        let (domain, path) = rest.split_once('/').ok_or(IdentityError::Path)?;
        let trust_domain = domain.parse()?;
        let labels: Vec<&str> = path.split('/').collect();
        if !labels.iter().copied().all(is_label) {
            return Err(IdentityError::Label);
        }
        match *labels.as_slice() {
            ["node"] => Ok(Self::Node { trust_domain }),
            ["agency", country, agency, system] => Ok(Self::Agency {
                trust_domain,
                agency: Address::parse(&format!("{country}/{agency}"))
                    .map_err(|_ignored| IdentityError::Agency)?,
                system: system.into(),
            }),
            ["operator", name] => Ok(Self::Operator { trust_domain, name: name.into() }),
            _ => Err(IdentityError::Path),
        }
    }
}

/// One spelling for one name: no upper case, no percent escapes, no NUL, no
/// punycode that reads like another name.
fn is_label(text: &str) -> bool {
    (1..=LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.starts_with("xn--")
}
