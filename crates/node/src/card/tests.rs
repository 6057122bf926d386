use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use barid_link::card::{Card, Contact};
use barid_message::address::Address;
use barid_message::time::Millis;
use tempfile::TempDir;

use super::{NextKeys, OwnCardError, Wishes, own};
use crate::config::Config;
use crate::init::{self, Plan};

/// 2026-01-01T00:00:00Z.
const NOW: Millis = Millis(1_767_225_600_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn site(home: &TempDir, name: &str, change: impl FnOnce(&mut Plan)) -> PathBuf {
    let agencies = ["customs", "police"].map(|agency| format!("{name}/{agency}"));
    let agencies = agencies.map(|text| Address::parse(&text).unwrap());
    let domain = format!("{name}.example").parse().unwrap();
    let dir = home.path().join(name);
    let mut plan = Plan::new(dir, "border".parse().unwrap(), domain, agencies.to_vec(), NOW);
    plan.dns_names = vec!["node.example".to_owned()];
    change(&mut plan);
    init::create(&plan).unwrap().config
}

fn wishes() -> Wishes {
    Wishes { validity: DAY, ..Wishes::default() }
}

fn export(config: &Path, wishes: Wishes) -> Result<Card, OwnCardError> {
    own(&Config::load_at(config, NOW).unwrap(), wishes, NOW)
}

#[test]
fn the_card_is_what_the_configuration_says() {
    let home = tempfile::tempdir().unwrap();
    let file = site(&home, "pk", |_| {});
    let config = Config::load_at(&file, NOW).unwrap();
    let card = export(&file, wishes()).unwrap();
    assert_eq!(card.node().to_string(), "spiffe://pk.example/node");
    assert_eq!((card.name(), card.serial()), ("border", 1_767_225_600));
    assert_eq!((card.issued_at(), card.valid_until()), (NOW, NOW + DAY));
    assert_eq!(card.endpoint().unwrap().authority(), "127.0.0.1:7403");
    assert_eq!(card.server_name(), "node.example");
    assert_eq!(card.signer(), config.evidence.read().unwrap().public());
    for (said, agency) in card.agencies().iter().zip(&config.agencies) {
        assert_eq!((&said.address, &said.keys), (&agency.address, &agency.keys));
        assert_eq!(said.may_flash, agency.may_flash);
    }
    assert_eq!(card.agencies().len(), 2);
}

#[test]
fn the_ca_is_the_issuer_and_not_another_of_its_name() {
    let home = tempfile::tempdir().unwrap();
    let (ours, theirs) = (site(&home, "pk", |_| {}), site(&home, "ir", |_| {}));
    let pem = |config: &PathBuf| std::fs::read(config.with_file_name("keys/ca.pem")).unwrap();
    let (own_ca, other_ca) = (pem(&ours), pem(&theirs));
    let expected = export(&ours, wishes()).unwrap().ca_certificate().clone();
    let write = |bytes: &[u8]| {
        let path = ours.with_file_name("keys/ca.pem");
        File::create(path).unwrap().write_all(bytes).unwrap();
    };
    write(&[&other_ca[..], &own_ca].concat());
    assert_eq!(*export(&ours, wishes()).unwrap().ca_certificate(), expected);
    write(&other_ca);
    let error = export(&ours, wishes()).unwrap_err().to_string();
    assert!(error.contains("add the issuer"), "{error}");
}

#[test]
fn the_endpoint_is_one_that_can_be_called() {
    let home = tempfile::tempdir().unwrap();
    let all = site(&home, "pk", |plan| plan.federation = "0.0.0.0:7403".parse().ok());
    let authority = |card: &Card| card.endpoint().map(barid_link::tls::Endpoint::authority);
    let card = export(&all, wishes()).unwrap();
    assert_eq!(authority(&card).as_deref(), Some("node.example:7403"));
    let wish = Wishes { endpoint: "https://[::1]:9".parse().ok(), ..wishes() };
    let card = export(&all, wish).unwrap();
    assert_eq!(authority(&card).as_deref(), Some("[::1]:9"));

    // init takes no port 0, but a person may write it.
    let any = site(&home, "ir", |_| {});
    let text = std::fs::read_to_string(&any).unwrap().replace("127.0.0.1:7403", "127.0.0.1:0");
    File::create(&any).unwrap().write_all(text.as_bytes()).unwrap();
    assert!(matches!(export(&any, wishes()), Err(OwnCardError::AnyPort)));
    let none = site(&home, "af", |plan| plan.federation = None);
    assert_eq!(authority(&export(&none, wishes()).unwrap()), None);
}

#[test]
fn what_cannot_stand_on_a_card_is_told() {
    let home = tempfile::tempdir().unwrap();
    let file = site(&home, "pk", |_| {});
    let contact = Contact { role: "r".repeat(65), ..Contact::default() };
    let error = export(&file, Wishes { contact, ..wishes() }).unwrap_err().to_string();
    assert!(error.contains("contact role has not 0 to 64 characters"), "{error}");

    let text = std::fs::read_to_string(&file).unwrap().replace("pk.example", "ir.example");
    File::create(&file).unwrap().write_all(text.as_bytes()).unwrap();
    let error = export(&file, wishes()).unwrap_err().to_string();
    assert!(error.contains("is of spiffe://pk.example/node, but this node is"), "{error}");
}

#[test]
fn next_keys_stand_on_the_card_before_they_are_used() {
    let home = tempfile::tempdir().unwrap();
    let (ours, theirs) = (site(&home, "pk", |_| {}), site(&home, "ir", |_| {}));
    // Made anew for the same node: another CA, another TLS key, another evidence key.
    let again = tempfile::tempdir().unwrap();
    let later = site(&again, "pk", |_| {});
    let keys = |config: &Path| config.with_file_name("keys");
    let next = |config: &Path| NextKeys {
        certificate: Some(keys(config).join("tls.pem")),
        evidence: Some(keys(config).join("evidence-key.pem")),
    };
    let chain = |config: &Path| {
        let [leaf, ca] = ["tls.pem", "ca.pem"].map(|file| std::fs::read(keys(config).join(file)));
        [leaf.unwrap(), ca.unwrap()].concat()
    };
    let whole = |config: &Path| {
        let chain = chain(config);
        File::create(keys(config).join("tls.pem")).unwrap().write_all(&chain).unwrap();
    };
    whole(&later);
    let [before, after] = [&ours, &later].map(|config| export(config, wishes()).unwrap());
    let both = export(&ours, Wishes { next: next(&later), ..wishes() }).unwrap();
    assert_eq!(both.tls_keys(), [before.tls_keys(), after.tls_keys()].concat());
    assert_eq!(both.evidence_keys(), [before.evidence_keys(), after.evidence_keys()].concat());
    assert_eq!(both.signer(), before.signer());
    assert_eq!(both.ca_certificate(), after.ca_certificate());
    assert!(before.grants_beyond(&both).is_empty());
    // Those of another node are none of this one's.
    whole(&theirs);
    let error = export(&ours, Wishes { next: next(&theirs), ..wishes() }).unwrap_err();
    assert!(matches!(error, OwnCardError::OtherIdentity { .. }), "{error}");
}

#[test]
fn a_later_card_has_a_higher_serial_whatever_the_clock_says() {
    let home = tempfile::tempdir().unwrap();
    let file = site(&home, "pk", |_| {});
    let first = export(&file, wishes()).unwrap();
    let mut kept = File::create(file.with_file_name(crate::config::OWN_CARD)).unwrap();
    kept.write_all(first.to_text().as_bytes()).unwrap();
    let second = export(&file, wishes()).unwrap();
    assert_eq!(second.serial(), first.serial() + 1);
    assert_eq!(first.successor(&second), Ok(()));
}
