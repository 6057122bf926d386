//! INCIDENT.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;

impl Inspection<'_, '_> {
    pub(super) fn incident(&mut self, incident: &pb::Incident) {
        let pb::Incident {
            incident_type,
            facets,
            occurred,
            place,
            nature,
            urgency,
            severity,
            certainty,
            impact,
            counts: _,
            participants,
            objects,
            links,
            seizures,
            response_taken,
            planned,
            assistance_needed,
            description,
            report_stage,
            close_reason,
            cause,
            route,
            sources,
            source_fields,
            reported_at,
        } = incident;
        self.required_code(AT.field("incident_type"), incident_type);
        self.code_list(AT.field("facets"), facets, 0..=caps::LIST_MAX);
        self.required(AT.field("occurred"), occurred.as_ref(), Self::period_with_begin);
        self.required(AT.field("place"), place.as_ref(), Self::place);
        let codes = [("nature", nature), ("urgency", urgency), ("severity", severity)];
        self.codes(AT, &codes);
        self.codes(AT, &[("certainty", certainty), ("impact", impact)]);
        self.subjects(AT.field("participants"), participants);
        self.subjects(AT.field("objects"), objects);
        self.links(AT.field("links"), links, participants.len() + objects.len());
        self.each(AT.field("seizures"), seizures, 0..=caps::SUBJECTS_MAX, Self::seized_goods);
        self.code_list(AT.field("response_taken"), response_taken, 1..=caps::RESPONSES_MAX);
        self.texts(AT.field("planned"), planned);
        self.texts(AT.field("assistance_needed"), assistance_needed);
        self.texts(AT.field("description"), description);
        self.report(*report_stage, close_reason);
        self.lines(AT, &[("cause", cause), ("route", route)]);
        self.each(AT.field("sources"), sources, 0..=caps::SOURCES_MAX, Self::source);
        self.named_values(AT.field("source_fields"), source_fields);
        self.part(AT.field("reported_at"), reported_at.as_ref(), Self::instant);
    }

    fn report(&mut self, stage: i32, close_reason: &str) {
        let stage = self.findings.required_code(AT.field("report_stage"), "body", stage);
        let at = AT.field("close_reason");
        if stage == Some(pb::ReportStage::Final) {
            self.required_line(at, close_reason);
        } else {
            self.line(at, close_reason);
        }
    }

    pub(super) fn seized_goods(&mut self, at: At<'_>, seizure: &pb::SeizedGoods) {
        let pb::SeizedGoods { goods, detection_method, concealment } = seizure;
        self.required(at.field("goods"), goods.as_ref(), Self::goods);
        self.code(at.field("detection_method"), detection_method);
        self.texts(at.field("concealment"), concealment);
    }

    fn source(&mut self, at: At<'_>, source: &pb::Source) {
        let pb::Source { name, url, quality } = source;
        if name.is_empty() && url.is_empty() {
            self.missing(at);
        }
        self.line(at.field("name"), name);
        self.url(at.field("url"), url);
        if *quality > 5 {
            self.invalid(at.field("quality"), "1 to 5 is expected, 0 where not graded");
        }
    }
}
