//! Travel and identity documents, and their machine-readable zones.

use barid_proto::message::v1 as pb;

use super::Inspection;
use super::text::reason_of;
use crate::fault::At;
use crate::identifier::{CheckDigit, Mrz};
use crate::reason::Reason;

/// Most lines of a machine-readable zone (ICAO Doc 9303, TD1).
const MRZ_LINES_MAX: usize = 3;
/// Most characters of such a line (TD3).
const MRZ_CHARS_MAX: usize = 44;
/// States of a document that is not what it claims to be: its zone may be wrong.
const SUSPECTED: [&str; 4] = ["FORGED", "COUNTERFEIT", "IMPOSTOR", "FANTASY"];

impl Inspection<'_, '_> {
    /// A document that stands for itself. Its number or machine-readable zone leads to
    /// the person whom it was issued to; a stolen blank was issued to nobody.
    pub(super) fn lone_document(&mut self, at: At<'_>, document: &pb::Document) {
        let numbered = !document.number.is_empty() && document.state != "STOLEN_BLANK";
        if numbered || !document.mrz_lines.is_empty() {
            self.personal(at);
        }
        self.document(at, document);
    }

    pub(super) fn document(&mut self, at: At<'_>, document: &pb::Document) {
        let pb::Document {
            document_class,
            mrz_code,
            number,
            issuer,
            issued,
            expires,
            state,
            mrz_lines,
            mrz_wrong_digits,
        } = document;
        self.codes(at, &[("document_class", document_class), ("state", state)]);
        self.id(at.field("number"), number);
        for (name, text, max) in [("mrz_code", mrz_code, 2), ("issuer", issuer, 3)] {
            if text.len() > max || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
                self.invalid(at.field(name), "capital letters of ICAO Doc 9303 are expected");
            }
        }
        self.part(at.field("issued"), issued.as_ref(), Self::partial_time);
        self.part(at.field("expires"), expires.as_ref(), Self::partial_time);
        self.zone(at, mrz_lines, mrz_wrong_digits, SUSPECTED.contains(&state.as_str()));
    }

    /// A machine-readable zone (V13). A wrong digit on a document that is suspected to
    /// be false is what there is to tell, and is told beside it.
    fn zone(&mut self, at: At<'_>, lines: &[String], told: &[String], suspected: bool) {
        let place = at.field("mrz_lines");
        let before = self.findings.count();
        self.each(place, lines, 0..=MRZ_LINES_MAX, |this, at, line| {
            let mrz = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'<';
            if line.is_empty() || line.len() > MRZ_CHARS_MAX || !line.bytes().all(mrz) {
                this.invalid(at, "1 to 44 characters A-Z, 0-9 and < are expected");
            }
        });
        if self.findings.count() > before {
            return;
        }
        let wrong = match Mrz::parse(lines) {
            Ok(mrz) => mrz.wrong_digits().to_vec(),
            Err(_) if lines.is_empty() => Vec::new(),
            Err(fault) => {
                let text = fault.to_string();
                if suspected {
                    self.findings.warn(place, reason_of(fault), "V13", text);
                } else {
                    self.findings.add(place, reason_of(fault), "V13", text);
                }
                Vec::new()
            }
        };
        if !wrong.is_empty() && !suspected {
            let text = format!(
                "wrong check digits ({}); compare them with the document, or say by its state \
                 that it is not genuine",
                names(&wrong).join(", ")
            );
            self.findings.add(place, Reason::CheckDigit, "V13", text);
        } else if names(&wrong) != told {
            let text = format!(
                "lists the check digits that do not fit, in order: {}",
                if wrong.is_empty() { "none".to_owned() } else { names(&wrong).join(", ") }
            );
            let place = at.field("mrz_wrong_digits");
            self.findings.add(place, Reason::FieldInvalid, "V13", text);
        } else if !wrong.is_empty() {
            let text = format!("wrong check digits on a false document ({})", told.join(", "));
            self.findings.warn(place, Reason::CheckDigit, "V13", text);
        }
    }
}

fn names(digits: &[CheckDigit]) -> Vec<&'static str> {
    digits.iter().map(|digit| digit.as_str()).collect()
}
