//! Calling: one task a peer that this node calls.

use std::sync::Arc;
use std::time::Duration;

use barid_link::client::{Backoff, Jitter, RetryPolicy, open_link};
use barid_link::tls::Connector;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;

use super::hub::State;
use super::session::{Channel, Frames, run};
use crate::grpc::Services;

/// Pauses between calls: from a second to a minute.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(30),
};
/// Frames of this node that wait to be sent. Few: what waits here cannot be overtaken.
pub(crate) const FRAMES_MAX: usize = 4;

/// A peer that this node calls.
pub(crate) struct Dialled {
    pub(crate) peer: Arc<str>,
    pub(crate) connector: Connector,
}

/// Keeps the link with a peer up, for as long as the node runs.
pub(crate) async fn keep(services: Services, dialled: Dialled, jitter_seed: u64) {
    let Dialled { peer, connector } = dialled;
    let jitter = Jitter::new(jitter_seed);
    let mut backoff = Backoff::new(POLICY);
    loop {
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = services.hub.free(&peer) => {}
        }
        let was_live = call(&services, &peer, &connector).await;
        if was_live {
            backoff.reset();
        }
        let pause = backoff.pause(&jitter);
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One call; says whether it became a session.
async fn call(services: &Services, peer: &Arc<str>, connector: &Connector) -> bool {
    let (out, frames) = mpsc::channel(FRAMES_MAX);
    let opened = tokio::select! {
        () = services.stop.cancelled() => return false,
        opened = open_link(connector, frames) => opened,
    };
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(peer = %peer, %error, "link not opened");
            services.hub.report(peer, |report| {
                report.state = State::Down;
                report.last_failure = error.to_string();
            });
            return false;
        }
    };
    let Some(seat) = services.hub.sit(peer, true) else {
        return false;
    };
    let frames: Frames =
        Box::pin(stream.map(|response| response.map(|r| r.frame.unwrap_or_default())));
    let channel = Channel { peer: Arc::clone(peer), frames, out };
    let ended = run(services, seat, channel).await;
    !matches!(ended, super::session::End::Gone | super::session::End::Signature)
}
