//! A small certificate authority: ECDSA P-256 keys, one level, one URI name in
//! every certificate (SPINE §7).

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use barid_link::identity::Identity;
use barid_message::time::Millis;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::InitError;

/// How long the CA's own certificate is valid: ten years of 365 days.
pub(super) const CA_VALIDITY: Duration = Duration::from_secs(3650 * 24 * 60 * 60);
/// How far back validity begins, so that machines whose clock is behind can
/// connect at once.
pub(super) const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// The authority. It signs as long as it is held; its key is then taken offline.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    now: Millis,
}

/// A certificate and its private key, both PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: Zeroizing<String>,
}

/// Names under which clients find a server, beside its identity.
pub(super) struct ServerNames<'a> {
    pub(super) dns: &'a [String],
    pub(super) addresses: &'a [IpAddr],
}

impl Authority {
    /// Makes a key and a self-signed certificate that may sign end entities only.
    pub(super) fn new(name: &str, now: Millis) -> Result<Self, InitError> {
        let mut params = params(&format!("barid CA of {name}"), now, CA_VALIDITY)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key)?, now })
    }

    /// The CA's own certificate and key.
    pub(super) fn own(&self) -> Issued {
        Issued {
            certificate: self.issuer.pem(),
            key: Zeroizing::new(self.issuer.key().serialize_pem()),
        }
    }

    /// A certificate for a node, which listens and will also call its peers.
    pub(super) fn node(
        &self,
        node: &Identity,
        names: &ServerNames<'_>,
        validity: Duration,
    ) -> Result<Issued, InitError> {
        let mut params = params("barid node", self.now, validity)?;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        for name in names.dns {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
        }
        let addresses = names.addresses.iter().copied();
        params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
        self.issue(params, node)
    }

    /// A certificate for one who only calls: a system of an agency, an operator.
    pub(super) fn client(
        &self,
        client: &Identity,
        validity: Duration,
    ) -> Result<Issued, InitError> {
        let common_name = match client {
            Identity::Operator { .. } => "barid operator",
            _ => "barid agency system",
        };
        let mut params = params(common_name, self.now, validity)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, client)
    }

    fn issue(&self, mut params: CertificateParams, who: &Identity) -> Result<Issued, InitError> {
        params.subject_alt_names.push(SanType::URI(who.to_string().try_into()?));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: Zeroizing::new(key.serialize_pem()) })
    }
}

/// What all certificates have in common. The common name is for people; nobody
/// is known by it.
fn params(
    common_name: &str,
    now: Millis,
    validity: Duration,
) -> Result<CertificateParams, InitError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date(now - BACKDATED)?;
    params.not_after = date(now + validity)?;
    Ok(params)
}

fn date(at: Millis) -> Result<OffsetDateTime, InitError> {
    OffsetDateTime::from_unix_timestamp(at.to_proto().seconds)
        .map_err(|_out_of_range| InitError::Time(at))
}
