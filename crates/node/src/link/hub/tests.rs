//! Which of two calls stays, and who may say how the link stands.

use std::sync::Arc;

use super::{Hub, State};

#[tokio::test]
async fn of_two_calls_at_once_the_smaller_identity_s_stays_at_both_ends() {
    let (a, b): (Arc<str>, Arc<str>) = ("spiffe://a/node".into(), "spiffe://b/node".into());
    let at_a = Hub::new(&a, [Arc::clone(&b)].into_iter());
    let at_b = Hub::new(&b, [Arc::clone(&a)].into_iter());
    // Each end sees its own call first.
    let from_a = at_a.sit(&b, true).unwrap();
    let from_b = at_b.sit(&a, true).unwrap();
    assert!(at_a.sit(&b, false).is_none());
    let stays = at_b.sit(&a, false).unwrap();
    assert!(from_b.cancel.is_cancelled() && !from_a.cancel.is_cancelled());
    drop(from_b);
    assert!(!stays.cancel.is_cancelled());
    at_b.is_live(&a, stays.number);
    assert!(at_b.sit(&a, true).is_none(), "just live, and the smaller identity's");
    drop(stays);
    at_b.free(&a).await;
}

#[tokio::test]
async fn a_newer_call_of_the_same_side_ends_the_older() {
    let b: Arc<str> = "spiffe://b/node".into();
    let hub = Hub::new("spiffe://a/node", [Arc::clone(&b)].into_iter());
    let older = hub.sit(&b, false).unwrap();
    let newer = hub.sit(&b, false).unwrap();
    assert!(older.cancel.is_cancelled() && !newer.cancel.is_cancelled());
    hub.report_of(&b, newer.number, |report| report.state = State::Live);
    hub.report_of(&b, older.number, |report| report.state = State::Down);
    assert_eq!(hub.read(&b).state, State::Live, "the older has nothing to say");
    hub.not_opened(&b, "nobody there".into());
    assert_eq!(hub.read(&b).state, State::Live, "the peer has called meanwhile");
    assert!(hub.sit(&"spiffe://c/node".into(), false).is_none());
}
