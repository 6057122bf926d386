//! The table of what is refused.

use super::Refused;
use crate::header::Kind::{
    AdvanceNotice, Alert, Assist, Consent, Correction, CrossingStatus, Hit, Incident, Note,
    Proposal, Rfi, Rsp, Seizure, Sitrep,
};
use crate::reason::Reason::{
    AddressInvalid, BodyMismatch, CheckDigit, CountryUnknown, ExtensionUnknown, FieldInvalid,
    FieldMissing, FlashNotAllowed, GeometryInvalid, IdInvalid, ListInvalid, NotSupportedYet,
    NotTheOwner, PersonalDataUncovered, RecipientIsSender, TextInvalid, TimeOrder,
};

/// Rows of kind, rule, field, value, reason.
macro_rules! rows {
    ($($kind:ident $rule:literal $field:literal $value:literal $reason:ident;)*) => {
        /// Each row is the valid example of its kind, changed in one place.
        pub const REFUSED: &[Refused] = &[$(Refused {
            kind: $kind,
            rule: $rule,
            field: $field,
            value: $value,
            reason: $reason,
        }),*];
    };
}

rows! {
    Note "row 2" "header.identity.message_id" r#""not-an-id""# IdInvalid;
    Note "row 3" "header.status.code" r#""STATUS_DRAFT""# FieldInvalid;
    Note "row 3" "header.status.exercise_name" r#""SHAMSHAD 27""# FieldInvalid;
    Note "row 4" "header.lineage.type" r#""MESSAGE_TYPE_ACK""# NotSupportedYet;
    Note "row 5" "header.originator.address" r#""PK/customs""# AddressInvalid;
    Note "row 6" "header.recipients[0].address" r#""pk/customs""# RecipientIsSender;
    Note "row 6" "header.recipients" "[]" ListInvalid;
    Note "V4" "header.times.retain_until" r#""2027-02-14T07:59:59Z""# TimeOrder;
    Note "V4" "header.times.deliver_by" r#""2027-02-14T08:00:00.001Z""# TimeOrder;
    Note "row 13" "header.legal.purposes[0]" r#""PURPOSE_UNSPECIFIED""# FieldMissing;
    Note "row 13" "header.legal.agreement.version" "0" FieldMissing;
    Note "row 14" "header.data_protection.protection_guard" "true" NotSupportedYet;
    Note "row 17" "body.text[1].language" r#""arabic""# BodyMismatch;
    Note "row 19" "header.routing.hop_limit" "9" FieldInvalid;
    Note "V5" "header.extensions[0].critical" "true" ExtensionUnknown;
    Note "V7" "header.precedence.level" r#""PRECEDENCE_FLASH""# FlashNotAllowed;
    Alert "V7" "header.precedence.reason" "" FlashNotAllowed;
    Note "V14" "body.text[0].text" r#""Gate \u202e2 opens.""# TextInvalid;
    Note "V14" "header.identity.case_ref" r#""A\u200d1""# TextInvalid;
    Note "body" "body.text" "[]" ListInvalid;
    Note "body" "body.text[0].text" r#""""# FieldMissing;

    Alert "body" "body.categories" "[]" ListInvalid;
    Alert "body" "body.urgency" r#""""# FieldMissing;
    Alert "body" "body.hit_contact" "" FieldMissing;
    Alert "body" "body.actions_to_take" "[]" ListInvalid;
    Alert "body" "body.review_at" r#""2028-02-01T00:00:00Z""# TimeOrder;
    Alert "body" "body.links[0].to" "4" FieldInvalid;
    Alert "V9" "header.legal.legal_basis" "" PersonalDataUncovered;
    Alert "V9" "header.times.retain_until" "" PersonalDataUncovered;
    Alert "V9" "body.subjects[0].person.portrait_ref" r#""P-1""# PersonalDataUncovered;
    Alert "V9" "body.subjects[0].person.is_minor" "true" PersonalDataUncovered;
    Alert "V13" "body.subjects[0].person.nationalities[0]" r#""UK""# CountryUnknown;
    Alert "V13" "body.subjects[0].person.documents[0].mrz_wrong_digits" "[]" FieldInvalid;
    Alert "V13" "body.subjects[1].vehicle.vin" r#""1M8GDM9A1KP042788""# CheckDigit;
    Alert "V13" "body.subjects[1].vehicle.plate_country" r#""afg""# CountryUnknown;
    Alert "V13" "body.subjects[3].container.number" r#""CSQU3054384""# CheckDigit;
    Alert "body" "body.subjects[0].person.names[1].full" r#""Ahmad Karimi""# FieldInvalid;
    Alert "body" "body.subjects[0].person.birth_date.as_printed" "" FieldMissing;
    Alert "V15" "body.areas[0].polygons[0].points"
        r#"[{"latitudeE7": 1}, {"latitudeE7": 2}, {"latitudeE7": 3}, {"latitudeE7": 4}]"#
        GeometryInvalid;
    Alert "V15" "body.areas[0].circles[0].centre.latitude_e7" "900000001" GeometryInvalid;
    Alert "V17" "body.subjects[2].document.issuer" r#""AFG""# NotTheOwner;
    Alert "V17" "body.subjects[2].document.issuer" "" FieldMissing;
    Alert "V20" "header.legal.agreement.clause" "" PersonalDataUncovered;

    Incident "body" "body.incident_type" r#""""# FieldMissing;
    Incident "body" "body.occurred" "" FieldMissing;
    Incident "body" "body.occurred.to" r#"{"instant": "2027-01-15T02:00:00Z"}"# TimeOrder;
    Incident "body" "body.place" "" FieldMissing;
    Incident "body" "body.report_stage" r#""REPORT_STAGE_UNSPECIFIED""# FieldMissing;
    Incident "V13" "body.place.unlocode" r#""PK-TKM""# FieldInvalid;
    Incident "V15" "body.place.point.longitude_e7" "1800000001" GeometryInvalid;

    Seizure "body" "body.form" r#""SEIZURE_FORM_UNSPECIFIED""# FieldMissing;
    Seizure "body" "body.goods" "[]" ListInvalid;
    Seizure "body" "body.mode" r#""""# FieldMissing;
    Seizure "body" "body.conveyances" "[]" FieldMissing;
    Seizure "body" "body.route" "" FieldMissing;
    Seizure "body" "body.detection_method" "" FieldMissing;
    Seizure "V13" "body.goods[0].goods.hs_code" r#""2939""# FieldInvalid;
    Seizure "V13" "body.conveyances[1].container.number" r#""CSQU305438""# FieldInvalid;

    Rfi "V11" "body.justification" "" FieldMissing;
    Rfi "V11" "body.justification.offence" "[]" FieldMissing;
    Rfi "body" "body.justification.urgency_reason" "[]" FieldMissing;
    Rfi "body" "body.question" "[]" ListInvalid;
    Rfi "body" "body.urgency" "" FieldMissing;
    Rfi "body" "body.languages_accepted[0]" r#""EN""# FieldInvalid;

    Rsp "V11" "header.identity.correlation_id" "" FieldMissing;
    Rsp "body" "body.refusal_reasons" r#"["NOT_AVAILABLE"]"# FieldInvalid;
    Rsp "V11" "body.refusal_reasons" "[]" FieldMissing;
    Rsp "body" "body.result" "" FieldMissing;
    Rsp "body" "body.deferred_until" r#""2027-01-16T08:00:00Z""# FieldInvalid;
    Rsp "V13" "body.subjects[1].vehicle.vin" r#""1M8GDM9AXKP04278""# FieldInvalid;

    Hit "body" "body.alert" "" FieldMissing;
    Hit "body" "body.alert.message_id" r#""01A3185C-5000-7001-8000-000000000003""# IdInvalid;
    Hit "body" "body.alert.header_digest" r#""AAAA""# FieldInvalid;
    Hit "body" "body.at" "" FieldMissing;
    Hit "body" "body.place" "" FieldMissing;

    Sitrep "body" "body.period.to" "" FieldMissing;
    Sitrep "body" "body.period.to" r#"{"date": "2027-01-07"}"# TimeOrder;
    Sitrep "body" "body.areas" "[]" ListInvalid;
    Sitrep "body" "body.report_type" r#""SITUATION REPORT""# FieldInvalid;
    Sitrep "body" "body.indicators[0].code" "" FieldMissing;
    Sitrep "body" "body.confidence.grade" r#""G7""# FieldInvalid;

    CrossingStatus "body" "body.crossing_id" "" FieldMissing;
    CrossingStatus "body" "body.reason" "[]" FieldMissing;
    CrossingStatus "body" "body.modes[0].lanes_open" "5" FieldInvalid;
    CrossingStatus "body" "body.modes[1].mode" r#""truck""# ListInvalid;
    CrossingStatus "body" "body.valid_until" r#""2027-01-15T08:00:00Z""# TimeOrder;
    CrossingStatus "body" "body.valid_until" "" FieldMissing;

    AdvanceNotice "body" "body.subjects[0].consignment.declared_value.currency" r#""rupees""#
        FieldInvalid;
    AdvanceNotice "body" "body.from" "" FieldMissing;
    AdvanceNotice "body" "body.eta" "" FieldMissing;
    AdvanceNotice "V13" "body.subjects[0].consignment.hs_code" r#""771302""# FieldInvalid;
    AdvanceNotice "V13" "body.subjects[0].consignment.consignee.country" r#""XX""# CountryUnknown;
    AdvanceNotice "V14" "body.tir_carnet" r#""XB\n1""# TextInvalid;

    Assist "V11" "header.identity.correlation_id" "" FieldMissing;
    Assist "body" "body.needs" "[]" ListInvalid;
    Assist "body" "body.place" "" FieldMissing;
    Assist "body" "body.contact.phone" r#""0092515550100""# FieldInvalid;

    Consent "V12" "body.about.originator" r#""pk/customs/torkham""# NotTheOwner;
    Consent "body" "body.about.header_digest" "" FieldMissing;
    Consent "body" "body.recipients" "[]" FieldMissing;
    Consent "body" "body.until" r#""2027-01-01T00:00:00Z""# TimeOrder;
    Consent "body" "body.scope" r#"[{"language": "en", "text": "All"}]"# FieldInvalid;

    Correction "V12" "body.about.originator" r#""af/border-police""# NotTheOwner;
    Correction "body" "body.changes[0].path" r#""header.times""# FieldInvalid;
    Correction "body" "body.changes[0].value" "" FieldMissing;
    Correction "body" "body.changes[1].value" r#""none""# FieldInvalid;
    Correction "body" "body.changes[1].path" r#""body.subjects[1].vehicle.plate""# ListInvalid;
    Correction "body" "body.ground" "[]" ListInvalid;

    Proposal "V12" "body.about.originator" r#""pk/customs""# NotTheOwner;
    Proposal "body" "body.about" "" FieldMissing;
    Proposal "body" "body.changes" "[]" ListInvalid;
    Proposal "body" "body.ground[0].language" "" FieldMissing;
}
