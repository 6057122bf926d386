//! What Prometheus gets.

use std::pin::Pin;

use barid_link::tls::ConnectorConfig;
use prost::bytes::Buf as _;
use tonic::body::Body;
use tonic::codegen::http::{Method, Request, StatusCode};
use tonic::codegen::{Body as _, Service as _};

use super::{with_a_dead_letter, with_a_monitor};
use crate::harness::{Node, channel, within};

/// The answer to a scrape by the holder of these files.
async fn scrape(config: ConnectorConfig, method: Method) -> (StatusCode, String, String) {
    let mut channel = channel(config);
    let ready = std::future::poll_fn(|context| channel.poll_ready(context));
    within(ready).await.expect("a connection");
    let request = Request::builder().method(method).uri("/metrics").body(Body::empty());
    let answer = within(channel.call(request.expect("a request"))).await.expect("an answer");
    let (head, mut body) = answer.into_parts();
    let mut text = Vec::new();
    while let Some(frame) =
        within(std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context))).await
    {
        if let Ok(mut data) = frame.expect("whole").into_data() {
            text.extend_from_slice(&data.copy_to_bytes(data.remaining()));
        }
    }
    let kind =
        head.headers.get("content-type").map(|kind| kind.to_str().expect("ASCII").to_owned());
    (head.status, kind.unwrap_or_default(), String::from_utf8(text).expect("UTF-8"))
}

fn value<'a>(text: &'a str, series: &str) -> &'a str {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(series));
    let found = lines.find_map(|rest| rest.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_what_has_happened() {
    let site = Node::site(&super::AGENCIES).setting("tries_max = 5", "tries_max = 1");
    let node = site.start();
    with_a_dead_letter(&node).await;
    let (code, kind, text) = scrape(node.operator_connector(), Method::GET).await;
    assert_eq!(code, StatusCode::OK, "{text}");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(value(&text, "barid_messages_accepted_total"), "1");
    assert_eq!(value(&text, "barid_dead_letters"), "1");
    assert_eq!(value(&text, "barid_problems{kind=\"dead_letters\",severity=\"warning\"}"), "1");
    assert_eq!(value(&text, "barid_inboxes"), "2");
    let groups = value(&text, "barid_journal_sync_seconds_count").parse::<u64>();
    assert!(groups.is_ok_and(|groups| groups >= 3), "{text}");
    assert_eq!(
        value(&text, "barid_journal_sync_seconds_bucket{le=\"+Inf\"}"),
        format!("{}", groups_of(&text))
    );
    for secret in ["pk/police", "Cannot be read."] {
        assert!(!text.contains(secret), "{secret} is no figure");
    }
    let (code, ..) = scrape(node.operator_connector(), Method::POST).await;
    assert_eq!(code, StatusCode::METHOD_NOT_ALLOWED);
}

fn groups_of(text: &str) -> &str {
    value(text, "barid_journal_sync_seconds_count")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_neither_operator_nor_monitor_gets_no_figures() {
    let node = with_a_monitor();
    let (code, _, text) = scrape(node.operator_connector_named("watch"), Method::GET).await;
    assert_eq!(code, StatusCode::OK, "{text}");
    // A system of an agency, at the operators' port.
    let agency = ConnectorConfig {
        endpoint: node.operator_connector().endpoint,
        ..node.connector("pk/customs")
    };
    let before = node.totals().await.refused;
    let (code, _, text) = scrape(agency, Method::GET).await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    assert!(!text.contains("barid_"), "{text}");
    assert_eq!(node.totals().await.refused, before + 1, "which is on record");
    // The agencies' port has none.
    let (code, _, text) = scrape(node.connector("pk/customs"), Method::GET).await;
    assert!(!text.contains("barid_"), "{code}: {text}");
}
