//! The header table, row by row.

mod content;
mod handling;
mod identity;
mod law;
mod parties;
mod times;

use barid_proto::message::v1 as pb;

use crate::address::Address;
use crate::caps;
use crate::fault::{At, Findings};
use crate::header::{Ends, Facts, Kind, Lineage, Precedence, Recipient, Signer, Status};
use crate::reason::Reason;
use crate::text::Layout;
use crate::time::Millis;
use law::Legal;

pub(crate) use content::Content;
pub(crate) use identity::{Identity, Schema};

/// Where a header stands.
pub(crate) const AT: At<'static> = At::root("header");

/// What could be read of a header. A part is None only where a fault was noted; the
/// rules that need it cannot be looked at then, and all others can.
pub(crate) struct Outline {
    pub(crate) schema: Option<Schema>,
    pub(crate) identity: Option<Identity>,
    pub(crate) status: Option<Status>,
    pub(crate) lineage: Option<Lineage>,
    pub(crate) origin: Option<Address>,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) precedence: Option<Precedence>,
    pub(crate) created_at: Option<Millis>,
    pub(crate) ends: Ends,
    pub(crate) legal: Option<Legal>,
    pub(crate) body: Option<Content>,
    pub(crate) hop_limit: Option<u32>,
    pub(crate) signer: Option<Signer>,
}

impl Outline {
    /// The facts, where all of them could be read.
    pub(crate) fn facts(self) -> Option<Facts> {
        let (schema, identity) = (self.schema?, self.identity?);
        let (legal, body) = (self.legal?, self.body?);
        Some(Facts {
            kind: schema.kind,
            message_id: identity.message_id,
            thread_id: identity.thread_id,
            correlation_id: identity.correlation_id,
            status: self.status?,
            lineage: self.lineage?,
            origin: self.origin?,
            recipients: self.recipients,
            precedence: self.precedence?,
            created_at: self.created_at?,
            ends: self.ends,
            purposes: legal.purposes,
            agreement: legal.agreement,
            hop_limit: self.hop_limit?,
            body_digest: body.sha256,
            signer: self.signer?,
        })
    }
}

/// Reads a header, row by row.
pub(crate) fn read(header: &pb::Header, f: &mut Findings) -> Outline {
    let pb::Header {
        schema,
        identity,
        status,
        lineage,
        originator,
        recipients,
        precedence,
        times,
        classification,
        sharing,
        handling,
        onward,
        legal,
        data_protection,
        grading,
        ack_policy,
        languages,
        content,
        routing,
        extensions,
        signers,
        external_ref,
    } = header;

    let schema = identity::schema(schema.as_ref(), AT.field("schema"), f);
    let identity = identity::identity(identity.as_ref(), AT.field("identity"), f);
    let status = identity::status(status.as_ref(), AT.field("status"), f);
    let lineage = identity::lineage(lineage.as_ref(), AT.field("lineage"), f);
    let origin = parties::originator(originator.as_ref(), AT.field("originator"), f);
    let recipients = parties::recipients(recipients, origin.as_ref(), AT.field("recipients"), f);
    let level = times::precedence(precedence.as_ref(), AT.field("precedence"), f);
    let (created_at, ends) = times::times(times.as_ref(), AT.field("times"), f);
    handling::classification(classification.as_ref(), AT.field("classification"), f);
    handling::sharing(sharing.as_ref(), AT.field("sharing"), f);
    handling::handling(handling, AT.field("handling"), f);
    handling::onward(onward.as_ref(), AT.field("onward"), f);
    let has_basis = legal.as_ref().is_some_and(|row| !row.legal_basis.is_empty());
    let legal = law::legal(legal.as_ref(), AT.field("legal"), f);
    let classes = law::data_protection(data_protection.as_ref(), AT.field("data_protection"), f);
    law::grading(grading.as_ref(), AT.field("grading"), f);
    content::ack_policy(ack_policy.as_ref(), AT.field("ack_policy"), f);
    content::languages(languages.as_ref(), AT.field("languages"), f);
    let kind = schema.map(|schema| schema.kind);
    let body = content::content(content.as_ref(), kind, AT.field("content"), f);
    let hop_limit = content::routing(routing.as_ref(), AT.field("routing"), f);
    content::extensions(extensions, AT.field("extensions"), f);
    let signer = content::signers(signers, AT.field("signers"), f);
    parties::external_ref(external_ref.as_ref(), AT.field("external_ref"), f);
    f.texts(AT, header, Layout::Line);

    flash(level, kind, body, f);
    covered(&classes, has_basis, ends, f);
    named_clause(&classes, legal.as_ref(), f);
    by_kind(kind, body, f);
    own_versions(lineage.as_ref(), identity, origin.as_ref(), f);

    Outline {
        schema,
        identity,
        status,
        lineage,
        origin,
        recipients,
        precedence: level,
        created_at,
        ends,
        legal,
        body,
        hop_limit,
        signer,
    }
}

/// V7: what may be FLASH.
fn flash(level: Option<Precedence>, kind: Option<Kind>, body: Option<Content>, f: &mut Findings) {
    if level != Some(Precedence::Flash) {
        return;
    }
    let at = AT.field("precedence");
    let urgent = [Kind::Alert, Kind::Incident, Kind::Assist, Kind::CrossingStatus];
    if kind.is_some_and(|kind| !urgent.contains(&kind)) {
        let text = "only ALERT, INCIDENT, ASSIST and CROSSING_STATUS may be FLASH; use IMMEDIATE";
        f.add(at.field("level"), Reason::FlashNotAllowed, "V7", text);
    }
    let max = caps::FLASH_BODY_BYTES_MAX;
    if body.is_some_and(|body| usize::try_from(body.size).is_ok_and(|size| size > max)) {
        let text = format!("the body of a FLASH message has at most {max} bytes");
        f.add(at.field("level"), Reason::FlashNotAllowed, "V7", text);
    }
}

/// V12: a message is replaced and recalled by its originator alone, a unit speaking for
/// its agency, and on its thread.
fn own_versions(
    lineage: Option<&Lineage>,
    identity: Option<Identity>,
    origin: Option<&Address>,
    f: &mut Findings,
) {
    let (Some(Lineage::Update(versions) | Lineage::Cancel(versions)), Some(identity)) =
        (lineage, identity)
    else {
        return;
    };
    if identity.thread_id.is_none() {
        let at = AT.field("identity");
        f.missing(at.field("thread_id"), "V12");
    }
    let lineage = AT.field("lineage");
    let list = lineage.field("references");
    for (position, version) in versions.iter().enumerate() {
        let at = list.item(position);
        if version.id == identity.message_id {
            f.invalid(at.field("message_id"), "V12", "a message cannot replace itself");
        }
        if origin.is_some_and(|origin| origin.agency() != version.originator.agency()) {
            let text = "only the originator of that message may replace or recall it";
            f.add(at.field("originator"), Reason::NotTheOwner, "V12", text);
        }
    }
}

/// V18: what some kinds have to say is short.
fn by_kind(kind: Option<Kind>, body: Option<Content>, f: &mut Findings) {
    let Some(max) = kind.and_then(caps::body_bytes_max) else {
        return;
    };
    if body.is_some_and(|body| usize::try_from(body.size).is_ok_and(|size| size > max)) {
        let at = AT.field("content");
        let at = at.field("body");
        let text = format!("a body of this kind has at most {max} bytes");
        f.add(at.field("size"), Reason::TooLarge, "V18", text);
    }
}

/// V20: data of minors and special categories need a clause of the agreement by name.
fn named_clause(classes: &[pb::PersonalData], legal: Option<&Legal>, f: &mut Findings) {
    let Some(Legal { agreement, .. }) = legal else {
        return;
    };
    let guarded = [pb::PersonalData::Minor, pb::PersonalData::Special];
    if agreement.clause.is_empty() && guarded.iter().any(|class| classes.contains(class)) {
        let text = "name the clause that allows data of minors or of special categories";
        let legal = AT.field("legal");
        let at = legal.field("agreement");
        f.add(at.field("clause"), Reason::PersonalDataUncovered, "V20", text);
    }
}

/// V9: personal data needs a purpose (row 13 asks for one anyway), a legal basis, and
/// an end.
fn covered(classes: &[pb::PersonalData], has_basis: bool, ends: Ends, f: &mut Findings) {
    if classes.is_empty() {
        return;
    }
    if !has_basis {
        let text = "required with personal data; name the law or article";
        let legal = AT.field("legal");
        f.add(legal.field("legal_basis"), Reason::PersonalDataUncovered, "V9", text);
    }
    if ends.retain_until.is_none() {
        let text = "required with personal data; say until when the bytes may be kept";
        let times = AT.field("times");
        f.add(times.field("retain_until"), Reason::PersonalDataUncovered, "V9", text);
    }
}
