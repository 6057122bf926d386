mod peers;
mod refusals;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use barid_message::time::Millis;

use super::source::Source;
use super::{Config, ConfigError, LogFormat, LogLevel};

/// The example of the repository, which `init` writes.
const EXAMPLE: &str = include_str!("../../../../config/node.toml");
const README: &str = include_str!("../../../../config/README.md");

fn parse(text: &str) -> Result<Config, ConfigError> {
    let source = Source { file: Path::new("config/node.toml"), text };
    Config::parse(&source).map(|(config, _peers)| config)
}

/// The example with its first `from` replaced, which must be there.
fn edited(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    EXAMPLE.replacen(from, to, 1)
}

/// Line, from 1, of the first `fragment` in `text`.
fn line_of(text: &str, fragment: &str) -> usize {
    let at = text.find(fragment).unwrap_or_else(|| panic!("no {fragment}"));
    text[..at].matches('\n').count() + 1
}

/// The example with all commented-out keys in force.
fn uncommented() -> String {
    let shown = |line: &str| {
        let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "));
        key.is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let lines = EXAMPLE.lines().map(|line| if shown(line) { &line[2..] } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_a_configuration() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.node.name.as_str(), "pk");
    assert_eq!(config.node.trust_domain.as_str(), "pk.example");
    assert_eq!(config.node.data, Path::new("config/data"));
    assert_eq!(config.listen.exchange, SocketAddr::from(([127, 0, 0, 1], 7401)));
    assert_eq!(config.listen.federation, Some(SocketAddr::from(([127, 0, 0, 1], 7403))));
    assert_eq!(config.tls.key, Path::new("config/keys/tls-key.pem"));
    assert_eq!(config.delivery.lease, Duration::from_secs(30));
    let agencies: Vec<_> = config.agencies.iter().map(|agency| agency.address.as_str()).collect();
    assert_eq!(agencies, ["pk/customs", "pk/police"]);
    let customs = &config.agencies[0];
    assert_eq!(customs.systems[0].to_string(), "spiffe://pk.example/agency/pk/customs/main");
    assert_eq!(customs.keys[0].valid_from, Millis(1_767_225_600_000));
    assert_eq!(customs.keys[0].valid_until, None);
    assert_eq!(config.operators[0].to_string(), "spiffe://pk.example/operator/admin");
    assert_eq!(config.agreements[0].reference().id, "agr:pk:domestic");
    assert_eq!(config.agreements[0].parties().count(), 2);
}

#[test]
fn what_the_example_shows_as_default_is_the_default() {
    let (silent, spoken) = (parse(EXAMPLE).unwrap(), parse(&uncommented()).unwrap());
    assert_eq!(spoken.storage, silent.storage);
    assert_eq!(spoken.delivery, silent.delivery);
    assert_eq!(spoken.log, silent.log);
    assert_eq!((spoken.alarm, silent.alarm), (None, None));
    assert_eq!(spoken.tls, silent.tls);
}

#[test]
fn every_key_stands_in_the_readme() {
    let table: toml::Table = uncommented().parse().unwrap();
    // Tables that `barid peer add` writes; the example has none.
    let mut keys = ["peer", "card", "dial", "monitor"].map(str::to_owned).to_vec();
    for (section, value) in &table {
        keys.push(section.clone());
        let tables = match value {
            toml::Value::Array(tables) => tables.iter().filter_map(toml::Value::as_table).collect(),
            other => vec![other.as_table().unwrap()],
        };
        keys.extend(tables.iter().flat_map(|table| table.keys().cloned()));
    }
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        assert!(README.contains(&format!("`{key}`")), "config/README.md does not explain {key}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_in_every_table() {
    let headers: Vec<&str> = EXAMPLE.lines().filter(|line| line.starts_with('[')).collect();
    assert!(headers.len() >= 12, "{headers:?}");
    for header in headers {
        let text = edited(&format!("\n{header}\n"), &format!("\n{header}\nlease_seconds = 3\n"));
        let error = parse(&text).unwrap_err().to_string();
        let place = format!("config/node.toml:{}:1: ", line_of(&text, "lease_seconds"));
        assert!(error.starts_with(&place), "{header}: {error}");
        assert!(error.contains("unknown field `lease_seconds`"), "{header}: {error}");
        assert!(error.ends_with("config/README.md lists every key"), "{header}: {error}");
        assert!(!error.contains('\n'), "{header}: {error}");
    }
}

#[test]
fn a_missing_or_mistyped_key_is_refused() {
    for (from, to, said) in [
        ("name = \"pk\"\n", "", "missing field `name`"),
        ("name = \"pk\"", "name = 7", "invalid type: integer"),
        ("# level = \"info\"", "level = \"loud\"", "unknown variant `loud`"),
        ("# lease_s = 30", "lease_s = -1", "invalid value: integer `-1`"),
        ("[tls]", "[tls", ""),
    ] {
        let error = parse(&edited(from, to)).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(error.starts_with("config/node.toml:"), "{error}");
    }
}

#[test]
fn two_agreements_of_one_id_are_refused() {
    let at = EXAMPLE.find("[[agreement]]").unwrap();
    let text = format!("{EXAMPLE}\n{}", &EXAMPLE[at..]);
    let error = parse(&text).unwrap_err().to_string();
    assert!(error.contains("agreement agr:pk:domestic stands here twice"), "{error}");
}

#[test]
fn a_unit_needs_no_table_of_its_agency_and_may_share_its_systems() {
    let text = edited("address = \"pk/police\"", "address = \"pk/police/torkham\"");
    let unit = &parse(&text).unwrap().agencies[1];
    assert_eq!(unit.address.as_str(), "pk/police/torkham");
    assert_eq!(unit.systems[0].to_string(), "spiffe://pk.example/agency/pk/police/main");
}

#[test]
fn columns_count_characters() {
    let text = edited("name = \"pk\"", "name = \"pk\" # \u{6a9}\u{633}\u{679}\u{645}\n\u{e9} = 1");
    let error = parse(&text).unwrap_err();
    let ConfigError::At { place, .. } = &error else { panic!("{error}") };
    assert_eq!((place.line, place.column), (line_of(&text, "\u{e9} ="), 1));
}

#[test]
fn logs_can_be_set() {
    let text = edited("# format = \"text\"", "format = \"json\"");
    let config = parse(&text.replacen("# level = \"info\"", "level = \"debug\"", 1)).unwrap();
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, LogLevel::Debug));
    assert_eq!(tracing::Level::from(config.log.level), tracing::Level::DEBUG);
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let error = Config::load(&file).unwrap_err();
    let ConfigError::Unreadable { cause, .. } = &error else { panic!("{error}") };
    assert_eq!(cause.kind(), io::ErrorKind::NotFound);

    File::create(&file).unwrap().write_all(b"\xff\xfe").unwrap();
    assert!(matches!(Config::load(&file), Err(ConfigError::NotText { .. })));
    File::create(&file).unwrap().set_len(super::FILE_BYTES_MAX + 1).unwrap();
    assert!(matches!(Config::load(&file), Err(ConfigError::TooLarge { .. })));
}
