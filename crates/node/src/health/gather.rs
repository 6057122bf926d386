//! Gathering the facts: one look at the broker's state, one at each link and file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_broker::audit_log::{Standing, Trouble};
use barid_broker::caps::OVERDUE_AFTER_MS;
use barid_broker::decide::Refusal;
use barid_broker::state::backlog::Backlog;
use barid_broker::state::link::{LANES, Link};
use barid_broker::state::{Delivery, Phase, State, Totals};
use barid_link::tls::earliest_end;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_proto::federation::v1::Lane;

use super::facts::{Audit, Bearer, Ending, Facts, Inbox, Peer, Pile, Quota, Whose, place};
use crate::config::{Config, TlsMaterial};
use crate::grpc::Services;
use crate::link::State as LinkState;

/// Parts of the data folder beside the ballast.
const FOLDERS: [&str; 6] = ["journal", "bodies", "state", "index", "log", "heads"];

/// What does not change while the node runs.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    started_at: Millis,
    data: PathBuf,
    segment_bytes: u64,
    cosignatures_needed: u32,
    agency_max: u64,
    peer_max: u64,
    bodies_max: u64,
    /// The node's own certificates and card.
    ends: Vec<Ending>,
}

impl Fixed {
    pub(crate) fn new(config: &Config, material: &TlsMaterial, now: Millis) -> Self {
        let certificates = [
            (Bearer::OwnCertificate, earliest_end(&material.certificate)),
            (Bearer::ClientCa, earliest_end(&material.client_ca)),
        ];
        let card = config.own_card.as_ref().map(|card| card.valid_until());
        let own = certificates.into_iter().chain([(Bearer::OwnCard, card)]);
        Self {
            started_at: now,
            data: config.node.data.clone(),
            segment_bytes: config.storage.segment_bytes,
            cosignatures_needed: config.audit.cosignatures_needed,
            agency_max: config.delivery.agency_messages_max.into(),
            peer_max: config.delivery.peer_messages_max.into(),
            bodies_max: config.storage.bodies_bytes_max,
            ends: own.filter_map(|(what, at)| Some(Ending { what, at: at? })).collect(),
        }
    }
}

/// What the broker's state says.
#[derive(Default)]
struct Seen {
    totals: Totals,
    clock_suspect: bool,
    damages: u64,
    quotas: Vec<Quota>,
    inboxes: BTreeMap<String, Inbox>,
    peers: BTreeMap<Arc<str>, Peer>,
}

/// All facts.
///
/// # Errors
/// [`Refusal`] where the node is stopping.
pub(super) async fn gather(services: &Services, fixed: &Fixed) -> Result<Facts, Refusal> {
    let broker = &services.broker;
    let now = broker.now();
    let limits = (fixed.agency_max, fixed.peer_max, fixed.bodies_max);
    let mut seen = broker
        .inspect(move |state| Seen { quotas: quotas(state, limits), ..look(state, now) })
        .await?;
    let registry = broker.registry();
    let mut ends = fixed.ends.clone();
    let peers = registry.peers().map(|peer| {
        let report = services.hub.read(&peer.identity);
        ends.push(Ending { what: Bearer::PeerCard(peer.name.clone()), at: peer.valid_until });
        let shown = report.certificate_until;
        ends.extend(
            shown.map(|at| Ending { what: Bearer::PeerCertificate(peer.name.clone()), at }),
        );
        Peer {
            name: peer.name.clone(),
            state: report.state,
            since: report.since,
            last_failure: report.last_failure,
            round_trip_ms: report.round_trip_ms,
            clock_difference_ms: report.clock_difference_ms,
            last_receipt: report.last_receipt,
            has_offered_card: report.offered.is_some(),
            ..seen.peers.remove(&peer.identity).unwrap_or_default()
        }
    });
    let peers = peers.collect();
    let max = broker.inbox_max() as u64;
    let inboxes = registry.inboxes().map(|address| {
        let address = address.to_string();
        let consumers = services.consumers.count(&address) as u64;
        let inbox = seen.inboxes.remove(&address).unwrap_or_default();
        Inbox { address, consumers, max, ..inbox }
    });
    Ok(Facts {
        now,
        started_at: fixed.started_at,
        clock_suspect: seen.clock_suspect,
        has_room: broker.has_room(),
        room: broker.room().ok(),
        used_bytes: tokio::task::block_in_place(|| used_bytes(&fixed.data)),
        segment_bytes: fixed.segment_bytes,
        projected: broker.view().ok().map(|log| log.applied()),
        durable: broker.durable(),
        totals: seen.totals,
        damages: seen.damages,
        quotas: seen.quotas,
        inboxes: inboxes.collect(),
        peers,
        ends,
        measured: broker.measured(),
        audit: audit(services, fixed.cosignatures_needed),
    })
}

fn audit(services: &Services, needed: u32) -> Audit {
    let Standing { head, cosigned, trouble } = services.broker.audit_log().standing();
    let size = |head: &Option<Arc<SignedCheckpoint>>| {
        head.as_ref().map_or(0, |head| head.checkpoint().size)
    };
    // By the clocks of those who cosigned.
    let times = cosigned.iter().flat_map(|head| head.note().signatures()).filter_map(|one| {
        let is_cosignature = one.name != *services.broker.audit_log().key().name();
        let seconds = one.bytes.first_chunk().filter(|_| is_cosignature)?;
        Some(Millis(u64::from_be_bytes(*seconds).saturating_mul(1_000)))
    });
    let cosigned_at = times.max();
    Audit {
        is_up: head.is_some() && trouble.is_none(),
        is_contradicted: trouble == Some(Trouble::Contradicted)
            || services.witness.is_contradicted(),
        needed,
        is_uncosigned: size(&head) > size(&cosigned),
        cosigned_at,
    }
}

fn look(state: &State, now: Millis) -> Seen {
    let mut seen = Seen {
        totals: state.totals(),
        clock_suspect: state.clock_suspect(),
        damages: state.damages().open(),
        peers: state.links().map(|(peer, link)| (Arc::clone(peer), of_link(state, link))).collect(),
        ..Seen::default()
    };
    // By reference, for there may be a hundred thousand: others wait for the sequencer.
    let mut inboxes: BTreeMap<&Address, Inbox> = BTreeMap::new();
    for (_, delivery) in state.deliveries() {
        let overdue = overdue_since(state, now, delivery);
        match &delivery.outward {
            Some(outward) => {
                let peer = seen.peers.entry(Arc::clone(&outward.peer)).or_default();
                to_peer(peer, delivery, overdue);
            }
            None => {
                to_inbox(inboxes.entry(&delivery.recipient).or_default(), delivery, overdue);
            }
        }
    }
    let inboxes = inboxes.into_iter().map(|(address, inbox)| (address.to_string(), inbox));
    Seen { inboxes: inboxes.collect(), ..seen }
}

fn quotas(state: &State, (agency_max, peer_max, bodies_max): (u64, u64, u64)) -> Vec<Quota> {
    let (registry, holders) = (state.registry(), state.holders());
    let agencies = registry.inboxes().filter(|address| !address.is_unit()).map(|agency| Quota {
        whose: Whose::Agency(agency.to_string()),
        used: holders.of_agency(agency) as u64,
        max: agency_max,
    });
    let peers = registry.peers().map(|peer| Quota {
        whose: Whose::Peer(peer.name.clone()),
        used: holders.of_peer(&peer.identity) as u64,
        max: peer_max,
    });
    let used = state.segments().bytes();
    let bodies = Quota { whose: Whose::Bodies, used, max: bodies_max };
    agencies.chain(peers).chain([bodies]).collect()
}

/// Since when a delivery should have ended that has not. While the clock is in doubt, only
/// what was said is known; and behind a start a lease's time passes before anything ends.
fn overdue_since(state: &State, now: Millis, delivery: &Delivery) -> Option<Millis> {
    let (end, ..) = delivery.message.end();
    let told_by = end.max(state.no_end_before()).0.saturating_add(OVERDUE_AFTER_MS);
    let is_past = !state.clock_suspect() && now.0 >= told_by;
    (delivery.overdue || is_past).then_some(end)
}

fn to_peer(peer: &mut Peer, delivery: &Delivery, overdue: Option<Millis>) {
    if let Some(since) = overdue {
        peer.overdue.add(since);
    }
    if delivery.phase == Phase::Passed {
        peer.passed += 1;
    } else {
        let waiting = &mut peer.waiting[place(delivery.message.precedence)];
        waiting.add(delivery.message.accepted_at);
    }
}

fn to_inbox(inbox: &mut Inbox, delivery: &Delivery, overdue: Option<Millis>) {
    inbox.open += 1;
    if let Some(since) = overdue {
        inbox.overdue.add(since);
    }
    let accepted_at = delivery.message.accepted_at;
    let phase = match delivery.phase {
        Phase::Dead(since) => return inbox.dead.add(since),
        Phase::Unreadable => return inbox.unreadable.add(accepted_at),
        Phase::Leased(_) => 1,
        Phase::Delayed(_) => 2,
        Phase::Ready | Phase::Queued | Phase::Deferred(_) | Phase::Passed => 0,
    };
    inbox.phases[phase] += 1;
    inbox.waiting[place(delivery.message.precedence)].add(accepted_at);
}

fn of_link(state: &State, link: &Link) -> Peer {
    let lanes = LANES.map(|lane| of_lane(state, link, lane));
    Peer {
        lanes,
        misbehaviour: link.misbehaviour().cloned(),
        contradictions: link.written_off().contradictions,
        contradicted_at: link.written_off().contradicted_at,
        proposal: link.proposal().map(|proposal| (proposal.at, proposal.until)),
        ..Peer::default()
    }
}

fn of_lane(state: &State, link: &Link, lane: Lane) -> (Pile, u64) {
    let Backlog { messages, bytes, oldest } = state.backlog(link, lane);
    (Pile { number: messages, oldest }, bytes)
}

impl Peer {
    /// Whether its link is up.
    pub(crate) fn is_live(&self) -> bool {
        self.state == LinkState::Live
    }
}

/// What the data folder takes of the disk. A file that goes meanwhile takes nothing.
fn used_bytes(data: &Path) -> u64 {
    FOLDERS.iter().map(|folder| of_folder(&data.join(folder))).sum()
}

fn of_folder(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => of_folder(&entry.path()),
        // Blocks of 512 bytes, whatever the file system's own are (POSIX, stat.h).
        Ok(metadata) => metadata.blocks() * 512,
        Err(_gone) => 0,
    };
    entries.flatten().map(of_entry).sum()
}
