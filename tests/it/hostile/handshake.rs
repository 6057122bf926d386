//! Rows 1 to 3: those who do not get as far as a call.

use std::sync::Arc;

use barid_link::tls::ConnectorConfig;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::Case;
use super::attempt::{Answer, Attempt};
use super::scene::Scene;
use crate::harness::{Node, within};

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let alert =
        |row, what, attempt, alert| Case { row, what, attempt, answer: Answer::Alert(alert) };
    vec![
        alert(1, "no certificate", Attempt::Anonymous, AlertDescription::CertificateRequired),
        alert(2, "self-signed", Attempt::Connect(self_signed(scene)), AlertDescription::UnknownCA),
        alert(
            3,
            "expired",
            Attempt::Connect(borrowed(scene, &scene.past)),
            AlertDescription::CertificateExpired,
        ),
        alert(
            3,
            "not yet valid",
            Attempt::Connect(borrowed(scene, &scene.future)),
            AlertDescription::CertificateExpired,
        ),
    ]
}

/// The account of customs with the certificate of another site's.
fn borrowed(scene: &Scene, other: &Node) -> ConnectorConfig {
    let theirs = other.connector("pk/customs");
    ConnectorConfig {
        certificate: theirs.certificate,
        key: theirs.key,
        ..scene.node.connector("pk/customs")
    }
}

/// The account of customs with a certificate of the same name that nobody vouches for.
fn self_signed(scene: &Scene) -> ConnectorConfig {
    let name = "spiffe://torkham.example/agency/pk/customs/main";
    let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
    let name = name.try_into().expect("ASCII");
    params.subject_alt_names.push(SanType::URI(name));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    ConnectorConfig {
        certificate: certificate.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
        ..scene.node.connector("pk/customs")
    }
}

/// A TLS client that shows no certificate. The project's own connector always shows one.
pub(super) async fn anonymous(scene: &Scene) -> Answer {
    let account = scene.node.connector("pk/customs");
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(&account.ca).expect("PEM");
    roots.add(ca).expect("a CA");
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = within(TcpStream::connect(scene.node.exchange_addr)).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let connecting = connector.connect(name, tcp.expect("somebody listens"));
    // The client's handshake ends before the node has seen that nothing came.
    let mut stream = within(connecting).await.expect("our half of the handshake");
    let error = match within(stream.read_u8()).await {
        Ok(byte) => return Answer::Other(format!("byte {byte}")),
        Err(error) => error,
    };
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(alert)) => Answer::Alert(*alert),
        _ => Answer::Other(format!("{error:?}")),
    }
}
