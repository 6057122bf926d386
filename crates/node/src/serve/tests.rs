use std::future::{pending, ready};
use std::path::Path;

use barid_broker::Options;
use barid_broker::audit_log::LogOptions;
use barid_broker::decide::Policy;
use barid_broker::random::MachineRandom;
use barid_message::key::SigningKey;
use bytes::Bytes;

use super::*;

fn opened(data: &Path) -> Broker {
    let options = Options {
        data: data.to_path_buf(),
        disk: Arc::new(OsDisk),
        random: Arc::new(MachineRandom::new()),
        clock: Arc::new(SystemClock::new()),
        identity: "spiffe://torkham.example/node".to_owned(),
        trust_domain: "torkham.example".to_owned(),
        evidence_key_spki: Bytes::new(),
        lease_secret: b"secret".to_vec(),
        log: LogOptions {
            key: Arc::new(SigningKey::generate(barid_message::key::Algorithm::Ed25519).unwrap()),
            checkpoint_every: Duration::from_secs(30),
            cosignatures_needed: 0,
        },
        registry: barid_proto::journal::v1::RegistryFacts::default(),
        program_version: String::new(),
        storage: barid_broker::Storage {
            segment_bytes: 8 << 20,
            ballast_bytes: 1 << 20,
            free_bytes_min: 1 << 20,
            urgent_bytes: 0,
            snapshot_every_bytes: 1 << 20,
            index_cache_bytes: 1 << 20,
            scrub_every: Duration::from_secs(3_600),
            scrub_bytes_per_s: 1 << 20,
        },
        policy: Policy::default(),
    };
    barid_broker::open(options).unwrap().broker
}

/// However a listener ended, the last entry and a snapshot are written.
async fn ends_in_order(
    serving: impl Future<Output = Result<(), tonic::transport::Error>>,
    stop: CancellationToken,
) {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let broker = opened(&data);
    let ended = drive(serving, pending(), &broker, &stop, &TaskTracker::new()).await;
    assert!(matches!(ended, Err(ServeError::Listener)), "{ended:?}");
    assert_eq!(std::fs::read_dir(data.join("state")).unwrap().count(), 1, "a snapshot");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_ends_early_ends_the_node_in_order() {
    ends_in_order(ready(Ok(())), CancellationToken::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_listener_takes_the_other_with_it() {
    let stop = CancellationToken::new();
    let (one, other) = (stop.clone(), stop.clone());
    let both = async move {
        tokio::join!(ends_all(&one, ready(())), other.cancelled());
        Ok(())
    };
    ends_in_order(both, stop).await;
}
