//! ALERT.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;
use crate::reason::Reason;
use crate::time::Millis;

impl Inspection<'_, '_> {
    pub(super) fn alert(&mut self, alert: &pb::Alert) {
        let pb::Alert {
            categories,
            event,
            urgency,
            severity,
            certainty,
            headline,
            description,
            instruction,
            response_types,
            areas,
            subjects,
            links,
            alert_category,
            actions_to_take,
            hit_contact,
            notice_ref,
            review_at,
            sender_name,
            web,
            audience,
            event_codes,
            source_fields,
            special_handling,
            source_name,
            note,
        } = alert;
        self.code_list(AT.field("categories"), categories, 1..=caps::TEXTS_MAX);
        self.one_each(AT.field("event"), event, 1..=caps::TEXTS_MAX);
        self.required_code(AT.field("urgency"), urgency);
        self.required_code(AT.field("severity"), severity);
        self.required_code(AT.field("certainty"), certainty);
        self.one_each(AT.field("headline"), headline, 1..=caps::TEXTS_MAX);
        self.texts(AT.field("description"), description);
        self.texts(AT.field("instruction"), instruction);
        self.code_list(AT.field("response_types"), response_types, 0..=caps::LIST_MAX);
        self.each(AT.field("areas"), areas, 1..=caps::AREAS_MAX, Self::area);
        self.subjects(AT.field("subjects"), subjects);
        self.posted_documents(AT.field("subjects"), subjects);
        self.links(AT.field("links"), links, subjects.len());
        self.code(AT.field("alert_category"), alert_category);
        self.code_list(AT.field("actions_to_take"), actions_to_take, 1..=caps::ACTIONS_MAX);
        self.required(AT.field("hit_contact"), hit_contact.as_ref(), Self::contact);
        self.part(AT.field("notice_ref"), notice_ref.as_ref(), Self::notice_ref);
        self.part(AT.field("review_at"), review_at.as_ref(), Self::review_at);
        self.line(AT.field("sender_name"), sender_name);
        self.url(AT.field("web"), web);
        self.texts(AT.field("audience"), audience);
        self.named_values(AT.field("event_codes"), event_codes);
        self.named_values(AT.field("source_fields"), source_fields);
        let list = AT.field("special_handling");
        self.each(list, special_handling, 0..=caps::LIST_MAX, |this, at, code| {
            this.required_line(at, code);
        });
        self.line(AT.field("source_name"), source_name);
        self.one_each(AT.field("note"), note, 0..=caps::TEXTS_MAX);
    }

    fn notice_ref(&mut self, at: At<'_>, notice: &pb::NoticeRef) {
        let pb::NoticeRef { id, colour, published } = notice;
        self.required_id(at.field("id"), id);
        self.code(at.field("colour"), colour);
        self.part(at.field("published"), published.as_ref(), Self::partial_time);
    }

    /// Within a year of creation: an alert that nobody reviews goes stale.
    fn review_at(&mut self, at: At<'_>, review_at: &barid_proto::Timestamp) {
        let review_at: Option<Millis> = self.findings.instant(at, "body", review_at);
        let (Some(review_at), Some(created_at)) = (review_at, self.context.created_at) else {
            return;
        };
        if !(created_at..=created_at + caps::REVIEW_MAX).contains(&review_at) {
            let text = "not before created_at, and at most one year after it";
            self.findings.add(at, Reason::TimeOrder, "body", text);
        }
    }
}
