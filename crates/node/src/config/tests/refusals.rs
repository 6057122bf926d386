//! Wrong values, each refused at its own line with what to do.

use super::{EXAMPLE, edited, parse};
use crate::config::ConfigError;

/// SubjectPublicKeyInfo of the Ed25519 point of order 1.
const WEAK_SPKI: &str = "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Asserts that the example with `from` replaced by `to` is refused at a line of
/// `to` in one sentence with `said` in it.
fn refused(from: &str, to: &str, said: &str) {
    let text = edited(from, to);
    let error = parse(&text).unwrap_err();
    let ConfigError::At { place, .. } = &error else { panic!("{to}: {error}") };
    let shown = error.to_string();
    assert!(shown.contains(said), "{to}: {shown}");
    assert!(!shown.contains('\n'), "{shown}");
    let first = EXAMPLE[..EXAMPLE.find(from).unwrap()].matches('\n').count() + 1;
    let lines = first..=first + to.matches('\n').count();
    assert!(lines.contains(&place.line), "{to}: {shown}");
}

/// The nth line of the example that begins with `start`.
fn line(start: &str, nth: usize) -> &'static str {
    EXAMPLE.lines().filter(|line| line.starts_with(start)).nth(nth).unwrap()
}

#[test]
fn of_the_node() {
    let name = "name = \"pk\"";
    refused(name, "name = \"Pakistan\"", "`Pakistan` is no name for a node");
    refused(name, "name = \"\"", "use 1 to 32 of a-z");
    refused("trust_domain = \"pk.example\"", "trust_domain = \"PK\"", "`PK` is no trust domain");
    refused("data = \"data\"", "data = \"\"", "the path is empty");
    let (tls_key, inside) = ("\nkey = \"keys/tls-key.pem\"", "\nkey = \"./x/../data/k.pem\"");
    refused(tls_key, inside, "lies in the data folder");
    let evidence = "key = \"keys/evidence-key.pem\"";
    refused(evidence, "key = \"data/evidence-key.pem\"", "keep keys elsewhere");
    for key in ["log", "witness"] {
        let line = format!("{key}_key = \"keys/{key}-key.pem\"");
        let inside = format!("{key}_key = \"data/{key}-key.pem\"");
        refused(&line, &inside, "keep keys elsewhere");
    }
    refused("# checkpoint_every_s = 30", "checkpoint_every_s = 0", "choose 1 to 300");
}

#[test]
fn of_listeners() {
    refused("exchange = \"127.0.0.1:7401\"", "exchange = \"localhost\"", "write IP:PORT");
    let (operations, same) = ("operations = \"127.0.0.1:7402\"", "operations = \"127.0.0.1:7401\"");
    refused(operations, same, "a port of its own");
    let federation = "federation = \"127.0.0.1:7403\"";
    refused(federation, "federation = \"127.0.0.1:7402\"", "a port of its own");
    refused(federation, "federation = \"node.pk.example:7403\"", "write IP:PORT");
}

#[test]
fn of_numbers() {
    refused("# lease_s = 30", "lease_s = 4", "lease_s = 4 is out of range; choose 5 to 600");
    refused("# tries_max = 5", "tries_max = 101", "choose 1 to 100");
    refused("# retry_delay_s_max = 300", "retry_delay_s_max = 0", "choose 1 to 86400");
    refused("# retry_delay_s_min = 1", "retry_delay_s_min = 301", "make it at least 301");
    refused("# segment_mib = 64", "segment_mib = 7", "choose 8 to 1024");
}

#[test]
fn of_agencies() {
    let police = "address = \"pk/police\"";
    refused(police, "address = \"zz/police\"", "ISO 3166");
    refused(police, "address = \"pk\"", "for example pk/customs");
    refused(police, "address = \"pk/customs\"", "has an [[agency]] table already");
    let systems = line("systems", 1);
    let refused = |inner: &str, said| refused(systems, &format!("systems = [{inner}]"), said);
    refused("\"admin\"", "write spiffe://pk.example/agency/pk/police/SYSTEM");
    refused("\"spiffe://ir.example/agency/pk/police/main\"", "is no identity of a system");
    refused("\"spiffe://pk.example/node\"", "is no identity of a system");
    refused("\"spiffe://pk.example/agency/pk/customs/main\"", "is no system of pk/police");
    let ours = "\"spiffe://pk.example/agency/pk/police/main\"";
    refused(&format!("{ours}, {ours}"), "stands here twice");
}

#[test]
fn of_keys() {
    let (customs, police) = (line("spki", 0), line("spki", 1));
    refused(police, customs, "this key belongs to pk/customs already");
    refused(police, "spki = \"?\"", "not base64");
    refused(police, "spki = \"AAAA\"", "this public key is refused");
    refused(police, &format!("spki = \"{WEAK_SPKI}\""), "a weak key: of small order");
    let from = line("valid_from", 0);
    refused(from, "valid_from = \"yesterday\"", "`yesterday` is no time");
    refused(from, "valid_from = \"1999-12-31T23:59:59Z\"", "years 2000 to 2199");
    refused(from, "valid_from = \"2026-01-01T00:00:00.0001Z\"", "whole milliseconds");
    let never = format!("{from}\nvalid_until = \"2026-01-01T00:00:00Z\"");
    refused(from, &never, "valid_until is not after valid_from");
}

#[test]
fn of_operators() {
    let id = line("id = \"spiffe", 0);
    let agency = "id = \"spiffe://pk.example/agency/pk/customs/main\"";
    refused(id, agency, "is no identity of an operator of this node");
    refused(id, "id = \"spiffe://ir.example/operator/admin\"", "spiffe://pk.example/operator/NAME");
    refused(id, "id = \"admin\"", "does not begin with spiffe://");
    refused(id, &format!("{id}\n[[operator]]\n{id}"), "stands here twice");
}

#[test]
fn of_agreements() {
    refused("id = \"agr:pk:domestic\"", "id = \"the agreement\"", "characters of a-z");
    refused("version = 1", "version = 0", "versions begin at 1");
    let kinds = line("kinds", 0);
    refused(kinds, "kinds = [\"RUMOUR\"]", "write one of ALERT, INCIDENT, SEIZURE,");
    refused(kinds, "kinds = [\"UNSPECIFIED\"]", "is no kind of the message standard");
    refused(kinds, "kinds = [\"NOTE\", \"NOTE\"]", "`NOTE` stands in this list twice");
    refused("    \"SAR\",", "    \"LEISURE\",", "`LEISURE` is no purpose of the message standard");
    let error = parse(&edited(kinds, "kinds = []")).unwrap_err().to_string();
    assert!(error.contains("name at least one party, one kind"), "{error}");
}
