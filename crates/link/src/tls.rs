//! TLS 1.3 with certificates on both sides, one cryptographic provider, no
//! resumption.

mod acceptor;
mod connection;
mod connector;
mod endpoint;
mod own;
mod peer;
mod server;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::VerifierBuilderError;
use rustls::{RootCertStore, SupportedProtocolVersion};
use thiserror::Error;

pub use acceptor::{AcceptCounts, AcceptLimits, Acceptor, Counts, Incoming, TlsSwitch};
pub use connection::Connection;
pub use connector::{
    ConnectError, Connector, ConnectorConfig, ConnectorError, NodeStream, certificate_end_unix_s,
};
pub use endpoint::{Endpoint, EndpointError};
pub use own::{OwnCertificate, OwnCertificateError, earliest_end};
pub use peer::PeerIdentity;
pub use server::ServerTls;

/// The only protocol version spoken.
static VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The only application protocol spoken.
const ALPN_H2: &[u8] = b"h2";

/// Why certificates, keys or revocation lists cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// PEM text is damaged.
    #[error("the {what} is not PEM")]
    Pem {
        /// Of what.
        what: TlsFile,
        /// How.
        #[source]
        source: pem::Error,
    },
    /// PEM text holds nothing of the kind.
    #[error("the {0} file holds none")]
    Empty(TlsFile),
    /// A CA certificate cannot be used as a root.
    #[error("the CA certificate cannot be used")]
    Root(#[source] rustls::Error),
    /// CA certificates and revocation lists do not go together.
    #[error("the CA certificates or revocation lists cannot be used")]
    Verifier(#[from] VerifierBuilderError),
    /// The certificate and its key do not go together, or are of a kind that
    /// is not supported.
    #[error("the certificate and its key cannot be used together")]
    Certificate(#[source] rustls::Error),
    /// The provider lacks what TLS 1.3 needs.
    #[error("the cryptographic provider does not support TLS 1.3")]
    Provider(#[source] rustls::Error),
}

/// What a PEM text was to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFile {
    /// A certificate chain, leaf first.
    Certificate,
    /// A private key.
    Key,
    /// CA certificates.
    Ca,
    /// A certificate revocation list.
    Crl,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Key => "private key",
            Self::Ca => "CA certificate",
            Self::Crl => "revocation list",
        })
    }
}

/// Named in every builder, so that no dependency can bring in another. Its
/// first key exchange group is X25519MLKEM768.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A CA certificate as PEM, as files have it.
#[must_use]
pub fn ca_pem(der: &[u8]) -> Vec<u8> {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for start in (0..text.len()).step_by(64) {
        pem.push_str(&text[start..text.len().min(start + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem.into_bytes()
}

fn chain_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    all_from_pem(pem, TlsFile::Certificate)
}

fn key_from_pem(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::Empty(TlsFile::Key),
        source => TlsError::Pem { what: TlsFile::Key, source },
    })
}

fn roots_from_pem(pem: &[u8]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in all_from_pem::<CertificateDer<'_>>(pem, TlsFile::Ca)? {
        roots.add(certificate).map_err(TlsError::Root)?;
    }
    Ok(Arc::new(roots))
}

fn crls_from_pem(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    all_from_pem(pem, TlsFile::Crl)
}

fn all_from_pem<T: PemObject>(pem: &[u8], what: TlsFile) -> Result<Vec<T>, TlsError> {
    let all: Vec<T> = T::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem { what, source })?;
    if all.is_empty() {
        return Err(TlsError::Empty(what));
    }
    Ok(all)
}
