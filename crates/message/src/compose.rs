//! Making messages: what senders use.

use barid_proto::message::v1 as pb;
use bytes::Bytes;
use prost::Message;

use crate::address::Address;
use crate::body::Body;
use crate::digest::Digest;
use crate::dsse::PayloadType;
use crate::fault::{Faults, Findings};
use crate::header::{AgreementRef, Precedence, Purpose, RecipientRole, Status, Version};
use crate::id::MessageId;
use crate::key::SigningKey;
use crate::rules::{self, clock, header};
use crate::signed::SignedMessage;
use crate::strings::Strings;
use crate::text;
use crate::time::Millis;

/// A message to be: a header of which only what matters is set, and a body.
///
/// [`compose`] fills what is absent: schema, id, status ACTUAL, type NEW, precedence
/// ROUTINE, `created_at`, purpose NON_SPECIFIED, no personal data, the languages of the
/// body's texts, and all that describes the body and the signer.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    header: pb::Header,
    body: Body,
}

impl Draft {
    /// A draft by this originator under this agreement.
    pub fn new(origin: &Address, agreement: &AgreementRef, body: impl Into<Body>) -> Self {
        let mut draft = Self::from_template(pb::Header::default(), body);
        draft.header.originator.get_or_insert_default().address = origin.to_string();
        draft.agreement(agreement)
    }

    /// A draft from a header of which anything may be set, as a file has it.
    pub fn from_template(header: pb::Header, body: impl Into<Body>) -> Self {
        Self { header, body: body.into() }
    }

    /// The header so far.
    pub fn header(&self) -> &pb::Header {
        &self.header
    }

    /// The header so far, for the rows that have no method here.
    pub fn header_mut(&mut self) -> &mut pb::Header {
        &mut self.header
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Adds a recipient who is to act.
    #[must_use]
    pub fn to(self, address: &Address) -> Self {
        self.recipient(address, RecipientRole::Action)
    }

    /// Adds a recipient who is to know.
    #[must_use]
    pub fn info(self, address: &Address) -> Self {
        self.recipient(address, RecipientRole::Info)
    }

    fn recipient(mut self, address: &Address, role: RecipientRole) -> Self {
        let target = Some(pb::recipient::Target::Address(address.to_string()));
        self.header.recipients.push(pb::Recipient { target, role: role.into() });
        self
    }

    /// Sets the id: a repeat with the same id, time and key is the same message.
    #[must_use]
    pub fn id(mut self, id: MessageId) -> Self {
        self.header.identity.get_or_insert_default().message_id = id.to_string();
        self
    }

    /// Puts it on a thread.
    #[must_use]
    pub fn thread(mut self, thread: MessageId) -> Self {
        self.header.identity.get_or_insert_default().thread_id = thread.to_string();
        self
    }

    /// Has it replace a message of its originator, on that one's thread. Again for
    /// further ones, which merges them.
    #[must_use]
    pub fn updates(self, thread: MessageId, replaced: &Version) -> Self {
        self.follows(pb::MessageType::Update, thread, replaced)
    }

    /// Has it recall a message of its originator. Again for further ones.
    #[must_use]
    pub fn cancels(self, thread: MessageId, recalled: &Version) -> Self {
        self.follows(pb::MessageType::Cancel, thread, recalled)
    }

    fn follows(mut self, r#type: pb::MessageType, thread: MessageId, version: &Version) -> Self {
        let lineage = self.header.lineage.get_or_insert_default();
        lineage.r#type = r#type.into();
        lineage.references.push(version.to_proto());
        self.thread(thread)
    }

    /// Sets its status; an exercise needs its name.
    #[must_use]
    pub fn status(mut self, status: Status, exercise_name: &str) -> Self {
        let (code, exercise_name) = (status.into(), exercise_name.to_owned());
        self.header.status = Some(pb::MessageStatus { code, exercise_name });
        self
    }

    /// Sets its precedence.
    #[must_use]
    pub fn precedence(mut self, level: Precedence) -> Self {
        self.header.precedence.get_or_insert_default().level = level.into();
        self
    }

    /// Makes it FLASH, for this reason.
    #[must_use]
    pub fn flash(mut self, reason: &str) -> Self {
        let (level, reason) = (Precedence::Flash.into(), reason.to_owned());
        self.header.precedence = Some(pb::PrecedenceLevel { level, reason });
        self
    }

    /// Sets when it was made; absent = the time of composing.
    #[must_use]
    pub fn created_at(mut self, time: Millis) -> Self {
        self.header.times.get_or_insert_default().created_at = Some(time.to_proto());
        self
    }

    /// Sets until when it is to be delivered; absent = 30 days.
    #[must_use]
    pub fn deliver_by(mut self, time: Millis) -> Self {
        self.header.times.get_or_insert_default().deliver_by = Some(time.to_proto());
        self
    }

    /// Sets until when its content holds; absent = no end of its own.
    #[must_use]
    pub fn expires_at(mut self, time: Millis) -> Self {
        self.header.times.get_or_insert_default().expires_at = Some(time.to_proto());
        self
    }

    /// Sets why it is sent.
    #[must_use]
    pub fn purposes(mut self, purposes: &[Purpose]) -> Self {
        let codes = purposes.iter().map(|purpose| i32::from(*purpose)).collect();
        self.header.legal.get_or_insert_default().purposes = codes;
        self
    }

    /// Sets the agreement relied on.
    #[must_use]
    pub fn agreement(mut self, agreement: &AgreementRef) -> Self {
        let AgreementRef { id, version, sha256, clause } = agreement;
        self.header.legal.get_or_insert_default().agreement = Some(pb::AgreementRef {
            id: id.clone(),
            version: *version,
            sha256: sha256.to_bytes(),
            clause: clause.clone(),
        });
        self
    }

    /// Says that the body holds personal data, with what the law asks for then: the
    /// basis, and until when the bytes may be kept.
    #[must_use]
    pub fn personal_data(
        mut self,
        classes: &[pb::PersonalData],
        legal_basis: &str,
        retain_until: Millis,
    ) -> Self {
        self.header.data_protection.get_or_insert_default().personal_data =
            classes.iter().map(|class| i32::from(*class)).collect();
        self.header.legal.get_or_insert_default().legal_basis = legal_basis.to_owned();
        self.header.times.get_or_insert_default().retain_until = Some(retain_until.to_proto());
        self
    }

    /// Names the same matter in another system.
    #[must_use]
    pub fn external_ref(mut self, scheme: &str, id: &str) -> Self {
        let (scheme, id) = (scheme.to_owned(), id.to_owned());
        self.header.external_ref = Some(pb::ExternalRef { scheme, id });
        self
    }
}

/// Makes a signed message of a draft: fills what is absent, brings all text into NFC,
/// checks it by the rules that a node will check, and signs it.
///
/// The id is made of `created_at` and `random`, so that the same draft with the same
/// time, random bytes and Ed25519 key gives the same bytes.
///
/// # Errors
/// All faults that a node would find, but for those of keys and callers.
pub fn compose(
    mut draft: Draft,
    now: Millis,
    random: [u8; 10],
    key: &SigningKey,
) -> Result<pb::SignedMessage, Faults> {
    draft.body.normalise();
    draft.header.amend(&mut text::normalise);
    let (proto, body, body_bytes) = complete(draft, now, random, key);
    let mut findings = Findings::default();
    let outline = header::read(&proto, &mut findings);
    clock::check(&outline, now, &mut findings);
    let context = rules::body::Context::new(&proto, outline.created_at);
    rules::body::check(&body, context, &mut findings);
    findings.or(outline.facts())?;

    let message = sign(&proto, body_bytes, key);
    SignedMessage::from_proto(message).map(SignedMessage::into_proto)
}

/// Makes a signed message of a draft with whatever faults it has: what is absent is
/// filled, and no rule is asked. No node takes it; conformance vectors and tests do.
pub fn sign_as_it_is(
    draft: Draft,
    now: Millis,
    random: [u8; 10],
    key: &SigningKey,
) -> pb::SignedMessage {
    let (header, _, body) = complete(draft, now, random, key);
    sign(&header, body, key)
}

fn sign(header: &pb::Header, body: Bytes, key: &SigningKey) -> pb::SignedMessage {
    let payload = header.encode_to_vec().into();
    let envelope = Some(key.envelope(PayloadType::Header, payload));
    pb::SignedMessage { envelope, body }
}

/// Header, body and its bytes, with all that can be filled in.
fn complete(
    draft: Draft,
    now: Millis,
    random: [u8; 10],
    key: &SigningKey,
) -> (pb::Header, Body, Bytes) {
    let Draft { mut header, body } = draft;
    let bytes = body.encode();
    fill(&mut header, &body, now, random);
    describe(&mut header, &body, &bytes, key);
    (header, body, bytes)
}

/// Sets what is absent and has a default.
fn fill(header: &mut pb::Header, body: &Body, now: Millis, random: [u8; 10]) {
    let times = header.times.get_or_insert_default();
    let created_at = *times.created_at.get_or_insert_with(|| now.to_proto());
    let identity = header.identity.get_or_insert_default();
    if identity.message_id.is_empty() {
        let created_at = Millis::from_proto(&created_at).unwrap_or(now);
        identity.message_id = MessageId::new(created_at, random).to_string();
    }
    or(&mut header.status.get_or_insert_default().code, Status::Actual);
    or(&mut header.lineage.get_or_insert_default().r#type, pb::MessageType::New);
    or(&mut header.precedence.get_or_insert_default().level, Precedence::Routine);
    for recipient in &mut header.recipients {
        or(&mut recipient.role, RecipientRole::Action);
    }
    let purposes = &mut header.legal.get_or_insert_default().purposes;
    if purposes.is_empty() {
        purposes.push(Purpose::NonSpecified.into());
    }
    let personal_data = &mut header.data_protection.get_or_insert_default().personal_data;
    if personal_data.is_empty() {
        personal_data.push(pb::PersonalData::None.into());
    }
    let languages = &mut header.languages.get_or_insert_default().languages;
    if languages.is_empty() {
        *languages = body.languages();
    }
}

/// Sets an unspecified code.
fn or(code: &mut i32, default: impl Into<i32>) {
    if *code == 0 {
        *code = default.into();
    }
}

/// Sets what follows from body and key, whatever the draft said.
fn describe(header: &mut pb::Header, body: &Body, bytes: &Bytes, key: &SigningKey) {
    let one = Some(pb::Version { major: 1, minor: 0 });
    header.schema = Some(pb::Schema {
        spec_version: one,
        kind: body.kind().into(),
        schema_id: body.schema_id().to_owned(),
        schema_version: one,
    });
    let info = header.content.get_or_insert_default().body.get_or_insert_default();
    info.media_type = body.media_type().to_owned();
    // A body too large for the number is too large for every rule.
    info.size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    info.sha256 = Digest::of(bytes).to_bytes();
    let public = key.public();
    header.signers = vec![pb::Signer {
        keyid: Bytes::copy_from_slice(public.keyid().as_bytes()),
        algorithm: public.algorithm().to_proto().into(),
    }];
}

#[cfg(test)]
mod tests;
