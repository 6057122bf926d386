//! From a node's configuration to its broker's.

use std::sync::Arc;
use std::time::Duration;

use barid_broker::Options;
use barid_broker::audit_log::LogOptions;
use barid_broker::decide::Policy;
use barid_broker::random::MachineRandom;
use barid_message::key::SigningKey;
use bytes::Bytes;

use super::Machine;
use crate::config::Config;
use crate::registry;

pub(super) fn options(
    machine: Machine,
    config: &Config,
    identity: String,
    key: &SigningKey,
    log_key: Arc<SigningKey>,
) -> Options {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let storage = &config.storage;
    let delivery = &config.delivery;
    Options {
        data: config.node.data.clone(),
        disk: machine.disk,
        clock: machine.clock,
        random: Arc::new(MachineRandom::new()),
        identity,
        trust_domain: config.node.trust_domain.to_string(),
        evidence_key_spki: Bytes::copy_from_slice(key.public().spki()),
        lease_secret: key.to_pkcs8_der().to_vec(),
        log: LogOptions {
            key: log_key,
            checkpoint_every: config.audit.checkpoint_every,
            cosignatures_needed: count(config.audit.cosignatures_needed),
        },
        registry: registry::configured(config),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        storage: barid_broker::Storage {
            segment_bytes: storage.segment_bytes,
            ballast_bytes: storage.ballast_bytes,
            free_bytes_min: storage.ballast_bytes,
            urgent_bytes: storage.urgent_bytes,
            snapshot_every_bytes: storage.snapshot_every_bytes,
            index_cache_bytes: storage.index_cache_bytes,
            scrub_every: storage.scrub_every,
            scrub_bytes_per_s: storage.scrub_bytes_per_s,
        },
        policy: Policy {
            lease_ms: ms(delivery.lease),
            tries_max: delivery.tries_max,
            retry_min_ms: ms(delivery.retry_delay_min),
            retry_max_ms: ms(delivery.retry_delay_max),
            inbox_max: count(delivery.inbox_messages_max),
            agency_max: count(delivery.agency_messages_max),
            peer_max: count(delivery.peer_messages_max),
            bodies_bytes_max: storage.bodies_bytes_max,
        },
    }
}
