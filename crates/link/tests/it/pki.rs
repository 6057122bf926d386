//! Certificates for tests, made on the spot.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};

use barid_link::identity::Identity;
use barid_link::tls::{ConnectorConfig, ServerTls};

/// The node of the tests.
pub(crate) const NODE: &str = "spiffe://border.example/node";
/// A system of the tests.
pub(crate) const SYSTEM: &str = "spiffe://border.example/agency/pk/customs/main";

/// A certificate chain and its key, PEM.
pub(crate) struct Pair {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// A certificate authority.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

/// What a leaf is to be.
pub(crate) struct Leaf<'a> {
    pub(crate) uris: &'a [&'a str],
    pub(crate) hosts: &'a [&'a str],
    pub(crate) usage: ExtendedKeyUsagePurpose,
    /// Years, first and last.
    pub(crate) years: (i32, i32),
    pub(crate) is_ca: bool,
}

impl Leaf<'_> {
    pub(crate) const CLIENT: Self = Self {
        uris: &[SYSTEM],
        hosts: &[],
        usage: ExtendedKeyUsagePurpose::ClientAuth,
        years: (2020, 2200),
        is_ca: false,
    };
    pub(crate) const NODE: Self = Self {
        uris: &[NODE],
        hosts: &["localhost", "127.0.0.1"],
        usage: ExtendedKeyUsagePurpose::ServerAuth,
        years: (2020, 2200),
        is_ca: false,
    };
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn params(leaf: &Leaf<'_>) -> CertificateParams {
    let hosts: Vec<String> = leaf.hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    for uri in leaf.uris {
        let uri = SanType::URI((*uri).try_into().unwrap());
        params.subject_alt_names.push(uri);
    }
    params.extended_key_usages = vec![leaf.usage.clone()];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(leaf.years.0, 1, 1);
    params.not_after = date_time_ymd(leaf.years.1, 1, 1);
    if leaf.is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, key()).unwrap())
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    pub(crate) fn issue(&self, leaf: &Leaf<'_>) -> Pair {
        let key = key();
        let certificate = params(leaf).signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    /// A list that revokes `serials`, good until the year given.
    pub(crate) fn crl(&self, serials: &[u64], until_year: i32) -> Vec<u8> {
        let revoked = serials
            .iter()
            .map(|serial| rcgen::RevokedCertParams {
                serial_number: (*serial).into(),
                revocation_time: date_time_ymd(2021, 1, 1),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        let list = rcgen::CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(until_year, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().pem().unwrap().into_bytes()
    }

    pub(crate) fn issue_numbered(&self, leaf: &Leaf<'_>, serial: u64) -> Pair {
        let key = key();
        let mut params = params(leaf);
        params.serial_number = Some(serial.into());
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    /// A listener's certificates: the node's own, and this CA for clients.
    pub(crate) fn server(&self) -> ServerTls {
        self.server_as(&Leaf::NODE, &[])
    }

    pub(crate) fn server_as(&self, leaf: &Leaf<'_>, crls: &[&[u8]]) -> ServerTls {
        let pair = self.issue(leaf);
        ServerTls::from_pem(&pair.certificate, &pair.key, &self.pem(), crls).unwrap()
    }

    /// What a client of this trust domain is configured with.
    pub(crate) fn client(&self, port: u16, pair: Pair) -> ConnectorConfig {
        ConnectorConfig {
            endpoint: format!("https://127.0.0.1:{port}").parse().unwrap(),
            server_name: "localhost".into(),
            node: NODE.parse::<Identity>().unwrap(),
            certificate: pair.certificate,
            key: pair.key,
            ca: self.pem(),
        }
    }
}

/// A certificate that nobody else vouches for.
pub(crate) fn self_signed(leaf: &Leaf<'_>) -> Pair {
    let key = key();
    let certificate = params(leaf).self_signed(&key).unwrap();
    Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
}
