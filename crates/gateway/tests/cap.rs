//! CAP: the mapping, the schema, and hostile XML.

use barid_gateway::{
    Input, Mapped, Unmapped,
    source::{Dissemination, Reason, Status, XmlFault},
};
use barid_message::body::Body;
use barid_proto::message::v1 as pb;

const NS: &str = "urn:oasis:names:tc:emergency:cap:1.2";

const INFO: &str = "<info><language>en</language><category>Met</category><event>Flood</event>\
    <urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>\
    <expires>2024-05-19T23:30:00+04:00</expires><headline>Flood in Kabul</headline>\
    <area><areaDesc>Kabul</areaDesc><polygon>34,69 34,70 35,70 34,69</polygon></area></info>";

fn alert(infos: &str) -> String {
    format!(
        "<alert xmlns=\"{NS}\"><identifier>id-1</identifier><sender>a@b.example</sender>\
         <sent>2024-05-19T17:18:00+04:00</sent><status>Actual</status><msgType>Alert</msgType>\
         <scope>Public</scope>{infos}</alert>"
    )
}

fn read(document: &str) -> Vec<Result<Mapped, Unmapped>> {
    Input::from_bytes("alert.xml", document.as_bytes().to_vec()).collect()
}

fn mapped(document: &str) -> Vec<Mapped> {
    read(document).into_iter().map(|outcome| outcome.expect("it is mapped")).collect()
}

fn reason(document: &str) -> Reason {
    let mut outcomes = read(document);
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    outcomes.remove(0).expect_err("it is refused").reason
}

fn body(mapped: &Mapped) -> &pb::Alert {
    match &mapped.body {
        Body::Alert(alert) => alert,
        other => unreachable!("CAP makes alerts, not {other:?}"),
    }
}

fn field<'a>(mapped: &'a Mapped, name: &str) -> Option<&'a str> {
    let found = body(mapped).source_fields.iter().find(|field| field.name == name);
    found.map(|field| field.value.as_str())
}

#[test]
fn an_alert_becomes_an_alert() {
    let one = &mapped(&alert(INFO))[0];
    let alert = body(one);
    assert_eq!(one.external_ref.id, "a@b.example,id-1,2024-05-19T17:18:00+04:00");
    assert_eq!(one.times.sent.unwrap().to_string(), "2024-05-19T13:18:00.000Z");
    assert_eq!(alert.headline[0].text, "Flood in Kabul");
    assert_eq!(alert.areas[0].polygons[0].points[1].longitude_e7, 700_000_000);
    assert_eq!(alert.hit_contact.as_ref().unwrap().desk, "a@b.example");
    assert_eq!(alert.actions_to_take, ["REPORT"]);
    assert_eq!(field(one, "derived"), Some("actions_to_take, hit_contact"));
    assert_eq!(barid_gateway::suggest(one), pb::Precedence::Immediate);
}

#[test]
fn translations_are_merged_and_differing_blocks_are_not() {
    let urdu = INFO.replace(">en<", ">ur-Arab-pk<").replace("Flood in Kabul", "سیلاب");
    let both = mapped(&alert(&format!("{INFO}{urdu}")));
    assert_eq!(both.len(), 1);
    let languages: Vec<_> =
        body(&both[0]).headline.iter().map(|text| text.language.as_str()).collect();
    assert_eq!(languages, ["en", "ur-Arab-PK"]);
    assert_eq!(body(&both[0]).areas[0].description.len(), 2);

    let other = urdu.replace("Extreme", "Minor");
    let apart = mapped(&alert(&format!("{INFO}{other}")));
    assert_eq!(apart.iter().map(|one| one.part.unwrap().number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(field(&apart[1], "cap.info"), Some("2 of 2"));
    assert_eq!(mapped(&alert(&format!("{INFO}{INFO}"))).len(), 2);
}

#[test]
fn what_would_mislead_is_not_mapped() {
    let with = |from: &str, to: &str| alert(INFO).replace(from, to);
    for kind in ["Cancel", "Ack", "Error"] {
        assert!(matches!(
            reason(&with("<msgType>Alert", &format!("<msgType>{kind}"))),
            Reason::MessageType(_)
        ));
    }
    let update = &mapped(&with("<msgType>Alert", "<msgType>Update"))[0];
    assert_eq!(field(update, "cap.msgType"), Some("Update"));
    assert_eq!(reason(&with(">Actual<", ">Draft<")), Reason::Draft);
    let exercise = &mapped(&with(">Actual<", ">Exercise<"))[0];
    assert_eq!(exercise.status, Status::Exercise { name: "id-1".to_owned() });
    assert_eq!(barid_gateway::suggest(exercise), pb::Precedence::Routine);
    assert!(matches!(reason(&with(">Public<", ">Private<")), Reason::ScopeIncomplete { .. }));
    assert!(matches!(reason(&with(">Public<", ">Restricted<")), Reason::ScopeIncomplete { .. }));
    let private = with(">Public</scope>", ">Private</scope><addresses>x@y</addresses>");
    assert_eq!(reason(&private), Reason::ScopePrivate);
    let within = with(">Public</scope>", ">Restricted</scope><restriction>a\n b</restriction>");
    let restriction = "a b".to_owned();
    assert_eq!(mapped(&within)[0].dissemination, Dissemination::Restricted { restriction });
    assert_eq!(reason(&alert("")), Reason::NoInfo);
    let no_area = INFO.split("<area>").next().unwrap().to_owned() + "</info>";
    assert_eq!(reason(&alert(&no_area)), Reason::NoArea);
}

#[test]
fn the_schema_is_kept_to() {
    let with = |from: &str, to: &str| reason(&alert(INFO).replace(from, to));
    assert!(matches!(
        with("<scope>Public</scope>", ""),
        Reason::ElementMissing { element: "scope", .. }
    ));
    assert!(matches!(
        with("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>"),
        Reason::ElementUnexpected { .. }
    ));
    assert!(matches!(
        with("<scope>", "<made-up/><scope>"),
        Reason::ElementUnexpected { .. } | Reason::ElementMissing { .. }
    ));
    assert!(matches!(with("Flood in Kabul", "Flood <b>now</b>"), Reason::ElementUnexpected { .. }));
    for (from, to) in [
        (">Actual<", ">actual<"),
        (">Met<", ">Weather<"),
        (">Extreme<", ">Severe!<"),
        ("17:18:00+04:00", "17:18:00Z"),
        ("17:18:00+04:00", "17:18:00"),
        ("17:18:00+04:00", "25:18:00+04:00"),
        ("17:18:00+04:00", "17:18:00,04:00"),
        ("2024-05-19T17", "2023-02-29T17"),
        ("35,70 34,69<", "35,70<"),
        ("35,70 34,69<", "35,70 34,68<"),
        ("34,69 34,70", "94,69 34,70"),
        (">en<", ">english language<"),
        ("a@b.example", "a b"),
    ] {
        assert!(matches!(with(from, to), Reason::BadValue { .. }), "{to}");
    }
    assert!(matches!(with(NS, "http://www.incident.com/cap/1.0"), Reason::CapVersion(_)));
    assert!(matches!(with(&format!(" xmlns=\"{NS}\""), ""), Reason::CapVersion(_)));
}

#[test]
fn cap_1_1_times_may_lack_a_zone_and_then_no_instant_is_made_up() {
    let old = alert(INFO).replace("cap:1.2", "cap:1.1").replace("17:18:00+04:00", "17:18:00.712");
    let one = &mapped(&old)[0];
    assert_eq!(one.times.sent, None);
    assert_eq!(field(one, "cap.sent"), Some("2024-05-19T17:18:00.712"));
    let likely = &mapped(&old.replace(">Observed<", ">Very Likely<"))[0];
    assert_eq!(
        (body(likely).certainty.as_str(), field(likely, "cap.certainty")),
        ("Likely", Some("Very Likely"))
    );
}

#[test]
fn alerts_are_found_wherever_they_stand() {
    let bare = alert(INFO);
    let escaped = bare.replace('&', "&amp;").replace('<', "&lt;");
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(&bare);
    let de = "urn:oasis:names:tc:emergency:EDXL:DE:1.0";
    let edxl = |kind: &str, content: &str| {
        format!(
            "<EDXLDistribution xmlns=\"{de}\"><distributionStatus>Actual</distributionStatus>\
         <distributionType>{kind}</distributionType><contentObject>{content}</contentObject></EDXLDistribution>"
        )
    };
    let embedded =
        format!("<xmlContent><embeddedXMLContent>{bare}</embeddedXMLContent></xmlContent>");
    let encoded = format!(
        "<nonXMLContent><mimeType>text/xml</mimeType><contentData>{base64}</contentData></nonXMLContent>"
    );
    for document in [
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content type=\"text/xml\">{bare}</content></entry></feed>"
        ),
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content type=\"html\">{escaped}</content></entry></feed>"
        ),
        format!(
            "<rss version=\"2.0\"><channel><item><description><![CDATA[{bare}]]></description></item></channel></rss>"
        ),
        format!("<rss version=\"2.0\"><channel><item>{bare}</item></channel></rss>"),
        edxl("Report", &embedded),
        edxl("Report", &encoded),
    ] {
        assert_eq!(mapped(&document).len(), 1, "{document}");
    }
    assert!(matches!(reason(&edxl("Cancel", &embedded)), Reason::MessageType("Cancel")));
    let exercise = edxl("Report", &embedded)
        .replace("<distributionStatus>Actual", "<distributionStatus>Exercise");
    assert!(matches!(reason(&exercise), Reason::BadValue { .. }));
    let wrong = encoded.replace(&base64, "!!!");
    assert!(matches!(reason(&edxl("Report", &wrong)), Reason::BadValue { .. }));
    let feed = "<rss version=\"2.0\"><channel><item><link>http://x.example/cap</link></item></channel></rss>";
    assert_eq!(reason(feed), Reason::NoAlert);
    assert!(matches!(reason("<html/>"), Reason::UnknownRoot(_)));
}

#[test]
fn an_alert_that_lies_too_deep_is_listed_beside_one_that_is_found() {
    let wrap = |inner: &str| {
        let escaped = inner.replace('&', "&amp;").replace('<', "&lt;");
        format!("<rss><channel><item><description>{escaped}</description></item></channel></rss>")
    };
    let twice = wrap(&wrap(&alert(INFO)));
    assert_eq!(mapped(&twice).len(), 1);
    let outcomes = read(&format!("<feed>{}{}</feed>", alert(INFO), wrap(&twice)));
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().reason, Reason::NestedTooDeep(2));
}

#[test]
fn a_page_that_is_no_web_address_is_kept_beside() {
    let with = |web: &str| {
        let page = format!("<web>{web}</web><area>");
        mapped(&alert(&INFO.replacen("<area>", &page, 1))).remove(0)
    };
    let (page, other) = (with("https://x.example/a"), with("www.x.example"));
    assert_eq!((body(&page).web.as_str(), field(&page, "cap.web")), ("https://x.example/a", None));
    assert_eq!((body(&other).web.as_str(), field(&other, "cap.web")), ("", Some("www.x.example")));
}

#[test]
fn resources_are_listed_and_heights_keep_their_feet() {
    let info = INFO
        .replace(
            "<area>",
            "<resource><resourceDesc>map</resourceDesc><mimeType>image/png</mimeType>\
        <uri>http://x.example/m.png</uri><derefUri>QUJD</derefUri></resource><area>",
        )
        .replace("</area>", "<altitude>1000</altitude></area>");
    let one = &mapped(&alert(&info))[0];
    assert_eq!(field(one, "cap.resource.1.uri"), Some("http://x.example/m.png"));
    assert_eq!(field(one, "cap.resource.1.derefUri"), Some("not carried: 4 characters of base64"));
    assert_eq!(body(one).areas[0].altitude_m, Some(305));
    assert_eq!(field(one, "cap.area.1.altitude_ft"), Some("1000"));
}

#[test]
fn nothing_is_simplified_to_fit() {
    let long = "34,69 ".repeat(1_001);
    let points = alert(INFO).replace("34,69 34,70 35,70 34,69", &long);
    assert!(matches!(reason(&points), Reason::TooMany { what: "points of a polygon", .. }));
    let areas = "<area><areaDesc>x</areaDesc></area>".repeat(101);
    assert!(matches!(
        reason(&alert(&INFO.replace("<area>", &format!("{areas}<area>")))),
        Reason::TooMany { what: "areas", .. }
    ));
    let text = "x".repeat(16_385);
    assert!(matches!(
        reason(&alert(INFO).replace("Flood in Kabul", &text)),
        Reason::TooLarge { what: "text", .. }
    ));
    let parameter = format!(
        "<parameter><valueName>p</valueName><value>{}</value></parameter>",
        "x".repeat(16_000)
    );
    let large = INFO.replace("<area>", &format!("{}<area>", parameter.repeat(17)));
    assert!(matches!(reason(&alert(&large)), Reason::TooLarge { what: "body", .. }));
}

#[test]
fn hostile_xml_is_refused() {
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>";
    assert_eq!(reason(&format!("{laughs}{}", alert(INFO))), Reason::DocumentType);
    let external = "<!DOCTYPE alert SYSTEM \"file:///etc/passwd\">";
    assert_eq!(reason(&format!("{external}{}", alert(INFO))), Reason::DocumentType);
    assert_eq!(reason(&alert(INFO).replace("Flood in", "&xxe;")), Reason::Entity("xxe".to_owned()));
    assert_eq!(
        reason(&alert(INFO).replace("<scope>", "<scope a=\"&xxe;\">")),
        Reason::Entity("xxe".to_owned())
    );
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(reason(&deep), Reason::TooDeep(64));
    let wide = format!("<a>{}</a>", "<b/>".repeat(200_001));
    assert!(matches!(reason(&wide), Reason::TooManyElements(_)));
    let attributes: String = (0..2_000).map(|number| format!(" a{number}=\"\"")).collect();
    assert!(matches!(
        reason(&format!("<a{attributes}/>")),
        Reason::TooLarge { what: "start tag", .. }
    ));
    let malformed = |document: &str| matches!(reason(document), Reason::NotWellFormed(_));
    for document in [
        "<alert",
        "<a><b></a></b>",
        "<a>",
        "<a/><b/>",
        "<a/>text",
        "<x:a/>",
        "<a>\u{1}</a>",
        "<a>&#0;</a>",
        "<a b=c/>",
        "<a b=\"1\" b=\"2\"/>",
        "<!-- -->",
        "<a>& b</a>",
        "<a><!-- -- --></a>",
        "<a/><![CDATA[x]]>",
    ] {
        assert!(malformed(document), "{document}: {:?}", read(document));
    }
    assert_eq!(reason("<a>"), Reason::NotWellFormed(XmlFault::Truncated));
    let cut = alert(INFO);
    assert!(malformed(&cut[..cut.len() - 3]));
}

#[test]
fn encodings_are_read_or_named() {
    let latin1 = "<?xml version='1.0' encoding='ISO-8859-1'?>".to_owned()
        + &alert(INFO).replace("Kabul", "Teher\u{e1}n");
    let bytes = latin1.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let one = Input::from_bytes("x", bytes).next().unwrap().unwrap();
    assert_eq!(body(&one).headline[0].text, "Flood in Teherán");
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(alert(INFO).encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert!(Input::from_bytes("x", utf16).next().unwrap().is_ok());
    let unknown = format!("<?xml version=\"1.0\" encoding=\"EBCDIC\"?>{}", alert(INFO));
    assert_eq!(reason(&unknown), Reason::EncodingUnsupported("EBCDIC".to_owned()));
    let bad = Input::from_bytes("x", b"<a>\xff</a>".to_vec()).next().unwrap().unwrap_err();
    assert_eq!(bad.reason, Reason::Encoding("UTF-8"));
}

#[test]
fn lines_are_those_of_the_alert() {
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<entry>\n{}\n</entry>\n<entry>\n\n{}</entry></feed>",
        alert(INFO),
        alert(INFO).replace(">Actual<", ">Draft<")
    );
    let outcomes = read(&feed);
    assert_eq!(outcomes[0].as_ref().unwrap().source.line, 3);
    assert_eq!(outcomes[1].as_ref().unwrap_err().to_string(), "alert.xml:7: a draft");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]
    #[test]
    fn no_document_panics(cut in 0_usize..900, byte in proptest::num::u8::ANY, text in "\\PC{0,40}") {
        let mut bytes = alert(INFO).into_bytes();
        if let Some(place) = bytes.get_mut(cut) {
            *place = byte;
        }
        let _count = Input::from_bytes("x", bytes).count();
        let _outcomes = read(&alert(INFO).replace("Flood", &text));
        let _outcomes = read(&format!("<{text}"));
        let _outcomes = read(&alert(INFO).replace("34,69 34,70", &text));
        let _outcomes = read(&alert(INFO).replace("17:18:00+04:00", &text));
    }
}
