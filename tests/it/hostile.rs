//! Input that must not get in: every row of the catalogue of abuse that concerns one node, each
//! with the one answer it gets, over a real socket, and nothing changed by it.

mod attempt;
mod calls;
mod encoding;
mod faults;
mod handshake;
mod header;
mod law;
mod scene;
mod signature;
mod streams;
mod text;

use std::collections::BTreeSet;

use tonic::Code;

use attempt::{Answer, Attempt};
use scene::Scene;

/// The rows of the catalogue that this node answers.
const ROWS: [u8; 49] = [
    1, 2, 3, 9, 18, 26, 29, 30, 31, 32, 33, 34, 35, 36, 37, 39, 40, 41, 42, 43, 44, 46, 47, 48, 51,
    53, 54, 55, 56, 57, 58, 59, 60, 63, 64, 65, 66, 67, 68, 71, 72, 75, 76, 78, 84, 86, 93, 94, 96,
];

/// One hostile input and its answer.
struct Case {
    row: u8,
    what: &'static str,
    attempt: Attempt,
    answer: Answer,
}

/// A case whose answer is the node's own refusal.
fn refused(
    row: u8,
    what: &'static str,
    attempt: impl Into<Attempt>,
    code: Code,
    reason: &'static str,
) -> Case {
    Case { row, what, attempt: attempt.into(), answer: Answer::Refused(code, reason.to_owned()) }
}

/// A case that is `INVALID_ARGUMENT`.
fn invalid(row: u8, what: &'static str, attempt: impl Into<Attempt>, reason: &'static str) -> Case {
    refused(row, what, attempt, Code::InvalidArgument, reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_gets_its_answer_and_changes_nothing() {
    let scene = Scene::new().await;
    let table: Vec<Case> = [
        handshake::cases(&scene),
        calls::cases(),
        encoding::cases(&scene),
        header::cases(&scene),
        law::cases(&scene),
        text::cases(&scene),
        signature::cases(&scene),
        streams::cases(&scene),
    ]
    .into_iter()
    .flatten()
    .collect();
    let rows: BTreeSet<u8> = table.iter().map(|case| case.row).collect();
    assert_eq!(rows, BTreeSet::from(ROWS), "the table has every row and no other");

    let before = scene.state().await;
    let mut findings = Vec::new();
    for case in table {
        let Case { row, what, attempt, answer } = case;
        let given = attempt.make(&scene).await;
        if given != answer {
            findings.push(format!("row {row}, {what}: {given:?}, not {answer:?}"));
        }
        let after = scene.state().await;
        if after != before {
            findings.push(format!("row {row}, {what}: {after:?} was {before:?}"));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    scene.is_alive().await;
}
