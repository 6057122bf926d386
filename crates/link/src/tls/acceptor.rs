//! The listener: one loop, everything in it bounded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

use super::ALPN_H2;
use super::connection::Connection;
use super::peer::PeerIdentity;
use super::server::ServerTls;
use crate::caps;
use crate::identity::Leaf;

/// What [`Acceptor::run`] has accepted, for tonic's
/// `serve_with_incoming_shutdown`. Ends when the acceptor stops.
pub type Incoming = ReceiverStream<io::Result<Connection>>;

/// Limits of one listener.
#[derive(Clone, Copy, Debug)]
pub struct AcceptLimits {
    /// A handshake that takes longer is closed.
    pub handshake: Duration,
    /// Handshakes under way at one time.
    pub pending_handshakes: usize,
    /// Connections open at one time, handshakes included.
    pub connections: usize,
}

impl Default for AcceptLimits {
    fn default() -> Self {
        Self {
            handshake: caps::HANDSHAKE_LIMIT,
            pending_handshakes: caps::PENDING_HANDSHAKES,
            connections: caps::CONNECTIONS,
        }
    }
}

/// What a listener has seen since it was bound. Cloning shares the counters.
#[derive(Clone, Debug, Default)]
pub struct AcceptCounts(Arc<Counters>);

/// Written by the acceptor and its handshakes, read by anyone; each counter is
/// on its own.
#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    timed_out: AtomicU64,
    turned_away: AtomicU64,
    accept_errors: AtomicU64,
}

/// A reading of [`AcceptCounts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handshakes that ended well.
    pub accepted: u64,
    /// Handshakes that failed: certificate, version, protocol.
    pub refused: u64,
    /// Handshakes that took too long.
    pub timed_out: u64,
    /// Callers closed at once because the listener was full.
    pub turned_away: u64,
    /// Errors of the operating system at accepting.
    pub accept_errors: u64,
}

impl AcceptCounts {
    /// The counters now.
    pub fn read(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: of(&self.0.accepted),
            refused: of(&self.0.refused),
            timed_out: of(&self.0.timed_out),
            turned_away: of(&self.0.turned_away),
            accept_errors: of(&self.0.accept_errors),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A bound listener that does TLS.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    local: SocketAddr,
    limits: AcceptLimits,
    handshakes: Handshakes,
}

/// Changes what a listener shows and asks for while it runs. Handshakes that have begun
/// end under what was there before; connections stay.
#[derive(Clone)]
pub struct TlsSwitch(watch::Sender<Arc<ServerConfig>>);

impl TlsSwitch {
    /// From the next handshake on.
    pub fn set(&self, tls: &ServerTls) {
        self.0.send_replace(tls.config());
    }
}

impl std::fmt::Debug for TlsSwitch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSwitch").finish_non_exhaustive()
    }
}

/// What every handshake needs.
#[derive(Clone)]
struct Handshakes {
    config: watch::Sender<Arc<ServerConfig>>,
    limit: Duration,
    counts: AcceptCounts,
    incoming: mpsc::Sender<io::Result<Connection>>,
}

impl std::fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
}

/// Why a handshake gave no connection. Of what the peer sent, only this is
/// logged.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Tls,
    NoAlpn,
    Certificate,
    TimedOut,
}

impl Acceptor {
    /// Binds `address` (port 0: any free one). Callers queue in the kernel
    /// until [`Acceptor::run`].
    pub async fn bind(
        address: SocketAddr,
        tls: &ServerTls,
        limits: AcceptLimits,
    ) -> io::Result<(Self, Incoming)> {
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        let (sender, receiver) = mpsc::channel(caps::INCOMING_QUEUE);
        let acceptor = Self {
            listener,
            local,
            limits,
            handshakes: Handshakes {
                config: watch::Sender::new(tls.config()),
                limit: limits.handshake,
                counts: AcceptCounts::default(),
                incoming: sender,
            },
        };
        Ok((acceptor, ReceiverStream::new(receiver)))
    }

    /// What changes its certificates and rules.
    #[must_use]
    pub fn tls(&self) -> TlsSwitch {
        TlsSwitch(self.handshakes.config.clone())
    }

    /// The address and port really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The counters, to be read while the acceptor runs.
    pub fn counts(&self) -> AcceptCounts {
        self.handshakes.counts.clone()
    }

    /// Accepts until `shutdown` is ready; handshakes under way then are dropped,
    /// connections handed over live on. Returns also when nobody takes
    /// connections any more.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let pending = Arc::new(Semaphore::new(self.limits.pending_handshakes));
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut tasks = JoinSet::new();
        loop {
            let turn = tokio::select! {
                () = &mut shutdown => return,
                () = self.handshakes.incoming.closed() => return,
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "handshake task failed");
                    }
                    continue;
                }
                turn = self.next_caller(&pending) => turn,
            };
            let Some((turn, tcp, remote)) = turn else {
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                count(&self.handshakes.counts.0.turned_away);
                tracing::debug!("caller turned away: too many connections");
                continue;
            };
            let handshakes = self.handshakes.clone();
            tasks.spawn(async move {
                handshakes.one(tcp, remote, place).await;
                drop(turn);
            });
        }
    }

    /// Waits for a handshake's turn first, then for a caller, so that those who
    /// cannot be served yet stay in the kernel's queue.
    async fn next_caller(
        &self,
        pending: &Arc<Semaphore>,
    ) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
        let turn =
            Arc::clone(pending).acquire_owned().await.expect("the semaphore is never closed");
        match self.listener.accept().await {
            Ok((tcp, remote)) => Some((turn, tcp, remote)),
            Err(error) => {
                count(&self.handshakes.counts.0.accept_errors);
                tracing::warn!(%error, "cannot accept");
                // Out of file handles, accept fails at once and again: without
                // a rest this loop would take a processor for itself.
                sleep(caps::ACCEPT_ERROR_PAUSE).await;
                None
            }
        }
    }
}

impl Handshakes {
    async fn one(&self, tcp: TcpStream, remote: SocketAddr, place: OwnedSemaphorePermit) {
        let handshake = self.handshake(tcp, remote);
        let outcome = timeout(self.limit, handshake).await.unwrap_or(Err(Refused::TimedOut));
        match outcome {
            Ok((stream, peer)) => {
                count(&self.counts.0.accepted);
                let connection = Connection::new(stream, peer, place);
                if self.incoming.send(Ok(connection)).await.is_err() {
                    tracing::debug!("connection dropped: the server has stopped");
                }
            }
            Err(reason) => {
                match reason {
                    Refused::TimedOut => count(&self.counts.0.timed_out),
                    Refused::Tls | Refused::NoAlpn | Refused::Certificate => {
                        count(&self.counts.0.refused);
                    }
                }
                tracing::debug!(?reason, "handshake refused");
            }
        }
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        remote: SocketAddr,
    ) -> Result<(TlsStream<TcpStream>, PeerIdentity), Refused> {
        // Answers are small and awaited: never held back to fill a segment.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config.borrow()));
        let stream = match acceptor.accept(tcp).into_fallible().await {
            Ok(stream) => stream,
            Err((_error, tcp)) => {
                linger(tcp).await;
                return Err(Refused::Tls);
            }
        };
        let peer = peer_of(stream.get_ref().1, remote)?;
        Ok((stream, peer))
    }
}

fn peer_of(session: &ServerConnection, remote: SocketAddr) -> Result<PeerIdentity, Refused> {
    if session.alpn_protocol() != Some(ALPN_H2) {
        return Err(Refused::NoAlpn);
    }
    let leaf = session.peer_certificates().and_then(<[_]>::first).ok_or(Refused::Certificate)?;
    let leaf = Leaf::from_der(leaf).map_err(|_ignored| Refused::Certificate)?;
    let group = session.negotiated_key_exchange_group().ok_or(Refused::Tls)?.name();
    Ok(PeerIdentity::new(leaf.identity, remote, group, leaf.not_after_s, leaf.key))
}

/// Closes so that the alert arrives. Closing a socket that still holds unread
/// bytes resets it, and the reset may overtake the alert that says why.
async fn linger(mut tcp: TcpStream) {
    let drain = async {
        tcp.shutdown().await?;
        let mut sink = [0; 1024];
        while tcp.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = timeout(caps::LINGER_LIMIT, drain).await {
        tracing::trace!(%error, "refused caller has gone");
    }
}
