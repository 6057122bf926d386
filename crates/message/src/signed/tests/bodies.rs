//! What bodies must and must not hold: rows 46 to 51, V13 to V15.

mod ids;
mod personal;
mod values;

use barid_proto::message::v1 as pb;

use crate::body::Body;
use crate::compose::compose;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{self, NOW, World, alert, incident, text};

/// The first fault that composing finds, and how many there are.
fn fault(world: &World, body: impl Into<Body>) -> (Reason, String, usize) {
    let mut draft = world.draft(body);
    // The languages as stated, not as the body has them.
    draft.header_mut().languages.get_or_insert_default().languages = vec!["en".into(), "fa".into()];
    let faults = compose(draft, NOW, [7; 10], &world.key).expect_err("a fault is expected");
    (faults.first().reason, faults.first().path.clone(), faults.as_slice().len())
}

/// What is done to a sound body, and the reason and place of its only fault.
type Case<T> = (fn(&mut T), Reason, &'static str);

fn hold<T: Into<Body>>(sound: fn() -> T, cases: &[Case<T>]) {
    let world = World::new(Algorithm::Ed25519);
    for (number, (break_it, reason, path)) in cases.iter().enumerate() {
        let mut body = sound();
        break_it(&mut body);
        let expected = (*reason, format!("body.{path}"), 1);
        assert_eq!(fault(&world, body), expected, "case {number}");
    }
}

fn points(alert: &mut pb::Alert) -> &mut Vec<pb::GeoPoint> {
    &mut alert.areas[0].polygons[0].points
}

#[test]
fn alerts() {
    hold(alert, ALERTS);
}

const ALERTS: &[Case<pb::Alert>] = &[
    (|a| a.categories.clear(), Reason::ListInvalid, "categories"),
    (|a| a.categories[0] = "a b".into(), Reason::FieldInvalid, "categories[0]"),
    (|a| a.categories[0] = "s\u{e9}curit\u{e9}".into(), Reason::TextInvalid, "categories[0]"),
    (|a| a.event.clear(), Reason::ListInvalid, "event"),
    (|a| a.event[1].language = "en".into(), Reason::ListInvalid, "event[1].language"),
    (|a| a.event[1].language = "ur".into(), Reason::BodyMismatch, "event[1].language"),
    (|a| a.event[1].text.clear(), Reason::FieldMissing, "event[1].text"),
    (|a| a.event[0].text = "x".repeat(16_385), Reason::TooLarge, "event[0].text"),
    (|a| a.event[0].direction = 7, Reason::UnknownCode, "event[0].direction"),
    (|a| a.urgency.clear(), Reason::FieldMissing, "urgency"),
    (|a| a.severity = "x".repeat(65), Reason::TooLarge, "severity"),
    (|a| a.headline[0].text = "a\u{1b}[2J".into(), Reason::TextInvalid, "headline[0].text"),
    (|a| a.headline[0].text = "a\u{2066}".into(), Reason::TextInvalid, "headline[0].text"),
    (|a| a.sender_name = "a\nb".into(), Reason::TextInvalid, "sender_name"),
    (|a| a.areas.clear(), Reason::ListInvalid, "areas"),
    (|a| a.areas[0].description.clear(), Reason::ListInvalid, "areas[0].description"),
    (|a| a.subjects[0].item = None, Reason::FieldMissing, "subjects[0]"),
    (|a| a.links[0].to = 2, Reason::FieldInvalid, "links[0].to"),
    (|a| a.links[0].relation.clear(), Reason::FieldMissing, "links[0].relation"),
    (|a| a.actions_to_take.clear(), Reason::ListInvalid, "actions_to_take"),
    (|a| a.hit_contact = None, Reason::FieldMissing, "hit_contact"),
    (|a| a.hit_contact = Some(pb::Contact::default()), Reason::FieldMissing, "hit_contact"),
    (
        |a| a.hit_contact.as_mut().unwrap().phone = "021 99".into(),
        Reason::FieldInvalid,
        "hit_contact.phone",
    ),
    (
        |a| a.hit_contact.as_mut().unwrap().address = "uk/police".into(),
        Reason::CountryUnknown,
        "hit_contact.address",
    ),
    (
        |a| {
            let mut late = NOW.to_proto();
            late.seconds += 367 * 86_400;
            a.review_at = Some(late);
        },
        Reason::TimeOrder,
        "review_at",
    ),
    (
        |a| {
            let mut early = NOW.to_proto();
            early.seconds -= 1;
            a.review_at = Some(early);
        },
        Reason::TimeOrder,
        "review_at",
    ),
    (|a| a.web = "www.example.org".into(), Reason::FieldInvalid, "web"),
    (|a| a.web = "javascript:alert(1)".into(), Reason::FieldInvalid, "web"),
    (
        |a| {
            let date =
                |date: &str| Some(pb::PartialTime { date: date.into(), ..Default::default() });
            a.links[0].period = Some(pb::Period { from: date("2020-05"), to: date("2020-04-30") });
        },
        Reason::TimeOrder,
        "links[0].period.to",
    ),
];

#[test]
fn geometries() {
    hold(alert, GEOMETRIES);
}

const GEOMETRIES: &[Case<pb::Alert>] = &[
    (|a| points(a)[3].latitude_e7 += 1, Reason::GeometryInvalid, "areas[0].polygons[0].points"),
    (|a| points(a).truncate(3), Reason::GeometryInvalid, "areas[0].polygons[0].points"),
    (|a| points(a).clear(), Reason::GeometryInvalid, "areas[0].polygons[0].points"),
    (
        |a| *points(a) = vec![points(a)[0]; 1_001],
        Reason::GeometryInvalid,
        "areas[0].polygons[0].points",
    ),
    (
        |a| points(a)[1].latitude_e7 = 900_000_001,
        Reason::GeometryInvalid,
        "areas[0].polygons[0].points[1].latitude_e7",
    ),
    (
        |a| points(a)[1].longitude_e7 = i32::MIN,
        Reason::GeometryInvalid,
        "areas[0].polygons[0].points[1].longitude_e7",
    ),
    (
        |a| a.areas[0].circles.push(pb::GeoCircle::default()),
        Reason::FieldMissing,
        "areas[0].circles[0].centre",
    ),
];

#[test]
fn incidents() {
    hold(incident, INCIDENTS);
}

const INCIDENTS: &[Case<pb::Incident>] = &[
    (|i| i.incident_type.clear(), Reason::FieldMissing, "incident_type"),
    (|i| i.occurred = None, Reason::FieldMissing, "occurred"),
    (|i| i.occurred.as_mut().unwrap().from = None, Reason::FieldMissing, "occurred.from"),
    (
        |i| i.occurred.as_mut().unwrap().from = Some(pb::PartialTime::default()),
        Reason::FieldMissing,
        "occurred.from",
    ),
    (
        |i| i.occurred.as_mut().unwrap().from.as_mut().unwrap().date = "2021-02-29".into(),
        Reason::FieldInvalid,
        "occurred.from.date",
    ),
    (|i| i.place = None, Reason::FieldMissing, "place"),
    (|i| i.place = Some(pb::Place::default()), Reason::FieldMissing, "place"),
    (|i| i.place.as_mut().unwrap().unlocode = "PK".into(), Reason::FieldInvalid, "place.unlocode"),
    (|i| i.place.as_mut().unwrap().country = "ZZ".into(), Reason::CountryUnknown, "place.country"),
    (|i| i.response_taken.clear(), Reason::ListInvalid, "response_taken"),
    (|i| i.report_stage = 0, Reason::FieldMissing, "report_stage"),
    (|i| i.report_stage = 9, Reason::UnknownCode, "report_stage"),
    (|i| i.report_stage = 3, Reason::FieldMissing, "close_reason"),
    (|i| i.seizures.push(pb::SeizedGoods::default()), Reason::FieldMissing, "seizures[0].goods"),
    (|i| i.sources.push(pb::Source::default()), Reason::FieldMissing, "sources[0]"),
    (
        |i| {
            let url = "https://a.example, https://b.example".into();
            i.sources.push(pb::Source { url, ..Default::default() });
        },
        Reason::FieldInvalid,
        "sources[0].url",
    ),
    (
        |i| i.source_fields.push(pb::NamedValue::default()),
        Reason::FieldMissing,
        "source_fields[0].name",
    ),
    (
        |i| i.reported_at = Some(barid_proto::Timestamp { seconds: 0, nanos: 1 }),
        Reason::FieldInvalid,
        "reported_at",
    ),
    (|i| i.cause = "x".repeat(513), Reason::TooLarge, "cause"),
];

#[test]
fn notes() {
    hold(sample::note, NOTES);
}

const NOTES: &[Case<pb::Note>] = &[
    (|n| n.text.clear(), Reason::ListInvalid, "text"),
    (|n| n.text[0].language.clear(), Reason::FieldMissing, "text[0].language"),
    (|n| n.subject = vec![text("en", "x"); 2], Reason::ListInvalid, "subject[1].language"),
];

#[test]
fn the_number_of_faults_is_bounded() {
    let world = World::new(Algorithm::Ed25519);
    let mut body = alert();
    body.source_fields = vec![pb::NamedValue::default(); 900];
    assert_eq!(fault(&world, body).2, crate::caps::FAULTS_MAX);
}
