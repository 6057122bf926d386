//! How refusals read.

use barid_proto::exchange::v1 as exchange;
use barid_proto::message::v1 as pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::scene::Scene;
use crate::harness::within;

async fn refusal(scene: &Scene, message: pb::SignedMessage) -> Status {
    let message = Some(message);
    let mut rpc = scene.node.raw("pk/customs");
    within(rpc.submit_message(exchange::SubmitMessageRequest { message }))
        .await
        .expect_err("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_are_told_at_once_and_none_repeats_what_was_sent() {
    let scene = Scene::new().await;
    let mut message = scene.with_header(|header| {
        header.status.as_mut().expect("row 3").code = 999;
        header.identity.as_mut().expect("row 2").case_ref = "SECRET\u{202e}".to_owned();
        header.recipients[0].role = 0;
        let again = header.recipients[0].clone();
        header.recipients.push(again);
    });
    message.body = scene.with_text("SECRET\u{7}").body;

    let status = refusal(&scene, message).await;

    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("barid", "UNKNOWN_CODE"));
    assert_eq!(status.code(), Code::InvalidArgument);
    let faults = &details.bad_request().expect("a BadRequest").field_violations;
    let told: Vec<(&str, bool)> = faults
        .iter()
        .map(|fault| (fault.field.as_str(), fault.description.contains('[')))
        .collect();
    let expected = [
        "header.status.code",
        "header.recipients[0].role",
        "header.recipients[1].role",
        "header.recipients[1].address",
        "header.identity.case_ref",
        "body",
    ];
    assert_eq!(told, expected.map(|path| (path, true)));
    let all = format!("{status:?}");
    assert!(!all.contains("SECRET") && !all.contains("999"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recipient_that_is_not_permitted_is_told() {
    let scene = Scene::new().await;
    let to = |addresses: &[&str]| {
        let recipients = addresses.iter().map(|address| pb::Recipient {
            target: Some(pb::recipient::Target::Address((*address).to_owned())),
            role: pb::RecipientRole::Info.into(),
        });
        recipients.collect()
    };
    let addresses = ["pk/police", "pk/nobody", "pk/health", "pk/coast-guard"];
    let told = |status: &Status| -> Vec<String> {
        let details = status.get_error_details();
        let faults = &details.bad_request().expect("a BadRequest").field_violations;
        faults.iter().map(|fault| fault.field.clone()).collect()
    };
    let status = refusal(&scene, scene.with_header(|h| h.recipients = to(&addresses))).await;
    assert_eq!(told(&status), ["header.recipients[1].address", "header.recipients[3].address"]);
    // Under no agreement nobody may be addressed, and nothing is said of names.
    let message = scene.with_header(|header| {
        header.recipients = to(&addresses);
        let legal = header.legal.as_mut().expect("row 13");
        legal.agreement.as_mut().expect("an agreement").version += 1;
    });
    assert_eq!(told(&refusal(&scene, message).await), ["header.legal.agreement"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_forbidden_recipients_answer_alike() {
    let scene = Scene::new().await;
    let to = |address: &str| {
        let target = pb::recipient::Target::Address(address.to_owned());
        scene.with_header(|header| header.recipients[0].target = Some(target))
    };
    // Hosted here, and no party of the agreement; and nobody at all.
    let forbidden = refusal(&scene, to("pk/coast-guard")).await;
    let unknown = refusal(&scene, to("pk/nobody")).await;

    assert_eq!(forbidden.code(), Code::PermissionDenied);
    assert_eq!(forbidden.code(), unknown.code());
    assert_eq!(forbidden.message(), unknown.message());
    assert_eq!(forbidden.details(), unknown.details());
}
