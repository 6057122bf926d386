//! `barid peer test`: what of a link works, from the card to the live session.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use barid_link::card::Card;
use barid_link::client::CallError;
use barid_link::identity::Identity;
use barid_link::tls::{ConnectError, Connector, Endpoint, ca_pem, certificate_end_unix_s};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_node::clock;
use barid_node::config::{Config, Peer};
use barid_node::link::connector;
use barid_proto::operations::v1 as pb;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::TestArgs;
use crate::args::Global;
use crate::context::{self, WrongUse};
use crate::output::{Line, Output};
use crate::words;

/// How long one address may take.
const TCP_LIMIT: Duration = Duration::from_secs(5);
/// A card that ends within this is worth a word.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Clocks further apart make messages wait: those of the faster node are put off.
const CLOCK_LIMIT_MS: u64 = 5 * 60_000;

/// What one step has found.
enum Found {
    Works(String),
    LeftOut(String),
    Fails { why: String, advice: String },
}

/// Says each step as it is found, and keeps what fails first.
struct Report<'o> {
    output: &'o mut Output,
    failed: Option<(&'static str, String)>,
}

pub(super) async fn run(
    args: &TestArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    let config = Config::load_with_expired_cards(&args.config).context("cannot test a peer")?;
    let Some(peer) = config.peers.iter().find(|peer| peer.name == args.name) else {
        let known: Vec<_> = config.peers.iter().map(|peer| peer.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        bail!(WrongUse(format!("there is no peer {}; the configuration has {known}", args.name)));
    };
    let mut report = Report { output, failed: None };
    let in_force = config.card_in_force(peer);
    report.say("card", &card(&in_force, clock::now()))?;
    reach(&config, peer, &in_force, &mut report).await?;
    link(&config, peer, global, &mut report).await?;
    match report.failed {
        None => Ok(()),
        Some((step, advice)) => bail!("{}: {step} fails; {advice}", args.name),
    }
}

impl Report<'_> {
    fn say(&mut self, step: &'static str, found: &Found) -> anyhow::Result<()> {
        let (mark, detail, advice) = match found {
            Found::Works(detail) => ("ok", detail, None),
            Found::LeftOut(detail) => ("left out", detail, None),
            Found::Fails { why, advice } => ("FAILS", why, Some(advice)),
        };
        if let Some(advice) = advice
            && self.failed.is_none()
        {
            self.failed = Some((step, advice.clone()));
        }
        if self.output.wants_json() {
            let state = mark.to_lowercase().replace(' ', "_");
            self.output.json(&serde_json::json!({
                "step": step, "state": state, "detail": detail, "advice": advice,
            }))?;
            return Ok(());
        }
        let mark = format!("{mark:<9}");
        let line = Line::default();
        let line = match found {
            Found::Works(_) => line.good(mark),
            Found::LeftOut(_) => line.faint(mark),
            Found::Fails { .. } => line.bad(mark),
        };
        self.output.line(line.strong(format!("{step:<9}")).text(detail))?;
        if let Some(advice) = advice {
            self.output.line(Line::default().text(format!("{:18}", "")).caution(advice))?;
        }
        Ok(())
    }
}

fn card(card: &Card, now: Millis) -> Found {
    let end = card.valid_until();
    if card.is_expired_at(now) {
        return fails(
            format!("ended {end}"),
            "have the other node make a new one with `barid card export`, and add it here with `barid peer add` under the same name",
        );
    }
    let left = end.since(now);
    let soon = if left < SOON { "; soon: have a new one made" } else { "" };
    Found::Works(format!("of {} until {end}, {} left{soon}", card.node(), words::span(left)))
}

/// Name, TCP, TLS and who answers; each only where the one before it works.
async fn reach(
    config: &Config,
    peer: &Peer,
    card: &Card,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let Some(endpoint) = card.endpoint() else {
        let text = "its card names no endpoint: it calls this node";
        let found = if config.listen.federation.is_some() {
            Found::LeftOut(text.to_owned())
        } else {
            fails(
                format!("{text}, which listens nowhere"),
                "set listen.federation in the configuration, or have the other node make a card with an endpoint",
            )
        };
        return report.say("address", &found);
    };
    let addresses = match resolve(endpoint).await {
        Ok(addresses) => addresses,
        Err(found) => return report.say("address", &found),
    };
    let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    report.say("address", &Found::Works(format!("{endpoint} is {}", shown.join(", "))))?;
    let connected = tcp(&addresses).await;
    report.say("TCP", &connected)?;
    if matches!(connected, Found::Fails { .. }) {
        return Ok(());
    }
    let material = config.tls.read().context("cannot test TLS as this node")?;
    // It may still show a certificate of the CA before.
    let pinned_ca = ca_pem(peer.card.ca_certificate());
    let connector = connector(card, &pinned_ca, &material).context("cannot call as this node")?;
    shake_hands(card, &connector, report).await
}

async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Found> {
    let found: Vec<_> = match lookup_host((endpoint.host(), endpoint.port())).await {
        Ok(found) => found.collect(),
        Err(error) => {
            let why = format!("{} is not found: {error}", endpoint.host());
            return Err(fails(why, NAME_ADVICE));
        }
    };
    if found.is_empty() {
        return Err(fails(format!("{} has no address", endpoint.host()), NAME_ADVICE));
    }
    Ok(found)
}

const NAME_ADVICE: &str =
    "check this machine's name service, or have the other node make a card with another --endpoint";

async fn tcp(addresses: &[SocketAddr]) -> Found {
    let mut why = String::new();
    for address in addresses {
        let began = Instant::now();
        let timed_out = |_elapsed| io::Error::from(io::ErrorKind::TimedOut);
        let connected = timeout(TCP_LIMIT, TcpStream::connect(address)).await;
        match connected.map_err(timed_out).and_then(|connected| connected) {
            Ok(_stream) => {
                return Found::Works(format!(
                    "{address} answers in {}",
                    words::span(began.elapsed())
                ));
            }
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    fails(
        why,
        "ask the other node's operator whether it runs, has a peer and listens for nodes there (listen.federation), and whether firewalls let this machine through",
    )
}

async fn shake_hands(
    card: &Card,
    connector: &Connector,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let node = card.node();
    let accepted = || Found::Works("TLS 1.3, certified by the card's CA".to_owned());
    let error = match connector.connect().await {
        Ok(stream) => {
            let end = certificate_end_unix_s(&stream).and_then(|end| u64::try_from(end).ok());
            let end = end.map_or_else(String::new, |end| {
                format!("; the other's ends {}", Millis(end.saturating_mul(1_000)))
            });
            let text = format!("both certificates are accepted{end}");
            report.say("TLS", &Found::Works(text))?;
            let text = format!("{node}, with a key of its card");
            return report.say("identity", &Found::Works(text));
        }
        Err(error) => error,
    };
    let advice = match &error {
        ConnectError::OtherKey(_) => {
            report.say("TLS", &accepted())?;
            "its certificate was renewed with another key, or somebody stands in for it: call its operator, and have a new card made with `barid card export` and compared"
        }
        ConnectError::OtherNode { .. } | ConnectError::NodeUnnamed(_) => {
            report.say("TLS", &accepted())?;
            "another node listens at the card's endpoint: have the other node's operator make a card with the right one"
        }
        ConnectError::RefusedByNode(_) => {
            "have the other node's operator add this node's present card (`barid card export`) with `barid peer add`, and restart that node"
        }
        ConnectError::NodeCertificate(_) => {
            "have the other node's operator compare its certificate with its card: CA, names and end; then make a new card, or a new certificate"
        }
        ConnectError::Network(_) | ConnectError::NoAnswer | ConnectError::Tls(_) => {
            "have the other node's operator check that listen.federation, and nothing else, listens at the card's endpoint"
        }
    };
    let step = match &error {
        ConnectError::OtherKey(_)
        | ConnectError::OtherNode { .. }
        | ConnectError::NodeUnnamed(_) => "identity",
        _ => "TLS",
    };
    let why = format!("{:#}", anyhow::Error::from(error));
    report.say(step, &fails(why, advice))
}

/// What the running node says of the session, and of the other clock.
async fn link(
    config: &Config,
    peer: &Peer,
    global: &Global,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let known = global.client.is_some() || context::find(global)?.is_some();
    if !known {
        let text = "nobody to ask the running node as; name its folder with --context DIR";
        return report.say("link", &Found::LeftOut(text.to_owned()));
    }
    let account = context::operator(global, report.output)?;
    let own = Identity::Node { trust_domain: config.node.trust_domain.clone() };
    if account.connection.node != own {
        let text = format!(
            "the context is of {}, not of this node; name its folder with --context DIR",
            account.connection.node
        );
        return report.say("link", &Found::LeftOut(text));
    }
    let request = pb::ListPeersRequest { name: peer.name.to_string() };
    let stands = match account.client()?.list_peers(request).await {
        Ok(answer) => answer.peers.into_iter().next(),
        Err(CallError::Refused(refusal)) if refusal.reason == Reason::NotFound => None,
        Err(error) => {
            let why = format!("cannot ask this node: {:#}", anyhow::Error::from(error));
            return report.say("link", &fails(why, "start this node, with `barid serve`"));
        }
    };
    match stands {
        None => {
            let why = "the running node does not know this peer".to_owned();
            report.say("link", &fails(why, "restart it, so that it takes up the configuration"))
        }
        Some(stands) => {
            let is_called = config.listen.federation.is_some();
            report.say("link", &session(peer, is_called, &stands))?;
            if stands.state() == pb::LinkState::Live { clocks(&stands, report) } else { Ok(()) }
        }
    }
}

fn session(peer: &Peer, is_called: bool, stands: &pb::Peer) -> Found {
    let since = words::time(stands.since.as_ref());
    match stands.state() {
        pb::LinkState::Live => Found::Works(format!(
            "live since {since}; round trip {}, last receipt {}",
            words::round_trip(stands.round_trip_ms),
            words::time(stands.last_receipt_at.as_ref())
        )),
        pb::LinkState::Greeting => fails(
            format!("connected since {since}, and waits for the other node's hello"),
            "try again in some seconds",
        ),
        pb::LinkState::Down | pb::LinkState::Unspecified => {
            let why = match &*stands.last_failure {
                "" => "down; nobody has connected since this node started".to_owned(),
                why => format!("down since {since}: {why}"),
            };
            let advice = if peer.dials {
                "mend what fails above; if nothing does, have the other node's operator add this node's present card and restart that node"
            } else if !is_called {
                "this node neither calls nor listens for nodes: set `dial = true` at the peer, or listen.federation"
            } else {
                "this node waits for the other's call: have its operator run `barid peer test` there"
            };
            fails(why, advice)
        }
    }
}

fn clocks(stands: &pb::Peer, report: &mut Report<'_>) -> anyhow::Result<()> {
    let ms = stands.clock_difference_ms;
    let detail = format!("the other's is {ms:+} ms against this node's");
    let found = if ms.unsigned_abs() > CLOCK_LIMIT_MS {
        fails(detail, "compare both with a clock that is right, and correct the wrong one")
    } else {
        Found::Works(detail)
    };
    report.say("clock", &found)
}

fn fails(why: String, advice: &str) -> Found {
    Found::Fails { why, advice: advice.to_owned() }
}
