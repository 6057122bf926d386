//! What is refused is not written: nobody fills another's disk with what it does not take.

use barid_message::Reason;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::federation::v1::{Answer, Lane};
use barid_proto::message::v1 as pb;

use super::link::Link;
use super::scene::Scene;
use super::{books, forge};
use crate::harness::{header_of, id_of};

/// Slots that come without a pause, so that many are checked side by side.
const BURST: usize = 200;
/// Places of the smallest inbox there is.
const INBOX_MAX: usize = 100;

/// Sends messages to a recipient as the slots from number 1 on, all at once; gives what is
/// said of each.
async fn burst(
    scene: &Scene,
    link: &mut Link,
    messages: &[pb::SignedMessage],
    to: &str,
) -> Vec<(Answer, Reason)> {
    for (number, message) in (1..).zip(messages) {
        let slot = forge::slot(forge::transfer(scene, message, &[to]));
        link.slot(Lane::Routine, number, &slot).await;
    }
    let mut said = Vec::new();
    while said.len() < messages.len() {
        for answer in link.statement().await.answers {
            said.push((answer.recipients[0].answer(), answer.recipients[0].reason()));
        }
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_is_written_once_however_often_and_with_whatever_it_comes() {
    let mut scene = Scene::start().await;
    let message = forge::signed(&scene, forge::note(&scene, "once", "pk/customs"));
    let created_at = header_of(&message).times.and_then(|times| times.created_at);
    let created_at = Millis::from_proto(&created_at.expect("row 8")).expect("a time");
    let id = MessageId::parse(&id_of(&message)).expect("an id");
    let other = forge::note(&scene, "twice", "pk/customs").id(id).created_at(created_at);
    let other = forge::signed(&scene, other);
    let messages: Vec<_> = (0..BURST).map(|n| [&message, &other][n % 2].clone()).collect();
    let mut link = scene.link().await;
    let said = burst(&scene, &mut link, &messages, "pk/customs").await;
    let taken = (Answer::Taken, Reason::Unspecified);
    let refused = (Answer::Refused, Reason::DuplicateIdConflict);
    assert!(said.iter().enumerate().all(|(n, said)| *said == [taken, refused][n % 2]), "{said:?}");
    assert_eq!(scene.written(), 1);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "once");
    // Both headers are on record, and the first such lies of a minute singly.
    scene.others_notice_nothing().await;
    assert!(scene.pk.stop().status.success());
    let digests = [&other, &message].map(forge::header_digest);
    let lies = books::lies(&scene.pk.data(), super::scene::IR);
    assert!(lies.len() >= 10 && lies.len() <= BURST / 2, "{}", lies.len());
    for lie in lies {
        assert_eq!(lie.reason(), Reason::DuplicateIdConflict);
        assert_eq!([lie.found.to_vec(), lie.expected.to_vec()], digests);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_inbox_does_not_take_is_not_written() {
    let mut scene = Scene::start().await;
    assert!(scene.pk.stop().status.success());
    scene.pk.edit("# inbox_messages_max = 100000", "inbox_messages_max = 100");
    scene.pk.restart();
    let note = |n: usize| forge::note(&scene, &format!("note {n}"), "pk/border-guard");
    let messages: Vec<_> = (0..BURST).map(|n| forge::signed(&scene, note(n))).collect();
    let mut link = scene.link().await;
    let said = burst(&scene, &mut link, &messages, "pk/border-guard").await;
    let (taken, deferred) = said.split_at(INBOX_MAX);
    assert!(taken.iter().all(|said| *said == (Answer::Taken, Reason::Unspecified)), "{taken:?}");
    let later = (Answer::Deferred, Reason::Overloaded);
    assert!(deferred.iter().all(|said| *said == later), "{deferred:?}");
    assert_eq!(scene.written(), INBOX_MAX);
    assert_eq!(scene.misbehaviour().await, []);
}
