//! Calling: one task a peer that this node calls.

use std::sync::Arc;
use std::time::Duration;

use barid_link::client::{Backoff, Jitter, RetryPolicy, open_link};
use barid_link::tls::Connector;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

use super::hub::State;
use super::session::{Channel, Frames, run};
use crate::grpc::Services;

/// Pauses between calls: from half a second to half a minute.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(30),
};
/// A session that held so long was a good one: after it the pauses begin anew. What ends
/// sooner may end in the same way each time, by a breach for example.
const STEADY: Duration = Duration::from_secs(10);
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
        let held = call(&services, &peer, &connector).await;
        if held >= STEADY {
            backoff.reset();
        }
        let pause = backoff.pause(&jitter);
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One call; says how long its session held.
async fn call(services: &Services, peer: &Arc<str>, connector: &Connector) -> Duration {
    let (out, frames) = mpsc::channel(FRAMES_MAX);
    let opened = tokio::select! {
        () = services.stop.cancelled() => return Duration::ZERO,
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
            return Duration::ZERO;
        }
    };
    let Some(seat) = services.hub.sit(peer, true) else {
        return Duration::ZERO;
    };
    let frames: Frames =
        Box::pin(stream.map(|response| response.map(|r| r.frame.unwrap_or_default())));
    let channel = Channel { peer: Arc::clone(peer), frames, out };
    let began = Instant::now();
    run(services, seat, channel).await;
    began.elapsed()
}
