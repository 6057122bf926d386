//! The composition root: bind, open, report, serve, drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::note::NoteError;
use barid_broker::clock::{Clock, SystemClock};
use barid_broker::{Broker, OpenError, Opened, Start, Stopped};
use barid_journal::{Disk, OsDisk};
use barid_link::caps;
use barid_link::identity::{Identity, IdentityError, TrustDomain};
use barid_link::stub::audit::audit_service_server::AuditServiceServer;
use barid_link::stub::exchange::exchange_service_server::ExchangeServiceServer;
use barid_link::stub::operations::operations_service_server::OperationsServiceServer;
use barid_link::tls::{AcceptLimits, Acceptor, Incoming, ServerTls, TlsError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::layer::util::{Identity as NoLayer, Stack};

use crate::config::{Config, FileError};
use crate::grpc::{
    Audience, Auditing, DeadlineLayer, Exchange, METRICS_PATH, Operations, Scrape, Services, Shared,
};
use crate::health::{self, Fixed, Health, alarm};
use crate::link::{Hub, LinkStartError, Linking, own as own_card};
use crate::signal;
use crate::streams::Streams;
use crate::witness::{Witness, listener};
use options::options;

mod options;
#[cfg(test)]
mod tests;

/// How long open calls may take to end once the node was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Why a node did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file that the configuration names.
    #[error(transparent)]
    File(#[from] FileError),
    /// Certificates and keys do not go together.
    #[error("the certificate, key or CA under [tls] cannot be used: {0}; check the three files")]
    Tls(#[from] TlsError),
    /// The node's certificate is another's.
    #[error(
        "the certificate under [tls] must hold one URI name, {needed}, {found}: have it made with that name, or correct trust_domain under [node]"
    )]
    Identity {
        /// What it must say.
        needed: Identity,
        /// What it says instead.
        found: Found,
    },
    /// An address could not be bound.
    #[error(
        "cannot listen on {address}: {source}; change [listen] in the configuration, or stop what uses it"
    )]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Links with other nodes.
    #[error("{0}; check [listen] federation and the cards under [[peer]]")]
    Link(#[from] LinkStartError),
    /// The witness key.
    #[error("the witness key cannot be used: {0}; [audit] witness_key must be an Ed25519 key")]
    Witness(#[from] NoteError),
    /// The data folder.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The gRPC server.
    #[error("a listener failed")]
    Server(#[from] tonic::transport::Error),
    /// A listener ended, and nobody had told it to.
    #[error("a listener ended by itself; start the node again")]
    Listener,
    /// Signals.
    #[error("the operating system lets no signal be caught")]
    Signal(#[source] io::Error),
    /// The broker ended before it was told to.
    #[error("{0}; look at the disk, then start again")]
    Broker(#[from] Stopped),
    /// The thread that opens the data folder failed.
    #[error("the data folder could not be opened; this is a fault of this program")]
    Panicked,
}

/// Whom a certificate names that should name the node.
#[derive(Debug, thiserror::Error)]
pub enum Found {
    /// Somebody else.
    #[error("and names {0}")]
    Other(Identity),
    /// Nobody.
    #[error("but {0}")]
    None(IdentityError),
}

/// Where the node listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// For agency systems.
    pub exchange: SocketAddr,
    /// For operators.
    pub operations: SocketAddr,
    /// For other nodes; `None` where none may call.
    pub federation: Option<SocketAddr>,
    /// For tools that have heads cosigned; `None` where there is no such listener.
    pub witness: Option<SocketAddr>,
}

/// Runs a node until it is told to stop by SIGTERM or SIGINT. `ready` is called once
/// everything is open and served.
///
/// # Errors
/// [`ServeError`]: one sentence that says what to do. Where the start failed, nothing
/// was told to anyone.
pub async fn run(config: Config, ready: impl FnOnce(Listening)) -> Result<(), ServeError> {
    Box::pin(run_on(Machine::default(), config, ready)).await
}

/// What a node runs on.
pub struct Machine {
    /// The broker and the links go by it; certificates, and how long a call may take, go by
    /// the machine's own all the same.
    pub clock: Arc<dyn Clock>,
    /// Journal, bodies and snapshots lie on it; the delivery log uses the machine's own all
    /// the same.
    pub disk: Arc<dyn Disk>,
}

impl Default for Machine {
    /// This one.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock::new()), disk: Arc::new(OsDisk) }
    }
}

/// The same on another machine: for tests of what takes days, and of disks that fail.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    machine: Machine,
    config: Config,
    ready: impl FnOnce(Listening),
) -> Result<(), ServeError> {
    let material = config.tls.read()?;
    let evidence_key = config.evidence.read()?;
    let audit_keys = config.audit.read_keys()?;
    let crls: Vec<&[u8]> = material.crl.iter().map(Vec::as_slice).collect();
    let tls =
        ServerTls::from_pem(&material.certificate, &material.key, &material.client_ca, &crls)?;
    check_identity(&tls, &config.node.trust_domain)?;
    // Bound first: a port in use is found before the data folder is touched.
    let exchange = bind(config.listen.exchange, &tls).await?;
    let operations = bind(config.listen.operations, &tls).await?;
    let material = Arc::new(material);
    let linking = Linking::bind(&config, Arc::clone(&material)).await?;
    let watched = listener::bind(config.listen.witness).await?;
    let listening = Listening {
        exchange: exchange.0.local_addr(),
        operations: operations.0.local_addr(),
        federation: linking.local_addr(),
        witness: watched.as_ref().and_then(|listener| listener.local_addr().ok()),
    };

    let identity = format!("spiffe://{}/node", config.node.trust_domain);
    let log_key = Arc::clone(&audit_keys.log);
    let options = options(machine, &config, identity.clone(), &evidence_key, log_key);
    let opened = tokio::task::spawn_blocking(move || barid_broker::open(options));
    let Opened { broker, start } = opened.await.map_err(|_panicked| ServeError::Panicked)??;
    let Start { start_no, dropped_bytes, replayed, clock_suspect } = start;
    tracing::info!(start_no, dropped_bytes, replayed, "data folder open");
    if clock_suspect {
        tracing::error!(
            "clock contradicts the journal; nothing new is taken until an operator confirms it"
        );
    }

    let peers = broker.registry();
    let peers = peers.peers().map(|peer| Arc::clone(&peer.identity));
    let domain = config.node.trust_domain.to_string();
    let witness = Witness::new(&domain, audit_keys.witness, config.audit.checkpoint_every)?;
    let own_card = own_card(&config, &material, evidence_key.public(), broker.now());
    let stop = CancellationToken::new();
    let services = Services::new(Shared {
        broker: broker.clone(),
        evidence_key,
        own_card,
        name: config.node.name.to_string(),
        start_no,
        tasks: TaskTracker::new(),
        stop: stop.clone(),
        receivers: Streams::default(),
        readers: Streams::default(),
        submitters: Streams::default(),
        consumers: Streams::default(),
        hub: Hub::new(&identity, peers),
        witness,
        health: Health::new(Fixed::new(&config, &material, broker.now())),
        monitors: config.monitors.iter().map(ToString::to_string).collect(),
        identity,
    });
    let tasks = services.tasks.clone();
    linking.begin(&services);
    tasks.spawn(health::watch(services.clone()));
    listener::begin(&services, watched);
    if let Some(command) = config.alarm.clone() {
        tasks.spawn(alarm::tell(services.clone(), command));
    }
    let serving = Box::pin(serve(&services, exchange, operations));
    let told = signal::stop().map_err(ServeError::Signal)?;
    ready(listening);
    tracing::info!(exchange = %listening.exchange, operations = %listening.operations, "serving");
    Box::pin(drive(serving, told, &broker, &stop, &tasks)).await
}

/// Clients take the node for who its certificate says it is, and nobody else.
fn check_identity(tls: &ServerTls, trust_domain: &TrustDomain) -> Result<(), ServeError> {
    let needed = Identity::Node { trust_domain: trust_domain.clone() };
    let found = match tls.identity() {
        Ok(identity) if *identity == needed => return Ok(()),
        Ok(identity) => Found::Other(identity.clone()),
        Err(error) => Found::None(*error),
    };
    Err(ServeError::Identity { needed, found })
}

type Bound = (Acceptor, Incoming);

async fn bind(address: SocketAddr, tls: &ServerTls) -> Result<Bound, ServeError> {
    Acceptor::bind(address, tls, AcceptLimits::default())
        .await
        .map_err(|source| ServeError::Bind { address, source })
}

/// Serves both listeners until `stop`.
async fn serve(
    services: &Services,
    exchange: Bound,
    operations: Bound,
) -> Result<(), tonic::transport::Error> {
    let stop = services.stop.clone();
    let exchange_service = ExchangeServiceServer::new(Exchange(services.clone()))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let operations_service = OperationsServiceServer::new(Operations(services.clone()))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ExchangeServiceServer<Exchange>>().await;
    health.set_serving::<OperationsServiceServer<Operations>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(barid_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    let exchange_router = server().add_service(exchange_service);
    let audit_service = AuditServiceServer::new(Auditing(services.clone(), Audience::Operators))
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES);
    let operations_routes =
        Routes::new(operations_service).add_service(audit_service).add_service(health_service);
    let operations_routes = match reflection {
        Ok(reflection) => operations_routes.add_service(reflection),
        Err(error) => {
            tracing::error!(%error, "reflection is off; this is a fault of this program");
            operations_routes
        }
    };
    let metrics = Scrape(services.clone());
    let operations_routes = operations_routes.into_axum_router();
    let operations_routes = Routes::from(operations_routes.route_service(METRICS_PATH, metrics));
    let operations_router = server().add_routes(operations_routes);
    let (exchange_acceptor, exchange_incoming) = exchange;
    let (operations_acceptor, operations_incoming) = operations;
    let stopped = || stop.clone().cancelled_owned();
    let exchange = exchange_router.serve_with_incoming_shutdown(exchange_incoming, stopped());
    let operations = operations_router.serve_with_incoming_shutdown(operations_incoming, stopped());
    let (served, served_operations, (), ()) = tokio::join!(
        ends_all(&stop, exchange),
        ends_all(&stop, operations),
        ends_all(&stop, exchange_acceptor.run(stopped())),
        ends_all(&stop, operations_acceptor.run(stopped())),
    );
    served.and(served_operations)
}

/// With one of its listeners gone it would be half a node: all end together.
async fn ends_all<T>(stop: &CancellationToken, part: impl Future<Output = T>) -> T {
    let ended = part.await;
    stop.cancel();
    ended
}

fn server() -> Server<Stack<DeadlineLayer, NoLayer>> {
    Server::builder()
        .max_concurrent_streams(caps::STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(caps::METADATA_BYTES)
        .initial_stream_window_size(caps::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(caps::CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(caps::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(caps::KEEPALIVE_TIMEOUT))
        .layer(DeadlineLayer(caps::CALL_DEADLINE))
}

/// Waits for the end, whichever comes first, and ends everything else in order.
async fn drive(
    serving: impl Future<Output = Result<(), tonic::transport::Error>>,
    told: impl Future<Output = &'static str>,
    broker: &Broker,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<(), ServeError> {
    let serving = ends_all(stop, serving);
    tokio::pin!(serving);
    let mut served = None;
    let early = tokio::select! {
        ended = &mut serving => {
            served = Some(ended);
            Err(ServeError::Listener)
        }
        () = stop.cancelled() => Err(ServeError::Listener),
        signal = told => {
            tracing::info!(signal, "draining");
            Ok(())
        }
        stopped = broker.stopped() => Err(stopped.into()),
    };
    stop.cancel();
    tasks.close();
    let drained = tokio::time::timeout(DRAIN, async {
        let served = match served {
            Some(served) => served,
            None => serving.await,
        };
        tasks.wait().await;
        served
    });
    let served = drained.await.unwrap_or_else(|_elapsed| {
        tracing::warn!("calls still open after 10 s are cut");
        Ok(())
    });
    if matches!(early, Err(ServeError::Broker(_))) {
        return early;
    }
    // Whatever else went wrong, the last entry and a snapshot are written.
    end(broker).await?;
    served?;
    early
}

async fn end(broker: &Broker) -> Result<(), ServeError> {
    broker.stop();
    match broker.stopped().await {
        Stopped::InOrder => {
            tracing::info!("stopped");
            Ok(())
        }
        stopped => Err(stopped.into()),
    }
}
