//! Areas: polygons, circles, codes and heights, exactly as they were drawn.

use barid_message::caps;
use barid_proto::message::v1 as pb;

use super::{
    alert::named_values,
    schema::{AREA, Checked},
};
use crate::{
    decimal,
    source::{GeoBox, Reason, quote},
    text,
    xml::Element,
};

/// One area of an info block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Area {
    pub(crate) description: String,
    /// What does not depend on the language.
    pub(crate) shape: Shape,
}

/// Geometry and codes of an area.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) polygons: Vec<pb::GeoPolygon>,
    pub(crate) circles: Vec<pb::GeoCircle>,
    pub(crate) geocodes: Vec<pb::NamedValue>,
    /// Feet above mean sea level, as printed.
    pub(crate) altitude: Option<String>,
    /// Feet above mean sea level, as printed.
    pub(crate) ceiling: Option<String>,
}

impl Area {
    pub(crate) fn of(element: &Element) -> Result<Self, Reason> {
        let area = AREA.check(element)?;
        let description = text::block("areaDesc", area.required("areaDesc")?)?;
        let filled = |name| area.all(name).filter(|child| !child.text.trim().is_empty());
        let polygons =
            filled("polygon").map(|child| polygon(&child.text)).collect::<Result<Vec<_>, _>>()?;
        let circles =
            filled("circle").map(|child| circle(&child.text)).collect::<Result<Vec<_>, _>>()?;
        let geocodes = named_values(area, "geocode", "")?;
        for (what, found) in
            [("polygons", polygons.len()), ("circles", circles.len()), ("geocodes", geocodes.len())]
        {
            if found > caps::LIST_MAX {
                return Err(Reason::TooMany { what, found, limit: caps::LIST_MAX });
            }
        }
        let (altitude, ceiling) = (feet(area, "altitude")?, feet(area, "ceiling")?);
        let shape = Shape { polygons, circles, geocodes, altitude, ceiling };
        Ok(Self { description, shape })
    }
}

impl Shape {
    /// The boxes that hold the polygons and circles.
    pub(crate) fn boxes(&self) -> impl Iterator<Item = GeoBox> {
        let polygons = self.polygons.iter().filter_map(box_of_polygon);
        polygons.chain(self.circles.iter().filter_map(box_of_circle))
    }
}

/// Metres of a height in feet, rounded; exact in feet among the source fields.
pub(crate) fn metres(feet: &str) -> Option<i32> {
    // A foot is 0.3048 m: tenths of millimetres are exact.
    let feet_e3 = decimal::scaled(feet, 3)?;
    let metres_e7 = feet_e3.checked_mul(3_048)?;
    let half = if metres_e7 < 0 { -5_000_000 } else { 5_000_000 };
    i32::try_from((metres_e7 + half) / 10_000_000).ok()
}

fn feet(area: Checked<'_>, name: &'static str) -> Result<Option<String>, Reason> {
    let Some(printed) = area.text(name).map(str::trim) else {
        return Ok(None);
    };
    let expected = "a height in feet";
    let (field, value) = (name.to_owned(), quote(printed));
    metres(printed).map(|_| Some(printed.to_owned())).ok_or(Reason::BadValue {
        field,
        value,
        expected,
    })
}

/// `lat,lon lat,lon ...`, closed.
fn polygon(text: &str) -> Result<pb::GeoPolygon, Reason> {
    let bad = |expected| Reason::BadValue {
        field: "polygon".to_owned(),
        value: quote(text.trim()),
        expected,
    };
    let points = text
        .split_ascii_whitespace()
        .map(point)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| bad("a list of latitude,longitude"))?;
    if points.len() < caps::POLYGON_POINTS_MIN || points.first() != points.last() {
        return Err(bad("a closed ring of four points or more"));
    }
    let (found, limit) = (points.len(), caps::POLYGON_POINTS_MAX);
    if found > limit {
        return Err(Reason::TooMany { what: "points of a polygon", found, limit });
    }
    Ok(pb::GeoPolygon { points })
}

/// `lat,lon radius`, the radius in kilometres.
fn circle(text: &str) -> Result<pb::GeoCircle, Reason> {
    let parse = || {
        let mut parts = text.split_ascii_whitespace();
        let centre = point(parts.next()?)?;
        let radius_m = u32::try_from(decimal::scaled(parts.next()?, 3)?).ok()?;
        let complete = parts.next().is_none() && radius_m <= caps::RADIUS_M_MAX;
        complete.then_some(pb::GeoCircle { centre: Some(centre), radius_m })
    };
    let (field, value) = ("circle".to_owned(), quote(text.trim()));
    let expected = "latitude,longitude and a radius in kilometres";
    parse().ok_or(Reason::BadValue { field, value, expected })
}

fn point(text: &str) -> Option<pb::GeoPoint> {
    let (latitude, longitude) = text.split_once(',')?;
    Some(pb::GeoPoint {
        latitude_e7: decimal::latitude_e7(latitude)?,
        longitude_e7: decimal::longitude_e7(longitude)?,
    })
}

fn box_of_polygon(polygon: &pb::GeoPolygon) -> Option<GeoBox> {
    let latitudes = || polygon.points.iter().map(|point| point.latitude_e7);
    let longitudes = || polygon.points.iter().map(|point| point.longitude_e7);
    Some(GeoBox {
        south_e7: latitudes().min()?,
        west_e7: longitudes().min()?,
        north_e7: latitudes().max()?,
        east_e7: longitudes().max()?,
    })
}

/// The box around a circle; near a pole, or larger than a hemisphere, all
/// longitudes.
fn box_of_circle(circle: &pb::GeoCircle) -> Option<GeoBox> {
    const METRES_PER_DEGREE: f64 = 110_000.0;
    let centre = circle.centre?;
    let height = f64::from(circle.radius_m) / METRES_PER_DEGREE;
    let latitude = f64::from(centre.latitude_e7) / 1e7;
    let width = height / (latitude.abs() + height).to_radians().cos();
    let height_e7 = e7(height)?;
    let (south_e7, north_e7) = (
        centre.latitude_e7.saturating_sub(height_e7).max(-900_000_000),
        centre.latitude_e7.saturating_add(height_e7).min(900_000_000),
    );
    if latitude.abs() + height >= 89.0 || width >= 180.0 {
        return Some(GeoBox {
            south_e7,
            north_e7,
            west_e7: -1_800_000_000,
            east_e7: 1_800_000_000,
        });
    }
    let width_e7 = e7(width)?;
    let west_e7 = wrap(i64::from(centre.longitude_e7) - i64::from(width_e7))?;
    let east_e7 = wrap(i64::from(centre.longitude_e7) + i64::from(width_e7))?;
    Some(GeoBox { south_e7, north_e7, west_e7, east_e7 })
}

fn e7(degrees: f64) -> Option<i32> {
    i32::try_from(decimal::scaled(&format!("{degrees:.7}"), 7)?).ok()
}

fn wrap(longitude_e7: i64) -> Option<i32> {
    const TURN: i64 = 3_600_000_000;
    let wrapped = match longitude_e7 {
        low if low < -TURN / 2 => low + TURN,
        high if high > TURN / 2 => high - TURN,
        inside => inside,
    };
    i32::try_from(wrapped).ok()
}
