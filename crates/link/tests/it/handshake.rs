//! Who gets through the handshake, and who does not.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::{AlertDescription, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use barid_link::identity::IdentityError;
use barid_link::tls::{AcceptLimits, ConnectError, Connector};

use crate::listener::{Listener, SOON, connector, plain_config, plain_connect};
use crate::pki::{Ca, Leaf, NODE, Pair, SYSTEM, self_signed};

#[tokio::test]
async fn a_good_handshake_says_who_and_how() {
    let ca = Ca::new();
    let mut listener = Listener::with(&ca.server()).await;
    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));

    let connection = listener.meet(&connector).await.unwrap();

    let peer = connection.peer();
    assert_eq!(peer.identity().unwrap().to_string(), SYSTEM);
    assert_eq!(peer.group(), "X25519MLKEM768");
    assert_eq!(peer.remote().ip(), Ipv4Addr::LOCALHOST);
    // 1 January 2200.
    assert_eq!(peer.not_after_unix_s(), 7_258_118_400);
    assert_eq!(listener.counts.read().accepted, 1);
}

#[tokio::test]
async fn clients_with_bad_certificates_are_refused_and_told_so() {
    let ca = Ca::new();
    let mut listener = Listener::with(&ca.server()).await;
    let leaf = Leaf::CLIENT;
    let cases: [(&str, Pair); 6] = [
        ("self-signed", self_signed(&leaf)),
        ("other CA", Ca::new().issue(&leaf)),
        ("expired", ca.issue(&Leaf { years: (2020, 2021), ..leaf })),
        ("not yet valid", ca.issue(&Leaf { years: (2199, 2200), ..Leaf::CLIENT })),
        (
            "server certificate",
            ca.issue(&Leaf { usage: ExtendedKeyUsagePurpose::ServerAuth, ..Leaf::CLIENT }),
        ),
        ("CA certificate", ca.issue(&Leaf { is_ca: true, ..Leaf::CLIENT })),
    ];
    for (name, pair) in cases {
        let connector = connector(&ca, &listener, pair);
        let error = listener.meet(&connector).await.unwrap_err();
        assert!(matches!(error, ConnectError::RefusedByNode(_)), "{name}: {error:?}");
        assert!(!error.is_passing(), "{name}");
    }
    assert_eq!(listener.until(|counts| counts.refused == 6).await.accepted, 0);
}

#[tokio::test]
async fn a_client_without_certificate_is_refused() {
    let ca = Ca::new();
    let listener = Listener::with(&ca.server()).await;
    let mut config = plain_config(&ca, None);
    config.alpn_protocols = vec![b"h2".to_vec()];

    let mut stream = plain_connect(&Arc::new(config), listener.address).await.unwrap();
    let error = stream.read_u8().await.unwrap_err();

    let tls = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
    assert_eq!(tls, Some(&rustls::Error::AlertReceived(AlertDescription::CertificateRequired)));
    assert_eq!(listener.until(|counts| counts.refused == 1).await.accepted, 0);
}

#[tokio::test]
async fn revoked_clients_and_expired_lists_refuse() {
    let ca = Ca::new();
    let list = ca.crl(&[7], 2200);
    let mut listener = Listener::with(&ca.server_as(&Leaf::NODE, &[&list])).await;
    let good = connector(&ca, &listener, ca.issue_numbered(&Leaf::CLIENT, 8));
    let revoked = connector(&ca, &listener, ca.issue_numbered(&Leaf::CLIENT, 7));
    listener.meet(&good).await.unwrap();
    let error = listener.meet(&revoked).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::RefusedByNode(AlertDescription::CertificateRevoked)),
        "{error:?}"
    );

    let stale = ca.crl(&[], 2022);
    let mut listener = Listener::with(&ca.server_as(&Leaf::NODE, &[&stale])).await;
    let good = connector(&ca, &listener, ca.issue_numbered(&Leaf::CLIENT, 8));
    let error = listener.meet(&good).await.unwrap_err();
    assert!(matches!(error, ConnectError::RefusedByNode(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_names_nobody_or_two_gets_no_identity() {
    let ca = Ca::new();
    let mut listener = Listener::with(&ca.server()).await;
    let cases: [(&[&str], IdentityError); 3] = [
        (&[], IdentityError::UriCount(0)),
        (&[SYSTEM, NODE], IdentityError::UriCount(2)),
        (&["spiffe://border.example/agency/PK"], IdentityError::Label),
    ];
    for (uris, why) in cases {
        let pair = ca.issue(&Leaf { uris, hosts: &["client"], ..Leaf::CLIENT });
        let connector = connector(&ca, &listener, pair);
        let connection = listener.meet(&connector).await.unwrap();
        assert_eq!(connection.peer().identity(), Err(why));
    }
}

#[tokio::test]
async fn another_node_than_expected_is_refused_by_the_client() {
    let ca = Ca::new();
    let leaf = Leaf { uris: &["spiffe://other.example/node"], ..Leaf::NODE };
    let mut listener = Listener::with(&ca.server_as(&leaf, &[])).await;
    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));

    let error = listener.meet(&connector).await.unwrap_err();

    assert!(!error.is_passing());
    assert_eq!(
        error.to_string(),
        "spiffe://other.example/node answers where spiffe://border.example/node was expected; \
         check the endpoint"
    );
}

#[tokio::test]
async fn a_node_of_another_ca_or_host_is_refused_by_the_client() {
    let (ca, other) = (Ca::new(), Ca::new());
    let mut listener = Listener::with(&ca.server()).await;
    let mut config = ca.client(listener.address.port(), ca.issue(&Leaf::CLIENT));
    config.ca = other.pem();
    let error = listener.meet(&Connector::new(config).unwrap()).await.unwrap_err();
    assert!(matches!(error, ConnectError::NodeCertificate(_)), "{error:?}");

    let mut config = ca.client(listener.address.port(), ca.issue(&Leaf::CLIENT));
    config.server_name = "elsewhere".into();
    let error = listener.meet(&Connector::new(config).unwrap()).await.unwrap_err();
    assert!(matches!(error, ConnectError::NodeCertificate(_)), "{error:?}");
    assert!(!error.is_passing());
}

#[tokio::test]
async fn an_address_that_nobody_listens_on_may_be_tried_again() {
    let ca = Ca::new();
    let listener = Listener::with(&ca.server()).await;
    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));
    drop(listener);
    // The acceptor's task is aborted with the listener; the port closes with it.
    let error = connector.connect().await.err().unwrap();
    assert!(matches!(error, ConnectError::Network(_) | ConnectError::NoAnswer));
    assert!(error.is_passing());
}

/// TLS 1.2 only: no supported_versions extension.
const TLS12_HELLO: &[u8] = &[
    22, 3, 1, 0, 79, // record: handshake, 79 bytes
    1, 0, 0, 75, // ClientHello, 75 bytes
    3, 3, // TLS 1.2
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    27, 28, 29, 30, 31, 32, // random
    0,  // no session id
    0, 4, 0xc0, 0x2b, 0xc0, 0x2c, // ECDHE-ECDSA with AES-GCM
    1, 0, // no compression
    0, 30, // extensions, 30 bytes
    0, 10, 0, 4, 0, 2, 0, 23, // groups: secp256r1
    0, 13, 0, 4, 0, 2, 4, 3, // signatures: ecdsa_secp256r1_sha256
    0, 11, 0, 2, 1, 0, // point formats
    0, 23, 0, 0, // extended master secret
    0, 35, 0, 0, // session ticket
];

#[tokio::test]
async fn tls_1_2_is_refused() {
    let ca = Ca::new();
    let listener = Listener::with(&ca.server()).await;
    let mut tcp = TcpStream::connect(listener.address).await.unwrap();
    tcp.write_all(TLS12_HELLO).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, tcp.read_to_end(&mut answer)).await.unwrap().unwrap();
    // Alert record: fatal (2), protocol_version (70).
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70]);
    assert_eq!(listener.until(|counts| counts.refused == 1).await.accepted, 0);
}

#[tokio::test]
async fn without_h2_the_connection_is_closed() {
    let ca = Ca::new();
    let listener = Listener::with(&ca.server()).await;
    let config = plain_config(&ca, Some(ca.issue(&Leaf::CLIENT)));
    let mut stream = plain_connect(&Arc::new(config), listener.address).await.unwrap();
    let read = timeout(SOON, stream.read_u8()).await.unwrap();
    assert!(read.is_err());

    let mut config = plain_config(&ca, Some(ca.issue(&Leaf::CLIENT)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let error = plain_connect(&Arc::new(config), listener.address).await.unwrap_err();
    let tls = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
    assert_eq!(tls, Some(&rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)));
    assert_eq!(listener.until(|counts| counts.refused == 2).await.accepted, 0);
}

#[tokio::test]
async fn a_session_is_never_resumed() {
    let ca = Ca::new();
    let mut listener = Listener::with(&ca.server()).await;
    let mut config = plain_config(&ca, Some(ca.issue(&Leaf::CLIENT)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    // The same configuration, with its cache of sessions, twice.
    let config = Arc::new(config);
    for _ in 0..2 {
        let (stream, _connection) =
            tokio::join!(plain_connect(&config, listener.address), listener.next());
        let mut stream = stream.unwrap();
        // Tickets, if any, come before the first data.
        stream.read_u8().await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
    }
}

#[tokio::test]
async fn a_handshake_left_open_is_closed() {
    let ca = Ca::new();
    let limits = AcceptLimits { handshake: Duration::from_millis(100), ..AcceptLimits::default() };
    let mut listener = Listener::start(&ca.server(), limits).await;
    let mut silent = TcpStream::connect(listener.address).await.unwrap();
    let mut half = TcpStream::connect(listener.address).await.unwrap();
    half.write_all(&TLS12_HELLO[..20]).await.unwrap();
    for tcp in [&mut silent, &mut half] {
        let read = timeout(SOON, tcp.read_u8()).await.expect("closed in time");
        assert!(read.is_err());
    }
    listener.until(|counts| counts.timed_out == 2).await;

    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));
    listener.meet(&connector).await.unwrap();
}

#[tokio::test]
async fn pending_handshakes_are_bounded_and_the_next_waits() {
    let ca = Ca::new();
    let limits = AcceptLimits {
        handshake: Duration::from_millis(400),
        pending_handshakes: 2,
        ..AcceptLimits::default()
    };
    let mut listener = Listener::start(&ca.server(), limits).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        idle.push(TcpStream::connect(listener.address).await.unwrap());
    }
    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));

    // Behind six idle callers, two at a time: served after the third pair.
    listener.meet(&connector).await.unwrap();

    let counts = listener.counts.read();
    assert!(counts.timed_out >= 5, "{counts:?}");
    assert_eq!(counts.accepted, 1);
    drop(idle);
}

#[tokio::test]
async fn connections_are_bounded_and_places_come_back() {
    let ca = Ca::new();
    let limits = AcceptLimits { connections: 1, pending_handshakes: 1, ..AcceptLimits::default() };
    let mut listener = Listener::start(&ca.server(), limits).await;
    let connector = connector(&ca, &listener, ca.issue(&Leaf::CLIENT));
    let first = listener.meet(&connector).await.unwrap();

    let error = listener.meet(&connector).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    assert_eq!(listener.counts.read().turned_away, 1);

    drop(first);
    listener.meet(&connector).await.unwrap();
}

#[tokio::test]
async fn the_acceptor_stops_when_told() {
    let ca = Ca::new();
    let mut listener = Listener::with(&ca.server()).await;
    let _half_open = TcpStream::connect(listener.address).await.unwrap();
    listener.stop.send(()).unwrap();
    let ended = timeout(SOON, listener.tasks.join_next()).await.unwrap();
    assert!(ended.unwrap().is_ok());
    assert!(listener.incoming.next().await.is_none());
    assert!(TcpStream::connect(listener.address).await.is_err());
}
