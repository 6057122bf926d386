//! SITREP.

use barid_proto::message::v1 as pb;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;

impl Inspection<'_, '_> {
    pub(super) fn sitrep(&mut self, sitrep: &pb::Sitrep) {
        let pb::Sitrep { period, areas, report_type, indicators, narrative, confidence } = sitrep;
        self.required(AT.field("period"), period.as_ref(), |this, at, period| {
            if period.to.is_none() {
                this.missing(at.field("to"));
            }
            this.period_with_begin(at, period);
        });
        self.each(AT.field("areas"), areas, 1..=caps::AREAS_MAX, Self::area);
        self.required_code(AT.field("report_type"), report_type);
        let list = AT.field("indicators");
        self.each(list, indicators, 0..=caps::INDICATORS_MAX, Self::indicator);
        self.texts(AT.field("narrative"), narrative);
        if indicators.is_empty() && narrative.is_empty() {
            self.missing(AT.field("narrative"));
        }
        self.part(AT.field("confidence"), confidence.as_ref(), Self::confidence);
    }

    fn indicator(&mut self, at: At<'_>, indicator: &pb::Indicator) {
        let pb::Indicator { code, digits: _, exponent, unit, breakdown } = indicator;
        self.required_code(at.field("code"), code);
        self.exponent(at, *exponent);
        self.code(at.field("unit"), unit);
        self.each(at.field("breakdown"), breakdown, 0..=caps::LIST_MAX, |this, at, part| {
            let pb::IndicatorPart { dimension, value, digits: _, exponent } = part;
            this.required_code(at.field("dimension"), dimension);
            this.required_line(at.field("value"), value);
            this.exponent(at, *exponent);
        });
    }
}
