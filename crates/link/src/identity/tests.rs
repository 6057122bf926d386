use super::{Identity, IdentityError};

fn parse(uri: &str) -> Result<Identity, IdentityError> {
    uri.parse()
}

#[test]
fn identities_print_as_they_were_read() {
    for uri in [
        "spiffe://pk.border.example/node",
        "spiffe://pk.border.example/agency/pk/customs/main",
        "spiffe://pk.border.example/agency/pk/customs/torkham-2",
        "spiffe://border/operator/duty-officer",
    ] {
        assert_eq!(parse(uri).unwrap().to_string(), uri);
    }
}

#[test]
fn an_agency_is_its_address() {
    let identity = parse("spiffe://border.example/agency/ir/police/main").unwrap();
    let Identity::Agency { trust_domain, agency, system } = identity else {
        panic!("{identity:?} is not an agency");
    };
    assert_eq!(trust_domain.as_str(), "border.example");
    assert_eq!(agency.as_str(), "ir/police");
    assert_eq!(&*system, "main");
}

#[test]
fn other_spellings_are_refused() {
    use IdentityError::{Agency, Label, Path, Scheme, TooLong, TrustDomain};
    let long_label = format!("spiffe://b/operator/{}", "a".repeat(64));
    let long_uri = format!("spiffe://{}/node", "a.".repeat(300));
    for (uri, why) in [
        ("", Scheme),
        ("https://b/node", Scheme),
        ("SPIFFE://b/node", Scheme),
        ("spiffe:/b/node", Scheme),
        ("spiffe://b", Path),
        ("spiffe:///node", TrustDomain),
        ("spiffe://b./node", TrustDomain),
        ("spiffe://.b/node", TrustDomain),
        ("spiffe://a..b/node", TrustDomain),
        ("spiffe://Border.example/node", TrustDomain),
        ("spiffe://b:7401/node", TrustDomain),
        ("spiffe://user@b/node", TrustDomain),
        ("spiffe://b_c/node", TrustDomain),
        ("spiffe://-b/node", TrustDomain),
        ("spiffe://xn--brder-kva/node", TrustDomain),
        ("spiffe://b\0/node", TrustDomain),
        ("spiffe://b/node/", Label),
        ("spiffe://b//node", Label),
        ("spiffe://b/node\0", Label),
        ("spiffe://b/node.", Label),
        ("spiffe://b/node?x=1", Label),
        ("spiffe://b/node#x", Label),
        ("spiffe://b/%6eode", Label),
        ("spiffe://b/Node", Label),
        ("spiffe://b/operator/xn--dmin-moa", Label),
        ("spiffe://b/operator/-a", Label),
        ("spiffe://b/operator/a-", Label),
        ("spiffe://b/operator/", Label),
        ("spiffe://b/operator/\u{430}dmin", Label),
        ("spiffe://b/peer", Path),
        ("spiffe://b/operator", Path),
        ("spiffe://b/operator/a/b", Path),
        ("spiffe://b/agency/pk/customs", Path),
        ("spiffe://b/agency/pak/customs/main", Agency),
        ("spiffe://b/agency/p1/customs/main", Agency),
        ("spiffe://b/agency/zz/customs/main", Agency),
        ("spiffe://b/agency/pk/customs/unit/main", Path),
        (&long_label, Label),
        (&long_uri, TooLong),
    ] {
        assert_eq!(parse(uri), Err(why), "{uri:?}");
    }
}
