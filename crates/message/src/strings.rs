//! Every string of a message, in order: what the rules of text and the
//! normalisation before signing walk over.
//!
//! Each type is taken apart field by field, so that a field added to the wire and
//! forgotten here breaks the build.

use barid_proto::Timestamp;
use barid_proto::message::v1 as pb;
use bytes::Bytes;
use pb::{recipient, subject};

use crate::fault::At;

/// Something that may hold strings.
pub(crate) trait Strings {
    /// Shows every string with its place.
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str));
    /// Gives every string away to be changed.
    fn amend(&mut self, change: &mut dyn FnMut(&mut String));
    /// Shows every text that states its language.
    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text));
}

impl Strings for String {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        see(at, self);
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(self);
    }

    fn texts<'t>(&'t self, _: &mut dyn FnMut(&'t pb::Text)) {}
}

impl<T: Strings> Strings for Option<T> {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        if let Some(value) = self {
            value.visit(at, see);
        }
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        if let Some(value) = self {
            value.amend(change);
        }
    }

    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
        if let Some(value) = self {
            value.texts(see);
        }
    }
}

impl<T: Strings> Strings for Vec<T> {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        for (position, value) in self.iter().enumerate() {
            value.visit(at.item(position), see);
        }
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        for value in self {
            value.amend(change);
        }
    }

    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
        for value in self {
            value.texts(see);
        }
    }
}

/// Types that hold no string.
macro_rules! without_strings {
    ($($type:ty),* $(,)?) => {$(
        impl Strings for $type {
            fn visit(&self, _: At<'_>, _: &mut dyn FnMut(At<'_>, &str)) {}
            fn amend(&mut self, _: &mut dyn FnMut(&mut String)) {}
            fn texts<'t>(&'t self, _: &mut dyn FnMut(&'t pb::Text)) {}
        }
    )*};
}

/// Messages, by all of their fields.
macro_rules! messages {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Strings for pb::$type {
            fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
                let Self { $($field),* } = self;
                $($field.visit(at.field(stringify!($field)), see);)*
            }

            fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
                let Self { $($field),* } = self;
                $($field.amend(change);)*
            }

            fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
                let Self { $($field),* } = self;
                $($field.texts(see);)*
            }
        }
    )*};
}

/// Oneofs, by all of their members.
macro_rules! oneofs {
    ($($type:path { $($member:ident = $name:literal),* $(,)? })*) => {$(
        impl Strings for $type {
            fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
                match self {
                    $(Self::$member(value) => value.visit(at.field($name), see),)*
                }
            }

            fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
                match self {
                    $(Self::$member(value) => value.amend(change),)*
                }
            }

            fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
                match self {
                    $(Self::$member(value) => value.texts(see),)*
                }
            }
        }
    )*};
}

without_strings!(bool, i32, i64, u32, u64, Bytes, Timestamp, pb::Version, pb::Signer);
without_strings!(pb::Times, pb::Sharing, pb::DataProtection, pb::AckPolicy, pb::Routing);
without_strings!(pb::GeoPoint, pb::GeoCircle, pb::GeoPolygon, pb::Counts);

messages! {
    Header {
        schema, identity, status, lineage, originator, recipients, precedence, times,
        classification, sharing, handling, onward, legal, data_protection, grading, ack_policy,
        languages, content, routing, extensions, signers, external_ref,
    }
    Schema { spec_version, kind, schema_id, schema_version }
    Identity { message_id, thread_id, correlation_id, case_ref }
    MessageStatus { code, exercise_name }
    Lineage { r#type, references }
    Reference { originator, message_id, header_digest }
    Originator { address, node, officer, on_behalf_of }
    Topic { name, area }
    PrecedenceLevel { level, reason }
    Classification { scheme, level }
    Handling { code, text }
    Onward { level, named, group_id }
    LegalBasis { purposes, legal_basis, agreement }
    AgreementRef { id, version, sha256, clause }
    Grading { system, source, information, validated_by }
    Languages { languages, original }
    Content { body, attachments }
    BodyInfo { media_type, size, sha256, sealing_suite }
    Attachment { name, media_type, size, sha256, sealing_suite }
    Extension { id, critical, value }
    ExternalRef { scheme, id }
}

messages! {
    Alert {
        categories, event, urgency, severity, certainty, headline, description, instruction,
        response_types, areas, subjects, links, alert_category, actions_to_take, hit_contact,
        notice_ref, review_at, sender_name, web, audience, event_codes, source_fields,
    }
    NoticeRef { id, colour, published }
    Incident {
        incident_type, facets, occurred, place, nature, urgency, severity, certainty, impact,
        counts, participants, objects, links, seizures, response_taken, planned,
        assistance_needed, description, report_stage, close_reason, cause, route, sources,
        source_fields, reported_at,
    }
    SeizedGoods { goods, detection_method, concealment }
    Source { name, url, quality }
    Note { subject, text }
}

messages! {
    PartialTime { instant, date, as_printed, calendar }
    Period { from, to }
    Confidence { grade, validation }
    NamedValue { name, value }
    Area { description, polygons, circles, geocodes, altitude_m, ceiling_m }
    Place {
        unlocode, function, crossing_id, country, point, polygon, circle, accuracy_m, zone, names,
    }
    Contact { address, desk, phone, email }
    PersonName {
        language, full, given, father, grandfather, family, nickname, birth_name, transliteration,
    }
    Identifier { scheme, value, country }
    Person {
        names, sex, birth_date, birth_place, nationalities, documents, identifiers, description,
        portrait_ref, biometrics_ref, is_suspect, is_of_interest, is_vulnerable, is_minor,
    }
    Document { document_class, mrz_code, number, issuer, issued, expires, state, mrz_lines }
    Vehicle {
        vehicle_kind, plate, plate_country, plate_original, vin, make, model, colour,
        trailer_plate, occupants,
    }
    Vessel { name, imo, mmsi, call_sign, flag, vessel_type, vessel_status }
    Aircraft { registration, icao24, aircraft_type }
    Container { number, seal, container_type }
    Quantity { digits, exponent, unit }
    Money { digits, exponent, currency }
    Consignment {
        hs_code, description, packages, package_kind, gross_mass, declared_value, ucr,
        transport_document, consignor, consignee,
    }
    Organisation { names, country, identifiers }
    Firearm { firearm_kind, calibre, serial, marks }
    Device { device_kind, value, provider }
    Goods { category, description, quantity, hs_code }
    Link { from, to, relation, period, confidence }
}

impl Strings for pb::Text {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        let Self { language, direction: _, text, origin: _ } = self;
        language.visit(at.field("language"), see);
        text.visit(at.field("text"), see);
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        let Self { language, direction: _, text, origin: _ } = self;
        language.amend(change);
        text.amend(change);
    }

    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
        see(self);
    }
}

impl Strings for pb::Recipient {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        let Self { role: _, target } = self;
        target.visit(at, see);
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        let Self { role: _, target } = self;
        target.amend(change);
    }

    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
        self.target.texts(see);
    }
}

impl Strings for pb::Subject {
    fn visit(&self, at: At<'_>, see: &mut dyn FnMut(At<'_>, &str)) {
        let Self { item, role, confidence } = self;
        item.visit(at, see);
        role.visit(at.field("role"), see);
        confidence.visit(at.field("confidence"), see);
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        let Self { item, role, confidence } = self;
        item.amend(change);
        role.amend(change);
        confidence.amend(change);
    }

    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text)) {
        let Self { item, role: _, confidence: _ } = self;
        item.texts(see);
    }
}

oneofs! {
    recipient::Target { Address = "address", GroupId = "group_id", Topic = "topic" }
    subject::Item {
        Person = "person",
        Document = "document",
        Vehicle = "vehicle",
        Vessel = "vessel",
        Aircraft = "aircraft",
        Container = "container",
        Consignment = "consignment",
        Goods = "goods",
        Organisation = "organisation",
        Firearm = "firearm",
        Device = "device",
    }
}
