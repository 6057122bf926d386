//! Geometries: WGS 84, closed, of bounded size (V15).

use barid_proto::message::v1 as pb;

use super::Inspection;
use crate::caps;
use crate::fault::At;
use crate::reason::Reason;

/// A quarter turn in 1e-7 degrees: the greatest latitude.
const LATITUDE_MAX: i32 = 900_000_000;
/// Half a turn in 1e-7 degrees: the greatest longitude.
const LONGITUDE_MAX: i32 = 1_800_000_000;

impl Inspection<'_, '_> {
    fn geometry(&mut self, at: At<'_>, expected: impl Into<String>) {
        self.findings.add(at, Reason::GeometryInvalid, "V15", expected);
    }

    /// A point on the Earth.
    pub(super) fn point(&mut self, at: At<'_>, point: &pb::GeoPoint) {
        let pb::GeoPoint { latitude_e7, longitude_e7 } = point;
        if !(-LATITUDE_MAX..=LATITUDE_MAX).contains(latitude_e7) {
            self.geometry(at.field("latitude_e7"), "-900000000 to 900000000 is expected");
        }
        if !(-LONGITUDE_MAX..=LONGITUDE_MAX).contains(longitude_e7) {
            self.geometry(at.field("longitude_e7"), "-1800000000 to 1800000000 is expected");
        }
    }

    /// A circle around a point.
    pub(super) fn circle(&mut self, at: At<'_>, circle: &pb::GeoCircle) {
        let pb::GeoCircle { centre, radius_m } = circle;
        self.required(at.field("centre"), centre.as_ref(), Self::point);
        if *radius_m > caps::RADIUS_M_MAX {
            self.geometry(at.field("radius_m"), "more than half the circumference of the Earth");
        }
    }

    /// A closed ring.
    pub(super) fn polygon(&mut self, at: At<'_>, polygon: &pb::GeoPolygon) {
        let pb::GeoPolygon { points } = polygon;
        let (min, max) = (caps::POLYGON_POINTS_MIN, caps::POLYGON_POINTS_MAX);
        let at = at.field("points");
        if !(min..=max).contains(&points.len()) {
            self.geometry(at, format!("has {} points; {min} to {max} are allowed", points.len()));
            return;
        }
        if points.first() != points.last() {
            self.geometry(at, "open; the last point must be the first");
        }
        for (position, point) in points.iter().enumerate() {
            self.point(at.item(position), point);
        }
    }
}
