//! How the node is: what is wrong, since when, and what to do. Facts are gathered, decided
//! upon in one pure function, and told from there to operators, Prometheus and alarms.

pub(crate) mod alarm;
pub(crate) mod facts;
mod gather;
pub(crate) mod metrics;
mod problems;
mod standing;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use barid_broker::decide::Refusal;
use barid_broker::decide::clock::Heard;
use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::grpc::Services;
use crate::link::State as LinkState;
use facts::Facts;
pub(crate) use gather::Fixed;
pub(crate) use problems::Problem;
use standing::Standing;
pub(crate) use standing::{Change, Key};

/// How often the node looks at itself. An alarm may be so late.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Changes kept for who follows them. Who is slower misses some, and nobody waits.
const CHANGES_MAX: usize = 64;

/// The node's view of itself.
#[derive(Debug)]
pub(crate) struct Health {
    fixed: Fixed,
    standing: Mutex<Standing>,
    changes: broadcast::Sender<Change>,
    /// What is wrong now.
    now: watch::Sender<Vec<Problem>>,
}

/// Facts, and what is wrong by them.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) facts: Facts,
    pub(crate) problems: Vec<Problem>,
}

impl Health {
    pub(crate) fn new(fixed: Fixed) -> Self {
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        let (now, _) = watch::channel(Vec::new());
        Self { fixed, standing: Mutex::default(), changes, now }
    }

    /// What begins and ends from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// What is wrong, whenever it was looked at.
    pub(crate) fn problems(&self) -> watch::Receiver<Vec<Problem>> {
        self.now.subscribe()
    }

    /// Looks. Two who look at once see one after the other, so that changes have an order.
    pub(crate) async fn look(&self, services: &Services) -> Result<Seen, Refusal> {
        let facts = gather::gather(services, &self.fixed).await?;
        let found = problems::problems(&facts);
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (problems, changes) = standing.take(facts.now, found);
        for change in changes {
            // Where nobody follows, nobody is told.
            drop(self.changes.send(change));
        }
        self.now.send_replace(problems.clone());
        drop(standing);
        Ok(Seen { facts, problems })
    }
}

/// A clock in doubt is held against those of peers. What they say of theirs comes over
/// links that are live: each began with a hello that the peer signed, and ends at its
/// pinned TLS key.
async fn hear_clocks(services: &Services) {
    let registry = services.broker.registry();
    let heard = registry.peers().filter_map(|peer| {
        let report = services.hub.read(&peer.identity);
        let (said, at) = report.clock.filter(|_| report.state == LinkState::Live)?;
        Some(Heard { peer: Arc::clone(&peer.identity), said, at })
    });
    if services.broker.hear_clocks(heard.collect()).await == Ok(true) {
        tracing::warn!("peers confirm the clock; messages are taken again");
    }
}

/// Looks again and again, as long as the node runs.
pub(crate) async fn watch(services: Services) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = services.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let Ok(seen) = services.health.look(&services).await else {
            // Stopping: the broker was faster than the token.
            return;
        };
        if seen.facts.clock_suspect {
            hear_clocks(&services).await;
        }
    }
}
