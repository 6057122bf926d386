//! `add-checkpoint` for anybody's tools (C2SP tlog-witness): HTTP/1.1 on a listener of its
//! own, off unless it is configured. Who asks is nobody's business: a head counts by the
//! signature of its log, and logs are those of linked nodes. In front of it stands whatever
//! ends TLS for the outside world.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::note::LogKey;
use barid_audit::witness::{REQUEST_BYTES_MAX, Refusal, Request as Asked};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{NotSeen, Seen, domain, head_of, see};
use crate::grpc::Services;
use crate::serve::ServeError;

/// Where it is asked.
const PATH: &str = "/add-checkpoint";

/// What a conflict's answer is (C2SP tlog-witness).
const SIZE: &str = "text/x.tlog.size";

/// Connections at once. One more waits until another ends.
const CONNECTIONS_MAX: usize = 16;

/// How long a connection may take with its one request. Who sends by drops holds a place no
/// longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the listener rests when the system gives no connection, for want of handles.
const REST: Duration = Duration::from_millis(100);

/// The listener, where there is to be one.
///
/// # Errors
/// The address cannot be used.
pub(crate) async fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| ServeError::Bind { address, source })
}

/// Begins to answer, where there is a listener.
pub(crate) fn begin(services: &Services, listener: Option<TcpListener>) {
    if let Some(listener) = listener {
        services.tasks.spawn(listen(services.clone(), listener));
    }
}

/// Answers until the node stops.
async fn listen(services: Services, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some(Ok(place)) = until(&services, Arc::clone(&places).acquire_owned()).await {
        match until(&services, listener.accept()).await {
            None => return,
            Some(Ok((stream, _address))) => {
                let services = services.clone();
                services.tasks.clone().spawn(async move {
                    let _place = place;
                    let answered = tokio::time::timeout(PATIENCE, serve(&services, stream));
                    until(&services, answered).await;
                });
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "no connection for the witness's listener");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// What comes of it; `None` where the node stops first.
async fn until<T>(services: &Services, what: impl Future<Output = T>) -> Option<T> {
    services.stop.run_until_cancelled(what).await
}

async fn serve(services: &Services, stream: TcpStream) {
    let service =
        service_fn(|request| async move { Ok::<_, Infallible>(answer(services, request).await) });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection to the witness's listener ended");
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(services: &Services, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    if parts.uri.path() != PATH {
        return plain(StatusCode::NOT_FOUND, "there is /add-checkpoint and nothing else\n");
    }
    if parts.method != Method::POST {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "use POST\n");
        answer.headers_mut().insert(ALLOW, http::HeaderValue::from_static("POST"));
        return answer;
    }
    let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large, or was cut\n");
    };
    match add(services, &body.to_bytes()).await {
        Ok(cosignature) => plain(StatusCode::OK, cosignature),
        Err(refusal) => refusal,
    }
}

/// Has a head of a linked node's log cosigned: the line of the cosignature.
async fn add(services: &Services, body: &[u8]) -> Result<String, Answer> {
    let Asked { old, proof, note } = Asked::parse(body).map_err(refused)?;
    let registry = services.broker.registry();
    let origin = note.text().lines().next().unwrap_or_default();
    let is_of = |node: &str| {
        let epoch = domain(node).and_then(|domain| origin.strip_prefix(domain));
        epoch.is_some_and(|epoch| epoch.starts_with("/log/"))
    };
    let peer = registry.peers().find(|peer| is_of(&peer.identity));
    let peer = peer.ok_or_else(|| refused(Refusal::UnknownLog))?;
    // Before anybody's signature is checked, since that is work.
    if services.witness.is_asked_too_often(&peer.identity, services.broker.now()) {
        let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, "ask again in a minute\n");
        answer.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("60"));
        return Err(answer);
    }
    let (key, head) =
        head_of(services, &peer.identity, &note).ok_or_else(|| refused(Refusal::Unsigned))?;
    if old > head.checkpoint().size {
        return Err(refused(Refusal::OldSize));
    }
    let bytes = note.to_string().into_bytes();
    match see(services, &peer.identity, old, &proof, &bytes).await {
        Ok(Seen::Cosigned(cosignature)) => Ok(format!("{cosignature}\n")),
        Ok(Seen::Held(size)) => Err(refused(Refusal::Conflict(size))),
        Err(NotSeen::Malformed) => Err(refused(Refusal::Malformed)),
        Err(NotSeen::OtherLog) => Err(refused(Refusal::Unsigned)),
        Err(NotSeen::ProofInvalid) => Err(refused(Refusal::Unproven)),
        Err(NotSeen::RolledBack) => Err(refused(Refusal::Conflict(held(services, &key)))),
        Err(NotSeen::Forked) => Err(refused(Refusal::Fork(held(services, &key)))),
        Err(NotSeen::Unwritten) => {
            Err(plain(StatusCode::SERVICE_UNAVAILABLE, "the head cannot be stored now\n"))
        }
    }
}

/// Leaves of the newest head that was cosigned.
fn held(services: &Services, key: &LogKey) -> u64 {
    let held = services.broker.heads().held(key).ok().flatten();
    held.map_or(0, |held| held.checkpoint().size)
}

fn refused(why: Refusal) -> Answer {
    let status = StatusCode::from_u16(why.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    if let Refusal::Conflict(size) | Refusal::Fork(size) = why {
        let mut answer = plain(status, format!("{size}\n"));
        answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(SIZE));
        return answer;
    }
    plain(status, format!("{why}\n"))
}

fn plain(status: StatusCode, text: impl Into<String>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text.into())));
    *answer.status_mut() = status;
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
