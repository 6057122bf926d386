//! The beginning of a session: where both ends stand, and whether that can be.

use barid_message::Reason;
use barid_proto::federation::v1::{Hello, Lane, LaneState};

use super::Node;
use super::link::Breach;
use crate::caps;
use crate::state::State;
use crate::state::link::{Answered, LANES, Link, index};

/// The version of the link's protocol that this program speaks.
pub const VERSION: u32 = 1;

/// Answers whose receipts the peer has not got, in order within each lane.
pub type Unreceipted = Vec<(Lane, Answered)>;

/// What this node says of its lanes towards a peer.
#[must_use]
pub fn lanes(state: &State, peer: &str) -> Vec<LaneState> {
    let empty = Link::default();
    let link = state.link(peer).unwrap_or(&empty);
    let lane = |lane: &Lane| LaneState {
        lane: (*lane).into(),
        next_expected: link.inbound(*lane).next_expected,
        next_unanswered: link.outbound(*lane).next_unanswered,
        horizon: link.outbound(*lane).horizon,
    };
    LANES.iter().map(lane).collect()
}

/// Begins the session with a peer whose hello came over an authenticated connection
/// and with its signature.
///
/// # Errors
/// [`Breach`]: what it says cannot be, or it is another log than the one known.
pub fn begin(
    state: &mut State,
    node: &Node,
    peer: &str,
    hello: &Hello,
) -> Result<Unreceipted, Breach> {
    let breach = |reason| Breach::new(reason, Lane::Unspecified, 0);
    if hello.node != peer || hello.peer != node.identity {
        return Err(breach(Reason::LinkProtocol));
    }
    if !(hello.version_min..=hello.version_max).contains(&VERSION) {
        return Err(breach(Reason::VersionUnsupported));
    }
    if !is_log_of(peer, &hello.log_origin) {
        return Err(breach(Reason::LinkProtocol));
    }
    let known = state.link(peer);
    let known_origin = known.map_or("", Link::log_origin);
    if !known_origin.is_empty() && known_origin != hello.log_origin {
        return Err(breach(Reason::LogChanged));
    }
    if !hello.peer_log_origin.is_empty() && hello.peer_log_origin != state.log_origin() {
        return Err(breach(Reason::LogChanged));
    }
    let (expected, unanswered) = positions(hello).ok_or_else(|| breach(Reason::LinkProtocol))?;
    for (place, lane) in LANES.into_iter().enumerate() {
        possible(known, lane, expected[place], unanswered[place])?;
    }
    state.begin_session(peer, expected, unanswered);
    Ok(state.link(peer).map_or_else(Vec::new, |link| {
        LANES
            .into_iter()
            .flat_map(|lane| {
                link.inbound(lane).answers.values().map(move |answered| (lane, answered.clone()))
            })
            .collect()
    }))
}

/// Whether this is the origin line of a log of that node: it is kept with every answer.
fn is_log_of(peer: &str, log_origin: &str) -> bool {
    let domain = peer.strip_prefix("spiffe://").and_then(|rest| rest.strip_suffix("/node"));
    log_origin.len() <= caps::LOG_ORIGIN_BYTES
        && domain.is_some_and(|domain| {
            let rest = log_origin.strip_prefix(domain);
            rest.is_some_and(|rest| rest.starts_with("/log/"))
        })
}

/// Each lane once: next expected, next unanswered.
fn positions(hello: &Hello) -> Option<([u64; 5], [u64; 5])> {
    let (mut expected, mut unanswered) = ([0; 5], [0; 5]);
    if hello.lanes.len() != LANES.len() {
        return None;
    }
    for lane in &hello.lanes {
        let place = index(lane.lane())?;
        expected[place] = lane.next_expected;
        unanswered[place] = lane.next_unanswered;
    }
    let all_said = expected.iter().chain(&unanswered).all(|number| *number != 0);
    all_said.then_some((expected, unanswered))
}

/// Whether a lane can stand where the peer says: a peer that expects less than it gave
/// receipts for, or holds receipts that were never given, has another past than ours.
fn possible(link: Option<&Link>, lane: Lane, expected: u64, unanswered: u64) -> Result<(), Breach> {
    let empty = Link::default();
    let link = link.unwrap_or(&empty);
    let (outbound, inbound) = (link.outbound(lane), link.inbound(lane));
    let beyond = outbound.next.min(outbound.horizon + 1);
    if expected < outbound.next_unanswered || expected > beyond {
        return Err(Breach::new(Reason::LogChanged, lane, expected));
    }
    if unanswered > inbound.next_expected {
        return Err(Breach::new(Reason::LogChanged, lane, unanswered));
    }
    let oldest = inbound.answers.keys().next().copied().unwrap_or(inbound.next_expected);
    if unanswered < oldest {
        return Err(Breach::new(Reason::LogChanged, lane, unanswered));
    }
    Ok(())
}
