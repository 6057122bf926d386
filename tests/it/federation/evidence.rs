//! Evidence of a message that crossed a border, in one file.

use barid_audit::bundle::{Bundle, Fingerprint, Refused, Trust, Verdict, join};
use barid_audit::entry::Body;
use barid_audit::note::{KeyName, LogKey, WitnessKey};
use barid_link::client::CallError;
use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::id::MessageId;
use barid_node::config::Config;
use barid_proto::audit::v1::{Event, EvidenceBundle};
use barid_proto::operations::v1::ExportEvidenceRequest;
use prost::Message as _;
use prost::bytes::Bytes;

use super::border::Border;
use crate::harness::{Node, entries, within};

fn asked(id: &MessageId) -> ExportEvidenceRequest {
    ExportEvidenceRequest {
        message_id: id.to_string(),
        purpose: "case 17/2027".into(),
        ..ExportEvidenceRequest::default()
    }
}

async fn export(node: &Node, request: ExportEvidenceRequest) -> Result<Bytes, CallError> {
    within(node.operator().export_evidence(request)).await.map(Bytes::from)
}

/// The keys of these nodes' logs and of all their agencies, and of both as witnesses of whom
/// one must have cosigned; from their own folders.
fn trust(nodes: &[&Node], witnesses: [&Node; 2]) -> String {
    let mut lines = vec!["barid-trust 1".to_owned(), "quorum 1".to_owned()];
    for node in witnesses {
        let config = Config::load(&node.config()).expect("what init made");
        let key = config.audit.read_keys().expect("keys").witness;
        let name = KeyName::parse(&format!("{}/witness", config.node.trust_domain));
        let key = WitnessKey::new(name.expect("a name"), key.public().clone());
        lines.push(Fingerprint::Witness(key.expect("an Ed25519 key").to_vkey()).to_string());
    }
    for node in nodes {
        let config = Config::load(&node.config()).expect("what init made");
        let key = config.audit.read_keys().expect("keys").log;
        let name = KeyName::parse(&format!("{}/log/1", config.node.trust_domain)).expect("a name");
        let log = LogKey::new(name, key.public().clone()).expect("an Ed25519 key");
        lines.push(Fingerprint::Log(log.to_vkey()).to_string());
        for agency in &config.agencies {
            let keys = agency.keys.iter().map(|key| Digest::of(key.key.spki()));
            let keys = keys.map(|key| Fingerprint::Agency(agency.address.to_string(), key));
            lines.extend(keys.map(|key| key.to_string()));
        }
    }
    lines.join("\n")
}

/// The key that a node signs evidence with.
fn node_line(node: &Node) -> Fingerprint {
    let config = Config::load(&node.config()).expect("what init made");
    let key = config.evidence.read().expect("a key");
    let identity = format!("spiffe://{}/node", config.node.trust_domain);
    Fingerprint::Node(identity, Digest::of(key.public().spki()))
}

fn refusal(answer: Result<Bytes, CallError>) -> Reason {
    match answer {
        Err(CallError::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_message_is_proven_from_one_file() {
    let mut border = Border::made(None);
    // Cosigned within a second or two, not within ten.
    border.sign_heads_each_second();
    border.pk.restart();
    border.ir.restart();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let id = customs.send(customs.note("white truck").to(&police.address)).await;
    assert_eq!(police.inbox().take().await, "white truck");
    customs.told(id, Event::HandedOver).await;
    let (pk, ir) = (export(&border.pk, asked(&id)).await, export(&border.ir, asked(&id)).await);
    let (pk, ir) = (pk.expect("pk's bundle"), ir.expect("ir's bundle"));
    let whole = join(&[pk.clone(), ir]).expect("they go together");
    let witnesses = [&border.pk, &border.ir];
    let both = trust(&witnesses, witnesses);
    let both = Trust::parse(both.as_bytes()).expect("a trust file");
    let bundle = Bundle::open(&whole).expect("it holds");
    assert_eq!(bundle.judge(Some(&both)), Verdict::Proven);
    let events: Vec<_> = bundle.statements().iter().map(|one| one.event()).collect();
    for event in [Event::SubmissionAccepted, Event::RelayAccepted, Event::HandedOver] {
        assert!(events.contains(&event), "{event:?} is missing: {events:?}");
    }
    // Whose key ir's word is signed with, pk alone cannot say.
    let pk_alone = trust(&[&border.pk], witnesses);
    let with_ir = format!("{pk_alone}\n{}", node_line(&border.ir));
    let [pk_alone, with_ir] =
        [pk_alone, with_ir].map(|text| Trust::parse(text.as_bytes()).expect("a trust file"));
    let of_pk = Bundle::open(&pk).expect("it holds");
    assert_eq!(of_pk.judge(Some(&with_ir)), Verdict::Proven);
    for bundle in [&of_pk, &bundle] {
        let verdict = bundle.judge(Some(&pk_alone));
        assert!(matches!(verdict, Verdict::Refused(Refused::NotTrusted(_))), "{verdict:?}");
    }
    // A start later, and without the body.
    border.pk.restart();
    let request = ExportEvidenceRequest { without_body: true, ..asked(&id) };
    let without = export(&border.pk, request).await.expect("pk's bundle");
    let message = EvidenceBundle::decode(without.clone()).expect("a bundle").message;
    assert!(message.expect("a message").body.is_empty());
    assert_eq!(Bundle::open(&without).expect("it holds").judge(Some(&with_ir)), Verdict::Proven);
    // Who took it out, and why, is on record.
    border.pk.stop();
    let journal = entries(&border.pk.data());
    let read = journal.iter().filter_map(|entry| match &entry.body {
        Body::ReadOpened(facts) if facts.operation == "evidence" => Some(facts),
        _ => None,
    });
    let read: Vec<_> = read.collect();
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read.iter().all(|facts| facts.purpose == "case 17/2027"), "{read:?}");
    assert!(read.iter().all(|facts| facts.filter == id.to_string()), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_exported_for_a_reason_and_of_what_is_there() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let (customs, police) = (node.agency("pk/customs").await, node.agency("pk/police").await);
    let id = customs.send(customs.note("a van").to(&police.address)).await;
    let no_reason = ExportEvidenceRequest { purpose: " ".into(), ..asked(&id) };
    assert_eq!(refusal(export(&node, no_reason).await), Reason::FieldMissing);
    let long = ExportEvidenceRequest { purpose: "x".repeat(281), ..asked(&id) };
    assert_eq!(refusal(export(&node, long).await), Reason::TooLarge);
    let no_id = ExportEvidenceRequest { message_id: "x".into(), ..asked(&id) };
    assert_eq!(refusal(export(&node, no_id).await), Reason::IdInvalid);
    let nobody = ExportEvidenceRequest { origin_agency: "pk/police".into(), ..asked(&id) };
    assert_eq!(refusal(export(&node, nobody).await), Reason::NotFound);
    let no_address = ExportEvidenceRequest { origin_agency: "PK".into(), ..asked(&id) };
    assert_eq!(refusal(export(&node, no_address).await), Reason::AddressInvalid);
    // What has not ended yet is proven as far as it got.
    let bundle =
        Bundle::open(&export(&node, asked(&id)).await.expect("a bundle")).expect("it holds");
    let story: String = bundle.story().into_iter().map(|line| line.text + "\n").collect();
    assert!(story.contains("what became of it for pk/police"), "{story}");
}
