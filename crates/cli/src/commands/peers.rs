//! `barid peers`.

use std::process::ExitCode;

use anyhow::Context as _;
use barid_message::time::Millis;
use barid_node::clock;
use barid_proto::operations::v1 as pb;
use clap::Args;

use crate::args::Global;
use crate::commands::peer::write_off;
use crate::context;
use crate::output::{Line, Output, Table};
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid peers
  barid peers ir --json

  WAITING: slots without a receipt, sent or not; by lane below, with the age of the
  oldest. DEFERRED: the other node asked to be tried later. PASSED: it has them, and
  their end is still to come. WRITTEN OFF: two operators ended them (`barid peer
  write-off`).";

/// Show how the links with other nodes stand
///
/// Prints for each linked node whether the link is up, what waits for it, how far away
/// it is, and until when its card may be used.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PeersArgs {
    /// Only the peer of this name
    name: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &PeersArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    let client = context::operator(global, output)?.client()?;
    let request = pb::ListPeersRequest { name: args.name.clone().unwrap_or_default() };
    let answer = client.list_peers(request).await.context("cannot show the peers")?;
    if output.wants_json() {
        for peer in &answer.peers {
            output.json(peer)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if answer.peers.is_empty() {
        output.note(Line::default().faint("no peers; `barid peer add` adds one"));
        return Ok(ExitCode::SUCCESS);
    }
    output.table(&table(&answer.peers))?;
    if answer.peers.iter().any(|peer| waiting(peer).next().is_some()) {
        output.line("")?;
        output.table(&lanes(&answer.peers, clock::now()))?;
    }
    for peer in answer.peers.iter().filter(|peer| peer.state() != pb::LinkState::Live) {
        if !peer.last_failure.is_empty() {
            output.note(Line::default().text(format!("{}: {}", peer.name, peer.last_failure)));
        }
    }
    for peer in &answer.peers {
        cards(peer, answer.own_card_serial, output);
        if let Some(proposal) = &peer.write_off {
            output.note(write_off::waiting(proposal));
        }
        if peer.contradictions > 0 {
            let text = format!(
                "{}: of {} deliveries it says otherwise than an end that was told here before; \
                 see `barid log --outcome contradiction`",
                peer.name, peer.contradictions
            );
            output.note(Line::default().bad("contradiction ").text(text));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Cards that are not the newest at both ends.
fn cards(peer: &pb::Peer, own_card_serial: u64, output: &mut Output) {
    let name = &*peer.name;
    if peer.offered_card.is_some() {
        let line = Line::default().caution(format!("{name}: its newer card grants more; see  "));
        output.note(line.strong(format!("barid peer renew {name}")));
    }
    if peer.holds_card_serial != 0 && peer.holds_card_serial < own_card_serial {
        let text = format!("{name}: it holds an older card of this node, and was sent the newest");
        output.note(Line::default().text(text));
    }
}

fn table(peers: &[pb::Peer]) -> Table {
    let mut table = Table::new([
        "PEER",
        "LINK",
        "SINCE",
        "WAITING",
        "DEFERRED",
        "PASSED",
        "WRITTEN OFF",
        "ROUND TRIP",
        "CLOCK",
        "LAST RECEIPT",
        "CARD UNTIL",
        "CERTIFICATE UNTIL",
    ]);
    for peer in peers {
        table
            .row()
            .text(&*peer.name)
            .text(state(peer.state()))
            .text(words::time(peer.since.as_ref()))
            .number(waiting(peer).map(|depth| depth.messages).sum())
            .number(peer.deferred)
            .number(peer.passed)
            .number(peer.written_off)
            .text(words::round_trip(peer.round_trip_ms))
            .text(format!("{:+} ms", peer.clock_difference_ms))
            .text(words::time(peer.last_receipt_at.as_ref()))
            .text(words::time(peer.card_valid_until.as_ref()))
            .text(words::time(peer.certificate_valid_until.as_ref()));
    }
    table
}

fn waiting(peer: &pb::Peer) -> impl Iterator<Item = &pb::LaneDepth> {
    peer.lanes.iter().filter(|depth| depth.messages > 0)
}

/// How far behind each lane is in which something waits.
fn lanes(peers: &[pb::Peer], now: Millis) -> Table {
    let mut table = Table::new(["PEER", "LANE", "WAITING", "BYTES", "OLDEST"]);
    for (peer, depth) in peers.iter().flat_map(|peer| waiting(peer).map(move |it| (peer, it))) {
        let oldest = depth.oldest_accepted_at.as_ref();
        let oldest = oldest.and_then(|time| Millis::from_proto(time).ok());
        table
            .row()
            .text(&*peer.name)
            .text(&*depth.lane)
            .number(depth.messages)
            .number(depth.bytes)
            .text(oldest.map_or_else(|| "-".to_owned(), |then| words::span(now.since(then))));
    }
    table
}

const fn state(state: pb::LinkState) -> &'static str {
    match state {
        pb::LinkState::Live => "live",
        pb::LinkState::Greeting => "greeting",
        pb::LinkState::Down | pb::LinkState::Unspecified => "down",
    }
}
