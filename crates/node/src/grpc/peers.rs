//! How the links with other nodes stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use barid_broker::decide::renew::Renewal;
use barid_broker::state::backlog::Backlog;
use barid_broker::state::link::{LANES, Link};
use barid_broker::state::write_off::{Proposal, WrittenOff};
use barid_broker::state::{Delivery, Phase, State};
use barid_link::card::{Card, Fingerprint, FingerprintError};
use barid_message::Reason;
use barid_proto::federation::v1::{Lane, SignedCard};
use barid_proto::operations::v1::{
    LaneDepth, LinkState, ListPeersRequest, ListPeersResponse, Peer, RenewPeerRequest,
    RenewPeerResponse,
};
use prost::Message as _;
use tonic::Status;

use super::authn::Operator;
use super::status::{refuse, status};
use super::write_offs::shown;
use super::{Services, timestamp};
use crate::{link, registry};

/// Every peer, or the one of a name.
pub(super) async fn list(
    services: &Services,
    request: ListPeersRequest,
) -> Result<ListPeersResponse, Status> {
    let depths = services.broker.inspect(depths).await.map_err(|refusal| status(&refusal))?;
    let (registry, now) = (services.broker.registry(), services.broker.now());
    let wanted =
        registry.peers().filter(|peer| request.name.is_empty() || peer.name == request.name);
    let peers: Vec<_> = wanted
        .map(|peer| {
            let report = services.hub.read(&peer.identity);
            let depth = depths.get(&peer.identity);
            Peer {
                name: peer.name.clone(),
                identity: peer.identity.as_ref().to_owned(),
                state: state(report.state).into(),
                since: report.since.and_then(timestamp),
                last_failure: report.last_failure,
                round_trip_ms: report.round_trip_ms.unwrap_or(0),
                clock_difference_ms: report.clock_difference_ms.unwrap_or(0),
                last_receipt_at: report.last_receipt.and_then(timestamp),
                card_valid_until: timestamp(peer.valid_until),
                lanes: depth.map(|depth| depth.lanes.clone()).unwrap_or_default(),
                deferred: depth.map_or(0, |depth| depth.deferred),
                passed: depth.map_or(0, |depth| depth.passed),
                write_off: depth
                    .and_then(|depth| depth.proposal.as_ref().map(|it| (it, depth.outstanding)))
                    .filter(|(proposal, _)| now < proposal.until)
                    .map(|(proposal, open)| shown(proposal, &peer.name, open)),
                written_off: depth.map_or(0, |depth| depth.written_off.ended),
                contradictions: depth.map_or(0, |depth| depth.written_off.contradictions),
                card: SignedCard::decode(peer.card.clone()).ok(),
                offered_card: report.offered.map(|card| card.as_proto().clone()),
                certificate_valid_until: report.certificate_until.and_then(timestamp),
                holds_card_serial: report.holds_serial.unwrap_or(0),
            }
        })
        .collect();
    if peers.is_empty() && !request.name.is_empty() {
        return Err(refuse(
            Reason::NotFound,
            "there is no such peer; leave the name out to see all",
        ));
    }
    let own_card_serial = services.own_card.as_ref().map_or(0, Card::serial);
    Ok(ListPeersResponse { peers, own_card_serial })
}

/// Lets the card count that waits, if it is the one that was compared.
pub(super) async fn renew(
    services: &Services,
    operator: &Operator,
    request: &RenewPeerRequest,
) -> Result<RenewPeerResponse, Status> {
    let compared: Fingerprint = request
        .fingerprint
        .parse()
        .map_err(|error: FingerprintError| refuse(Reason::FieldInvalid, &error.to_string()))?;
    let registry = services.broker.registry();
    let peer = registry.peers().find(|peer| peer.name == request.name);
    let offered = peer.and_then(|peer| {
        let offered = services.hub.read(&peer.identity).offered?;
        (offered.fingerprint() == compared).then_some((peer, registry::card(peer)?, offered))
    });
    let Some((peer, older, newer)) = offered else {
        let text = "no card of that fingerprint waits for this peer; look with `barid peers`";
        return Err(refuse(Reason::NotFound, text));
    };
    // The one in force may have changed since it was offered.
    older.successor(&newer).map_err(|error| refuse(Reason::WrongState, &error.to_string()))?;
    let renewal = Renewal {
        registry_position: registry.position(),
        peer: registry::renewed(peer, &older, &newer),
        actor: operator.identity.to_string(),
    };
    services.broker.renew(renewal).await.map_err(|refusal| status(&refusal))?;
    services.hub.renewed(&peer.identity);
    Ok(RenewPeerResponse {})
}

const fn state(state: link::State) -> LinkState {
    match state {
        link::State::Down => LinkState::Down,
        link::State::Greeting => LinkState::Greeting,
        link::State::Live => LinkState::Live,
    }
}

#[derive(Default)]
struct Depth {
    lanes: Vec<LaneDepth>,
    deferred: u64,
    passed: u64,
    outstanding: u64,
    proposal: Option<Proposal>,
    written_off: WrittenOff,
}

fn depths(state: &State) -> BTreeMap<Arc<str>, Depth> {
    let mut depths: BTreeMap<Arc<str>, Depth> = state
        .links()
        .map(|(peer, link)| {
            let lanes = LANES.iter().map(|lane| lane_depth(state, link, *lane)).collect();
            let (proposal, written_off) = (link.proposal().cloned(), link.written_off().clone());
            (Arc::clone(peer), Depth { lanes, proposal, written_off, ..Depth::default() })
        })
        .collect();
    for (_, Delivery { outward, phase, .. }) in state.deliveries() {
        let Some(outward) = outward else {
            continue;
        };
        let depth = depths.entry(Arc::clone(&outward.peer)).or_default();
        depth.outstanding += 1;
        match phase {
            Phase::Deferred(_) => depth.deferred += 1,
            Phase::Passed => depth.passed += 1,
            _ => {}
        }
    }
    depths
}

fn lane_depth(state: &State, link: &Link, lane: Lane) -> LaneDepth {
    let Backlog { messages, bytes, oldest } = state.backlog(link, lane);
    LaneDepth {
        lane: name(lane).to_owned(),
        messages,
        bytes,
        oldest_accepted_at: oldest.and_then(timestamp),
    }
}

const fn name(lane: Lane) -> &'static str {
    match lane {
        Lane::Flash => "flash",
        Lane::Immediate => "immediate",
        Lane::Priority => "priority",
        Lane::Routine => "routine",
        Lane::Evidence => "evidence",
        Lane::Unspecified => "",
    }
}
