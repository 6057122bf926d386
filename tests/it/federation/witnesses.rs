//! Nodes that watch one another's audit logs.

mod tools;

use std::time::Duration;

use barid_audit::checkpoint::{Checkpoint, SignedCheckpoint};
use barid_audit::note::{KeyName, LogKey, LogSigner, Note, WitnessKey};
use barid_audit::tree::{Frontier, Hash, Subtrees, consistency};
use barid_link::card::Card;
use barid_link::stub::audit::witness_service_client::WitnessServiceClient;
use barid_link::tls::ConnectorConfig;
use barid_message::Reason;
use barid_message::key::SigningKey;
use barid_node::config::Config;
use barid_proto::audit::v1 as pb;
use barid_proto::operations::v1::{GetStatusRequest, Problem, ProblemKind, Severity};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::border::{Border, Neighbour, card, join_all, listens};
use super::liar::books::{lies, misbehaviour};
use crate::harness::{Node, channel, within};

/// Heads every second, and none without a cosignature is trusted.
fn watchful() -> Border {
    let mut border = Border::made(None);
    border.sign_heads_each_second();
    for node in [&border.pk, &border.ir] {
        node.edit("# cosignatures_needed = 0", "cosignatures_needed = 1");
    }
    border.pk.restart();
    border.ir.restart();
    border
}

fn domain(node: &Node) -> String {
    Config::load(&node.config()).expect("its configuration").node.trust_domain.to_string()
}

fn witness_key(node: &Node) -> WitnessKey {
    let card = Card::from_text(&card(node, None)).expect("a card");
    let name = KeyName::parse(&format!("{}/witness", domain(node))).expect("a name");
    WitnessKey::new(name, card.witness_keys()[0].key.clone()).expect("Ed25519")
}

/// The newest head that the other has cosigned.
async fn cosigned(node: &Node, by: &Node) -> SignedCheckpoint {
    let (client, witness) = (node.operator().audit(), [witness_key(by)]);
    within(async {
        loop {
            let request = pb::GetCheckpointRequest { position: None };
            if let Ok(answer) = client.checkpoint(request).await {
                let key = LogKey::from_vkey(&answer.log_key).expect("a key");
                let head = SignedCheckpoint::open(&answer.checkpoint, &key).expect("signed");
                if !head.cosigned_by(&witness).expect("that hold").is_empty() {
                    return head;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

/// Waits until a node says that a log contradicts itself: whose.
async fn contradicted(node: &Node, subject: &str) -> Problem {
    let is_it = |it: &Problem| it.kind() == ProblemKind::LogContradicted && it.subject == subject;
    within(async {
        loop {
            let status = node.operator().status(GetStatusRequest {}).await.expect("its state");
            if let Some(problem) = status.problems.into_iter().find(is_it) {
                return problem;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_cosign_each_others_heads() {
    let mut border = watchful();
    // pk calls: both its head and that of ir go over the one link.
    let first = cosigned(&border.pk, &border.ir).await;
    cosigned(&border.ir, &border.pk).await;
    let customs = border.customs().await;
    customs.send(customs.note("one more").to(&crate::harness::address("ir/police"))).await;
    let next = within(async {
        loop {
            let head = cosigned(&border.pk, &border.ir).await;
            if head.checkpoint().size > first.checkpoint().size {
                return head;
            }
        }
    })
    .await;
    border.pk.stop();
    let kept = std::fs::read(border.pk.data().join("log/1/cosigned")).expect("it is kept");
    let kept = Note::parse(&kept).expect("a note");
    let kept = Checkpoint::parse(kept.text()).expect("a checkpoint");
    assert!(kept.size >= next.checkpoint().size);
}

/// A log that began anew under its old name is noticed by the partner, who has the proof,
/// and by the node itself, whom the partner tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rewritten_is_noticed_by_both() {
    let mut border = watchful();
    let before = cosigned(&border.pk, &border.ir).await;
    border.pk.stop();
    std::fs::remove_dir_all(border.pk.data()).expect("its data");
    border.pk.restart();
    let problem = contradicted(&border.ir, "pk").await;
    assert_eq!(problem.severity(), Severity::Critical);
    contradicted(&border.pk, "").await;
    let identity = format!("spiffe://{}/node", domain(&border.pk));
    border.ir.stop();
    let lies = lies(&border.ir.data(), &identity);
    let log = lies.iter().find(|lie| !lie.found_head.is_empty()).expect("on record");
    let key = log_signer(&border.pk);
    let found = SignedCheckpoint::open(&log.found_head, key.public()).expect("signed by pk");
    let known = SignedCheckpoint::open(&log.expected_head, key.public()).expect("signed by pk");
    assert_ne!(found.checkpoint(), known.checkpoint());
    assert!(known.checkpoint().size >= before.checkpoint().size);
    // It goes on to be told after a restart of the partner.
    border.ir.restart();
    contradicted(&border.ir, "pk").await;
}

fn log_signer(node: &Node) -> LogSigner {
    let config = Config::load(&node.config()).expect("its configuration");
    let name = KeyName::parse(&format!("{}/log/1", config.node.trust_domain)).expect("a name");
    LogSigner::new(name, config.audit.read_keys().expect("its keys").log).expect("Ed25519")
}

/// Calls one node as another, by hand.
fn as_peer(caller: &Node, called: &Node) -> WitnessServiceClient<tonic::transport::Channel> {
    let read = |name: &str| std::fs::read(caller.dir.join("node/keys").join(name)).expect(name);
    let config = ConnectorConfig {
        endpoint: format!("https://{}", listens(called)).parse().expect("an endpoint"),
        server_name: "localhost".into(),
        node: format!("spiffe://{}/node", domain(called)).parse().expect("an identity"),
        certificate: read("tls.pem"),
        key: read("tls-key.pem"),
        ca: std::fs::read(called.dir.join("ca/ca.pem")).expect("its CA"),
    };
    WitnessServiceClient::new(channel(config))
}

async fn add(
    client: &mut WitnessServiceClient<tonic::transport::Channel>,
    old_size: u64,
    proof: &[[u8; 32]],
    checkpoint: &SignedCheckpoint,
) -> Result<pb::AddCheckpointResponse, Status> {
    let proof = proof.iter().map(|hash| hash.to_vec().into()).collect();
    let checkpoint = checkpoint.to_bytes().into();
    let mut request = tonic::Request::new(pb::AddCheckpointRequest { old_size, proof, checkpoint });
    request.set_timeout(Duration::from_secs(20));
    within(client.add_checkpoint(request)).await.map(tonic::Response::into_inner)
}

fn refused(answer: Result<pb::AddCheckpointResponse, Status>, code: Code, reason: Reason) {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().expect("a reason");
    assert_eq!(info.reason, barid_message::reason::name(reason));
}

/// Rows 71, 89, 90, 91 and 92 of the catalogue of abuse.
#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_none_are_refused_by_code() {
    let mut border = Border::made(None);
    border.ir.restart();
    let mut client = as_peer(&border.pk, &border.ir);
    let key = log_signer(&border.pk);
    let head = |size: u64, root: u8, key: &LogSigner| {
        let origin = key.public().name().clone();
        Checkpoint { origin, size, root: Hash([root; 32]) }.sign(key).expect("its own log")
    };
    let some = [[1; 32]];
    // Row 91: a proof where none may be, and one that is too long.
    let answer = add(&mut client, 0, &some, &head(10, 7, &key)).await;
    refused(answer, Code::InvalidArgument, Reason::ProofInvalid);
    let answer = add(&mut client, 0, &[[1; 32]; 64], &head(10, 7, &key)).await;
    refused(answer, Code::InvalidArgument, Reason::ProofInvalid);
    // The first head is believed, and the same again.
    for old in [0, 10] {
        let answer = add(&mut client, old, &[], &head(10, 7, &key)).await.expect("cosigned");
        let Some(pb::add_checkpoint_response::Answer::Cosignature(line)) = answer.answer else {
            panic!("{answer:?}");
        };
        let signature = barid_audit::note::NoteSignature::parse(&line).expect("a line");
        let text = head(10, 7, &key).note().text().to_owned();
        witness_key(&border.ir).verify(&text, &signature).expect("by ir, over this head");
    }
    // Another old size than is held.
    let answer = add(&mut client, 3, &some, &head(12, 8, &key)).await.expect("an answer");
    assert_eq!(answer.answer, Some(pb::add_checkpoint_response::Answer::HeldSize(10)));
    // Row 92: of another log, or with another key; row 71: the evidence key is no log key.
    let config = Config::load(&border.pk.config()).expect("its configuration");
    let signer = |origin: &str, key: SigningKey| {
        LogSigner::new(KeyName::parse(origin).expect("a name"), key.into()).expect("Ed25519")
    };
    let origin = key.public().name().as_str();
    let evidence = || config.evidence.read().expect("its key");
    for (origin, key) in
        [(format!("{}/log/1", domain(&border.ir)), evidence()), (origin.to_owned(), evidence())]
    {
        let answer = add(&mut client, 10, &[], &head(10, 7, &signer(&origin, key))).await;
        refused(answer, Code::PermissionDenied, Reason::OtherLog);
    }
    // Row 91: a proof that does not hold. Row 90: the same size, another root. Row 89:
    // smaller.
    let answer = add(&mut client, 10, &some, &head(12, 8, &key)).await;
    refused(answer, Code::InvalidArgument, Reason::ProofInvalid);
    let answer = add(&mut client, 10, &[], &head(10, 8, &key)).await;
    refused(answer, Code::FailedPrecondition, Reason::HeadForked);
    let answer = add(&mut client, 0, &[], &head(9, 7, &key)).await;
    refused(answer, Code::FailedPrecondition, Reason::HeadRolledBack);
    let answer = add(&mut client, 10, &[], &head(10, 7, &key)).await.expect("an answer");
    assert!(answer.answer.is_some(), "what was held is held");
    let identity = format!("spiffe://{}/node", domain(&border.pk));
    contradicted(&border.ir, "pk").await;
    border.ir.stop();
    let told = misbehaviour(&border.ir.data(), &identity);
    assert_eq!(told, [Reason::ProofInvalid, Reason::HeadForked, Reason::HeadRolledBack]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_without_end_is_told_to_wait() {
    let mut border = Border::made(None);
    border.ir.restart();
    let mut client = as_peer(&border.pk, &border.ir);
    let status = within(async {
        loop {
            let mut request = tonic::Request::new(pb::ExchangeHeadsRequest::default());
            request.set_timeout(Duration::from_secs(20));
            if let Err(status) = client.exchange_heads(request).await {
                break status;
            }
        }
    })
    .await;
    refused(Err(status), Code::ResourceExhausted, Reason::Overloaded);
}

/// A log of numbers that goes another way from a leaf on.
#[derive(Clone, Copy)]
struct Numbers {
    fork_at: u64,
}

impl Subtrees for Numbers {
    type Error = std::convert::Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            let leaf = if index < self.fork_at { index } else { !index };
            return Ok(Hash::of_leaf(&leaf.to_be_bytes()));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        Ok(Hash::of_node(left, self.subtree(level - 1, 2 * index + 1)?))
    }
}

impl Numbers {
    /// Shows a witness the head of so many leaves.
    async fn show(
        self,
        client: &mut WitnessServiceClient<tonic::transport::Channel>,
        key: &LogSigner,
        (old, size): (u64, u64),
    ) -> Result<Option<u64>, Status> {
        let root = Frontier::of(&self, size).expect("a tree").root();
        let origin = key.public().name().clone();
        let head = Checkpoint { origin, size, root }.sign(key).expect("its own log");
        let proof = consistency(&self, old, size).expect("a tree");
        let proof: Vec<_> = proof.into_iter().map(|hash| hash.0).collect();
        let answer = add(client, old, &proof, &head).await?.answer;
        match answer.expect("an answer") {
            pb::add_checkpoint_response::Answer::Cosignature(_) => Ok(None),
            pb::add_checkpoint_response::Answer::HeldSize(size) => Ok(Some(size)),
        }
    }

    /// Shows the same head again until the witness has heard of another one.
    async fn until_told(
        self,
        client: &mut WitnessServiceClient<tonic::transport::Channel>,
        key: &LogSigner,
        size: u64,
    ) -> u64 {
        within(async {
            loop {
                let shown = self.show(client, key, (size, size)).await;
                if let Some(other) = shown.expect("the head that it holds") {
                    return other;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
    }
}

/// A log that shows its two partners different histories, neither of which it takes back:
/// the partners compare, and one of them gets to ask for what cannot be shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_split_view_meets_an_honest_path() {
    let mut border = Border::made(None);
    let af = Node::site(&["af/police"]).named("af").make();
    let [pk_card, ir_card, af_card] = [&border.pk, &border.ir, &af].map(|node| card(node, None));
    let known = |name, card, is_called| Neighbour { name, card, is_called };
    join_all(&border.pk, &[known("ir", &ir_card, true), known("af", &af_card, false)]);
    join_all(&border.ir, &[known("pk", &pk_card, false), known("af", &af_card, false)]);
    border.sign_heads_each_second();
    border.pk.restart();
    border.ir.restart();
    let key = log_signer(&af);
    let (mut pk, mut ir) = (as_peer(&af, &border.pk), as_peer(&af, &border.ir));
    let (honest, other) = (Numbers { fork_at: u64::MAX }, Numbers { fork_at: 17 });
    // One history of two sizes: each is shown to continue what the other has seen.
    assert_eq!(honest.show(&mut pk, &key, (0, 10)).await.expect("cosigned"), None);
    assert_eq!(honest.show(&mut ir, &key, (0, 14)).await.expect("cosigned"), None);
    assert_eq!(honest.until_told(&mut ir, &key, 14).await, 10);
    assert_eq!(honest.show(&mut ir, &key, (10, 20)).await.expect("an answer"), Some(14));
    assert_eq!(honest.show(&mut ir, &key, (14, 20)).await.expect("cosigned"), None);
    // Another one for pk, which shows whatever pk asks for. It goes well until pk has heard
    // of a head that ir was shown.
    let status = within(async {
        let mut old = 10;
        loop {
            match other.show(&mut pk, &key, (old, 25)).await {
                Ok(Some(asked)) => old = asked,
                Ok(None) => {
                    old = 25;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(status) => break status,
            }
        }
    })
    .await;
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    contradicted(&border.pk, "af").await;
    border.pk.stop();
    let identity = format!("spiffe://{}/node", domain(&af));
    let lies = lies(&border.pk.data(), &identity);
    assert_eq!(lies[0].reason(), Reason::HeadForked);
    for head in [&lies[0].found_head, &lies[0].expected_head] {
        SignedCheckpoint::open(head, key.public()).expect("signed by af");
    }
}
