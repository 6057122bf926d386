//! The longest that a call may take to be answered, whatever its caller wishes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use barid_message::Reason;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::status::refuse;

/// Gives a service its deadline. tonic's own `timeout` would answer CANCELLED, without a
/// reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadlineLayer(pub(crate) Duration);

/// A service with a deadline. It is that of the response's head: a single call is
/// answered by then, and a stream is open, which then lives as long as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Deadline<S> {
    inner: S,
    limit: Duration,
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, limit: self.0 }
    }
}

impl<S> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = tokio::time::timeout(self.limit, self.inner.call(request));
        Box::pin(async move {
            answer.await.unwrap_or_else(|_elapsed| {
                let text = "the node did not answer in time; send the same again";
                Ok(refuse(Reason::Deadline, text).into_http())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tonic::{Code, Status};
    use tonic_types::StatusExt as _;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    async fn answer(late: bool) -> Response<Body> {
        let service = service_fn(move |_request: Request<Body>| async move {
            if late {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let service = DeadlineLayer(Duration::from_millis(10)).layer(service);
        service.oneshot(Request::new(Body::empty())).await.unwrap()
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_told_so_with_the_reason() {
        let answer = answer(true).await;
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "DEADLINE");
    }

    #[tokio::test]
    async fn what_is_answered_in_time_is_left_alone() {
        assert!(Status::from_header_map(answer(false).await.headers()).is_none());
    }
}
