use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use barid_link::card::Card;
use barid_message::address::Address;
use barid_node::card::{Wishes, own};
use barid_node::clock;
use barid_node::config::Config;
use barid_node::init::{self, Plan};
use tempfile::TempDir;

use super::{AddArgs, Compared, add as command};
use crate::output::{Looks, Output};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn site(home: &TempDir, name: &str) -> PathBuf {
    let agency = Address::parse(&format!("{name}/customs")).unwrap();
    let domain = format!("{name}.example").parse().unwrap();
    let dir = home.path().join(name);
    let plan = Plan::new(dir, name.parse().unwrap(), domain, vec![agency], clock::now());
    init::create(&plan).unwrap().config
}

/// The card of a site as made some seconds from now.
fn card(config: &Path, later: u64) -> Card {
    let wishes = Wishes { validity: DAY, ..Wishes::default() };
    let config = Config::load(config).unwrap();
    own(&config, wishes, clock::now() + Duration::from_secs(later)).unwrap()
}

fn add(config: &Path, card: &Card, change: impl FnOnce(&mut AddArgs)) -> anyhow::Result<String> {
    let file = config.with_file_name("handed-over.card");
    crate::durable::write(&file, card.to_text().as_bytes()).unwrap();
    let mut args = AddArgs {
        card: file,
        name: "far".parse().unwrap(),
        config: config.to_path_buf(),
        compared: Compared { fingerprint: None, yes: true },
    };
    change(&mut args);
    let (mut output, out, err) = Output::captured(false, Looks::default());
    command::run(&args, &mut output)?;
    Ok(out.text() + &err.text())
}

#[test]
fn a_table_is_appended_and_all_else_kept() {
    let home = tempfile::tempdir().unwrap();
    let (pk, ir) = (site(&home, "pk"), site(&home, "ir"));
    let before = fs::read_to_string(&pk).unwrap();
    let card = card(&ir, 0);
    let said = add(&pk, &card, |_| {}).unwrap();
    assert!(said.contains("ir/customs") && said.contains("Restart the node"), "{said}");
    assert!(said.contains(&card.fingerprint().to_string()), "{said}");
    let after = fs::read_to_string(&pk).unwrap();
    let table = "\n[[peer]]\nname = \"far\"\ncard = \"peers/far.card\"\n";
    assert_eq!(after, format!("{before}{table}"));
    let config = Config::load(&pk).unwrap();
    assert_eq!((&config.peers[0].card, config.peers[0].dials), (&card, true));

    let again = add(&pk, &card, |_| {}).unwrap();
    assert!(again.contains("pinned already"), "{again}");
    assert_eq!(fs::read_to_string(&pk).unwrap(), after);
}

#[test]
fn a_card_that_a_crash_left_behind_is_taken_up() {
    let home = tempfile::tempdir().unwrap();
    let (pk, ir) = (site(&home, "pk"), site(&home, "ir"));
    let card = card(&ir, 0);
    let before = fs::read(&pk).unwrap();
    add(&pk, &card, |_| {}).unwrap();
    crate::durable::write(&pk, &before).unwrap();
    add(&pk, &card, |_| {}).unwrap();
    assert_eq!(Config::load(&pk).unwrap().peers.len(), 1);
}

#[test]
fn a_newer_card_takes_the_place_and_an_older_or_strange_one_does_not() {
    let home = tempfile::tempdir().unwrap();
    let [pk, ir, af] = ["pk", "ir", "af"].map(|name| site(&home, name));
    let (first, second) = (card(&ir, 0), card(&ir, 2));
    add(&pk, &first, |_| {}).unwrap();
    let text = fs::read(&pk).unwrap();
    let said = add(&pk, &second, |_| {}).unwrap();
    assert!(said.contains("renewed far"), "{said}");
    assert_eq!(Config::load(&pk).unwrap().peers[0].card, second);
    for (card, why) in [(&first, "not newer"), (&card(&af, 9), "of the same node")] {
        let error = format!("{:#}", add(&pk, card, |_| {}).unwrap_err());
        assert!(error.contains(why), "{error}");
    }
    let other_name = add(&pk, &second, |args| args.name = "mirjaveh".parse().unwrap());
    let error = format!("{:#}", other_name.unwrap_err());
    assert!(error.contains("under the name far"), "{error}");
    assert_eq!(Config::load(&pk).unwrap().peers[0].card, second);
    assert_eq!(fs::read(&pk).unwrap(), text);
}

#[test]
fn nothing_is_changed_before_the_fingerprint_is_the_right_one() {
    let home = tempfile::tempdir().unwrap();
    let (pk, ir) = (site(&home, "pk"), site(&home, "ir"));
    let before = fs::read(&pk).unwrap();
    let ours = card(&pk, 0);
    let card = card(&ir, 0);
    let wrong = add(&pk, &card, |args| args.compared.fingerprint = Some(ours.fingerprint()));
    assert!(wrong.unwrap_err().to_string().contains("nothing was changed"));
    let error = format!("{:#}", add(&pk, &ours, |_| {}).unwrap_err());
    assert!(error.contains("which is this node"), "{error}");
    assert_eq!(fs::read(&pk).unwrap(), before);
    assert!(!pk.with_file_name("peers").exists());
    add(&pk, &card, |args| {
        args.compared.yes = false;
        args.compared.fingerprint = Some(card.fingerprint());
    })
    .unwrap();
}
