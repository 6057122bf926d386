//! Rows 84, 93 and 94: leases, cursors, pages, and too many streams.

use barid_proto::operations::v1 as ops;
use prost::bytes::Bytes;
use tonic::Code;

use super::attempt::Attempt;
use super::scene::Scene;
use super::{Case, invalid, refused};

/// Streams of one sort that one caller may have open.
const STREAMS_MAX: usize = 32;

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let given = scene.hand_out.lease.clone();
    let never = Bytes::from(vec![0; given.len()]);
    let cut = given.slice(..given.len() - 1);
    let flipped = {
        let mut bytes = given.to_vec();
        *bytes.last_mut().expect("a lease") ^= 1;
        Bytes::from(bytes)
    };
    let ack =
        |what, who, lease, code, reason| refused(84, what, Attempt::Ack(who, lease), code, reason);
    let unknown = |what, lease| {
        let reason = "LEASE_UNKNOWN";
        ack(what, "pk/police", lease, Code::FailedPrecondition, reason)
    };
    let anothers =
        |what, who, lease| ack(what, who, lease, Code::PermissionDenied, "LEASE_NOT_YOURS");
    let page =
        |page_size| Attempt::List(ops::ListEventsRequest { page_size, ..Default::default() });
    let beyond = "999999999.0".to_owned();
    let tail =
        Attempt::Tail(ops::TailEventsRequest { after: beyond.clone(), ..Default::default() });
    let long_tail = Attempt::Tail(ops::TailEventsRequest { last: 1_000_000, ..Default::default() });
    let purpose = "x".repeat(281);
    let long_purpose = Attempt::List(ops::ListEventsRequest { purpose, ..Default::default() });
    let token = Attempt::List(ops::ListEventsRequest {
        page_token: "of-another-filter".to_owned(),
        ..Default::default()
    });
    let evidence = Attempt::Evidence(beyond);
    vec![
        unknown("never given", never),
        unknown("no lease at all", Bytes::new()),
        unknown("cut", cut),
        anothers("forged", "pk/police", flipped),
        anothers("given to another", "pk/health", given),
        refused(93, "a tail from beyond the end", tail, Code::OutOfRange, "OUT_OF_RANGE"),
        refused(93, "evidence from beyond the end", evidence, Code::OutOfRange, "OUT_OF_RANGE"),
        invalid(93, "a negative page", page(-1), "FIELD_INVALID"),
        invalid(93, "a page of a million", page(1_000_000), "FIELD_INVALID"),
        invalid(93, "a tail from a million back", long_tail, "FIELD_INVALID"),
        invalid(93, "another filter's page", token, "FIELD_INVALID"),
        invalid(93, "a purpose of 281 characters", long_purpose, "TOO_LARGE"),
        invalid(84, "65 hand-outs at a time", Attempt::Open(65), "FIELD_INVALID"),
        refused(
            94,
            "one stream too many",
            Attempt::Tails(STREAMS_MAX + 1),
            Code::ResourceExhausted,
            "TOO_MANY_STREAMS",
        ),
    ]
}
