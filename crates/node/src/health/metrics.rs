//! The node's figures for Prometheus. Sums alone: labels are precedences, lanes, reasons,
//! outcomes, and what operators here call their peers. No inbox, message or person has one.

mod families;
#[cfg(test)]
mod tests;
mod text;

use barid_broker::state::inbox::PRECEDENCES;
use barid_broker::state::link::LANES;
use barid_message::time::Millis;
use barid_message::{Precedence, reason};
use barid_proto::federation::v1::Lane;
use barid_proto::operations::v1::{ProblemKind, Severity};

use super::Seen;
use super::facts::{Bearer, Ending, Facts, Inbox, Peer, Pile, together};
use families as f;
pub(crate) use text::CONTENT_TYPE;
use text::Text;

const MICROSECONDS: f64 = 1e6;

/// All of them, as text.
pub(crate) fn export(seen: &Seen) -> String {
    let facts = &seen.facts;
    let mut text = Text::default();
    of_the_process(&mut text, seen);
    of_inboxes(&mut text, facts);
    of_outcomes(&mut text, facts);
    of_the_journal(&mut text, facts);
    of_the_disk(&mut text, facts);
    of_links(&mut text, facts);
    of_lanes(&mut text, facts);
    of_ends(&mut text, facts);
    text.finish()
}

fn of_the_process(text: &mut Text, seen: &Seen) {
    text.family(&f::BUILD).sample([env!("CARGO_PKG_VERSION")], 1);
    text.value(&f::STARTED, seconds(seen.facts.started_at.0));
    let mut family = text.family(&f::PROBLEMS);
    // Known kinds alone have numbers without a gap; one that does not exist ends the list.
    let kinds = (1..).map_while(|number| ProblemKind::try_from(number).ok());
    for kind in kinds.filter(|kind| *kind != ProblemKind::NodeUnreachable) {
        for severity in [Severity::Warning, Severity::Critical] {
            let is_it = |it: &&super::Problem| it.kind == kind && it.severity == severity;
            let number = seen.problems.iter().filter(is_it).count();
            let kind = bare(kind.as_str_name(), "PROBLEM_KIND_");
            family.sample([&kind, &bare(severity.as_str_name(), "SEVERITY_")], number);
        }
    }
    text.value(&f::CLOCK_SUSPECT, u8::from(seen.facts.clock_suspect));
}

fn of_inboxes(text: &mut Text, facts: &Facts) {
    let inboxes = &facts.inboxes;
    let all = |of: fn(&Inbox) -> u64| inboxes.iter().map(of).sum::<u64>();
    let waiting = together(inboxes.iter().map(|inbox| &inbox.waiting));
    let mut family = text.family(&f::INBOX_MESSAGES);
    for (precedence, pile) in PRECEDENCES.iter().zip(&waiting) {
        family.sample([&name(*precedence)], pile.number);
    }
    let mut family = text.family(&f::INBOX_OLDEST);
    for (precedence, pile) in PRECEDENCES.iter().zip(&waiting) {
        family.sample([&name(*precedence)], age(facts.now, *pile));
    }
    let mut family = text.family(&f::INBOX_PHASE);
    for (place, phase) in ["ready", "leased", "delayed"].into_iter().enumerate() {
        family.sample([phase], inboxes.iter().map(|inbox| inbox.phases[place]).sum::<u64>());
    }
    text.value(&f::INBOXES, inboxes.len());
    let filled = inboxes.iter().map(|inbox| ratio(inbox.open, inbox.max));
    text.value(&f::INBOX_FILLED, filled.fold(0.0, f64::max));
    text.value(&f::CONSUMERS, all(|inbox| inbox.consumers));
    text.value(&f::DEAD_LETTERS, all(|inbox| inbox.dead.number));
    text.value(&f::UNREADABLE, all(|inbox| inbox.unreadable.number));
    let with_peers: u64 = facts.peers.iter().map(|peer| peer.overdue.number).sum();
    text.value(&f::OVERDUE, all(|inbox| inbox.overdue.number) + with_peers);
}

fn of_outcomes(text: &mut Text, facts: &Facts) {
    let totals = &facts.totals;
    text.value(&f::ACCEPTED, totals.accepted);
    text.value(&f::DELIVERIES, totals.deliveries);
    let mut family = text.family(&f::OUTCOMES);
    family.sample(["handed_over"], totals.handed_over);
    family.sample(["refused"], totals.refused_deliveries);
    family.sample(["expired"], totals.expired);
    family.sample(["non_delivered"], totals.non_delivered);
    let mut family = text.family(&f::REFUSALS);
    for (why, number) in &facts.measured.refused {
        family.sample([reason::name(*why)], number);
    }
}

fn of_the_journal(text: &mut Text, facts: &Facts) {
    let measured = &facts.measured;
    text.histogram(&f::SYNC, &measured.sync_us, MICROSECONDS);
    text.histogram(&f::GROUP, &measured.group_entries, 1.0);
    text.value(&f::JOURNAL_BYTES, measured.group_bytes);
    text.value(&f::DURABLE, facts.durable);
    text.value(&f::LOG_UP, u8::from(facts.projected.is_some()));
    let mut family = text.family(&f::LOG_LAG);
    if let Some(projected) = facts.projected {
        family.sample([], facts.durable.saturating_sub(projected));
    }
}

fn of_the_disk(text: &mut Text, facts: &Facts) {
    if let Some(room) = facts.room {
        text.value(&f::DISK_FREE, room.free_bytes);
        text.value(&f::DISK_FREE_MIN, room.free_bytes_min);
        text.value(&f::DISK_RESERVED, if room.ballast_stands { room.ballast_bytes } else { 0 });
    }
    text.value(&f::DISK_USED, facts.used_bytes);
    text.value(&f::DISK_ROOM, u8::from(facts.has_room));
}

fn of_links(text: &mut Text, facts: &Facts) {
    let mut family = text.family(&f::LINK_UP);
    for peer in &facts.peers {
        family.sample([&peer.name], u8::from(peer.is_live()));
    }
    let mut known = |family, value: &dyn Fn(&Peer) -> Option<f64>| {
        let mut family = text.family(family);
        for (peer, value) in facts.peers.iter().filter_map(|peer| Some((peer, value(peer)?))) {
            family.sample([&peer.name], value);
        }
    };
    known(&f::ROUND_TRIP, &|peer| peer.round_trip_ms.map(seconds));
    known(&f::CLOCK_DIFFERENCE, &|peer| {
        peer.clock_difference_ms
            .map(|ms| seconds(ms.unsigned_abs()).copysign(if ms < 0 { -1.0 } else { 1.0 }))
    });
    known(&f::LAST_RECEIPT, &|peer| peer.last_receipt.map(|at| facts.now.since(at).as_secs_f64()));
    let mut counted = |family, value: &dyn Fn(&Peer) -> u64| {
        let mut family = text.family(family);
        for peer in &facts.peers {
            family.sample([&peer.name], value(peer));
        }
    };
    counted(&f::PEER_PASSED, &|peer| peer.passed);
    counted(&f::MISBEHAVED, &|peer| peer.misbehaviour.as_ref().map_or(0, |told| told.times));
    counted(&f::CONTRADICTIONS, &|peer| peer.contradictions);
}

fn of_lanes(text: &mut Text, facts: &Facts) {
    let mut each = |family, value: &dyn Fn(&(Pile, u64)) -> f64| {
        let mut family = text.family(family);
        for peer in &facts.peers {
            for (lane, of_lane) in LANES.iter().zip(&peer.lanes) {
                family.sample([&peer.name, &lane_name(*lane)], value(of_lane));
            }
        }
    };
    each(&f::LANE_MESSAGES, &|(pile, _)| whole(pile.number));
    each(&f::LANE_BYTES, &|(_, bytes)| whole(*bytes));
    each(&f::LANE_OLDEST, &|(pile, _)| age(facts.now, *pile));
    let mut family = text.family(&f::PEER_WAITING);
    for peer in &facts.peers {
        for (precedence, pile) in PRECEDENCES.iter().zip(&peer.waiting) {
            family.sample([&peer.name, &name(*precedence)], pile.number);
        }
    }
}

fn of_ends(text: &mut Text, facts: &Facts) {
    let mut family = text.family(&f::ENDS_IN);
    for Ending { what, at } in &facts.ends {
        let (what, peer) = match what {
            Bearer::OwnCertificate => ("own_certificate", ""),
            Bearer::ClientCa => ("client_ca", ""),
            Bearer::OwnCard => ("own_card", ""),
            Bearer::PeerCard(name) => ("peer_card", &**name),
            Bearer::PeerCertificate(name) => ("peer_certificate", &**name),
        };
        family.sample([what, peer], seconds(at.0) - seconds(facts.now.0));
    }
}

fn name(precedence: Precedence) -> String {
    bare(precedence.as_str_name(), "PRECEDENCE_")
}

fn lane_name(lane: Lane) -> String {
    bare(lane.as_str_name(), "LANE_")
}

fn bare(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_ascii_lowercase()
}

fn age(now: Millis, pile: Pile) -> f64 {
    pile.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64())
}

fn seconds(ms: u64) -> f64 {
    whole(ms) / 1e3
}

fn ratio(part: u64, of: u64) -> f64 {
    whole(part) / whole(of.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "a measure; 52 bits of it are plenty")]
const fn whole(number: u64) -> f64 {
    number as f64
}
