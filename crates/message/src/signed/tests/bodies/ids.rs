//! Ids hold no joiners and are of one line; the texts beside them may hold joiners.

use barid_proto::message::v1 as pb;
use pb::subject::Item;

use super::fault;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{World, alert, text};

/// Joined between letters, as Persian text is.
const JOINED: &str = "می\u{200c}خ";

/// Each kind of subject with every id of it made by `id`, and their paths.
fn subjects(id: &str) -> Vec<(Item, &'static [&'static str])> {
    let id = || id.to_owned();
    let identifiers = vec![pb::Identifier { value: id(), ..Default::default() }];
    let document = pb::Document { number: id(), ..Default::default() };
    vec![
        (
            Item::Organisation(pb::Organisation { identifiers, ..Default::default() }),
            &["organisation.identifiers[0].value"],
        ),
        (Item::Document(document), &["document.number"]),
        (
            Item::Vehicle(pb::Vehicle {
                plate: id(),
                plate_original: id(),
                vin: id(),
                trailer_plate: id(),
                ..Default::default()
            }),
            &["vehicle.plate", "vehicle.plate_original", "vehicle.vin", "vehicle.trailer_plate"],
        ),
        (Item::Vessel(pb::Vessel { call_sign: id(), ..Default::default() }), &["vessel.call_sign"]),
        (
            Item::Aircraft(pb::Aircraft { registration: id(), ..Default::default() }),
            &["aircraft.registration"],
        ),
        (
            Item::Container(pb::Container { number: id(), seal: id(), container_type: id() }),
            &["container.number", "container.seal", "container.container_type"],
        ),
        (
            Item::Consignment(pb::Consignment {
                ucr: id(),
                transport_document: id(),
                ..Default::default()
            }),
            &["consignment.ucr", "consignment.transport_document"],
        ),
        (Item::Firearm(pb::Firearm { serial: id(), ..Default::default() }), &["firearm.serial"]),
        (Item::Device(pb::Device { value: id(), ..Default::default() }), &["device.value"]),
    ]
}

#[test]
fn ids_of_subjects() {
    let world = World::new(Algorithm::Ed25519);
    for id in [JOINED, "1\n2", "1\t2"] {
        for (item, paths) in subjects(id) {
            let mut alert = alert();
            alert.subjects[1].item = Some(item);
            let first = format!("body.subjects[1].{}", paths[0]);
            assert_eq!(fault(&world, alert), (Reason::TextInvalid, first, paths.len()));
        }
    }
}

#[test]
fn texts_beside_them_keep_their_joiners() {
    let world = World::new(Algorithm::Ed25519);
    let mut alert = alert();
    alert.headline = vec![text("fa", JOINED)];
    alert.sender_name = JOINED.into();
    let vessel = pb::Vessel { name: JOINED.into(), call_sign: "APXY".into(), ..Default::default() };
    alert.subjects[1].item = Some(Item::Vessel(vessel));
    world.compose(world.draft(alert));
}
