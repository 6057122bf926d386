//! Calling: one task a peer that this node calls.

use std::sync::Arc;
use std::time::Duration;

use barid_link::client::{Backoff, Jitter, RetryPolicy, open_link};
use barid_link::tls::{Connector, ConnectorError};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;

use super::session::{Channel, End, Frames, run};
use super::{cards, start};
use crate::config::TlsMaterial;
use crate::grpc::Services;
use crate::registry;
use crate::witness::keep_rounds;

/// Pauses between calls: from half a second to half a minute.
const POLICY: RetryPolicy = RetryPolicy {
    attempts: u32::MAX,
    first: Duration::from_millis(500),
    ceiling: Duration::from_secs(30),
};
/// After a session that held so long the pauses begin anew: the line was good, and was cut.
const HELD: Duration = Duration::from_secs(2);
/// The same for one that ended by a breach, which may end so each time.
const HELD_TO_A_BREACH: Duration = Duration::from_secs(10);
/// Frames of this node that wait to be sent. Few: what waits here cannot be overtaken.
pub(crate) const FRAMES_MAX: usize = 4;

/// A peer that this node calls.
pub(crate) struct Dialled {
    pub(crate) peer: Arc<str>,
    pub(crate) material: Arc<TlsMaterial>,
}

/// Keeps the link with a peer up, for as long as the node runs.
pub(crate) async fn keep(services: Services, dialled: Dialled, jitter_seed: u64) {
    let Dialled { peer, material } = dialled;
    let jitter = Jitter::new(jitter_seed);
    let mut backoff = Backoff::new(POLICY);
    loop {
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = services.hub.free(&peer) => {}
        }
        // Anew each time: a newer card may name another address, CA or key.
        match connector(&services, &peer, &material) {
            Ok(connector) if was_good(call(&services, &peer, &connector).await) => backoff.reset(),
            Ok(_) => {}
            Err(error) => services.hub.not_opened(&peer, error.to_string()),
        }
        let pause = backoff.pause(&jitter);
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn connector(
    services: &Services,
    peer: &str,
    material: &TlsMaterial,
) -> Result<Connector, ConnectorError> {
    let registry = services.broker.registry();
    let known = registry.peer(peer).ok_or(ConnectorError::NoEndpoint)?;
    let card = registry::card(known).ok_or(ConnectorError::NoEndpoint)?;
    start::connector(&card, &cards::cas(known), material)
}

/// Whether the next call may come soon.
fn was_good(call: Option<(Duration, End)>) -> bool {
    call.is_some_and(|(held, end)| held >= if end.is_alarming() { HELD_TO_A_BREACH } else { HELD })
}

/// One call. Says how long its session held and why it ended; `None` where it had none.
async fn call(
    services: &Services,
    peer: &Arc<str>,
    connector: &Connector,
) -> Option<(Duration, End)> {
    let (out, frames) = mpsc::channel(FRAMES_MAX);
    let opened = tokio::select! {
        () = services.stop.cancelled() => return None,
        opened = open_link(connector, frames) => opened,
    };
    let link = match opened {
        Ok(link) => link,
        Err(error) => {
            tracing::debug!(peer = %peer, %error, "link not opened");
            services.hub.not_opened(peer, error.to_string());
            return None;
        }
    };
    let seat = services.hub.sit(peer, true)?;
    let frames: Frames =
        Box::pin(link.said.map(|response| response.map(|r| r.frame.unwrap_or_default())));
    let certificate_end_unix_s = link.certificate_end_unix_s;
    let channel = Channel { peer: Arc::clone(peer), frames, out, certificate_end_unix_s };
    let began = Instant::now();
    let rounds = keep_rounds(services.clone(), Arc::clone(peer), link.channel);
    let rounds = services.tasks.spawn(rounds);
    let end = run(services, seat, channel).await;
    rounds.abort();
    Some((began.elapsed(), end))
}

#[cfg(test)]
mod tests {
    use super::{Duration, End, was_good};

    #[test]
    fn a_cut_line_is_called_again_soon_and_a_breach_is_not() {
        let held = |seconds, end| was_good(Some((Duration::from_secs(seconds), end)));
        assert!(held(2, End::Silent) && !held(1, End::Silent));
        assert!(held(10, End::Unreadable) && !held(9, End::Unreadable));
        assert!(!was_good(None));
    }
}
