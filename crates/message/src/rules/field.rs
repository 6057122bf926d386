//! Checks of single fields that many rules share.

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use std::ops::RangeInclusive;

use crate::address::{Address, AddressError};
use crate::caps;
use crate::digest::Digest;
use crate::fault::{At, Findings};
use crate::id::MessageId;
use crate::language::is_language;
use crate::reason::Reason;
use crate::strings::Strings;
use crate::text::{self, Layout};
use crate::time::Millis;

/// A row of the header or a definition of a block, under which faults are noted.
pub(crate) type Rule = &'static str;

impl Findings {
    /// Notes that a required field is absent.
    pub(crate) fn missing(&mut self, at: At<'_>, rule: Rule) {
        self.add(at, Reason::FieldMissing, rule, "required; set it");
    }

    /// Notes a value outside its range or grammar.
    pub(super) fn invalid(&mut self, at: At<'_>, rule: Rule, expected: impl Into<String>) {
        self.add(at, Reason::FieldInvalid, rule, expected);
    }

    /// Notes a field that has its place in the standard but no effect yet.
    pub(super) fn unsupported(&mut self, at: At<'_>, rule: Rule) {
        let text = "this version does not act on it yet; leave it out";
        self.add(at, Reason::NotSupportedYet, rule, text);
    }

    /// A part that must be there.
    pub(super) fn required<'t, T>(
        &mut self,
        at: At<'_>,
        rule: Rule,
        value: Option<&'t T>,
    ) -> Option<&'t T> {
        if value.is_none() {
            self.missing(at, rule);
        }
        value
    }

    /// A code of a closed list that may be unspecified.
    pub(super) fn code<E: TryFrom<i32>>(
        &mut self,
        at: At<'_>,
        rule: Rule,
        value: i32,
    ) -> Option<E> {
        let code = E::try_from(value).ok();
        if code.is_none() {
            let text = "a code that this version of the standard does not know";
            self.add(at, Reason::UnknownCode, rule, text);
        }
        code
    }

    /// A code of a closed list that must be specified.
    pub(super) fn required_code<E>(&mut self, at: At<'_>, rule: Rule, value: i32) -> Option<E>
    where
        E: TryFrom<i32> + Default + PartialEq,
    {
        let code = self.code::<E>(at, rule, value)?;
        if code == E::default() {
            self.missing(at, rule);
            return None;
        }
        Some(code)
    }

    /// A list of so many elements. False if it has more: then its elements are not
    /// looked at.
    pub(super) fn list(
        &mut self,
        at: At<'_>,
        rule: Rule,
        len: usize,
        expected: RangeInclusive<usize>,
    ) -> bool {
        if !expected.contains(&len) {
            let (min, max) = expected.clone().into_inner();
            let text = format!("has {len} elements; {min} to {max} are allowed");
            self.add(at, Reason::ListInvalid, rule, text);
        }
        len <= *expected.end()
    }

    /// Notes that an element stands in its list a second time.
    pub(super) fn repeated(&mut self, at: At<'_>, rule: Rule) {
        self.add(at, Reason::ListInvalid, rule, "stands in the list twice; leave one out");
    }

    /// Elements of which none may stand in the list twice.
    pub(super) fn distinct<T: PartialEq>(&mut self, at: At<'_>, rule: Rule, list: &[T]) {
        for (position, element) in list.iter().enumerate() {
            if list[..position].contains(element) {
                self.repeated(at.item(position), rule);
            }
        }
    }

    /// A text of at most so many characters.
    pub(super) fn chars(&mut self, at: At<'_>, rule: Rule, text: &str, max: usize) {
        // As many bytes as characters are allowed cannot be too many characters.
        if text.len() > max && text.chars().count() > max {
            self.add(at, Reason::TooLarge, rule, format!("at most {max} characters; shorten it"));
        }
    }

    /// A text of at most so many bytes.
    pub(super) fn bytes(&mut self, at: At<'_>, rule: Rule, text: &str, max: usize) {
        if text.len() > max {
            self.add(at, Reason::TooLarge, rule, format!("at most {max} bytes; shorten it"));
        }
    }

    /// A name of characters `[a-z0-9._-]`.
    pub(super) fn token(&mut self, at: At<'_>, rule: Rule, text: &str, max: usize) {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if text.is_empty() {
            self.missing(at, rule);
        } else if !text.bytes().all(allowed) {
            self.invalid(at, rule, "only a-z, 0-9, dot, underscore and hyphen are allowed");
        }
        self.chars(at, rule, text, max);
    }

    /// An instant of the standard.
    pub(super) fn instant(&mut self, at: At<'_>, rule: Rule, time: &Timestamp) -> Option<Millis> {
        match Millis::from_proto(time) {
            Ok(instant) => Some(instant),
            Err(fault) => {
                self.invalid(at, rule, fault.to_string());
                None
            }
        }
    }

    /// A message id.
    pub(super) fn message_id(&mut self, at: At<'_>, rule: Rule, text: &str) -> Option<MessageId> {
        match MessageId::parse(text) {
            Ok(id) => Some(id),
            Err(fault) => {
                self.add(at, Reason::IdInvalid, rule, fault.to_string());
                None
            }
        }
    }

    /// An address.
    pub(super) fn address(&mut self, at: At<'_>, rule: Rule, text: &str) -> Option<Address> {
        match Address::parse(text) {
            Ok(address) => Some(address),
            Err(fault) => {
                let reason = match fault {
                    AddressError::Grammar => Reason::AddressInvalid,
                    AddressError::Country => Reason::CountryUnknown,
                };
                self.add(at, reason, rule, fault.to_string());
                None
            }
        }
    }

    /// A reference to another message. Gives its originator.
    pub(super) fn reference(
        &mut self,
        at: At<'_>,
        rule: Rule,
        reference: &pb::Reference,
    ) -> Option<Address> {
        let pb::Reference { originator, message_id, header_digest } = reference;
        let originator = self.address(at.field("originator"), rule, originator);
        self.message_id(at.field("message_id"), rule, message_id);
        if !header_digest.is_empty() && Digest::from_slice(header_digest).is_err() {
            self.invalid(at.field("header_digest"), rule, "32 bytes, or empty, are expected");
        }
        originator
    }

    /// A language tag.
    pub(super) fn language(&mut self, at: At<'_>, rule: Rule, tag: &str) {
        if !is_language(tag) {
            let text = "a BCP 47 tag lang[-Script][-REGION] is expected, e.g. ps-Arab";
            self.invalid(at, rule, text);
        }
    }

    /// The rules of text for every string of a message (V14), of this layout where its
    /// field has none of its own.
    pub(super) fn texts(&mut self, at: At<'_>, message: &(impl Strings + ?Sized), layout: Layout) {
        message.visit(at, layout, &mut |at, layout, string| {
            if let Err(fault) = text::check(string, layout) {
                self.add(at, Reason::TextInvalid, "V14", fault.to_string());
            }
        });
    }

    /// A code of an open list: any, if it looks like a code.
    pub(super) fn open_code(&mut self, at: At<'_>, code: &str) {
        if !code.is_ascii() || code.bytes().any(|byte| byte.is_ascii_control()) {
            let text = "a code has printable ASCII characters only";
            self.add(at, Reason::TextInvalid, "V14", text);
        } else if !is_code(code) {
            self.invalid(at, "body", "a code has no spaces");
        }
        self.chars(at, "body", code, caps::CODE_CHARS_MAX);
    }
}

/// Whether a text is a code: printable ASCII without spaces.
pub(super) fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text is exactly so many characters of a class.
pub(super) fn is_run(text: &str, len: usize, class: fn(&u8) -> bool) -> bool {
    text.len() == len && text.as_bytes().iter().all(class)
}
