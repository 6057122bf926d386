//! The node's own card, made from its configuration.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use barid_link::card::{Card, CardError, CardFault, Contact};
use barid_link::identity::Identity;
use barid_link::tls::{Endpoint, OwnCertificate, OwnCertificateError};
use barid_message::caps;
use barid_message::key::PublicKey;
use barid_message::registry::RegisteredKey;
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;

use crate::config::{Agency, Config, Evidence, FileError, Tls};

/// What the configuration does not say.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Where the node takes links. None: at `listen.federation`, if there is one.
    pub endpoint: Option<Endpoint>,
    /// Whom to call.
    pub contact: Contact,
    /// How long the card may be used.
    pub validity: Duration,
    /// Keys that take the place of the present ones while this card counts.
    pub next: NextKeys,
}

/// Keys that stand on the card before they are used, so that peers know them by then.
#[derive(Clone, Debug, Default)]
pub struct NextKeys {
    /// The certificate that will be under `[tls]`: a PEM file, its issuer among the CAs at
    /// hand.
    pub certificate: Option<PathBuf>,
    /// What will be under `[evidence]`.
    pub evidence: Option<PathBuf>,
}

/// Why no card can be made.
#[derive(Debug, thiserror::Error)]
pub enum OwnCardError {
    /// A file that the configuration names.
    #[error(transparent)]
    File(#[from] FileError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] OwnCertificateError),
    /// A certificate of somebody else.
    #[error(
        "the certificate is of {found}, but this node is {own}; correct tls.certificate, or name another file"
    )]
    OtherIdentity {
        /// By `node.trust_domain`.
        own: Identity,
        /// In the certificate.
        found: Identity,
    },
    /// Nobody can call port 0.
    #[error(
        "listen.federation takes any free port, so that the card cannot say which; name one there or with --endpoint"
    )]
    AnyPort,
    /// Something that no card may say.
    #[error("{0}; correct what was given, or the configuration")]
    Content(CardFault),
    /// What was made is no card, for example with too many agencies.
    #[error("no card can be made of this configuration: {0}")]
    Refused(CardError),
}

/// Makes and signs the node's card.
///
/// Its serial is the time in Unix seconds, and above that of the card made last where that
/// lies beside the configuration: later cards replace earlier ones, also under a clock that
/// was put back. The configuration does not say since when the evidence
/// key counts, so it counts for all time: evidence of before this card still holds.
///
/// # Errors
/// [`OwnCardError`].
pub fn own(config: &Config, wishes: Wishes, now: Millis) -> Result<Card, OwnCardError> {
    let Wishes { endpoint, contact, validity, next } = wishes;
    let node = Identity::Node { trust_domain: config.node.trust_domain.clone() };
    let certificate = certificate(&config.tls, &node, now)?;
    let next_certificate = next.certificate.map(|file| {
        let tls = Tls { certificate: file, ..config.tls.clone() };
        self::certificate(&tls, &node, now)
    });
    let next_certificate = next_certificate.transpose()?;
    let endpoint = match (endpoint, config.listen.federation) {
        (Some(endpoint), _) => endpoint.authority(),
        (None, Some(listener)) => callable(listener, &certificate.server_name)?,
        (None, None) => String::new(),
    };
    let evidence_key = config.evidence.read()?;
    let next_evidence = next.evidence.map(|key| Evidence { key }.read()).transpose()?;
    let evidence_keys = [Some(&evidence_key), next_evidence.as_ref()].into_iter().flatten();
    let audit_keys = config.audit.read_keys()?;
    let tls_keys = [Some(&certificate), next_certificate.as_ref()].into_iter().flatten();
    let tls_keys = tls_keys.map(|shown| shown.key_digest.to_bytes()).collect();
    // Peers take certificates of the CA before this one too, while they are replaced.
    let ca = next_certificate.as_ref().unwrap_or(&certificate).ca.to_vec();
    let Contact { role, telephone, email } = contact;
    let content = pb::Card {
        node: node.to_string(),
        name: config.node.name.to_string(),
        serial: serial(config, now),
        issued_at: Some(now.to_proto()),
        valid_until: Some((now + validity).to_proto()),
        endpoint,
        server_name: certificate.server_name,
        ca_certificate: ca.into(),
        tls_keys,
        evidence_keys: evidence_keys.map(|key| card_key(&always(key.public()))).collect(),
        agencies: config.agencies.iter().map(card_agency).collect(),
        contact: Some(pb::Contact { role, telephone, email }),
        log_keys: vec![card_key(&always(audit_keys.log.public()))],
        witness_keys: vec![card_key(&always(audit_keys.witness.public()))],
    };
    // Read back by the very rules that the other node will apply.
    Card::from_proto(Card::sign(&content, &evidence_key)).map_err(|error| match error {
        CardError::Content(fault) => OwnCardError::Content(fault),
        other => OwnCardError::Refused(other),
    })
}

fn serial(config: &Config, now: Millis) -> u64 {
    let last = config.own_card.as_ref().map_or(0, Card::serial);
    (now.0 / 1_000).max(last.saturating_add(1))
}

/// What stands on the card of the certificate of this section, which must be the node's.
fn certificate(tls: &Tls, node: &Identity, now: Millis) -> Result<OwnCertificate, OwnCardError> {
    let material = tls.read()?;
    let shown = OwnCertificate::from_pem(&material.certificate, &material.client_ca, now)?;
    if shown.identity == *node {
        Ok(shown)
    } else {
        Err(OwnCardError::OtherIdentity { own: node.clone(), found: shown.identity })
    }
}

fn always(key: &PublicKey) -> RegisteredKey {
    let valid_from = Millis(caps::EARLIEST_MS);
    RegisteredKey { key: key.clone(), valid_from, valid_until: None }
}

/// A listener on all addresses is none to call: then by the certificate's name.
fn callable(listener: SocketAddr, server_name: &str) -> Result<String, OwnCardError> {
    match (listener.ip(), listener.port()) {
        (_, 0) => Err(OwnCardError::AnyPort),
        (ip, port) if ip.is_unspecified() => Ok(format!("{server_name}:{port}")),
        _ => Ok(listener.to_string()),
    }
}

fn card_key(key: &RegisteredKey) -> pb::CardKey {
    pb::CardKey {
        spki: key.key.spki().clone(),
        valid_from: Some(key.valid_from.to_proto()),
        valid_until: key.valid_until.map(Millis::to_proto),
    }
}

fn card_agency(agency: &Agency) -> pb::CardAgency {
    pb::CardAgency {
        address: agency.address.to_string(),
        keys: agency.keys.iter().map(card_key).collect(),
        may_flash: agency.may_flash,
    }
}
