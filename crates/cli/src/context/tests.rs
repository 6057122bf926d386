use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use barid_message::address::Address;
use clap::Parser as _;

use super::{Caller, Context, WrongUse};
use crate::account::{AgencyAccount, OperatorAccount};
use crate::args::{Cli, Global};
use crate::commands::init;
use crate::output::{Looks, Output};

/// A folder made by `barid init` itself, and what it said.
fn made(agencies: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("border");
    let mut line = vec!["barid", "init", dir.to_str().unwrap(), "--node", "torkham"];
    for address in agencies {
        line.extend(["--agency", address]);
    }
    line.extend(["--operator", "admin", "--operator", "night"]);
    let cli = Cli::try_parse_from(line).unwrap();
    let crate::args::Command::Init(args) = cli.command else {
        panic!("init was asked for");
    };
    let (mut output, out, err) = Output::captured(false, Looks::default());
    init::run(&args, &mut output).unwrap();
    (folder, format!("{}{}", out.text(), err.text()))
}

fn global(dir: &Path, who: Option<&str>) -> Global {
    let mut line = vec!["barid", "--context", dir.to_str().unwrap()];
    if let Some(who) = who {
        line.extend(["--as", who]);
    }
    line.push("node");
    Cli::try_parse_from(line).unwrap().global
}

fn agency(global: &Global) -> anyhow::Result<AgencyAccount> {
    super::agency(global, &mut Output::captured(false, Looks::default()).0)
}

fn operator(global: &Global) -> anyhow::Result<OperatorAccount> {
    super::operator(global, &mut Output::captured(false, Looks::default()).0)
}

fn is_wrong_use<T>(result: anyhow::Result<T>) -> String {
    let error = result.err().expect("wrong use is refused");
    assert!(error.is::<WrongUse>(), "{error:#}");
    error.to_string()
}

#[tokio::test]
async fn init_writes_the_context_that_finds_everyone() {
    let (folder, said) = made(&["pk/customs", "pk/police/torkham"]);
    let dir = folder.path().join("border");
    assert!(said.contains("context.toml"), "{said}");
    assert!(
        said.contains(&format!("barid serve --config {}", dir.join("node/node.toml").display()))
    );

    let customs = agency(&global(&dir, Some("pk/customs"))).unwrap();
    assert_eq!(customs.address.as_str(), "pk/customs");
    assert_eq!(customs.connection.endpoint.to_string(), "https://127.0.0.1:7401");
    assert_eq!(customs.evidence_keys.len(), 1, "the node's key is pinned");
    customs.client().unwrap();
    customs.signing_key().unwrap();
    let unit = agency(&global(&dir, Some("pk/police/torkham"))).unwrap();
    assert_eq!(unit.address.as_str(), "pk/police/torkham");

    for who in [None, Some("operator"), Some("operator/night")] {
        let operator = operator(&global(&dir, who)).unwrap();
        assert_eq!(operator.connection.endpoint.port(), 7402);
        assert_eq!(operator.evidence_keys, customs.evidence_keys);
        operator.client().unwrap();
    }
    let file = dir.join("context.toml");
    assert!(Context::load(&file).is_ok());
    assert!(agency(&global(&file, Some("pk/customs"))).is_ok(), "the file itself does too");
}

#[test]
fn who_is_not_clear_or_not_known_is_wrong_use() {
    let (folder, _said) = made(&["pk/customs", "pk/police"]);
    let dir = folder.path().join("border");
    let text = is_wrong_use(agency(&global(&dir, None)));
    assert_eq!(text, "as which agency? add --as ADDRESS, one of pk/customs, pk/police");
    is_wrong_use(agency(&global(&dir, Some("ir/customs"))));
    is_wrong_use(agency(&global(&dir, Some("operator"))));
    is_wrong_use(operator(&global(&dir, Some("pk/customs"))));
    is_wrong_use(operator(&global(&dir, Some("operator/nobody"))));
}

#[test]
fn the_only_agency_needs_no_name() {
    let (folder, _said) = made(&["pk/customs"]);
    let dir = folder.path().join("border");
    assert_eq!(agency(&global(&dir, None)).unwrap().address.as_str(), "pk/customs");
}

#[test]
fn keys_that_others_can_read_are_told_of() {
    let (folder, _said) = made(&["pk/customs"]);
    let dir = folder.path().join("border");
    let said = || {
        let (mut output, _out, err) = Output::captured(false, Looks::default());
        super::agency(&global(&dir, None), &mut output).unwrap();
        err.text()
    };
    assert_eq!(said(), "");
    let key = dir.join("agencies/pk-customs/signing-key.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(said().contains("signing-key.pem; chmod 600"), "{}", said());
}

#[test]
fn a_client_file_needs_no_context() {
    let (folder, _said) = made(&["pk/customs", "pk/police"]);
    let file = folder.path().join("border/agencies/pk-customs/client.toml");
    let with = |who: &[&str]| {
        let line = ["barid", "--client", file.to_str().unwrap()].into_iter();
        let line = line.chain(who.iter().copied()).chain(["node"]);
        Cli::try_parse_from(line).unwrap().global
    };
    let account = agency(&with(&["--context", "/absent"])).expect("it has keys of its own");
    assert_eq!(account.evidence_keys.len(), 1);
    let account = agency(&with(&[])).unwrap();
    assert_eq!(account.address.as_str(), "pk/customs");
    assert!(agency(&with(&["--as", "pk/customs"])).is_ok());
    is_wrong_use(agency(&with(&["--as", "pk/police"])));
    let error = operator(&with(&[])).err().expect("an agency is no operator");
    assert!(format!("{error:#}").contains("client.toml"), "{error:#}");
}

#[test]
fn what_a_context_says_wrong_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("context.toml");
    for text in [
        "node = 1",
        "node = \"torkham\"",
        "node = \"spiffe://t.barid/node\"\nkeys = []",
        "node = \"spiffe://t.barid/node\"\nevidence_keys = [\"AAAA\"]",
        "node = \"spiffe://t.barid/node\"\n[agencies]\n\"PK/customs\" = \"x\"",
    ] {
        crate::durable::write(&file, text.as_bytes()).unwrap();
        let error = format!("{:#}", Context::load(&file).unwrap_err());
        assert!(error.contains("context.toml"), "{error}");
    }
    let absent = format!("{:#}", Context::load(&folder.path().join("no")).unwrap_err());
    assert!(absent.starts_with("cannot read the context "), "{absent}");
}

#[test]
fn callers_are_addresses_or_operators() {
    let customs = Address::parse("pk/customs").unwrap();
    assert_eq!("pk/customs".parse(), Ok(Caller::Agency(customs)));
    assert_eq!("operator".parse(), Ok(Caller::Operator(None)));
    assert_eq!("operator/night".parse(), Ok(Caller::Operator(Some("night".into()))));
    assert!("customs".parse::<Caller>().is_err());
}
