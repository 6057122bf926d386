//! Rows 13 to 15: why it may be sent, what it holds, how far it can be trusted.

use barid_proto::message::v1 as pb;

use crate::caps;
use crate::digest::Digest;
use crate::fault::{At, Findings};
use crate::header::{AgreementRef, Purpose};
use crate::reason::Reason;
use crate::rules::field::is_code;

/// Row 13, as read.
pub(crate) struct Legal {
    pub(super) purposes: Vec<Purpose>,
    pub(super) agreement: AgreementRef,
}

/// Row 13: purposes, basis, agreement.
pub(super) fn legal(row: Option<&pb::LegalBasis>, at: At<'_>, f: &mut Findings) -> Option<Legal> {
    let row = f.required(at, "row 13", row)?;
    let pb::LegalBasis { purposes: codes, legal_basis, agreement } = row;
    let mut purposes = Vec::with_capacity(codes.len());
    let list = at.field("purposes");
    if f.list(list, "row 13", codes.len(), 1..=caps::PURPOSES_MAX) {
        f.distinct(list, "row 13", codes);
        for (position, code) in codes.iter().enumerate() {
            purposes.extend(f.required_code::<Purpose>(list.item(position), "row 13", *code));
        }
    }
    f.chars(at.field("legal_basis"), "row 13", legal_basis, caps::LEGAL_BASIS_CHARS_MAX);
    let agreement = agreement_ref(agreement.as_ref(), at.field("agreement"), f)?;
    Some(Legal { purposes, agreement })
}

fn agreement_ref(
    agreement: Option<&pb::AgreementRef>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<AgreementRef> {
    let agreement = f.required(at, "row 13", agreement)?;
    let pb::AgreementRef { id, version, sha256, clause } = agreement;
    if id.is_empty() {
        f.missing(at.field("id"), "row 13");
    } else if !is_code(id) {
        f.invalid(at.field("id"), "row 13", "printable ASCII without spaces is expected");
    }
    f.chars(at.field("id"), "row 13", id, caps::AGREEMENT_ID_CHARS_MAX);
    if *version == 0 {
        f.missing(at.field("version"), "row 13");
    }
    f.chars(at.field("clause"), "row 13", clause, caps::CLAUSE_CHARS_MAX);
    let sha256 = digest(sha256, at.field("sha256"), "row 13", f)?;
    Some(AgreementRef { id: id.clone(), version: *version, sha256, clause: clause.clone() })
}

/// A digest that must be there.
pub(super) fn digest(
    bytes: &[u8],
    at: At<'_>,
    rule: &'static str,
    f: &mut Findings,
) -> Option<Digest> {
    let digest = Digest::from_slice(bytes).ok();
    match digest {
        None if bytes.is_empty() => f.missing(at, rule),
        None => f.invalid(at, rule, "the 32 bytes of a SHA-256 digest are expected"),
        Some(_) => {}
    }
    digest
}

/// Row 14: the classes of personal data that the body holds; none of them is NONE.
pub(super) fn data_protection(
    row: Option<&pb::DataProtection>,
    at: At<'_>,
    f: &mut Findings,
) -> Vec<pb::PersonalData> {
    let Some(row) = f.required(at, "row 14", row) else {
        return Vec::new();
    };
    let pb::DataProtection { personal_data, protection_guard } = row;
    if *protection_guard {
        f.unsupported(at.field("protection_guard"), "row 14");
    }
    let at = at.field("personal_data");
    if personal_data.is_empty() {
        f.missing(at, "row 14");
    }
    // Five classes, none twice.
    if !f.list(at, "row 14", personal_data.len(), 0..=5) {
        return vec![pb::PersonalData::Ordinary];
    }
    f.distinct(at, "row 14", personal_data);
    let mut classes = Vec::with_capacity(personal_data.len());
    for (position, class) in personal_data.iter().enumerate() {
        classes.extend(f.required_code::<pb::PersonalData>(at.item(position), "row 14", *class));
    }
    let none = classes.contains(&pb::PersonalData::None);
    if none && personal_data.len() > 1 {
        f.add(at, Reason::ListInvalid, "row 14", "NONE stands alone or not at all");
    }
    classes.retain(|class| *class != pb::PersonalData::None);
    classes
}

/// Row 15: grades of the named system.
pub(super) fn grading(row: Option<&pb::Grading>, at: At<'_>, f: &mut Findings) {
    let Some(row) = row else { return };
    let pb::Grading { system, source, information, validated_by } = row;
    f.chars(at.field("validated_by"), "row 15", validated_by, caps::VALIDATED_BY_CHARS_MAX);
    let (sources, best_to_worst, expected) =
        match f.required_code(at.field("system"), "row 15", *system) {
            None | Some(pb::GradingSystem::Unspecified) => return,
            Some(pb::GradingSystem::FourByFour) => {
                (&["A", "B", "C", "X"][..], 1..=4, "A, B, C or X and 1 to 4 are expected")
            }
            Some(pb::GradingSystem::SixBySix) => {
                (&["A", "B", "C", "D", "E", "F"][..], 1..=6, "A to F and 1 to 6 are expected")
            }
        };
    if !sources.contains(&source.as_str()) {
        f.invalid(at.field("source"), "row 15", expected);
    }
    if !best_to_worst.contains(information) {
        f.invalid(at.field("information"), "row 15", expected);
    }
}
