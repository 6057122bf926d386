//! `barid peer renew`: a person lets a newer card count that grants more.

use anyhow::{Context as _, bail};
use barid_link::card::Card;
use barid_proto::federation::v1::SignedCard;
use barid_proto::operations::v1 as pb;

use super::{RenewArgs, agree};
use crate::args::Global;
use crate::commands::card;
use crate::context;
use crate::output::{Line, Output};

pub(super) async fn run(
    args: &RenewArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    let client = context::operator(global, output)?.client()?;
    let request = pb::ListPeersRequest { name: args.name.to_string() };
    let answer = client.list_peers(request).await.context("cannot look at the peer")?;
    let Some(peer) = answer.peers.into_iter().next() else {
        bail!("the node knows no peer {}", args.name);
    };
    let (Some(older), Some(newer)) = (peer.card, peer.offered_card) else {
        bail!(
            "no newer card of {} waits for a person; `barid peers` shows how it stands",
            args.name
        );
    };
    // By the same rules as the node: nothing is shown that it would not take.
    let parsed = |card: SignedCard| Card::from_proto(card).context("the node shows no card");
    let (older, newer) = (parsed(older)?, parsed(newer)?);
    if !output.wants_json() {
        card::essentials(&newer, output)?;
        card::granted(&newer, output)?;
    }
    for grant in older.grants_beyond(&newer) {
        output.note(Line::default().caution("new: ").text(grant.to_string()));
    }
    agree(&args.compared, &newer, output)?;
    let request = pb::RenewPeerRequest {
        name: args.name.to_string(),
        fingerprint: newer.fingerprint().to_string(),
    };
    client.renew_peer(request).await.context("not renewed")?;
    if output.wants_json() {
        output.json(&serde_json::json!({
            "name": args.name.as_str(),
            "node": newer.node().to_string(),
            "serial": newer.serial(),
            "fingerprint": newer.fingerprint().to_string(),
        }))?;
    }
    output.note(Line::default().good("renewed ").text(args.name.as_str()));
    Ok(())
}
