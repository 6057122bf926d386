//! RFI, RSP and HIT: requests, answers, and what an alert led to.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;

impl Inspection<'_, '_> {
    pub(super) fn rfi(&mut self, rfi: &pb::Rfi) {
        let pb::Rfi {
            subjects,
            links,
            question,
            justification,
            urgency,
            data_classes,
            languages_accepted,
            permitted_use,
            contact,
        } = rfi;
        if subjects.is_empty() {
            self.missing(AT.field("subjects"));
        }
        self.subjects(AT.field("subjects"), subjects);
        self.links(AT.field("links"), links, subjects.len());
        self.one_each(AT.field("question"), question, 1..=caps::TEXTS_MAX);
        let at = AT.field("justification");
        match justification {
            Some(justification) => self.justification(at, justification, urgency == "U1"),
            None => self.findings.missing(at, "V11"),
        }
        self.required_code(AT.field("urgency"), urgency);
        self.code_list(AT.field("data_classes"), data_classes, 0..=caps::CHOICES_MAX);
        let list = AT.field("languages_accepted");
        self.each(list, languages_accepted, 0..=caps::LANGUAGES_MAX, |this, at, tag| {
            this.findings.language(at, "body", tag);
        });
        self.texts(AT.field("permitted_use"), permitted_use);
        self.part(AT.field("contact"), contact.as_ref(), Self::contact);
    }

    /// Why a request may be made (V11).
    fn justification(&mut self, at: At<'_>, why: &pb::Justification, urgent: bool) {
        let pb::Justification { reason, offence, link, urgency_reason } = why;
        for (name, texts) in [("reason", reason), ("offence", offence)] {
            if texts.is_empty() {
                self.findings.missing(at.field(name), "V11");
            }
            self.one_each(at.field(name), texts, 0..=caps::TEXTS_MAX);
        }
        self.texts(at.field("link"), link);
        self.one_each_if(urgent, at.field("urgency_reason"), urgency_reason);
    }

    pub(super) fn rsp(&mut self, rsp: &pb::Rsp) {
        let pb::Rsp {
            result,
            refusal_reasons,
            refusal_text,
            deferred_until,
            fulfils,
            subjects,
            links,
            text,
            missing_classes,
        } = rsp;
        self.answers();
        self.required_code(AT.field("result"), result);
        self.refusal(result == "REFUSED", refusal_reasons);
        self.texts(AT.field("refusal_text"), refusal_text);
        self.part(AT.field("deferred_until"), deferred_until.as_ref(), Self::instant);
        match (result == "DEFERRED", deferred_until) {
            (true, None) => self.missing(AT.field("deferred_until")),
            (false, Some(_)) => self.uncalled(AT.field("deferred_until"), "with DEFERRED"),
            _ => {}
        }
        self.code(AT.field("fulfils"), fulfils);
        self.subjects(AT.field("subjects"), subjects);
        self.links(AT.field("links"), links, subjects.len());
        self.texts(AT.field("text"), text);
        if ["FULL", "PARTIAL"].contains(&result.as_str()) && subjects.is_empty() && text.is_empty()
        {
            self.missing(AT.field("text"));
        }
        if ["NO_HIT", "REFUSED", "DEFERRED"].contains(&result.as_str()) && !subjects.is_empty() {
            self.uncalled(AT.field("subjects"), "with FULL and PARTIAL");
        }
        self.code_list(AT.field("missing_classes"), missing_classes, 0..=caps::CHOICES_MAX);
    }

    /// V11: a refusal has reasons, and nothing else has.
    fn refusal(&mut self, refused: bool, reasons: &[String]) {
        let list = AT.field("refusal_reasons");
        self.code_list(list, reasons, 0..=caps::TEXTS_MAX);
        match (refused, reasons.is_empty()) {
            (true, true) => self.findings.missing(list, "V11"),
            (false, false) => self.uncalled(list, "with REFUSED"),
            _ => {}
        }
    }

    pub(super) fn hit(&mut self, hit: &pb::Hit) {
        let pb::Hit {
            alert,
            at,
            place,
            match_strength,
            actions,
            outcome,
            subjects,
            links,
            description,
            contact,
        } = hit;
        self.required(AT.field("alert"), alert.as_ref(), |this, at, alert| {
            this.findings.reference(at, "body", alert);
        });
        self.required(AT.field("at"), at.as_ref(), Self::partial_time);
        self.required(AT.field("place"), place.as_ref(), Self::place);
        self.codes(AT, &[("match_strength", match_strength), ("outcome", outcome)]);
        self.code_list(AT.field("actions"), actions, 0..=caps::RESPONSES_MAX);
        self.subjects(AT.field("subjects"), subjects);
        self.links(AT.field("links"), links, subjects.len());
        self.texts(AT.field("description"), description);
        self.part(AT.field("contact"), contact.as_ref(), Self::contact);
    }
}
