//! The connection under every client, and the one way to make a call on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::error::CallError;
use super::retry::{Backoff, Jitter, RetryPolicy, Throttle};
use crate::caps;
use crate::tls::{Connector, ConnectorConfig, ConnectorError};

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Which node, and with which certificates.
    pub connector: ConnectorConfig,
    /// How long one call may take, retries included. Default 30 s.
    pub deadline: Duration,
    /// When a call is tried again.
    pub retry: RetryPolicy,
    /// Seed of the jitter of retries: another for each client.
    pub jitter_seed: u64,
}

impl ClientConfig {
    /// With the published deadline and retries.
    pub fn new(connector: ConnectorConfig, jitter_seed: u64) -> Self {
        Self {
            connector,
            deadline: caps::CALL_DEADLINE,
            retry: RetryPolicy::default(),
            jitter_seed,
        }
    }
}

/// A connection that is made when it is first needed, and again when it broke.
/// Cloning shares it.
#[derive(Clone)]
pub(super) struct NodeChannel {
    pub(super) channel: Channel,
    pub(super) deadline: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) jitter: Arc<Jitter>,
    throttle: Arc<Throttle>,
}

impl NodeChannel {
    pub(super) fn new(config: ClientConfig) -> Result<Self, ConnectorError> {
        let ClientConfig { connector, deadline, retry, jitter_seed } = config;
        let connector = Connector::new(connector)?;
        Ok(Self {
            channel: endpoint(&connector).connect_with_connector_lazy(tower::service_fn(
                move |_uri: Uri| {
                    let connector = connector.clone();
                    async move { connector.connect().await }
                },
            )),
            deadline,
            retry,
            jitter: Arc::new(Jitter::new(jitter_seed)),
            throttle: Arc::default(),
        })
    }

    /// One call: its deadline, its retries. Only for what may be repeated.
    pub(super) async fn call<Q, A, F>(
        &self,
        request: Q,
        attempt: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, CallError>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = Instant::now() + self.deadline;
        let mut backoff = Backoff::new(self.retry);
        loop {
            let mut request = Request::new(request.clone());
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let answer = timeout_at(deadline, attempt(self.channel.clone(), request)).await;
            let error = match answer {
                Ok(Ok(response)) => {
                    self.throttle.succeeded();
                    return Ok(response.into_inner());
                }
                Ok(Err(status)) => CallError::from_status(&status),
                Err(_elapsed) => CallError::Deadline,
            };
            if !error.is_passing() {
                return Err(error);
            }
            let may_retry = self.throttle.failed();
            let pause = match backoff.pause_if_left(&self.jitter) {
                Some(pause) if may_retry => pause,
                _ => return Err(error),
            };
            let next = Instant::now() + pause.max(error.retry_after().unwrap_or_default());
            if next >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, "call is tried again");
            sleep_until(next).await;
        }
    }

    /// One call that is not tried again: doing it twice is not the same as once.
    pub(super) async fn once<Q, A, F>(
        &self,
        request: Q,
        attempt: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, CallError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let mut request = Request::new(request);
        request.set_timeout(self.deadline);
        self.open(attempt(self.channel.clone(), request)).await
    }

    /// Opens a stream; the deadline is for its opening alone.
    pub(super) async fn open<A>(
        &self,
        opening: impl Future<Output = Result<Response<A>, Status>>,
    ) -> Result<A, CallError> {
        match tokio::time::timeout(self.deadline, opening).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(CallError::from_status(&status)),
            Err(_elapsed) => Err(CallError::Deadline),
        }
    }
}

/// The scheme is http for tonic alone, which would refuse https over a
/// connector that is not its own; the origin that travels is https.
pub(super) fn endpoint(connector: &Connector) -> Endpoint {
    let uri = |scheme| {
        Uri::builder()
            .scheme(scheme)
            .authority(connector.endpoint().authority())
            .path_and_query("/")
            .build()
            .expect("an endpoint was parsed from a URI with this authority")
    };
    Endpoint::from(uri("http"))
        .origin(uri("https"))
        .initial_stream_window_size(caps::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(caps::CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(caps::ANSWER_METADATA_BYTES)
        .http2_keep_alive_interval(caps::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(caps::KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
}

impl fmt::Debug for NodeChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeChannel").finish_non_exhaustive()
    }
}
