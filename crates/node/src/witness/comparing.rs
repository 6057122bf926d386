//! Heads that come by other nodes, held against those that came from the logs themselves.

use std::sync::Arc;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::Note;
use barid_broker::audit_log::TileError;
use barid_message::Reason;
use bytes::Bytes;

use super::{HEADS_MAX, accuse, domain, head_of};
use crate::grpc::Services;

/// The heads that this node has cosigned, to be compared by another.
pub(super) fn held(services: &Services) -> Vec<Bytes> {
    let heads = services.broker.heads().all();
    heads.iter().take(HEADS_MAX).map(|head| head.to_bytes().into()).collect()
}

/// Compares heads that another node has cosigned.
pub(super) async fn compare(services: &Services, heads: &[Bytes]) {
    for note in heads.iter().take(HEADS_MAX).filter_map(|bytes| Note::parse(bytes).ok()) {
        let origin = note.text().lines().next().unwrap_or_default();
        if origin == services.broker.audit_log().key().name().as_str() {
            compare_own(services, note);
            continue;
        }
        let registry = services.broker.registry();
        let of_origin = |identity: &str| {
            domain(identity).is_some_and(|domain| {
                origin.strip_prefix(domain).is_some_and(|rest| rest.starts_with("/log/"))
            })
        };
        let keeper = registry.peers().find(|peer| of_origin(&peer.identity));
        let keeper = keeper.map(|peer| Arc::clone(&peer.identity));
        if let Some(keeper) = keeper {
            compare_with_held(services, &keeper, &note).await;
        }
    }
}

async fn compare_with_held(services: &Services, keeper: &str, note: &Note) {
    let Some((key, told)) = head_of(services, keeper, note) else {
        return;
    };
    let Ok(Some(held)) = services.broker.heads().held(&key) else {
        return;
    };
    let (told_head, held_head) = (told.checkpoint(), held.checkpoint());
    if told_head.size != held_head.size {
        // One of them must be shown to continue the other, by the log itself.
        let mut memory = services.witness.lock();
        let settled = memory.settled.get(key.name().as_str());
        if settled.is_none_or(|settled| settled.checkpoint() != told_head) {
            memory.rumours.entry(key.name().to_string()).or_insert(told);
        }
    } else if told_head.root != held_head.root {
        accuse(services, keeper, Reason::HeadForked, note, held.note()).await;
    }
}

/// What others hold of this node's own log must be of it.
fn compare_own(services: &Services, note: Note) {
    let log = services.broker.audit_log();
    let Ok(told) = SignedCheckpoint::of(note, log.key()) else {
        return;
    };
    // Not before this start has a head itself.
    if log.standing().head.is_none() {
        return;
    }
    let told = told.checkpoint();
    let is_own = match tokio::task::block_in_place(|| log.root_at(told.size)) {
        Ok(root) => root == told.root,
        // More leaves than this node ever signed: its data were put back, or copied.
        Err(TileError::Beyond { .. }) => false,
        Err(error) => {
            tracing::warn!(%error, "a head of this node's log not compared");
            return;
        }
    };
    let mut memory = services.witness.lock();
    if !is_own && !memory.is_contradicted {
        memory.is_contradicted = true;
        let size = told.size;
        tracing::error!(size, "another node holds a head of this node's log that is none of it");
    }
}
