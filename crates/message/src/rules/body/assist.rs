//! ASSIST.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;

impl Inspection<'_, '_> {
    pub(super) fn assist(&mut self, assist: &pb::Assist) {
        let pb::Assist { status, needs, place, by_when, description, contact, refusal_text } =
            assist;
        self.required_code(AT.field("status"), status);
        if !status.is_empty() && status != "REQUESTED" {
            self.answers();
        }
        self.each(AT.field("needs"), needs, 1..=caps::CHOICES_MAX, Self::need);
        self.part(AT.field("place"), place.as_ref(), Self::place);
        if status == "REQUESTED" && place.is_none() {
            self.missing(AT.field("place"));
        }
        self.part(AT.field("by_when"), by_when.as_ref(), Self::instant);
        self.texts(AT.field("description"), description);
        self.part(AT.field("contact"), contact.as_ref(), Self::contact);
        self.one_each_if(status == "REFUSED", AT.field("refusal_text"), refusal_text);
    }

    fn need(&mut self, at: At<'_>, need: &pb::Need) {
        let pb::Need { code, quantity: _, description } = need;
        self.required_code(at.field("code"), code);
        self.texts(at.field("description"), description);
    }
}
