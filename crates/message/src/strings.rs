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
use crate::text::Layout;

/// What is shown every string with its place and layout.
type See<'s> = dyn FnMut(At<'_>, Layout, &str) + 's;

/// Something that may hold strings.
pub(crate) trait Strings {
    /// Shows every string with its place: `layout` where its field has none of its own.
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>);
    /// Gives every string away to be changed.
    fn amend(&mut self, change: &mut dyn FnMut(&mut String));
    /// Shows every text that states its language.
    fn texts<'t>(&'t self, see: &mut dyn FnMut(&'t pb::Text));
}

impl Strings for String {
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        see(at, layout, self);
    }

    fn amend(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(self);
    }

    fn texts<'t>(&'t self, _: &mut dyn FnMut(&'t pb::Text)) {}
}

impl<T: Strings> Strings for Option<T> {
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        if let Some(value) = self {
            value.visit(at, layout, see);
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
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        for (position, value) in self.iter().enumerate() {
            value.visit(at.item(position), layout, see);
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
            fn visit(&self, _: At<'_>, _: Layout, _: &mut See<'_>) {}
            fn amend(&mut self, _: &mut dyn FnMut(&mut String)) {}
            fn texts<'t>(&'t self, _: &mut dyn FnMut(&'t pb::Text)) {}
        }
    )*};
}

/// Messages, by all of their fields, with the layout of those that have their own.
macro_rules! messages {
    ($($type:ident { $($field:ident $(: $layout:ident)?),* $(,)? })*) => {$(
        impl Strings for pb::$type {
            fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
                let Self { $($field),* } = self;
                // Not looked at where every field has its own.
                let _ = layout;
                $({
                    $(let layout = Layout::$layout;)?
                    $field.visit(at.field(stringify!($field)), layout, see);
                })*
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
            fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
                match self {
                    $(Self::$member(value) => value.visit(at.field($name), layout, see),)*
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
    Identity { message_id, thread_id, correlation_id, case_ref: Id }
    MessageStatus { code, exercise_name }
    Lineage { r#type, references }
    Reference { originator, message_id, header_digest }
    Originator { address, node: Id, officer: Id, on_behalf_of }
    Topic { name, area }
    PrecedenceLevel { level, reason }
    Classification { scheme, level: Id }
    Handling { code, text }
    Onward { level, named, group_id }
    LegalBasis { purposes, legal_basis, agreement }
    AgreementRef { id, version, sha256, clause: Id }
    Grading { system, source, information, validated_by }
    Languages { languages, original }
    Content { body, attachments }
    BodyInfo { media_type, size, sha256, sealing_suite }
    Attachment { name, media_type, size, sha256, sealing_suite }
    Extension { id, critical, value }
    ExternalRef { scheme, id: Id }
}

messages! {
    Alert {
        categories, event, urgency, severity, certainty, headline, description, instruction,
        response_types, areas, subjects, links, alert_category, actions_to_take, hit_contact,
        notice_ref, review_at, sender_name, web: Id, audience, event_codes, source_fields,
        special_handling, source_name, note,
    }
    NoticeRef { id: Id, colour, published }
    Incident {
        incident_type, facets, occurred, place, nature, urgency, severity, certainty, impact,
        counts, participants, objects, links, seizures, response_taken, planned,
        assistance_needed, description, report_stage, close_reason, cause, route, sources,
        source_fields, reported_at,
    }
    SeizedGoods { goods, detection_method, concealment }
    Source { name, url: Id, quality }
    Note { subject, text }
}

messages! {
    Seizure {
        form, goods, mode, conveyances, route, concealment, detection_method, seized_at, place,
        suspects, links, arrests, description, source_fields,
    }
    Route { departure, transit, destination }
    Rfi {
        subjects, links, question, justification, urgency, data_classes, languages_accepted,
        permitted_use, contact,
    }
    Justification { reason, offence, link, urgency_reason }
    Rsp {
        result, refusal_reasons, refusal_text, deferred_until, fulfils, subjects, links, text,
        missing_classes,
    }
    Hit {
        alert, at, place, match_strength, actions, outcome, subjects, links, description, contact,
    }
    Sitrep { period, areas, report_type, indicators, narrative, confidence }
    Indicator { code, digits, exponent, unit, breakdown }
    IndicatorPart { dimension, value, digits, exponent }
    CrossingStatus {
        crossing_id, direction, state, reason, modes, valid_until, place, observed_at,
    }
    CrossingMode {
        mode, lanes_max, lanes_open, wait_expected_min, wait_measured_min, queue_m, service_per_h,
        volume_per_h,
    }
    AdvanceNotice {
        subjects, links, mode, from, to, eta, seals: Id, tir_carnet: Id, risk_type, risk_level,
        requested_control, persons, contact,
    }
    Assist { status, needs, place, by_when, description, contact, refusal_text }
    Need { code, quantity, description }
    Consent { about, wish, recipients, until, level: Id, reason, answer, scope }
    Correction { about, changes, ground }
    Proposal { about, changes, ground }
    FieldChange { path: Id, action, value }
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
    Contact { address, desk, phone, email: Id }
    PersonName {
        language, full, given, father, grandfather, family, nickname, birth_name, transliteration,
    }
    Identifier { scheme, value: Id, country }
    Person {
        names, sex, birth_date, birth_place, nationalities, documents, identifiers, description,
        portrait_ref: Id, biometrics_ref: Id, is_suspect, is_of_interest, is_vulnerable, is_minor,
    }
    Document {
        document_class, mrz_code, number: Id, issuer, issued, expires, state, mrz_lines,
        mrz_wrong_digits,
    }
    Vehicle {
        vehicle_kind, plate: Id, plate_country, plate_original: Id, vin: Id, make, model, colour,
        trailer_plate: Id, occupants,
    }
    Vessel { name, imo, mmsi, call_sign: Id, flag, vessel_type, vessel_status }
    Aircraft { registration: Id, icao24, aircraft_type }
    Container { number: Id, seal: Id, container_type: Id }
    Quantity { digits, exponent, unit }
    Money { digits, exponent, currency }
    Consignment {
        hs_code, description, packages, package_kind, gross_mass, declared_value, ucr: Id,
        transport_document: Id, consignor, consignee,
    }
    Organisation { names, country, identifiers }
    Firearm { firearm_kind, calibre, serial: Id, marks }
    Device { device_kind, value: Id, provider }
    Goods { category, description, quantity, hs_code }
    Link { from, to, relation, period, confidence }
}

impl Strings for pb::Text {
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        let Self { language, direction: _, text, origin: _ } = self;
        language.visit(at.field("language"), layout, see);
        text.visit(at.field("text"), layout, see);
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
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        let Self { role: _, target } = self;
        target.visit(at, layout, see);
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
    fn visit(&self, at: At<'_>, layout: Layout, see: &mut See<'_>) {
        let Self { item, role, confidence } = self;
        item.visit(at, layout, see);
        role.visit(at.field("role"), layout, see);
        confidence.visit(at.field("confidence"), layout, see);
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
