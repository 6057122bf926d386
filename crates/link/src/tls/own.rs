//! The node's own certificate, as others will have to know it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use barid_message::digest::Digest;
use barid_message::time::Millis;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{TlsError, TlsFile, all_from_pem, chain_from_pem, provider};
use crate::identity::{Identity, IdentityError, Leaf};

/// What stands on a node's card of its TLS certificate.
#[derive(Clone, Debug)]
pub struct OwnCertificate {
    /// Its URI name.
    pub identity: Identity,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_digest: Digest,
    /// The first DNS name in it, else the first IP address: by one of these others
    /// check it.
    pub server_name: String,
    /// The CA that issued it.
    pub ca: CertificateDer<'static>,
}

/// Why a certificate cannot stand on a card.
#[derive(Debug, Error)]
pub enum OwnCertificateError {
    /// The files.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It names nobody.
    #[error("the node's certificate names no identity: {0}; have a new one made")]
    Identity(#[from] IdentityError),
    /// It carries no name to check it by.
    #[error(
        "the node's certificate holds neither a DNS name nor an IP address; have a new one made"
    )]
    NoServerName,
    /// None of the CA certificates at hand issued it, or it is not valid now.
    #[error(
        "no CA certificate in `tls.certificate` or `tls.client_ca` verifies the node's certificate now; add the issuer to one of them, or renew what has expired"
    )]
    NoIssuer,
}

impl OwnCertificate {
    /// Reads the chain that the node shows, and finds the CA that issued its first
    /// certificate: in the chain, or among the CAs of clients. All PEM.
    ///
    /// # Errors
    /// [`OwnCertificateError`].
    pub fn from_pem(
        chain: &[u8],
        client_ca: &[u8],
        now: Millis,
    ) -> Result<Self, OwnCertificateError> {
        let chain = chain_from_pem(chain)?;
        let leaf = chain.first().ok_or(TlsError::Empty(TlsFile::Certificate))?;
        let identity = Leaf::from_der(leaf)?.identity?;
        let (_, parsed) =
            X509Certificate::from_der(leaf).map_err(|_ignored| IdentityError::Certificate)?;
        let server_name = server_name(&parsed).ok_or(OwnCertificateError::NoServerName)?;
        let key_digest = Digest::of(parsed.public_key().raw);
        let others = all_from_pem::<CertificateDer<'static>>(client_ca, TlsFile::Ca)?;
        let ca = chain
            .iter()
            .skip(1)
            .chain(&others)
            .find(|ca| issued(ca, leaf, &server_name, now))
            .ok_or(OwnCertificateError::NoIssuer)?
            .clone();
        Ok(Self { identity, key_digest, server_name, ca })
    }
}

/// When the first of these certificates ends, PEM. `None`: there is none that can be read.
#[must_use]
pub fn earliest_end(pem: &[u8]) -> Option<Millis> {
    let certificates = all_from_pem::<CertificateDer<'static>>(pem, TlsFile::Certificate).ok()?;
    let ends = certificates.iter().filter_map(|der| {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        u64::try_from(parsed.validity().not_after.timestamp()).ok()
    });
    ends.min().map(|seconds| Millis(seconds.saturating_mul(1_000)))
}

fn server_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    let names = &names.value.general_names;
    let dns = names.iter().find_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    dns.or_else(|| names.iter().find_map(address))
}

fn address(name: &GeneralName<'_>) -> Option<String> {
    let GeneralName::IPAddress(bytes) = name else {
        return None;
    };
    let address = <[u8; 4]>::try_from(*bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
    address.ok().map(|address| address.to_string())
}

/// As a peer will find out: with this CA as its only root. Names of CAs do not tell,
/// two nodes may have called theirs the same.
fn issued(
    ca: &CertificateDer<'static>,
    leaf: &CertificateDer<'_>,
    server_name: &str,
    now: Millis,
) -> bool {
    let mut roots = RootCertStore::empty();
    let Ok(name) = ServerName::try_from(server_name) else {
        return false;
    };
    if roots.add(ca.clone()).is_err() {
        return false;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
    verifier.is_ok_and(|verifier| verifier.verify_server_cert(leaf, &[], &name, &[], now).is_ok())
}
