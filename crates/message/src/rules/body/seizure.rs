//! SEIZURE.

use barid_proto::message::v1 as pb;
use pb::subject::Item;

use super::{AT, Inspection};
use crate::caps;
use crate::fault::At;

/// Modes of transport without a conveyance of their own.
const ON_FOOT: [&str; 4] = ["mail", "pedestrian", "animal", "unknown"];

impl Inspection<'_, '_> {
    pub(super) fn seizure(&mut self, seizure: &pb::Seizure) {
        let pb::Seizure {
            form,
            goods,
            mode,
            conveyances,
            route,
            concealment,
            detection_method,
            seized_at,
            place,
            suspects,
            links,
            arrests: _,
            description,
            source_fields,
        } = seizure;
        let form = self.findings.required_code(AT.field("form"), "body", *form);
        let full = form == Some(pb::SeizureForm::Full);
        self.each(AT.field("goods"), goods, 1..=caps::SUBJECTS_MAX, Self::seized_goods);
        self.required_code(AT.field("mode"), mode);
        let list = AT.field("conveyances");
        self.each(list, conveyances, 0..=caps::CONVEYANCES_MAX, Self::conveyance);
        if full && conveyances.is_empty() && !ON_FOOT.contains(&mode.as_str()) {
            self.missing(list);
        }
        self.part(AT.field("route"), route.as_ref(), Self::route);
        if full && route.is_none() {
            self.missing(AT.field("route"));
        }
        self.texts(AT.field("concealment"), concealment);
        self.required_code(AT.field("detection_method"), detection_method);
        self.required(AT.field("seized_at"), seized_at.as_ref(), Self::partial_time);
        self.required(AT.field("place"), place.as_ref(), Self::place);
        self.subjects(AT.field("suspects"), suspects);
        self.links(AT.field("links"), links, conveyances.len() + suspects.len());
        self.texts(AT.field("description"), description);
        self.named_values(AT.field("source_fields"), source_fields);
    }

    fn conveyance(&mut self, at: At<'_>, subject: &pb::Subject) {
        use Item::{Aircraft, Container, Vehicle, Vessel};
        if !matches!(subject.item, None | Some(Vehicle(_) | Vessel(_) | Aircraft(_) | Container(_)))
        {
            self.invalid(at, "a vehicle, vessel, aircraft or container is expected");
        }
        self.subject(at, subject);
    }

    fn route(&mut self, at: At<'_>, route: &pb::Route) {
        let pb::Route { departure, transit, destination } = route;
        if departure.is_none() && transit.is_empty() && destination.is_none() {
            self.missing(at);
        }
        self.part(at.field("departure"), departure.as_ref(), Self::place);
        self.each(at.field("transit"), transit, 0..=caps::TRANSIT_MAX, Self::place);
        self.part(at.field("destination"), destination.as_ref(), Self::place);
    }
}
