//! Texts, lines, codes and values of a body.

use std::ops::RangeInclusive;

use barid_proto::message::v1 as pb;

use super::Inspection;
use crate::caps;
use crate::country::Country;
use crate::fault::At;
use crate::identifier::IdentifierError;
use crate::reason::Reason;
use crate::rules::field::is_run;
use crate::text::{self, Layout, is_web_address};

impl Inspection<'_, '_> {
    /// A text in one of the header's languages.
    pub(super) fn text(&mut self, at: At<'_>, text: &pb::Text) {
        let pb::Text { language, direction, text, origin } = text;
        let place = at.field("language");
        if language.is_empty() {
            self.missing(place);
        } else if !self.context.languages.contains(language) {
            let text = "not listed in the header's languages; list it there";
            self.findings.add(place, Reason::BodyMismatch, "row 17", text);
        }
        self.findings.code::<pb::Direction>(at.field("direction"), "body", *direction);
        if text.is_empty() {
            self.missing(at.field("text"));
        }
        self.findings.bytes(at.field("text"), "V18", text, caps::TEXT_BYTES_MAX);
        self.findings.code::<pb::TextOrigin>(at.field("origin"), "body", *origin);
    }

    /// One text in several languages, at least one where `required`.
    pub(super) fn one_each_if(&mut self, required: bool, at: At<'_>, texts: &[pb::Text]) {
        if required && texts.is_empty() {
            self.missing(at);
        }
        self.one_each(at, texts, 0..=caps::TEXTS_MAX);
    }

    /// Any number of texts.
    pub(super) fn texts(&mut self, at: At<'_>, texts: &[pb::Text]) {
        self.each(at, texts, 0..=caps::LIST_MAX, Self::text);
    }

    /// One text in several languages.
    pub(super) fn one_each(
        &mut self,
        at: At<'_>,
        texts: &[pb::Text],
        expected: RangeInclusive<usize>,
    ) {
        self.each(at, texts, expected, Self::text);
        for (position, text) in texts.iter().enumerate().take(caps::TEXTS_MAX) {
            if texts[..position].iter().any(|earlier| earlier.language == text.language) {
                self.findings.repeated(at.item(position).field("language"), "body");
            }
        }
    }

    /// A line: a name, a number, a remark.
    pub(super) fn line(&mut self, at: At<'_>, line: &str) {
        if line.contains(['\n', '\t']) {
            let text = "one line is expected, without tab and line feed";
            self.findings.add(at, Reason::TextInvalid, "V14", text);
        }
        self.findings.chars(at, "body", line, caps::LINE_CHARS_MAX);
    }

    /// Lines, by their names.
    pub(super) fn lines(&mut self, at: At<'_>, lines: &[(&'static str, &String)]) {
        for (name, line) in lines {
            self.line(at.field(name), line);
        }
    }

    /// An id. Its layout stands with its field in `strings`.
    pub(super) fn id(&mut self, at: At<'_>, id: &str) {
        self.findings.chars(at, "body", id, caps::LINE_CHARS_MAX);
    }

    /// Ids, by their names.
    pub(super) fn ids(&mut self, at: At<'_>, ids: &[(&'static str, &String)]) {
        for (name, id) in ids {
            self.id(at.field(name), id);
        }
    }

    /// An id that must be there.
    pub(super) fn required_id(&mut self, at: At<'_>, id: &str) {
        if id.is_empty() {
            self.missing(at);
        }
        self.id(at, id);
    }

    /// A line that must be there.
    pub(super) fn required_line(&mut self, at: At<'_>, line: &str) {
        if line.is_empty() {
            self.missing(at);
        }
        self.line(at, line);
    }

    /// A code of an open list, absent allowed.
    pub(super) fn code(&mut self, at: At<'_>, code: &str) {
        self.findings.open_code(at, code);
    }

    /// Codes of open lists, by their names.
    pub(super) fn codes(&mut self, at: At<'_>, codes: &[(&'static str, &String)]) {
        for (name, code) in codes {
            self.code(at.field(name), code);
        }
    }

    /// A code of an open list that must be there.
    pub(super) fn required_code(&mut self, at: At<'_>, code: &str) {
        if code.is_empty() {
            self.missing(at);
        }
        self.code(at, code);
    }

    /// A list of codes, none empty.
    pub(super) fn code_list(
        &mut self,
        at: At<'_>,
        list: &[String],
        expected: RangeInclusive<usize>,
    ) {
        self.each(at, list, expected, |this, at, code| this.required_code(at, code));
    }

    /// A web address, absent allowed.
    pub(super) fn url(&mut self, at: At<'_>, url: &str) {
        if !url.is_empty() && !is_web_address(url) {
            self.invalid(at, "https:// or http:// and no white space are expected");
        }
        self.findings.chars(at, "body", url, caps::URL_CHARS_MAX);
    }

    /// A country, absent allowed.
    pub(super) fn country(&mut self, at: At<'_>, code: &str) {
        if !code.is_empty()
            && let Err(fault) = Country::parse(code)
        {
            self.findings.add(at, Reason::CountryUnknown, "V13", fault.to_string());
        }
    }

    /// A number of exactly so many digits, absent allowed.
    pub(super) fn digits(&mut self, at: At<'_>, number: &str, len: usize, expected: &'static str) {
        if !number.is_empty() && !is_run(number, len, u8::is_ascii_digit) {
            self.invalid(at, expected);
        }
    }

    /// A number with a form and perhaps a check digit of its own, absent allowed (V13).
    pub(super) fn checked<T>(
        &mut self,
        at: At<'_>,
        number: &str,
        parse: fn(&str) -> Result<T, IdentifierError>,
    ) {
        // What V14 has noted already is told once.
        if !number.is_empty()
            && text::check(number, Layout::Id).is_ok()
            && let Err(fault) = parse(number)
        {
            self.findings.add(at, reason_of(fault), "V13", fault.to_string());
        }
    }

    /// A value of another system, verbatim.
    pub(super) fn named_value(&mut self, at: At<'_>, value: &pb::NamedValue) {
        let pb::NamedValue { name, value } = value;
        self.required_line(at.field("name"), name);
        self.findings.bytes(at.field("value"), "V18", value, caps::VALUE_BYTES_MAX);
    }

    /// Values of another system, verbatim.
    pub(super) fn named_values(&mut self, at: At<'_>, list: &[pb::NamedValue]) {
        self.each(at, list, 0..=caps::SOURCE_FIELDS_MAX, Self::named_value);
    }

    /// Trust in a piece of information.
    pub(super) fn confidence(&mut self, at: At<'_>, confidence: &pb::Confidence) {
        let pb::Confidence { grade, validation } = confidence;
        match grade.as_bytes() {
            [] | [b'A'..=b'F' | b'X', b'1'..=b'6'] => {}
            _ => self.invalid(at.field("grade"), "a letter A to F or X and a digit 1 to 6"),
        }
        self.code(at.field("validation"), validation);
    }
}

/// The stable code of a number's fault.
pub(super) fn reason_of(fault: IdentifierError) -> Reason {
    match fault {
        IdentifierError::Form(_) => Reason::FieldInvalid,
        IdentifierError::CheckDigit => Reason::CheckDigit,
    }
}
