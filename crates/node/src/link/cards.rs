//! Cards: the one of this node that its peers are sent, and those of peers in force.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use barid_broker::registry::Registry;
use barid_link::card::Card;
use barid_link::tls::{OwnCertificate, ServerTls, TlsError, TlsSwitch, ca_pem};
use barid_message::key::PublicKey;
use barid_message::time::Millis;
use tokio::sync::watch;

use crate::config::{Config, TlsMaterial};
use crate::grpc::Services;
use crate::registry;

/// The card that peers are sent, once it says what this node is now.
pub(crate) fn own(
    config: &Config,
    material: &TlsMaterial,
    evidence_key: &PublicKey,
    now: Millis,
) -> Option<Card> {
    let card = config.own_card.clone()?;
    if card.is_expired_at(now) {
        tracing::error!("this node's card has ended; `barid card export` makes a new one");
        return None;
    }
    let shown = OwnCertificate::from_pem(&material.certificate, &material.client_ca, now).ok();
    let has_tls_key = shown.is_none_or(|shown| card.tls_keys().contains(&shown.key_digest));
    let mut evidence_keys = card.evidence_keys().iter();
    let has_evidence_key =
        evidence_keys.any(|key| key.key == *evidence_key && key.is_valid_at(now));
    let is_hosted = |known: &barid_link::card::CardAgency| {
        let mut hosted = config.agencies.iter();
        hosted.any(|agency| agency.address == known.address && agency.keys == known.keys)
    };
    let is_whole = card.agencies().len() == config.agencies.len();
    if !(has_tls_key && has_evidence_key && is_whole && card.agencies().iter().all(is_hosted)) {
        tracing::warn!(
            "this node's card does not say what the configuration says; `barid card export` makes a new one"
        );
    }
    Some(card)
}

/// What follows the cards in force while the node runs.
pub(super) struct InForce {
    pub(super) material: Arc<TlsMaterial>,
    pub(super) listener: Option<TlsSwitch>,
    /// Where they lie for the tools of administrators, in the data folder.
    pub(super) folder: PathBuf,
}

impl InForce {
    /// Once, before anybody can call.
    pub(super) fn apply(&self, registry: &Registry) {
        if let Some(listener) = &self.listener {
            match tls(&self.material, registry) {
                Ok(tls) => listener.set(&tls),
                Err(error) => tracing::error!(%error, "a peer's CA cannot be used"),
            }
        }
        if let Err(error) = self.write(registry) {
            // Derived: `peer test` looks at the pinned cards then.
            tracing::warn!(%error, "cards in force not written for `barid peer`");
        }
    }

    /// With each change from here on, for as long as the node runs.
    pub(super) async fn follow(
        self,
        mut changes: watch::Receiver<Arc<Registry>>,
        services: Services,
    ) {
        loop {
            tokio::select! {
                () = services.stop.cancelled() => return,
                changed = changes.changed() => if changed.is_err() {
                    return;
                },
            }
            let registry = Arc::clone(&changes.borrow_and_update());
            self.apply(&registry);
        }
    }

    /// A file for each peer whose card was renewed, and for no other.
    fn write(&self, registry: &Registry) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for peer in registry.peers() {
            let file = self.folder.join(format!("{}.card", peer.name));
            let renewed =
                registry::card(peer).filter(|card| card.digest().to_bytes() != peer.pinned);
            match renewed {
                Some(card) => replace(&file, &card.to_text())?,
                None => match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                },
            }
        }
        Ok(())
    }
}

/// What the listener for nodes shows, and whom it lets in: the CAs of all peers. Which
/// key each of them may use, their cards say.
pub(super) fn tls(material: &TlsMaterial, registry: &Registry) -> Result<ServerTls, TlsError> {
    let roots: Vec<u8> = registry.peers().flat_map(cas).collect();
    ServerTls::from_pem(&material.certificate, &material.key, &roots, &[])
}

/// The CAs that may have issued a peer's certificate, PEM.
pub(super) fn cas(peer: &barid_broker::registry::Peer) -> Vec<u8> {
    let mut pem =
        registry::card(peer).map(|card| ca_pem(card.ca_certificate())).unwrap_or_default();
    if !peer.former_ca.is_empty() {
        pem.extend(ca_pem(&peer.former_ca));
    }
    pem
}

/// Whole or not at all for who reads it; a crash leaves the older, or a file that the
/// next start writes again.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    if fs::read(file).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let temporary = file.with_extension("new");
    let mut new = File::create(&temporary)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&temporary, file)
}
