//! Places, areas, and whom to reach there.

use barid_proto::message::v1 as pb;

use super::Inspection;
use crate::caps;
use crate::fault::At;
use crate::identifier::Unlocode;

impl Inspection<'_, '_> {
    /// A place that names or shows where it is.
    pub(super) fn place(&mut self, at: At<'_>, place: &pb::Place) {
        let pb::Place {
            unlocode,
            function,
            crossing_id,
            country,
            point,
            polygon,
            circle,
            accuracy_m: _,
            zone,
            names,
        } = place;
        let shown = point.is_some() || polygon.is_some() || circle.is_some();
        if !shown && names.is_empty() && unlocode.is_empty() && crossing_id.is_empty() {
            self.missing(at);
        }
        self.checked(at.field("unlocode"), unlocode, Unlocode::parse);
        self.codes(at, &[("function", function), ("crossing_id", crossing_id), ("zone", zone)]);
        self.country(at.field("country"), country);
        self.part(at.field("point"), point.as_ref(), Self::point);
        self.part(at.field("polygon"), polygon.as_ref(), Self::polygon);
        self.part(at.field("circle"), circle.as_ref(), Self::circle);
        self.texts(at.field("names"), names);
    }

    /// An area of an alert.
    pub(super) fn area(&mut self, at: At<'_>, area: &pb::Area) {
        let pb::Area { description, polygons, circles, geocodes, altitude_m: _, ceiling_m: _ } =
            area;
        self.each(at.field("description"), description, 1..=caps::LIST_MAX, Self::text);
        self.each(at.field("polygons"), polygons, 0..=caps::LIST_MAX, Self::polygon);
        self.each(at.field("circles"), circles, 0..=caps::LIST_MAX, Self::circle);
        self.named_values(at.field("geocodes"), geocodes);
    }

    /// Someone on duty who can be reached.
    pub(super) fn contact(&mut self, at: At<'_>, contact: &pb::Contact) {
        let pb::Contact { address, desk, phone, email } = contact;
        if address.is_empty() && desk.is_empty() && phone.is_empty() && email.is_empty() {
            self.missing(at);
        }
        if !address.is_empty() {
            self.findings.address(at.field("address"), "body", address);
        }
        self.line(at.field("desk"), desk);
        if !phone.is_empty() && !is_phone(phone) {
            self.invalid(at.field("phone"), "E.164 is expected: + and 2 to 15 digits");
        }
        if !email.is_empty() && !is_email(email) {
            self.invalid(at.field("email"), "an email address is expected");
        }
        self.id(at.field("email"), email);
    }
}

/// International number of ITU-T E.164.
fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// One @ with something on both sides, no white space.
fn is_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}
