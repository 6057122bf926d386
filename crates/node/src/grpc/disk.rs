//! What is kept, and what would free it.

use std::collections::BTreeMap;

use barid_broker::state::State;
use barid_proto::operations::v1::{BodySegment, GetDiskUsageResponse, SegmentHolder};
use tonic::Status;

use super::status::status;
use super::{Services, timestamp};

/// Segments named in one answer: the oldest, which go first.
const SEGMENTS_MAX: usize = 2_000;

/// Holders named for each.
const HOLDERS_MAX: usize = 3;

/// What the segments of bodies are kept for.
pub(super) async fn usage(services: &Services) -> Result<GetDiskUsageResponse, Status> {
    let broker = &services.broker;
    let segments = broker.inspect(segments).await.map_err(|refusal| status(&refusal))?;
    let sum = |of: fn(&BodySegment) -> u64| segments.iter().map(of).sum();
    Ok(GetDiskUsageResponse {
        free_bytes: broker.free_bytes(),
        messages: sum(|segment| segment.messages),
        bytes: sum(|segment| segment.bytes),
        segments: segments.into_iter().take(SEGMENTS_MAX).collect(),
    })
}

fn segments(state: &State) -> Vec<BodySegment> {
    let mut holders: BTreeMap<u64, BTreeMap<&str, u64>> = BTreeMap::new();
    for (_, delivery) in state.deliveries() {
        let of_segment = holders.entry(delivery.message.blob.segment).or_default();
        *of_segment.entry(delivery.recipient.as_str()).or_default() += 1;
    }
    let segment = |(number, kept): (u64, &barid_broker::state::segments::Kept)| BodySegment {
        number,
        messages: kept.messages,
        bytes: kept.bytes,
        open: kept.open,
        kept_until: timestamp(kept.until),
        holders: holders.get(&number).map(most).unwrap_or_default(),
    };
    state.segments().kept().map(segment).collect()
}

/// Who holds most.
fn most(holders: &BTreeMap<&str, u64>) -> Vec<SegmentHolder> {
    let mut holders: Vec<_> = holders.iter().map(|(inbox, open)| (*open, *inbox)).collect();
    holders.sort_unstable_by(|one, other| other.cmp(one));
    let holder =
        |(open, recipient): (u64, &str)| SegmentHolder { recipient: recipient.to_owned(), open };
    holders.into_iter().take(HOLDERS_MAX).map(holder).collect()
}
