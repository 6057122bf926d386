use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use barid_message::address::Address;
use barid_message::key::{PublicKey, SigningKey};
use barid_message::time::Millis;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::text::{Member, NodeToml};
use super::{InitError, Plan, create};
use crate::config::Config;

/// 2026-01-01T00:00:00Z.
const NOW: Millis = Millis(1_767_225_600_000);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn plan(parent: &TempDir) -> Plan {
    let agencies = ["pk/customs", "pk/police", "pk/police/torkham"].map(address).to_vec();
    let domain = "pk.example".parse().unwrap();
    let mut plan =
        Plan::new(parent.path().join("pk"), "pk".parse().unwrap(), domain, agencies, NOW);
    plan.dns_names.push("node.pk.example".to_owned());
    plan
}

/// All files (with their content) and folders (without) below `root`, with modes.
fn walk(root: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let facts = fs::symlink_metadata(&path).unwrap();
        let content = if facts.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            None
        } else {
            Some(fs::read(&path).unwrap())
        };
        let name = path.strip_prefix(root).unwrap().display().to_string();
        found.insert(name, (facts.permissions().mode() & 0o7777, content));
    }
    found
}

fn signing_key(path: &Path) -> SigningKey {
    SigningKey::from_pem(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn what_init_makes_loads_and_fits_together() {
    let parent = tempfile::tempdir().unwrap();
    let created = create(&plan(&parent)).unwrap();
    let config = Config::load(&created.config).unwrap();
    let evidence = STANDARD.encode(signing_key(&config.evidence.key).public().spki());
    let files = created.clients.iter().map(|(_, file)| file);
    for file in files.chain(created.operators.iter().map(|(_, file)| file)) {
        let table: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
        assert_eq!(table["evidence_keys"].as_array().unwrap()[0].as_str(), Some(&*evidence));
    }
    assert_eq!(config.agencies.len(), 3);
    for ((address, client), agency) in created.clients.iter().zip(&config.agencies) {
        assert_eq!(*address, agency.address);
        let key = signing_key(&client.with_file_name("signing-key.pem"));
        assert_eq!(agency.keys[0].key, *key.public());
        assert_eq!(agency.keys[0].valid_from, NOW - Duration::from_secs(3600));
        assert!(agency.may_flash);
        let table: toml::Table = fs::read_to_string(client).unwrap().parse().unwrap();
        assert_eq!(table["address"].as_str(), Some(address.as_str()));
        assert_eq!(table["endpoint"].as_str(), Some("https://127.0.0.1:7401"));
        assert_eq!(table["server_name"].as_str(), Some("localhost"));
        assert_eq!(table["node"].as_str(), Some("spiffe://pk.example/node"));
        for key in ["certificate", "key", "ca", "signing_key"] {
            assert!(client.with_file_name(table[key].as_str().unwrap()).is_file(), "{key}");
        }
    }
    let (name, operator) = &created.operators[0];
    let table: toml::Table = fs::read_to_string(operator).unwrap().parse().unwrap();
    assert_eq!(name, "admin");
    assert_eq!(table["operator"].as_str(), Some(&*config.operators[0].to_string()));
    assert_eq!(table["endpoint"].as_str(), Some("https://127.0.0.1:7402"));
    let agreement = &config.agreements[0];
    assert!(config.agencies.iter().all(|agency| agreement.has_party(&agency.address)));
    assert_eq!(agreement.reference().id, "agr:pk:domestic");
    config.evidence.read().unwrap();
}

#[test]
fn the_tree_is_for_its_owner_only_and_whole() {
    let parent = tempfile::tempdir().unwrap();
    create(&plan(&parent)).unwrap();
    let tree = walk(parent.path());
    let files: Vec<&str> = tree
        .iter()
        .filter_map(|(name, (_, content))| content.as_ref().map(|_| name.as_str()))
        .collect();
    let client = |folder: &str, own: &[&str]| -> Vec<String> {
        own.iter().map(|name| format!("pk/{folder}/{name}")).collect()
    };
    let agency = ["ca.pem", "client.toml", "signing-key.pem", "tls-key.pem", "tls.pem"];
    let mut expected = [
        client("agencies/pk-customs", &agency),
        client("agencies/pk-police", &agency),
        client("agencies/pk-police-torkham", &agency),
        client("ca", &["ca-key.pem", "ca.pem"]),
        client(
            "node/keys",
            &[
                "ca.pem",
                "evidence-key.pem",
                "log-key.pem",
                "tls-key.pem",
                "tls.pem",
                "witness-key.pem",
            ],
        ),
        client("node", &["node.toml"]),
        client("operators/admin", &["ca.pem", "operator.toml", "tls-key.pem", "tls.pem"]),
    ]
    .concat();
    expected.sort();
    assert_eq!(files, expected);
    for (name, (mode, content)) in tree.iter().filter(|(name, _)| !name.is_empty()) {
        let wanted = if content.is_some() { 0o600 } else { 0o700 };
        assert_eq!(*mode, wanted, "{name}");
    }
}

#[test]
fn no_secret_lies_in_a_folder_of_another_holder() {
    let parent = tempfile::tempdir().unwrap();
    create(&plan(&parent)).unwrap();
    let tree = walk(&parent.path().join("pk"));
    let secrets: Vec<(&str, &[u8])> = tree
        .iter()
        .filter(|(name, _)| name.ends_with("key.pem"))
        .map(|(name, (_, content))| (name.as_str(), content.as_deref().unwrap()))
        .collect();
    assert_eq!(secrets.len(), 12);
    for (name, secret) in secrets {
        let text = str::from_utf8(secret).unwrap();
        let inner = text.lines().nth(1).unwrap();
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"), "{name}");
        let holders: Vec<&String> = tree
            .iter()
            .filter(|(_, (_, content))| {
                let content = content.as_deref().unwrap_or_default();
                String::from_utf8_lossy(content).contains(inner)
            })
            .map(|(holder, _)| holder)
            .collect();
        assert_eq!(holders, [name], "{name}");
    }
}

#[test]
fn nothing_that_is_there_is_touched() {
    let parent = tempfile::tempdir().unwrap();
    create(&plan(&parent)).unwrap();
    let before = walk(parent.path());
    let error = create(&plan(&parent)).unwrap_err();
    assert!(matches!(error, InitError::Taken(_)), "{error}");
    assert!(error.to_string().ends_with("nothing was changed"), "{error}");
    assert_eq!(walk(parent.path()), before);

    let mut onto_file = plan(&parent);
    onto_file.dir = parent.path().join("file");
    File::create(&onto_file.dir).unwrap().write_all(b"mine").unwrap();
    assert!(matches!(create(&onto_file), Err(InitError::Taken(_))));
    assert_eq!(fs::read(&onto_file.dir).unwrap(), b"mine");
}

#[test]
fn an_empty_folder_may_be_filled() {
    let parent = tempfile::tempdir().unwrap();
    fs::create_dir(parent.path().join("pk")).unwrap();
    let created = create(&plan(&parent)).unwrap();
    Config::load(&created.config).unwrap();
}

#[test]
fn what_comes_between_begin_and_finish_is_not_overwritten() {
    let parent = tempfile::tempdir().unwrap();
    let place = parent.path().join("pk");
    let tree = super::Tree::begin(&place, 7).unwrap();
    tree.file("ours", "x").unwrap();
    fs::create_dir(&place).unwrap();
    File::create(place.join("theirs")).unwrap();
    assert!(matches!(tree.finish(), Err(InitError::Taken(_))));
    let names: Vec<String> = walk(parent.path()).into_keys().collect();
    assert_eq!(names, ["", "pk", "pk/theirs"]);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let mut deep = plan(&parent);
    deep.dir = parent.path().join("missing/pk");
    assert!(matches!(create(&deep), Err(InitError::NoParent(_))));
    let mut late = plan(&parent);
    late.now = Millis(u64::MAX);
    assert!(matches!(create(&late), Err(InitError::Time(_))));
    assert_eq!(walk(parent.path()).len(), 1);
}

#[test]
fn plans_that_cannot_work_are_refused() {
    type Change = fn(&mut Plan);
    let cases: [(Change, &str); 14] = [
        (|plan| plan.agencies.clear(), "at least one agency"),
        (|plan| plan.agencies.push(address("pk/customs")), "pk/customs is named twice"),
        (|plan| plan.agencies.push(address("pk/police-torkham")), "make them in two runs"),
        (|plan| plan.agencies.push(address("pk/police/main")), "cannot be called `main`"),
        (|plan| plan.operators.push("admin".to_owned()), "operator admin is named twice"),
        (|plan| plan.operators.push("../etc".to_owned()), "`../etc` is no name for an operator"),
        (|plan| plan.dns_names.clear(), "is no DNS name"),
        (|plan| plan.dns_names.push("10.0.0.1".to_owned()), "`10.0.0.1` is no DNS name"),
        (|plan| plan.dns_names.push("a\"b".to_owned()), "is no DNS name"),
        (|plan| plan.operations = plan.exchange, "a port of its own"),
        (|plan| plan.operations.set_port(0), "127.0.0.1:0 names no port"),
        (|plan| plan.federation = Some(plan.exchange), "a port of its own"),
        (|plan| plan.validity = Duration::from_secs(60), "1 day to 10 years"),
        (|plan| plan.dir = PathBuf::from("."), "is no name for a new folder"),
    ];
    for (change, said) in cases {
        let parent = tempfile::tempdir().unwrap();
        let mut plan = plan(&parent);
        change(&mut plan);
        let error = create(&plan).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(walk(parent.path()).len(), 1, "{said}");
    }
}

#[test]
fn agencies_of_two_countries_share_an_agreement_named_after_the_node() {
    let parent = tempfile::tempdir().unwrap();
    let mut plan = plan(&parent);
    plan.agencies.push(address("af/customs"));
    plan.exchange = "0.0.0.0:7401".parse().unwrap();
    plan.name = "torkham-post".parse().unwrap();
    plan.federation = None;
    let created = create(&plan).unwrap();
    let config = Config::load(&created.config).unwrap();
    assert_eq!(config.agreements[0].reference().id, "agr:torkham-post:domestic");
    assert_eq!(config.listen.federation, None);
    let client = fs::read_to_string(&created.clients[3].1).unwrap();
    assert!(client.contains("endpoint = \"https://localhost:7401\""), "{client}");
}

#[test]
fn the_example_in_the_repository_is_what_init_writes() {
    // The public keys of RFC 8032, 7.1, tests 1 and 2.
    let member = |name: &str, spki: &[u8]| Member {
        address: address(&format!("pk/{name}")),
        system: format!("spiffe://pk.example/agency/pk/{name}/main").parse().unwrap(),
        key: PublicKey::from_spki(spki).unwrap(),
        valid_from: NOW,
    };
    let customs = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\
        \xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    let police = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\x3d\x40\x17\xc3\xe8\x43\x89\x5a\
        \x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c";
    let rendered = NodeToml {
        name: &"pk".parse().unwrap(),
        trust_domain: &"pk.example".parse().unwrap(),
        exchange: "127.0.0.1:7401".parse().unwrap(),
        operations: "127.0.0.1:7402".parse().unwrap(),
        federation: Some("127.0.0.1:7403".parse().unwrap()),
        members: vec![member("customs", customs), member("police", police)],
        operators: vec!["spiffe://pk.example/operator/admin".parse().unwrap()],
    }
    .render();
    let example = include_str!("../../../../config/node.toml");
    assert!(rendered == example, "config/node.toml is stale; it should be:\n{rendered}");
}
