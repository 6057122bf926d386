//! `GET /metrics` beside the calls of operators, over the same TLS: for Prometheus, which
//! takes a client certificate and speaks HTTP/2.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Extensions, Method, Request, Response, StatusCode};
use tonic::body::Body;
use tower::Service;

use super::Services;
use crate::health::metrics;

/// Where it is asked for.
pub(crate) const PATH: &str = "/metrics";

/// The answer to a scrape.
#[derive(Clone)]
pub(crate) struct Scrape(pub(crate) Services);

impl<B: Send + 'static> Service<Request<B>> for Scrape {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let services = self.0.clone();
        let (parts, _body) = request.into_parts();
        Box::pin(async move { Ok(answer(&services, &parts.method, &parts.extensions).await) })
    }
}

async fn answer(services: &Services, method: &Method, call: &Extensions) -> Response<Body> {
    // Who is not known learns nothing, as with every other call, and is on record.
    if services.watcher(call).await.is_err() {
        return plain(StatusCode::FORBIDDEN, "your certificate names nobody who may ask\n");
    }
    if method != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
    }
    match services.health.look(services).await {
        Ok(seen) => {
            let mut response = Response::new(Body::new(metrics::export(&seen)));
            let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Err(_stopping) => plain(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping\n"),
    }
}

fn plain(code: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(text.to_owned()));
    *response.status_mut() = code;
    response
}
