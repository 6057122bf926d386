//! A listener that accepts and speaks first, and clients to try it with.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt;

use barid_link::tls::{
    AcceptCounts, AcceptLimits, Acceptor, ConnectError, Connection, Connector, Counts, Incoming,
    ServerTls,
};

use crate::pki::{Ca, Pair};

pub(crate) const SOON: Duration = Duration::from_secs(5);

/// A running listener. Speaks first to whomever it accepts, as HTTP/2 does.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) counts: AcceptCounts,
    pub(crate) incoming: Incoming,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) tasks: JoinSet<()>,
}

impl Listener {
    pub(crate) async fn start(tls: &ServerTls, limits: AcceptLimits) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (acceptor, incoming) = Acceptor::bind(any_port, tls, limits).await.unwrap();
        let (address, counts) = (acceptor.local_addr(), acceptor.counts());
        let (stop, stopped) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(acceptor.run(async {
            stopped.await.ok();
        }));
        Self { address, counts, incoming, stop, tasks }
    }

    pub(crate) async fn with(tls: &ServerTls) -> Self {
        Self::start(tls, AcceptLimits::default()).await
    }

    pub(crate) async fn next(&mut self) -> Connection {
        let next = timeout(SOON, self.incoming.next()).await;
        let mut connection = next.unwrap().unwrap().unwrap();
        connection.write_all(b"settings").await.unwrap();
        connection.flush().await.unwrap();
        connection
    }

    /// Tries to connect with our own client; gives the accepted end if it works.
    pub(crate) async fn meet(&mut self, connector: &Connector) -> Result<Connection, ConnectError> {
        let client = connector.connect();
        tokio::pin!(client);
        tokio::select! {
            failed = &mut client => Err(failed.err().unwrap()),
            connection = self.next() => client.await.map(|_stream| connection),
        }
    }

    pub(crate) async fn until(&self, reached: impl Fn(Counts) -> bool) -> Counts {
        let wait = async {
            while !reached(self.counts.read()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(SOON, wait).await.is_ok(), "{:?}", self.counts.read());
        self.counts.read()
    }
}

pub(crate) fn connector(ca: &Ca, listener: &Listener, pair: Pair) -> Connector {
    Connector::new(ca.client(listener.address.port(), pair)).unwrap()
}

/// A client with nothing of ours in it.
pub(crate) fn plain_config(ca: &Ca, pair: Option<Pair>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca.pem()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match pair {
        None => builder.with_no_client_auth(),
        Some(pair) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(&pair.certificate).unwrap()],
                PrivateKeyDer::from_pem_slice(&pair.key).unwrap(),
            )
            .unwrap(),
    }
}

pub(crate) async fn plain_connect(
    config: &Arc<ClientConfig>,
    to: SocketAddr,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::clone(config))
        .connect(ServerName::try_from("localhost").unwrap(), tcp)
        .await
}
