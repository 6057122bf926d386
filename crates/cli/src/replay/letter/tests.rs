use std::sync::Arc;
use std::time::Duration;

use barid_gateway::Input;
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::signed::SignedMessage;
use barid_message::time::Millis;
use barid_proto::exchange::v1::Agreement;
use barid_proto::message::v1 as pb;

use super::{Letter, Writer};

/// 2027-01-15T08:00:00Z.
const NOW: Millis = Millis(1_800_000_000_000);

const CAP: &str = "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>\
    <identifier>A-1</identifier><sender>met@example.org</sender>\
    <sent>2020-01-05T10:00:00+05:00</sent><status>STATUS</status><msgType>Alert</msgType>\
    <scope>SCOPE</scope><note>EAGLE</note><info><language>en</language><category>Met</category>\
    <event>Flood</event><urgency>Immediate</urgency><severity>Severe</severity>\
    <certainty>Observed</certainty><expires>EXPIRES</expires>\
    <area><areaDesc>Torkham</areaDesc><circle>34.1,71.1 5</circle></area></info></alert>";

fn writer(purposes: &[pb::Purpose]) -> (Writer, SigningKey) {
    let sender = Address::parse("pk/customs").unwrap();
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let again = SigningKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap();
    let agreement = |id: &str, purposes: &[pb::Purpose]| Agreement {
        reference: Some(pb::AgreementRef {
            id: id.to_owned(),
            version: 1,
            sha256: vec![7; 32].into(),
            clause: String::new(),
        }),
        parties: ["pk/customs", "pk/police", "pk/border-guard", "pk/health"]
            .map(str::to_owned)
            .to_vec(),
        kinds: vec![pb::Kind::Alert.into(), pb::Kind::Incident.into()],
        purposes: purposes.iter().map(|purpose| i32::from(*purpose)).collect(),
    };
    let agreements = [agreement("agr:other", &[]), agreement("agr:pk", purposes)];
    let table = Arc::new(crate::replay::routing(None).unwrap());
    (Writer::new(sender, key, &agreements, table).unwrap(), again)
}

fn letters(text: &str) -> Vec<Letter> {
    let (mut writer, _) = writer(&[pb::Purpose::Safety, pb::Purpose::BorderMonitoring]);
    Input::from_bytes("a", text.as_bytes().to_vec())
        .map(|record| writer.write(record.unwrap(), NOW, [7; 10]).unwrap())
        .collect()
}

fn alert(expires: &str, status: &str, scope: &str) -> (pb::Header, pb::Alert) {
    let text = CAP.replace("EXPIRES", expires).replace("STATUS", status);
    let text = text.replace("<scope>SCOPE</scope>", scope);
    let letter = letters(&text).remove(0);
    let signed = SignedMessage::from_proto(letter.message).unwrap();
    let Body::Alert(alert) = signed.check_body().unwrap() else { panic!("another body") };
    (signed.proto_header().clone(), alert)
}

const PUBLIC: &str = "<scope>Public</scope>";

#[test]
fn an_alert_lives_as_long_as_the_original_but_an_hour_at_least_and_says_so() {
    for (expires, hours) in [
        ("2020-01-05T13:00:00+05:00", 3),
        ("2020-01-05T10:20:00+05:00", 1),
        ("2020-01-04T10:00:00+05:00", 1),
    ] {
        let (header, alert) = alert(expires, "Actual", PUBLIC);
        let times = header.times.unwrap();
        assert_eq!(times.created_at, Some(NOW.to_proto()));
        let life = Duration::from_secs(hours * 3_600);
        assert_eq!(times.expires_at, Some((NOW + life).to_proto()), "{expires}");
        let derived = alert.source_fields.iter().filter(|field| field.name == "barid.derived");
        assert_eq!(derived.count(), 1);
    }
}

#[test]
fn what_the_original_says_of_itself_stands_in_the_header() {
    let (header, _) = alert("2020-01-05T13:00:00+05:00", "Exercise", PUBLIC);
    let status = header.status.unwrap();
    assert_eq!(status.code(), pb::Status::Exercise);
    assert_eq!(status.exercise_name, "EAGLE");
    assert_eq!(header.sharing.unwrap().tlp(), pb::Tlp::Clear);
    let reference = header.external_ref.unwrap();
    assert_eq!(reference.scheme, "cap");
    assert!(reference.id.contains("A-1"), "{}", reference.id);
    let classes = header.data_protection.unwrap().personal_data;
    assert_eq!(classes, [i32::from(pb::PersonalData::Ordinary)]);
    let recipients = header.recipients.iter().filter_map(|recipient| recipient.target.as_ref());
    assert!(recipients.count() > 0);

    let scope = "<scope>Restricted</scope><restriction>For  ports\nonly</restriction>";
    let (header, _) = alert("2020-01-05T13:00:00+05:00", "Actual", scope);
    assert_eq!(header.handling[0].code(), pb::HandlingCode::H3);
    assert_eq!(header.handling[0].text, "For ports only");
    assert_eq!(header.sharing.unwrap().tlp(), pb::Tlp::Amber);
}

#[test]
fn a_table_with_columns_that_nobody_knows_is_not_declared_free_of_personal_data() {
    let header = |columns: &str, cells: &str| {
        let table = format!("Date,Dead,Place{columns}\n2020-01-05,1,Torkham{cells}\n");
        let letter = letters(&table).remove(0);
        SignedMessage::from_proto(letter.message).unwrap().proto_header().clone()
    };
    let known = header("", "");
    assert_eq!(known.data_protection.unwrap().personal_data, [pb::PersonalData::None as i32]);
    assert_eq!(known.sharing.unwrap().tlp(), pb::Tlp::Clear);

    let unknown = header(",Victim name,Passport number", ",Ahmad Khan,AB1234567");
    let classes = unknown.data_protection.unwrap().personal_data;
    assert_eq!(classes, [pb::PersonalData::Ordinary as i32]);
    assert_eq!(unknown.sharing.unwrap().tlp(), pb::Tlp::Amber);
    assert!(unknown.times.unwrap().retain_until.is_some());
    assert!(!unknown.legal.unwrap().legal_basis.is_empty());
}

#[test]
fn parts_of_one_alert_share_a_thread() {
    let info = CAP.find("<info>").unwrap()..CAP.find("</alert>").unwrap();
    let second = CAP[info.clone()].replace("Flood", "Wind");
    let mut text = CAP.to_owned();
    text.insert_str(info.end, &second);
    let text = text.replace("EXPIRES", "2020-01-05T13:00:00+05:00").replace("STATUS", "Actual");
    let letters = letters(&text.replace("SCOPE", "Public"));
    let threads: Vec<_> = letters
        .into_iter()
        .map(|letter| SignedMessage::from_proto(letter.message).unwrap())
        .map(|signed| signed.proto_header().identity.clone().unwrap().thread_id)
        .collect();
    assert_eq!(threads.len(), 2);
    assert_eq!(threads[0], threads[1]);
    assert!(!threads[0].is_empty());
}

#[test]
fn the_agreement_named_is_one_that_covers_or_the_node_says_why_not() {
    let text = CAP.replace("EXPIRES", "2020-01-05T13:00:00+05:00").replace("STATUS", "Actual");
    let text = text.replace("SCOPE", "Public");
    for (purposes, named) in [(&[pb::Purpose::Safety][..], "agr:pk"), (&[], "agr:other")] {
        let (mut writer, key) = writer(purposes);
        let record = Input::from_bytes("a", text.clone().into_bytes()).next().unwrap().unwrap();
        let letter = writer.write(record, NOW, [7; 10]).unwrap();
        let signed = SignedMessage::from_proto(letter.message).unwrap();
        signed.check_signature(key.public()).unwrap();
        assert_eq!(signed.header().unwrap().agreement().id, named);
    }
}
