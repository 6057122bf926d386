//! Rows 9 to 21.

use barid_proto::message::v1 as pb;

use super::{Case, after, agreement, hold, info, legal};
use crate::reason::Reason;

#[test]
fn how_it_is_handled() {
    hold(HOW_IT_IS_HANDLED);
}

const HOW_IT_IS_HANDLED: &[Case] = &[
    (
        |h| {
            let (scheme, level) = ("eu".into(), String::new());
            h.classification = Some(pb::Classification { scheme, level });
        },
        Reason::FieldMissing,
        "classification.level",
    ),
    (
        |h| {
            let (scheme, level) = ("pk".into(), "SE\u{200d}CRET".into());
            h.classification = Some(pb::Classification { scheme, level });
        },
        Reason::TextInvalid,
        "classification.level",
    ),
    (|h| h.sharing = Some(pb::Sharing::default()), Reason::FieldMissing, "sharing"),
    (|h| h.sharing = Some(pb::Sharing { tlp: 9, pap: 0 }), Reason::UnknownCode, "sharing.tlp"),
    (|h| h.sharing = Some(pb::Sharing { tlp: 1, pap: 9 }), Reason::UnknownCode, "sharing.pap"),
    (
        |h| h.handling = vec![pb::Handling { code: 4, text: String::new() }],
        Reason::FieldMissing,
        "handling[0].text",
    ),
    (
        |h| h.handling = vec![pb::Handling { code: 2, text: String::new() }; 2],
        Reason::ListInvalid,
        "handling[1].code",
    ),
    (
        |h| h.handling = vec![pb::Handling { code: 2, text: String::new() }; 5],
        Reason::ListInvalid,
        "handling",
    ),
    (|h| h.onward = Some(pb::Onward::default()), Reason::FieldMissing, "onward.level"),
    (
        |h| h.onward = Some(pb::Onward { level: 1, ..Default::default() }),
        Reason::NotSupportedYet,
        "onward.level",
    ),
    (
        |h| {
            let named = vec!["ir/police".into()];
            h.onward = Some(pb::Onward { level: 3, named, group_id: String::new() });
        },
        Reason::NotSupportedYet,
        "onward.named",
    ),
];

#[test]
fn why_it_may_be_sent_and_what_it_holds() {
    hold(WHY_IT_MAY_BE_SENT_AND_WHAT_IT_HOLDS);
}

const WHY_IT_MAY_BE_SENT_AND_WHAT_IT_HOLDS: &[Case] = &[
    (|h| h.legal = None, Reason::FieldMissing, "legal"),
    (|h| legal(h).purposes.clear(), Reason::ListInvalid, "legal.purposes"),
    (|h| legal(h).purposes = vec![3, 3], Reason::ListInvalid, "legal.purposes[1]"),
    (|h| legal(h).purposes = vec![99], Reason::UnknownCode, "legal.purposes[0]"),
    (|h| legal(h).purposes = vec![0], Reason::FieldMissing, "legal.purposes[0]"),
    (|h| legal(h).agreement = None, Reason::FieldMissing, "legal.agreement"),
    (|h| agreement(h).id = String::new(), Reason::FieldMissing, "legal.agreement.id"),
    (|h| agreement(h).id = "a b".into(), Reason::FieldInvalid, "legal.agreement.id"),
    (|h| agreement(h).clause = "C\u{200c}a".into(), Reason::TextInvalid, "legal.agreement.clause"),
    (|h| agreement(h).version = 0, Reason::FieldMissing, "legal.agreement.version"),
    (|h| agreement(h).sha256 = vec![1; 31].into(), Reason::FieldInvalid, "legal.agreement.sha256"),
    (
        |h| h.data_protection.as_mut().unwrap().protection_guard = true,
        Reason::NotSupportedYet,
        "data_protection.protection_guard",
    ),
    (
        |h| h.data_protection.as_mut().unwrap().personal_data.clear(),
        Reason::FieldMissing,
        "data_protection.personal_data",
    ),
    (
        |h| h.data_protection.as_mut().unwrap().personal_data = vec![1, 2],
        Reason::ListInvalid,
        "data_protection.personal_data",
    ),
    (
        |h| h.data_protection.as_mut().unwrap().personal_data = vec![2],
        Reason::PersonalDataUncovered,
        "legal.legal_basis",
    ),
    (
        |h| {
            h.data_protection.as_mut().unwrap().personal_data = vec![2, 5];
            legal(h).legal_basis = "Customs Act".into();
        },
        Reason::PersonalDataUncovered,
        "times.retain_until",
    ),
    (
        |h| {
            let source = "E".into();
            h.grading =
                Some(pb::Grading { system: 1, source, information: 2, ..Default::default() });
        },
        Reason::FieldInvalid,
        "grading.source",
    ),
    (
        |h| {
            let source = "F".into();
            h.grading =
                Some(pb::Grading { system: 2, source, information: 7, ..Default::default() });
        },
        Reason::FieldInvalid,
        "grading.information",
    ),
    (|h| h.grading = Some(pb::Grading::default()), Reason::FieldMissing, "grading.system"),
];

#[test]
fn what_it_asks_for_and_carries() {
    hold(WHAT_IT_ASKS_FOR_AND_CARRIES);
}

const WHAT_IT_ASKS_FOR_AND_CARRIES: &[Case] = &[
    (|h| h.ack_policy = Some(pb::AckPolicy::default()), Reason::FieldMissing, "ack_policy"),
    (
        |h| {
            let opened = Some(pb::AckDemand::default());
            h.ack_policy = Some(pb::AckPolicy { opened, ..Default::default() });
        },
        Reason::FieldMissing,
        "ack_policy.opened.level",
    ),
    (
        |h| {
            let opened = Some(pb::AckDemand { level: 3, deadline: None });
            h.ack_policy = Some(pb::AckPolicy { opened, ..Default::default() });
        },
        Reason::NotSupportedYet,
        "ack_policy.opened.level",
    ),
    (
        |h| {
            let delivered = Some(pb::AckDemand { level: 3, deadline: after(60) });
            h.ack_policy = Some(pb::AckPolicy { delivered, ..Default::default() });
        },
        Reason::NotSupportedYet,
        "ack_policy.delivered.deadline",
    ),
    (
        |h| h.languages.as_mut().unwrap().languages.clear(),
        Reason::ListInvalid,
        "languages.languages",
    ),
    (
        |h| h.languages.as_mut().unwrap().languages.push("EN".into()),
        Reason::FieldInvalid,
        "languages.languages[1]",
    ),
    (
        |h| h.languages.as_mut().unwrap().original = "ur".into(),
        Reason::FieldInvalid,
        "languages.original",
    ),
    (|h| h.content = None, Reason::FieldMissing, "content"),
    (
        |h| h.content.as_mut().unwrap().attachments.push(pb::Attachment::default()),
        Reason::AttachmentsUnsupported,
        "content.attachments",
    ),
    (|h| info(h).media_type = "text/plain".into(), Reason::BodyMismatch, "content.body.media_type"),
    (|h| info(h).size = 262_145, Reason::TooLarge, "content.body.size"),
    (|h| info(h).sha256 = vec![].into(), Reason::FieldMissing, "content.body.sha256"),
    (|h| info(h).sealing_suite = "x".into(), Reason::NotSupportedYet, "content.body.sealing_suite"),
    (|h| h.routing = Some(pb::Routing { hop_limit: 0 }), Reason::FieldMissing, "routing.hop_limit"),
    (|h| h.routing = Some(pb::Routing { hop_limit: 5 }), Reason::FieldInvalid, "routing.hop_limit"),
    (
        |h| {
            let (id, critical) = ("cap.code".into(), true);
            h.extensions.push(pb::Extension { id, critical, value: vec![].into() });
        },
        Reason::ExtensionUnknown,
        "extensions[0].critical",
    ),
    (
        |h| h.extensions.push(pb::Extension { id: "a b".into(), ..Default::default() }),
        Reason::FieldInvalid,
        "extensions[0].id",
    ),
    (
        |h| {
            let extension = pb::Extension { id: "x".into(), ..Default::default() };
            h.extensions = vec![extension; 2];
        },
        Reason::ListInvalid,
        "extensions[1].id",
    ),
    (|h| h.signers[0].keyid = vec![0; 7].into(), Reason::FieldInvalid, "signers[0].keyid"),
];
