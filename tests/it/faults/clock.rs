//! A wall clock that jumps under a running node.

use std::time::Duration;

use barid_link::client::{CallError, SubmitError};
use barid_message::Reason;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, now, within};

const HOUR_MS: i64 = 3_600_000;

/// One hour on and back, and ten years on.
const JUMPS_MS: [i64; 3] = [HOUR_MS, -HOUR_MS, 10 * 365 * 24 * HOUR_MS];

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_expires_nothing_and_takes_nothing_until_it_is_back() {
    let mut node = Node::site(&["pk/customs", "pk/police"]).make();
    node.restart_moved();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let operator = node.operator();
    for by_ms in JUMPS_MS {
        // It would be over by the clock that is wrong.
        let soon = barid_message::time::Millis(now().0 + 600_000);
        let draft = customs.note("before").to(&police.address).expires_at(soon);
        customs.send(draft).await;
        node.process().set_wall(by_ms);
        // The same mail again and again: refused only while the clock is in doubt.
        let refused = within(async {
            loop {
                let message = customs.sign(customs.note("meanwhile").to(&police.address));
                match customs.client.submit(message).await {
                    Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(SubmitError::Call(CallError::Refused(refused))) => break refused,
                    Err(other) => panic!("{by_ms}: {other}"),
                }
            }
        });
        let refused = refused.await;
        assert_eq!(
            (refused.reason, refused.code),
            (Reason::ClockSuspect, tonic::Code::Unavailable)
        );
        assert!(refused.retry_after.is_some(), "and says when to try again");
        assert_eq!(police.inbox().take().await, "before", "deliveries go on, and nothing expired");

        node.process().set_wall(0);
        let confirm = ops::ConfirmClockRequest {};
        within(operator.confirm_clock(confirm)).await.expect("an operator believes it");
        customs.send(customs.note("after").to(&police.address)).await;
        let mut inbox = police.inbox();
        while inbox.take().await != "after" {}
    }
    let totals = node.totals().await;
    assert_eq!((totals.expired, totals.non_delivered, totals.outstanding), (0, 0, 0));
    assert!(node.stop().status.success());
}
