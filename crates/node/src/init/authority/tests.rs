use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;

use crate::init::create;
use crate::init::tests::plan;

fn pem_der(path: &Path) -> Vec<u8> {
    let (pem, _) = Pem::read(std::io::Cursor::new(fs::read(path).unwrap())).unwrap();
    pem.contents
}

/// Asserts what all our certificates have in common, and gives its SANs.
fn names_of(certificate: &X509Certificate<'_>, ca: &X509Certificate<'_>) -> Vec<String> {
    let signer =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &*ca.public_key().subject_public_key.data);
    signer.verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data).unwrap();
    assert_eq!(certificate.issuer(), ca.subject());
    assert_eq!(certificate.validity().not_before.timestamp(), 1_767_225_600 - 3600);
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    assert!(certificate.extended_key_usage().unwrap().unwrap().value.client_auth);
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    names
        .value
        .general_names
        .iter()
        .map(|name| match name {
            GeneralName::URI(uri) => (*uri).to_owned(),
            GeneralName::DNSName(name) => format!("dns:{name}"),
            GeneralName::IPAddress([a, b, c, d]) => {
                format!("ip:{}", IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d)))
            }
            other => panic!("{other}"),
        })
        .collect()
}

#[test]
fn certificates_name_their_holders_and_nothing_more() {
    let parent = tempfile::tempdir().unwrap();
    create(&plan(&parent)).unwrap();
    let root = parent.path().join("pk");
    let ca_der = pem_der(&root.join("ca/ca.pem"));
    let (_, ca) = x509_parser::parse_x509_certificate(&ca_der).unwrap();
    let constraints = ca.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca);
    assert_eq!(constraints.path_len_constraint, Some(0));
    assert_eq!(ca.validity().not_after.timestamp(), 1_767_225_600 + 3650 * 86_400);
    let customs = "spiffe://pk.example/agency/pk/customs/main";
    let police = "spiffe://pk.example/agency/pk/police/main";
    let torkham = "spiffe://pk.example/agency/pk/police/torkham";
    let node = ["dns:localhost", "dns:node.pk.example", "ip:127.0.0.1", "spiffe://pk.example/node"];
    for (folder, names, server) in [
        ("node/keys", node.as_slice(), true),
        ("agencies/pk-customs", &[customs], false),
        ("agencies/pk-police", &[police], false),
        ("agencies/pk-police-torkham", &[torkham], false),
        ("operators/admin", &["spiffe://pk.example/operator/admin"], false),
    ] {
        let der = pem_der(&root.join(folder).join("tls.pem"));
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(names_of(&certificate, &ca), names, "{folder}");
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert_eq!(usage.server_auth, server, "{folder}");
        assert!(!certificate.is_ca(), "{folder}");
        assert_eq!(
            fs::read(root.join(folder).join("ca.pem")).unwrap(),
            fs::read(root.join("ca/ca.pem")).unwrap()
        );
    }
}
