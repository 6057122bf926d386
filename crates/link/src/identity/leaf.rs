//! What is read out of a peer's certificate, once per connection.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use barid_message::digest::Digest;

use super::{Identity, IdentityError, KeyDigest};

/// The facts of a leaf certificate that the TLS verifier has already accepted.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// A certificate of the right CA may still name nobody.
    pub(crate) identity: Result<Identity, IdentityError>,
    /// Seconds since 1970.
    pub(crate) not_after_s: i64,
    /// SHA-256 of its SubjectPublicKeyInfo (DER), by which cards pin it.
    pub(crate) key: KeyDigest,
}

impl Leaf {
    /// Reads DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, IdentityError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_ignored| IdentityError::Certificate)?;
        if !rest.is_empty() {
            return Err(IdentityError::Certificate);
        }
        Ok(Self {
            identity: identity_of(&certificate),
            not_after_s: certificate.validity().not_after.timestamp(),
            key: KeyDigest(Digest::of(certificate.public_key().raw).0),
        })
    }
}

/// Any number of URI names but one is an error: with two, who is meant would
/// depend on who reads.
fn identity_of(certificate: &X509Certificate<'_>) -> Result<Identity, IdentityError> {
    let names =
        certificate.subject_alternative_name().map_err(|_ignored| IdentityError::Certificate)?;
    let uris: Vec<&str> = names
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
        .collect();
    let [uri] = uris.as_slice() else {
        return Err(IdentityError::UriCount(uris.len()));
    };
    uri.parse()
}
