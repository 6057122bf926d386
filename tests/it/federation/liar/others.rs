//! While one node lies, the others work: an honest link is under load all the time, and goes
//! on during each lie.

use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::Timestamp;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{
    Answer, CustodyStatement, Data, Heartbeat, Lane, RecipientAnswer, SlotAnswer,
};
use barid_proto::message::v1 as pb;
use barid_proto::operations::v1 as ops;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::link::Link;
use super::scene::{self, IR, LOG, PK, Scene};
use super::{books, forge};
use crate::federation::border::card;
use crate::harness::{Agency, Node, address, header_of, id_of, now, within};

/// Slots of the flood, as many as may wait for a receipt.
const FLOOD: u64 = 1_024;
/// Rounds that the honest make during each lie.
const ROUNDS: u64 = 3;

/// Two agencies of honest nodes, which write to each other without a pause.
struct Honest {
    rounds: watch::Receiver<u64>,
    _writing: JoinSet<()>,
}

impl Honest {
    async fn start(scene: &Scene) -> Self {
        let (made, rounds) = watch::channel(0);
        let (guard, police) =
            (scene.pk.agency("pk/border-guard").await, scene.af.agency("af/police").await);
        let mut writing = JoinSet::new();
        writing.spawn(async move {
            let (mut at_guard, mut at_police) = (guard.inbox(), police.inbox());
            loop {
                guard.send(guard.note("all quiet?").to(&police.address)).await;
                assert_eq!(at_police.take().await, "all quiet?");
                police.send(police.note("all quiet").to(&guard.address)).await;
                assert_eq!(at_guard.take().await, "all quiet");
                made.send_modify(|rounds| *rounds += 1);
            }
        });
        Self { rounds, _writing: writing }
    }

    /// Waits until they have made some more rounds, from now on.
    async fn go_on(&mut self, what: &str) {
        let more = *self.rounds.borrow() + ROUNDS;
        within(self.rounds.wait_for(|rounds| *rounds >= more)).await.expect(what);
    }
}

/// Since when the honest link is up.
async fn honest_since(scene: &Scene) -> (ops::LinkState, Option<Timestamp>) {
    let request = ops::ListPeersRequest { name: "af".to_owned() };
    let peers = within(scene.pk.operator().list_peers(request)).await.expect("the peers").peers;
    (peers[0].state(), peers[0].since)
}

fn note(scene: &Scene, words: &str) -> pb::SignedMessage {
    forge::signed(scene, forge::note(scene, words, "pk/customs"))
}

/// Another message under the id of this one.
fn twin(scene: &Scene, message: &pb::SignedMessage) -> pb::SignedMessage {
    let created_at = header_of(message).times.and_then(|times| times.created_at);
    let created_at = Millis::from_proto(&created_at.expect("row 8")).expect("a time");
    let id = MessageId::parse(&id_of(message)).expect("an id");
    let draft = forge::note(scene, "a twin", "pk/customs").id(id).created_at(created_at);
    forge::signed(scene, draft)
}

async fn say(scene: &Scene, link: &mut Link, number: u64, message: &pb::SignedMessage) {
    let slot = forge::slot(forge::transfer(scene, message, &["pk/customs"]));
    link.slot(Lane::Routine, number, &slot).await;
}

async fn answer(link: &mut Link) -> (Answer, Reason) {
    let said = link.statement().await.answers[0].recipients[0];
    (said.answer(), said.reason())
}

/// A receipt for a slot that pk has never sent.
fn never_sent(link: &Link) -> CustodyStatement {
    let digest = Digest::of(b"nothing").0;
    let taken = RecipientAnswer { answer: Answer::Taken.into(), ..Default::default() };
    CustodyStatement {
        issuer: IR.to_owned(),
        log_origin: LOG.to_owned(),
        peer: PK.to_owned(),
        peer_log_origin: link.theirs.log_origin.clone(),
        lane: Lane::Routine.into(),
        answers: vec![SlotAnswer {
            number: 1,
            slot_digest: digest.to_vec().into(),
            recipients: vec![taken],
        }],
        chain: Digest::of(&[[0; 32], digest].concat()).0.to_vec().into(),
        time: Some(now().to_proto()),
    }
}

/// Lies in what is sent.
async fn lie_about_mail(scene: &Scene, honest: &mut Honest, true_one: &pb::SignedMessage) {
    let police: Agency = scene.af.agency("af/police").await;
    let theirs = police.sign(police.note("not yours").to(&address("pk/customs")));
    let mut link = scene.link().await;
    say(scene, &mut link, 1, &theirs).await;
    assert_eq!(answer(&mut link).await, (Answer::Refused, Reason::PeerNotCovering));
    honest.go_on("another agency's mail").await;
    say(scene, &mut link, 2, true_one).await;
    assert_eq!(answer(&mut link).await.0, Answer::Taken);
    say(scene, &mut link, 3, &twin(scene, true_one)).await;
    assert_eq!(answer(&mut link).await, (Answer::Refused, Reason::DuplicateIdConflict));
    honest.go_on("two messages of one id").await;
    say(scene, &mut link, 3, &note(scene, "in its place")).await;
    assert_eq!(link.closed().await, Reason::SlotConflict);
    honest.go_on("a number for something else").await;
    let mut link = scene.link().await;
    say(scene, &mut link, 5, &note(scene, "behind a gap")).await;
    assert_eq!(link.closed().await, Reason::LinkProtocol);
    honest.go_on("a gap").await;
    let mut link = scene.link().await;
    link.say(forge::receipt(&never_sent(&link), &scene.key)).await;
    assert_eq!(link.closed().await, Reason::LinkProtocol);
    honest.go_on("a receipt for nothing").await;
}

/// Lies in how it is sent: the connection stays up meanwhile.
async fn hold_up(scene: &Scene, honest: &mut Honest) {
    let link = scene.link().await;
    let piece = Data {
        lane: Lane::Routine.into(),
        number: 4,
        slot_bytes: 10,
        piece: vec![0; 4].into(),
        bytes_sent: 4,
        ..Default::default()
    };
    link.say(Kind::Data(piece)).await;
    honest.go_on("a stall in a slot").await;
    let mut link = scene.link().await;
    let mut transfer = forge::transfer(scene, &note(scene, "flood"), &["pk/customs"]);
    transfer.acceptance = None;
    let slot = forge::slot(transfer);
    for number in 4..4 + FLOOD {
        link.slot(Lane::Routine, number, &slot).await;
        link.say(Kind::Heartbeat(Heartbeat::default())).await;
    }
    honest.go_on("a flood").await;
    let last = 3 + FLOOD;
    while link.statement().await.answers.last().is_none_or(|answer| answer.number < last) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_link_is_at_work_during_every_lie() {
    let mut scene = Scene::start().await;
    let mut honest = Honest::start(&scene).await;
    honest.go_on("nobody lies yet").await;
    let before = honest_since(&scene).await;
    assert_eq!(before.0, ops::LinkState::Live);
    // With a card of somebody else's.
    let stranger = Node::site(&["tj/customs"]).named("tj").make();
    let shown = barid_link::card::Card::from_text(&card(&scene.pk, None)).expect("a card");
    assert!(scene::call(&scene::connector(&stranger, &shown)).await.is_err());
    honest.go_on("a wrong card").await;
    let true_one = note(&scene, "true");
    Box::pin(lie_about_mail(&scene, &mut honest, &true_one)).await;
    Box::pin(hold_up(&scene, &mut honest)).await;
    assert_eq!(honest_since(&scene).await, before, "the honest link was never down");
    drop(honest);
    assert_eq!(scene.pk.agency("pk/customs").await.peek(&[]).await, ["true"]);
    assert!(scene.pk.stop().status.success());
    let lies = books::lies(&scene.pk.data(), IR);
    let reasons: Vec<_> = lies.iter().map(|lie| lie.reason()).collect();
    let (twice, other, breach) =
        (Reason::DuplicateIdConflict, Reason::SlotConflict, Reason::LinkProtocol);
    assert_eq!(reasons, [twice, other, breach, breach]);
    for lie in &lies[..2] {
        assert!(lie.found.len() == 32 && lie.expected.len() == 32 && lie.found != lie.expected);
    }
    assert_eq!(lies[0].expected, forge::header_digest(&true_one));
    assert_eq!(books::misbehaviour(&scene.pk.data(), "spiffe://af.example/node"), []);
}
