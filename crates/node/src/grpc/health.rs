//! How the node is, on one screen.

use barid_broker::state::inbox::PRECEDENCES;
use barid_proto::operations::v1::{DiskRoom, GetStatusResponse, ProblemChange, Waiting};
use tonic::Status;

use super::status::status;
use super::{Services, timestamp};
use crate::health::facts::{ByPrecedence, Ending, Facts, Pile, together};
use crate::health::{Change, Problem, Seen};

/// What is wrong, and what stands well.
pub(super) async fn get(services: &Services) -> Result<GetStatusResponse, Status> {
    let seen = services.health.look(services).await.map_err(|refusal| status(&refusal))?;
    let Seen { facts, problems } = &seen;
    let first = facts.ends.iter().min_by_key(|ending| ending.at);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(GetStatusResponse {
        name: services.name.clone(),
        time: timestamp(facts.now),
        started_at: timestamp(facts.started_at),
        problems: problems.iter().map(Problem::to_proto).collect(),
        inboxes: piles(&together(facts.inboxes.iter().map(|inbox| &inbox.waiting))),
        peers: piles(&together(facts.peers.iter().map(|peer| &peer.waiting))),
        links_live: count(facts.peers.iter().filter(|peer| peer.is_live()).count()),
        links: count(facts.peers.len()),
        disk: disk(facts),
        ends_first: first.map(|Ending { what, .. }| what.name()).unwrap_or_default(),
        ends_at: first.and_then(|ending| timestamp(ending.at)),
        last_sync_us: facts.measured.last_sync_us.unwrap_or(0),
        dead_letters: facts.inboxes.iter().map(|inbox| inbox.dead.number).sum(),
        clock_believed: !facts.clock_suspect,
        delivery_log_up: facts.projected.is_some(),
    })
}

fn piles(waiting: &ByPrecedence) -> Vec<Waiting> {
    let of = |(precedence, pile): (_, &Pile)| Waiting {
        precedence: i32::from(precedence),
        deliveries: pile.number,
        oldest_accepted_at: pile.oldest.and_then(timestamp),
    };
    PRECEDENCES.into_iter().zip(waiting).map(of).collect()
}

fn disk(facts: &Facts) -> Option<DiskRoom> {
    facts.room.map(|room| DiskRoom {
        free_bytes: room.free_bytes,
        free_bytes_min: room.free_bytes_min,
        ballast_bytes: room.ballast_bytes,
        ballast_stands: room.ballast_stands,
        used_bytes: facts.used_bytes,
    })
}

impl Change {
    /// As it is told.
    pub(super) fn to_proto(&self) -> ProblemChange {
        let problem = Some(self.problem.to_proto());
        ProblemChange { time: timestamp(self.at), problem, ended: self.ended }
    }
}
