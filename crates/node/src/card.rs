//! The node's own card, made from its configuration.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use barid_link::card::{Card, CardError, CardFault, Contact};
use barid_link::identity::Identity;
use barid_link::tls::{Endpoint, OwnCertificate, OwnCertificateError};
use barid_message::caps;
use barid_message::registry::RegisteredKey;
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;

use crate::config::{Agency, Config, FileError};

/// What the configuration does not say.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Where the node takes links. None: at `listen.federation`, if there is one.
    pub endpoint: Option<Endpoint>,
    /// Whom to call.
    pub contact: Contact,
    /// How long the card may be used.
    pub validity: Duration,
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
        "the certificate under [tls] is of {found}, but this node is {own}; correct tls.certificate"
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
/// Its serial is the time in Unix seconds: later cards replace earlier ones, and nobody
/// has to remember the last one. The configuration does not say since when the evidence
/// key counts, so it counts for all time: evidence of before this card still holds.
///
/// # Errors
/// [`OwnCardError`].
pub fn own(config: &Config, wishes: Wishes, now: Millis) -> Result<Card, OwnCardError> {
    let Wishes { endpoint, contact, validity } = wishes;
    let material = config.tls.read()?;
    let certificate = OwnCertificate::from_pem(&material.certificate, &material.client_ca, now)?;
    let node = Identity::Node { trust_domain: config.node.trust_domain.clone() };
    if certificate.identity != node {
        return Err(OwnCardError::OtherIdentity { own: node, found: certificate.identity });
    }
    let endpoint = match (endpoint, config.listen.federation) {
        (Some(endpoint), _) => endpoint.authority(),
        (None, Some(listener)) => callable(listener, &certificate.server_name)?,
        (None, None) => String::new(),
    };
    let evidence_key = config.evidence.read()?;
    let always = RegisteredKey {
        key: evidence_key.public().clone(),
        valid_from: Millis(caps::EARLIEST_MS),
        valid_until: None,
    };
    let Contact { role, telephone, email } = contact;
    let content = pb::Card {
        node: node.to_string(),
        name: config.node.name.to_string(),
        serial: now.0 / 1_000,
        issued_at: Some(now.to_proto()),
        valid_until: Some((now + validity).to_proto()),
        endpoint,
        server_name: certificate.server_name,
        ca_certificate: certificate.ca.to_vec().into(),
        tls_keys: vec![certificate.key_digest.to_bytes()],
        evidence_keys: vec![card_key(&always)],
        agencies: config.agencies.iter().map(card_agency).collect(),
        contact: Some(pb::Contact { role, telephone, email }),
    };
    // Read back by the very rules that the other node will apply.
    Card::from_proto(Card::sign(&content, &evidence_key)).map_err(|error| match error {
        CardError::Content(fault) => OwnCardError::Content(fault),
        other => OwnCardError::Refused(other),
    })
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
