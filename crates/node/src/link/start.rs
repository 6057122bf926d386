//! Beginning: the listener for other nodes, and the calls to them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use barid_link::caps;
use barid_link::card::Card;
use barid_link::identity::KeyDigest;
use barid_link::stub::audit::audit_service_server::AuditServiceServer;
use barid_link::stub::audit::witness_service_server::WitnessServiceServer;
use barid_link::stub::federation::link_service_server::LinkServiceServer;
use barid_link::tls::{
    AcceptLimits, Acceptor, Connector, ConnectorConfig, ConnectorError, Incoming, ServerTls,
    TlsError, ca_pem,
};
use tonic::transport::Server;

use super::cards::InForce;
use super::dial::{Dialled, keep};
use crate::config::{Config, Peer, TlsMaterial};
use crate::grpc::{Audience, Auditing, Links, Services, Witnessing};

/// What links need, checked and bound before the data folder is touched.
pub(crate) struct Linking {
    listener: Option<(Acceptor, Incoming)>,
    /// Identities of the peers that this node calls.
    dialled: Vec<Arc<str>>,
    material: Arc<TlsMaterial>,
    cards: PathBuf,
}

/// Why links cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LinkStartError {
    /// Certificates, keys or a card's CA.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A card's endpoint or server name.
    #[error("the card of peer {0} names a server that cannot be called")]
    Connector(String, #[source] ConnectorError),
    /// The address.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] std::io::Error),
}

impl Linking {
    /// Binds the listener, where there is one and anybody who may call.
    pub(crate) async fn bind(
        config: &Config,
        material: Arc<TlsMaterial>,
    ) -> Result<Self, LinkStartError> {
        let dialled = config.peers.iter().filter(|peer| peer.dials);
        let dialled = dialled.map(|peer| callable(peer, &material)).collect::<Result<_, _>>()?;
        let listener = match config.listen.federation {
            Some(address) if !config.peers.is_empty() => {
                let roots: Vec<u8> = config
                    .peers
                    .iter()
                    .flat_map(|peer| ca_pem(peer.card.ca_certificate()))
                    .collect();
                // The cards in force may be others: known once the journal is open.
                let tls = ServerTls::from_pem(&material.certificate, &material.key, &roots, &[])?;
                let bound = Acceptor::bind(address, &tls, AcceptLimits::default()).await;
                Some(bound.map_err(|source| LinkStartError::Bind(address, source))?)
            }
            _ => None,
        };
        Ok(Self { listener, dialled, material, cards: config.cards_folder() })
    }

    /// Where other nodes may call.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(|(acceptor, _)| acceptor.local_addr())
    }

    /// Begins to listen and to call; both end with the node.
    pub(crate) fn begin(self, services: &Services) {
        let Self { listener, dialled, material, cards } = self;
        let switch = listener.as_ref().map(|(acceptor, _)| acceptor.tls());
        let in_force = InForce { material: Arc::clone(&material), listener: switch, folder: cards };
        let mut changes = services.broker.registry_changes();
        in_force.apply(&Arc::clone(&changes.borrow_and_update()));
        services.tasks.spawn(in_force.follow(changes, services.clone()));
        for (seed, peer) in (0..).zip(dialled) {
            let seed = services.broker.now().0.wrapping_add(seed);
            let dialled = Dialled { peer, material: Arc::clone(&material) };
            services.tasks.spawn(Box::pin(keep(services.clone(), dialled, seed)));
        }
        if let Some((acceptor, incoming)) = listener {
            services.tasks.spawn(Box::pin(listen(services.clone(), acceptor, incoming)));
        }
    }
}

async fn listen(services: Services, acceptor: Acceptor, incoming: Incoming) {
    let stop = services.stop.clone();
    let audit = AuditServiceServer::new(Auditing(services.clone(), Audience::Peers))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let witness = WitnessServiceServer::new(Witnessing(services.clone()))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let service = LinkServiceServer::new(Links(services))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let server = Server::builder()
        .max_concurrent_streams(caps::STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(caps::METADATA_BYTES)
        .initial_stream_window_size(caps::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(caps::CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(caps::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(caps::KEEPALIVE_TIMEOUT))
        .add_service(service)
        .add_service(audit)
        .add_service(witness);
    let (served, ()) = tokio::join!(
        server.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned()),
        acceptor.run(stop.cancelled_owned()),
    );
    if let Err(error) = served {
        tracing::error!(%error, "the listener for other nodes failed; restart the node");
    }
}

/// A peer that can be called: what is wrong is said at the start.
fn callable(peer: &Peer, material: &TlsMaterial) -> Result<Arc<str>, LinkStartError> {
    connector(&peer.card, &[], material)
        .map_err(|error| LinkStartError::Connector(peer.name.to_string(), error))?;
    Ok(peer.card.node().to_string().into())
}

/// How this node calls a peer: at its card's endpoint, as its card's CA, name and TLS
/// keys say. `former_ca`, PEM: its certificate may still be of another CA. Connects
/// nowhere.
///
/// # Errors
/// [`ConnectorError`]: a card that names no endpoint, or files that cannot be used.
pub fn connector(
    card: &Card,
    former_ca: &[u8],
    material: &TlsMaterial,
) -> Result<Connector, ConnectorError> {
    let endpoint = card.endpoint().cloned().ok_or(ConnectorError::NoEndpoint)?;
    let config = ConnectorConfig {
        endpoint,
        server_name: card.server_name().to_owned(),
        node: card.node().clone(),
        certificate: material.certificate.clone(),
        key: material.key.to_vec(),
        ca: [&*ca_pem(card.ca_certificate()), former_ca].concat(),
    };
    let pinned = card.tls_keys().iter().map(|digest| KeyDigest(digest.0)).collect();
    Connector::pinned(config, pinned)
}
