use super::*;

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn terms() -> Terms {
    Terms {
        id: "agr:pk:domestic".into(),
        version: 2,
        parties: vec![address("pk/customs"), address("pk/police")],
        kinds: vec![Kind::Alert, Kind::Note],
        purposes: vec![Purpose::BorderOperation, Purpose::CustomsOperation],
    }
}

fn ask(
    agreements: &Agreements,
    origin: &str,
    kind: Kind,
    purposes: &[Purpose],
    agreement: &AgreementRef,
    recipients: &[&str],
) -> Result<Permit, Refusal> {
    let origin = address(origin);
    let recipients: Vec<_> = recipients.iter().map(|text| address(text)).collect();
    let question = Question { origin: &origin, kind, purposes, agreement };
    agreements.permit(&question, &recipients)
}

#[test]
fn the_default_is_no() {
    let agreement = Agreement::new(terms()).unwrap();
    let named = agreement.reference();
    let agreements = Agreements::new(vec![agreement], 5).unwrap();
    let purposes = [Purpose::BorderOperation];
    let ok = ask(&agreements, "pk/customs", Kind::Alert, &purposes, &named, &["pk/police"]);
    assert_eq!(ok.unwrap().registry_position(), 5);
    let unit =
        ask(&agreements, "pk/customs/torkham", Kind::Alert, &purposes, &named, &["pk/police/k9"]);
    assert!(unit.is_ok(), "a party stands for its units");

    let refused = Err(Refusal::NotCovering);
    let cases = [
        ask(&agreements, "pk/health", Kind::Alert, &purposes, &named, &["pk/police"]),
        ask(&agreements, "pk/customs", Kind::Incident, &purposes, &named, &["pk/police"]),
        ask(&agreements, "pk/customs", Kind::Alert, &[], &named, &["pk/police"]),
        ask(&agreements, "pk/customs", Kind::Alert, &[Purpose::Health], &named, &["pk/police"]),
        ask(
            &agreements,
            "pk/customs",
            Kind::Alert,
            &[Purpose::BorderOperation, Purpose::Health],
            &named,
            &["pk/police"],
        ),
    ];
    for case in cases {
        assert_eq!(case, refused);
    }
    for other in [
        AgreementRef { version: 1, ..named.clone() },
        AgreementRef { id: "agr:pk:other".into(), ..named.clone() },
        AgreementRef { sha256: Digest::of(b""), ..named.clone() },
    ] {
        let case = ask(&agreements, "pk/customs", Kind::Alert, &purposes, &other, &["pk/police"]);
        assert_eq!(case, refused);
    }
    let stranger =
        ask(&agreements, "pk/customs", Kind::Alert, &purposes, &named, &["pk/police", "pk/health"]);
    assert_eq!(stranger, Err(Refusal::Recipient(1)));
}

#[test]
fn the_text_is_one_whatever_the_order_of_terms() {
    let mut turned = terms();
    turned.parties.reverse();
    turned.kinds.reverse();
    turned.purposes.reverse();
    let one = Agreement::new(terms()).unwrap();
    assert_eq!(one, Agreement::new(turned).unwrap());
    assert_eq!(one, Agreement::parse(one.text().as_bytes()).unwrap());
    let spaced = one.text().replace("version 2", "version 02");
    assert_eq!(Agreement::parse(spaced.as_bytes()), Err(TermsError::Text));
    assert_eq!(
        one.text(),
        "barid agreement v0\nid agr:pk:domestic\nversion 2\nparties pk/customs pk/police\n\
         kinds KIND_ALERT KIND_NOTE\npurposes PURPOSE_CUSTOMS_OPERATION PURPOSE_BORDER_OPERATION\n"
    );
}

#[test]
fn terms_that_name_nobody_are_refused() {
    let empty = Terms { parties: vec![], ..terms() };
    assert!(matches!(Agreement::new(empty), Err(TermsError::Empty(_))));
    let id = Terms { id: "Agr 1".into(), ..terms() };
    assert_eq!(Agreement::new(id), Err(TermsError::Id));
    let one = Agreement::new(terms()).unwrap();
    assert!(matches!(Agreements::new(vec![one.clone(), one], 0), Err(TermsError::Twice(_))));
}
