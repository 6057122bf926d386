//! What a message is about: vehicles, goods, money, devices.

use barid_proto::message::v1 as pb;

use super::Inspection;
use crate::fault::At;
use crate::identifier::{ContainerNumber, HsCode, ImoNumber, Vin};
use crate::rules::field::is_run;

impl Inspection<'_, '_> {
    pub(super) fn vehicle(&mut self, at: At<'_>, vehicle: &pb::Vehicle) {
        let pb::Vehicle {
            vehicle_kind,
            plate,
            plate_country,
            plate_original,
            vin,
            make,
            model,
            colour,
            trailer_plate,
            occupants: _,
        } = vehicle;
        self.code(at.field("vehicle_kind"), vehicle_kind);
        self.country(at.field("plate_country"), plate_country);
        self.ids(at, &[("plate", plate), ("plate_original", plate_original)]);
        self.checked(at.field("vin"), vin, Vin::parse);
        self.lines(at, &[("make", make), ("model", model), ("colour", colour)]);
        self.id(at.field("trailer_plate"), trailer_plate);
    }

    pub(super) fn vessel(&mut self, at: At<'_>, vessel: &pb::Vessel) {
        let pb::Vessel { name, imo, mmsi, call_sign, flag, vessel_type, vessel_status } = vessel;
        self.checked(at.field("imo"), imo, ImoNumber::parse);
        self.digits(at.field("mmsi"), mmsi, 9, "an MMSI has nine digits");
        self.country(at.field("flag"), flag);
        self.id(at.field("call_sign"), call_sign);
        let lines =
            [("name", name), ("vessel_type", vessel_type), ("vessel_status", vessel_status)];
        self.lines(at, &lines);
    }

    pub(super) fn aircraft(&mut self, at: At<'_>, aircraft: &pb::Aircraft) {
        let pb::Aircraft { registration, icao24, aircraft_type } = aircraft;
        if !icao24.is_empty() && !is_run(icao24, 6, u8::is_ascii_hexdigit) {
            self.invalid(at.field("icao24"), "an ICAO address has six hexadecimal digits");
        }
        self.id(at.field("registration"), registration);
        self.line(at.field("aircraft_type"), aircraft_type);
    }

    pub(super) fn container(&mut self, at: At<'_>, container: &pb::Container) {
        let pb::Container { number, seal, container_type } = container;
        self.checked(at.field("number"), number, ContainerNumber::parse);
        self.ids(at, &[("seal", seal), ("container_type", container_type)]);
    }

    pub(super) fn consignment(&mut self, at: At<'_>, consignment: &pb::Consignment) {
        let pb::Consignment {
            hs_code,
            description,
            packages: _,
            package_kind,
            gross_mass,
            declared_value,
            ucr,
            transport_document,
            consignor,
            consignee,
        } = consignment;
        self.checked(at.field("hs_code"), hs_code, HsCode::parse);
        self.texts(at.field("description"), description);
        self.code(at.field("package_kind"), package_kind);
        self.part(at.field("gross_mass"), gross_mass.as_ref(), Self::quantity);
        self.part(at.field("declared_value"), declared_value.as_ref(), Self::money);
        self.ids(at, &[("ucr", ucr), ("transport_document", transport_document)]);
        self.part(at.field("consignor"), consignor.as_ref(), Self::organisation);
        self.part(at.field("consignee"), consignee.as_ref(), Self::organisation);
    }

    pub(super) fn goods(&mut self, at: At<'_>, goods: &pb::Goods) {
        let pb::Goods { category, description, quantity, hs_code } = goods;
        self.code(at.field("category"), category);
        self.texts(at.field("description"), description);
        self.part(at.field("quantity"), quantity.as_ref(), Self::quantity);
        self.checked(at.field("hs_code"), hs_code, HsCode::parse);
    }

    pub(super) fn quantity(&mut self, at: At<'_>, quantity: &pb::Quantity) {
        let pb::Quantity { digits: _, exponent, unit } = quantity;
        self.exponent(at, *exponent);
        self.required_code(at.field("unit"), unit);
    }

    fn money(&mut self, at: At<'_>, money: &pb::Money) {
        let pb::Money { digits: _, exponent, currency } = money;
        self.exponent(at, *exponent);
        if !is_run(currency, 3, u8::is_ascii_uppercase) {
            self.invalid(at.field("currency"), "three capital letters of ISO 4217 are expected");
        }
    }

    pub(super) fn exponent(&mut self, at: At<'_>, exponent: i32) {
        if !(-9..=9).contains(&exponent) {
            self.invalid(at.field("exponent"), "a power of ten, -9 to 9, is expected");
        }
    }

    pub(super) fn firearm(&mut self, at: At<'_>, firearm: &pb::Firearm) {
        let pb::Firearm { firearm_kind, calibre, serial, marks } = firearm;
        self.id(at.field("serial"), serial);
        let lines = [("firearm_kind", firearm_kind), ("calibre", calibre), ("marks", marks)];
        self.lines(at, &lines);
    }

    pub(super) fn device(&mut self, at: At<'_>, device: &pb::Device) {
        let pb::Device { device_kind, value, provider } = device;
        self.code(at.field("device_kind"), device_kind);
        self.id(at.field("value"), value);
        self.line(at.field("provider"), provider);
    }
}
