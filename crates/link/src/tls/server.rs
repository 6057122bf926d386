//! What a listener shows and asks for.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};

use super::{
    ALPN_H2, TlsError, TlsFile, VERSIONS, chain_from_pem, crls_from_pem, key_from_pem, provider,
    roots_from_pem,
};
use crate::identity::{Identity, IdentityError, Leaf};

/// Certificates and rules of a listener, parsed and checked against each other.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    identity: Result<Identity, IdentityError>,
}

impl ServerTls {
    /// From PEM: the certificate chain (leaf first) and its key, the CAs of
    /// acceptable clients, and revocation lists. With at least one list, every
    /// CA of a client's chain needs one, and an expired list refuses.
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        client_ca: &[u8],
        crls: &[&[u8]],
    ) -> Result<Self, TlsError> {
        let provider = provider();
        let roots = roots_from_pem(client_ca)?;
        let mut verifier =
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        if !crls.is_empty() {
            let mut lists = Vec::new();
            for pem in crls {
                lists.extend(crls_from_pem(pem)?);
            }
            verifier = verifier.with_crls(lists).enforce_revocation_expiration();
        }
        let chain = chain_from_pem(certificate)?;
        let leaf = chain.first().ok_or(TlsError::Empty(TlsFile::Certificate))?;
        let identity = Leaf::from_der(leaf).and_then(|leaf| leaf.identity);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Provider)?
            .with_client_cert_verifier(verifier.build()?)
            .with_single_cert(chain, key_from_pem(key)?)
            .map_err(TlsError::Certificate)?;
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        // A resumed session is not checked against certificates again: a
        // revoked client could come back. Hence no tickets, no store, and no
        // early data (which can be replayed).
        config.send_tls13_tickets = 0;
        config.max_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        Ok(Self { config: Arc::new(config), identity })
    }

    /// Who callers will see: the one URI name of the certificate.
    pub const fn identity(&self) -> &Result<Identity, IdentityError> {
        &self.identity
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}
