use std::collections::BTreeMap;

use super::{Reason, code, from_number, name};

/// The table that people read.
const DOCUMENT: &str = include_str!("../../../../proto/REASONS.md");

/// Names of `google.rpc.Code`, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

#[test]
fn the_document_lists_every_reason_with_its_number_and_code() {
    let mut documented = BTreeMap::new();
    for line in DOCUMENT.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [reason, number, grpc, meaning, next] = cells[..] else {
            panic!("five columns expected: {line}");
        };
        assert!(!meaning.is_empty() && !next.is_empty(), "{line}");
        let row = (reason.trim_matches('`').to_owned(), grpc.to_owned());
        assert!(documented.insert(number.parse().unwrap(), row).is_none(), "{line}");
    }
    let mut built = BTreeMap::new();
    for number in 1..1_000 {
        if let Ok(reason) = Reason::try_from(number) {
            let grpc = if number < 300 { CODES[usize::from(code(reason))] } else { "-" };
            built.insert(number, (name(reason).to_owned(), grpc.to_owned()));
        }
    }
    assert_eq!(documented, built);
}

#[test]
fn numbers_of_later_versions_read_as_unspecified() {
    assert_eq!(from_number(4), Reason::FieldInvalid);
    assert_eq!(from_number(9_999), Reason::Unspecified);
    assert_eq!(name(Reason::SignatureInvalid), "SIGNATURE_INVALID");
}
