//! Whom a message is about: persons, and how subjects stand to each other.

use barid_proto::message::v1 as pb;
use pb::subject::Item;

use super::Inspection;
use crate::caps;
use crate::fault::At;
use crate::reason::Reason;
use crate::rules::field::is_run;
use crate::transliterate::is_icao9303;

impl Inspection<'_, '_> {
    /// Whom or what a message is about.
    pub(super) fn subjects(&mut self, at: At<'_>, subjects: &[pb::Subject]) {
        self.each(at, subjects, 0..=caps::SUBJECTS_MAX, Self::subject);
    }

    pub(super) fn subject(&mut self, at: At<'_>, subject: &pb::Subject) {
        let pb::Subject { item, role, confidence } = subject;
        match item {
            None => self.missing(at),
            Some(Item::Person(item)) => self.person(at.field("person"), item),
            Some(Item::Document(item)) => self.lone_document(at.field("document"), item),
            Some(Item::Vehicle(item)) => self.vehicle(at.field("vehicle"), item),
            Some(Item::Vessel(item)) => self.vessel(at.field("vessel"), item),
            Some(Item::Aircraft(item)) => self.aircraft(at.field("aircraft"), item),
            Some(Item::Container(item)) => self.container(at.field("container"), item),
            Some(Item::Consignment(item)) => self.consignment(at.field("consignment"), item),
            Some(Item::Goods(item)) => self.goods(at.field("goods"), item),
            Some(Item::Organisation(item)) => self.organisation(at.field("organisation"), item),
            Some(Item::Firearm(item)) => self.firearm(at.field("firearm"), item),
            Some(Item::Device(item)) => self.device(at.field("device"), item),
        }
        self.code(at.field("role"), role);
        self.part(at.field("confidence"), confidence.as_ref(), Self::confidence);
    }

    /// Relations between so many subjects.
    pub(super) fn links(&mut self, at: At<'_>, links: &[pb::Link], subjects: usize) {
        self.each(at, links, 0..=caps::LIST_MAX, |this, at, link| {
            let pb::Link { from, to, relation, period, confidence } = link;
            for (name, position) in [("from", from), ("to", to)] {
                if usize::try_from(*position).map_or(true, |position| position >= subjects) {
                    this.invalid(at.field(name), "the position of a subject of this message");
                }
            }
            this.required_code(at.field("relation"), relation);
            this.part(at.field("period"), period.as_ref(), Self::period);
            this.part(at.field("confidence"), confidence.as_ref(), Self::confidence);
        });
    }

    /// V9: what is about somebody is not declared NONE.
    pub(super) fn personal(&mut self, at: At<'_>) {
        use pb::PersonalData::{Biometric, Minor, Ordinary, Special};
        if ![Ordinary, Special, Biometric, Minor].iter().any(|class| self.context.declares(*class))
        {
            let text = "personal data; name its classes in the header's row 14, not NONE";
            self.findings.add(at, Reason::PersonalDataUncovered, "V9", text);
        }
    }

    /// V9: what is of a class of its own is declared by that class.
    fn declared(&mut self, at: At<'_>, class: pb::PersonalData) {
        if !self.context.declares(class) {
            let text = format!("needs {} in the header's row 14", class.as_str_name());
            self.findings.add(at, Reason::PersonalDataUncovered, "V9", text);
        }
    }

    fn person(&mut self, at: At<'_>, person: &pb::Person) {
        let pb::Person {
            names,
            sex,
            birth_date,
            birth_place,
            nationalities,
            documents,
            identifiers,
            description,
            portrait_ref,
            biometrics_ref,
            is_suspect: _,
            is_of_interest: _,
            is_vulnerable: _,
            is_minor,
        } = person;
        self.personal(at);
        if *is_minor {
            self.declared(at.field("is_minor"), pb::PersonalData::Minor);
        }
        for (name, reference) in
            [("portrait_ref", portrait_ref), ("biometrics_ref", biometrics_ref)]
        {
            if !reference.is_empty() {
                self.declared(at.field(name), pb::PersonalData::Biometric);
            }
        }
        self.each(at.field("names"), names, 0..=caps::LIST_MAX, Self::person_name);
        self.code(at.field("sex"), sex);
        self.part(at.field("birth_date"), birth_date.as_ref(), Self::partial_time);
        self.part(at.field("birth_place"), birth_place.as_ref(), Self::place);
        let list = at.field("nationalities");
        self.each(list, nationalities, 0..=caps::LIST_MAX, |this, at, code| {
            // Three letters are ICAO's, among them those of stateless persons.
            if !is_run(code, 3, u8::is_ascii_uppercase) {
                if code.is_empty() {
                    this.missing(at);
                }
                this.country(at, code);
            }
        });
        self.each(at.field("documents"), documents, 0..=caps::LIST_MAX, Self::document);
        self.each(at.field("identifiers"), identifiers, 0..=caps::LIST_MAX, Self::identifier);
        self.texts(at.field("description"), description);
        self.ids(at, &[("portrait_ref", portrait_ref), ("biometrics_ref", biometrics_ref)]);
    }

    fn person_name(&mut self, at: At<'_>, name: &pb::PersonName) {
        let pb::PersonName {
            language,
            full,
            given,
            father,
            grandfather,
            family,
            nickname,
            birth_name,
            transliteration,
        } = name;
        if !language.is_empty() {
            self.findings.language(at.field("language"), "body", language);
        }
        self.lines(at, &[("full", full), ("given", given), ("father", father)]);
        self.lines(at, &[("grandfather", grandfather), ("family", family)]);
        self.lines(at, &[("nickname", nickname), ("birth_name", birth_name)]);
        self.code(at.field("transliteration"), transliteration);
        if transliteration != "ICAO9303" {
            return;
        }
        for (field, part) in [
            ("full", full),
            ("given", given),
            ("father", father),
            ("grandfather", grandfather),
            ("family", family),
            ("nickname", nickname),
            ("birth_name", birth_name),
        ] {
            if !part.is_empty() && !is_icao9303(part) {
                self.invalid(at.field(field), "capital letters A-Z and single spaces");
            }
        }
    }

    pub(super) fn identifier(&mut self, at: At<'_>, identifier: &pb::Identifier) {
        let pb::Identifier { scheme, value, country } = identifier;
        self.code(at.field("scheme"), scheme);
        self.required_id(at.field("value"), value);
        self.country(at.field("country"), country);
    }

    pub(super) fn organisation(&mut self, at: At<'_>, organisation: &pb::Organisation) {
        let pb::Organisation { names, country, identifiers } = organisation;
        self.texts(at.field("names"), names);
        self.country(at.field("country"), country);
        self.each(at.field("identifiers"), identifiers, 0..=caps::LIST_MAX, Self::identifier);
    }
}
