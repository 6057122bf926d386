//! CROSSING_STATUS and ADVANCE_NOTICE: what a crossing can take, and what is coming.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;
use crate::reason::Reason;
use crate::time::Millis;

impl Inspection<'_, '_> {
    pub(super) fn crossing_status(&mut self, status: &pb::CrossingStatus) {
        let pb::CrossingStatus {
            crossing_id,
            direction,
            state,
            reason,
            modes,
            valid_until,
            place,
            observed_at,
        } = status;
        self.required_code(AT.field("crossing_id"), crossing_id);
        self.required_code(AT.field("direction"), direction);
        self.required_code(AT.field("state"), state);
        let hampered = ["RESTRICTED", "CLOSED"].contains(&state.as_str());
        self.one_each_if(hampered, AT.field("reason"), reason);
        let list = AT.field("modes");
        self.each(list, modes, 0..=caps::CHOICES_MAX, Self::crossing_mode);
        for (position, mode) in modes.iter().enumerate().take(caps::CHOICES_MAX) {
            if modes[..position].iter().any(|earlier| earlier.mode == mode.mode) {
                self.findings.repeated(list.item(position).field("mode"), "body");
            }
        }
        self.required(AT.field("valid_until"), valid_until.as_ref(), Self::later);
        self.part(AT.field("place"), place.as_ref(), Self::place);
        self.part(AT.field("observed_at"), observed_at.as_ref(), Self::instant);
    }

    fn crossing_mode(&mut self, at: At<'_>, mode: &pb::CrossingMode) {
        let pb::CrossingMode {
            mode,
            lanes_max,
            lanes_open,
            wait_expected_min: _,
            wait_measured_min: _,
            queue_m: _,
            service_per_h: _,
            volume_per_h: _,
        } = mode;
        self.required_code(at.field("mode"), mode);
        if lanes_open.zip(*lanes_max).is_some_and(|(open, max)| open > max) {
            self.invalid(at.field("lanes_open"), "at most lanes_max");
        }
    }

    /// An instant behind the making of the message.
    pub(super) fn later(&mut self, at: At<'_>, time: &barid_proto::Timestamp) {
        let time: Option<Millis> = self.findings.instant(at, "body", time);
        if time.zip(self.context.created_at).is_some_and(|(time, made)| time <= made) {
            self.findings.add(at, Reason::TimeOrder, "body", "after created_at");
        }
    }

    pub(super) fn advance_notice(&mut self, notice: &pb::AdvanceNotice) {
        let pb::AdvanceNotice {
            subjects,
            links,
            mode,
            from,
            to,
            eta,
            seals,
            tir_carnet,
            risk_type,
            risk_level,
            requested_control,
            persons: _,
            contact,
        } = notice;
        if subjects.is_empty() {
            self.missing(AT.field("subjects"));
        }
        self.subjects(AT.field("subjects"), subjects);
        self.links(AT.field("links"), links, subjects.len());
        self.required(AT.field("from"), from.as_ref(), Self::place);
        self.required(AT.field("to"), to.as_ref(), Self::place);
        self.required(AT.field("eta"), eta.as_ref(), Self::partial_time);
        let list = AT.field("seals");
        self.each(list, seals, 0..=caps::LIST_MAX, |this, at, seal| this.required_id(at, seal));
        self.id(AT.field("tir_carnet"), tir_carnet);
        let codes = [("mode", mode), ("risk_type", risk_type), ("risk_level", risk_level)];
        self.codes(AT, &codes);
        self.texts(AT.field("requested_control"), requested_control);
        self.part(AT.field("contact"), contact.as_ref(), Self::contact);
    }
}
