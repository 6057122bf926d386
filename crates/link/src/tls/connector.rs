//! The calling end: reaches one node, and knows it when it sees it.

use std::fmt;
use std::io;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{AlertDescription, ClientConfig};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::{ALPN_H2, TlsError, VERSIONS, chain_from_pem, key_from_pem, provider, roots_from_pem};
use crate::caps;
use crate::identity::{Identity, IdentityError, KeyDigest, Leaf};

/// Bytes buffered for the node's first frames; longer reads pass it by.
const FIRST_READ_BYTES: usize = 1024;

/// An established connection to a node.
pub type NodeStream = TokioIo<BufReader<TlsStream<TcpStream>>>;

/// When the certificate ends that the node has shown, in seconds since 1970.
#[must_use]
pub fn certificate_end_unix_s(stream: &NodeStream) -> Option<i64> {
    let (_, session) = stream.inner().get_ref().get_ref();
    let leaf = session.peer_certificates()?.first()?;
    Leaf::from_der(leaf).ok().map(|leaf| leaf.not_after_s)
}

/// Makes connections to one node. Cloning is cheap.
#[derive(Clone)]
pub struct Connector(Arc<Target>);

struct Target {
    config: Arc<ClientConfig>,
    endpoint: Endpoint,
    server_name: ServerName<'static>,
    node: Identity,
    pinned: Vec<KeyDigest>,
}

/// Why there is no connection to the node.
#[derive(Clone, Debug, Error)]
pub enum ConnectError {
    /// The network: nobody listens, no route, the name is not known.
    #[error("cannot reach the node; check the endpoint, and that the node runs")]
    Network(#[source] Arc<io::Error>),
    /// The node did not answer in time, or closed without a word.
    #[error("the node does not answer the handshake; it may be overloaded or not a node")]
    NoAnswer,
    /// The node refused our certificate.
    #[error(
        "the node refused this client's certificate ({}); have the node's operator check or renew it",
        alert_name(*.0)
    )]
    RefusedByNode(AlertDescription),
    /// The node's certificate is not acceptable: other CA, expired, other name.
    #[error("the node's certificate is not acceptable; check the CA file and the server name")]
    NodeCertificate(#[source] rustls::Error),
    /// The node's certificate names nobody.
    #[error("the node's certificate names nobody; it is not a node of this system")]
    NodeUnnamed(#[source] IdentityError),
    /// Somebody else answers at this endpoint.
    #[error("{found} answers where {expected} was expected; check the endpoint")]
    OtherNode {
        /// The node asked for.
        expected: Identity,
        /// Who answered.
        found: Identity,
    },
    /// The right name with a key that its card does not have.
    #[error(
        "{0} answers with a TLS key that is not on its card; call its operator, and compare cards"
    )]
    OtherKey(Identity),
    /// Any other failure of TLS: versions, protocols, damaged records.
    #[error("the TLS handshake failed; the other end may not be a node")]
    Tls(#[source] rustls::Error),
}

impl ConnectError {
    /// True where the next try may succeed with nothing changed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Network(_) | Self::NoAnswer => true,
            Self::RefusedByNode(_)
            | Self::NodeCertificate(_)
            | Self::NodeUnnamed(_)
            | Self::OtherNode { .. }
            | Self::OtherKey(_)
            | Self::Tls(_) => false,
        }
    }
}

fn alert_name(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "none was sent",
        AlertDescription::CertificateExpired => "it has expired or is not valid yet",
        AlertDescription::CertificateRevoked => "it has been revoked",
        AlertDescription::UnknownCA => "it is of another CA",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown => "it is not a client certificate",
        AlertDescription::NoApplicationProtocol => "no common protocol",
        AlertDescription::ProtocolVersion => "no common TLS version",
        _ => "no reason was given",
    }
}

/// Why a connector cannot be made.
#[derive(Debug, Error)]
pub enum ConnectorError {
    /// Certificates or keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is nothing to call.
    #[error("there is no endpoint to call")]
    NoEndpoint,
    /// The server name is neither a DNS name nor an address.
    #[error("the server name is neither a DNS name nor an IP address")]
    ServerName(#[from] InvalidDnsNameError),
}

/// What a connector is made from; all files as PEM.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// Where the node listens.
    pub endpoint: Endpoint,
    /// Name or address that the node's certificate must hold.
    pub server_name: String,
    /// Who must answer.
    pub node: Identity,
    /// Our certificate chain, leaf first.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
    /// The CA of the node's trust domain. No other roots are used.
    pub ca: Vec<u8>,
}

impl Connector {
    /// Parses and checks everything; connects nowhere.
    pub fn new(from: ConnectorConfig) -> Result<Self, ConnectorError> {
        Self::pinned(from, Vec::new())
    }

    /// As [`Connector::new`], for a node that may answer with these keys alone; with
    /// none given, with any that its CA certified.
    pub fn pinned(from: ConnectorConfig, pinned: Vec<KeyDigest>) -> Result<Self, ConnectorError> {
        let ConnectorConfig { endpoint, server_name, node, certificate, key, ca } = from;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Provider)?
            .with_root_certificates(roots_from_pem(&ca)?)
            .with_client_auth_cert(chain_from_pem(&certificate)?, key_from_pem(&key)?)
            .map_err(TlsError::Certificate)?;
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(Target {
            config: Arc::new(config),
            endpoint,
            server_name: ServerName::try_from(server_name)?,
            node,
            pinned,
        })))
    }

    /// Connects. Fails after [`caps::CONNECT_LIMIT`] at the latest.
    pub async fn connect(&self) -> Result<NodeStream, ConnectError> {
        timeout(caps::CONNECT_LIMIT, self.0.connect())
            .await
            .unwrap_or(Err(ConnectError::NoAnswer))
            .map(TokioIo::new)
    }

    /// Where it connects to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Target {
    async fn connect(&self) -> Result<BufReader<TlsStream<TcpStream>>, ConnectError> {
        let tcp = TcpStream::connect((self.endpoint.host(), self.endpoint.port()))
            .await
            .map_err(|error| ConnectError::Network(Arc::new(error)))?;
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let stream = TlsConnector::from(Arc::clone(&self.config))
            .connect(self.server_name.clone(), tcp)
            .await
            .map_err(failure)?;
        self.check_node(&stream)?;
        // Under TLS 1.3 our handshake ends before the node has judged our
        // certificate. A node that accepts speaks first (HTTP/2 SETTINGS); a
        // node that refuses sends an alert. Either is in the first read.
        let mut stream = BufReader::with_capacity(FIRST_READ_BYTES, stream);
        if stream.fill_buf().await.map_err(failure)?.is_empty() {
            return Err(ConnectError::NoAnswer);
        }
        Ok(stream)
    }

    /// A CA certifies many: that the name fits the host is not yet that this is
    /// the node we mean.
    fn check_node(&self, stream: &TlsStream<TcpStream>) -> Result<(), ConnectError> {
        let found = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(<[_]>::first)
            .ok_or(IdentityError::Certificate)
            .and_then(|leaf| Leaf::from_der(leaf))
            .and_then(|leaf| Ok((leaf.identity?, leaf.key)))
            .map_err(ConnectError::NodeUnnamed)?;
        match found {
            (found, _) if found != self.node => {
                Err(ConnectError::OtherNode { expected: self.node.clone(), found })
            }
            (found, key) if !self.pinned.is_empty() && !self.pinned.contains(&key) => {
                Err(ConnectError::OtherKey(found))
            }
            _ => Ok(()),
        }
    }
}

/// Sorts an error of the TLS stream: the other end's verdict, our verdict, or
/// the network.
fn failure(error: io::Error) -> ConnectError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return ConnectError::Network(Arc::new(error));
    };
    match tls {
        rustls::Error::AlertReceived(
            AlertDescription::InternalError | AlertDescription::UserCanceled,
        ) => ConnectError::NoAnswer,
        rustls::Error::AlertReceived(alert) => ConnectError::RefusedByNode(*alert),
        rustls::Error::InvalidCertificate(_) => ConnectError::NodeCertificate(tls.clone()),
        _ => ConnectError::Tls(tls.clone()),
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("endpoint", &self.0.endpoint)
            .field("node", &self.0.node)
            .finish_non_exhaustive()
    }
}

/// Leaves out the key.
impl fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorConfig")
            .field("endpoint", &self.endpoint)
            .field("server_name", &self.server_name)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
