use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use barid_message::address::Address;
use barid_message::time::Millis;
use tempfile::TempDir;

use crate::config::{Config, ConfigError, FileError};
use crate::init::{self, Plan};

/// A node's folder as `init` makes it.
fn fresh() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let agencies = vec![Address::parse("pk/customs").unwrap()];
    let domain = "pk.example".parse().unwrap();
    let now = Millis(1_767_225_600_000);
    let plan = Plan::new(parent.path().join("pk"), "pk".parse().unwrap(), domain, agencies, now);
    let config = init::create(&plan).unwrap().config;
    (parent, config)
}

fn load_error(config: &Path) -> FileError {
    match Config::load(config).unwrap_err() {
        ConfigError::File(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    for (name, mode) in
        [("tls-key.pem", 0o644), ("evidence-key.pem", 0o640), ("log-key.pem", 0o602)]
    {
        let (_parent, config) = fresh();
        let key = config.with_file_name("keys").join(name);
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let error = load_error(&config);
        assert!(
            matches!(error, FileError::Exposed { mode: found, .. } if found == mode),
            "{error}"
        );
        assert!(
            error.to_string().ends_with(&format!("run: chmod 600 {}", key.display())),
            "{error}"
        );
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        Config::load(&config).unwrap();
    }
}

#[test]
fn a_named_file_must_be_there_and_be_what_it_is_named_for() {
    let (_parent, config) = fresh();
    let keys = config.with_file_name("keys");
    let ca = keys.join("ca.pem");
    fs::remove_file(&ca).unwrap();
    let error = load_error(&config);
    assert!(matches!(error, FileError::Missing { key: "tls.client_ca", .. }), "{error}");
    fs::create_dir(&ca).unwrap();
    let error = load_error(&config);
    assert!(matches!(error, FileError::NotPem { key: "tls.client_ca", .. }), "{error}");
    fs::remove_dir(&ca).unwrap();
    fs::copy(keys.join("tls.pem"), &ca).unwrap();

    fs::copy(keys.join("tls.pem"), keys.join("evidence-key.pem")).unwrap();
    let error = load_error(&config);
    assert!(matches!(error, FileError::SigningKey { .. }), "{error}");
}

#[test]
fn keys_of_the_audit_log_are_ed25519_and_for_nothing_else() {
    let (_parent, config) = fresh();
    let keys = config.with_file_name("keys");
    let own = fs::read(keys.join("log-key.pem")).unwrap();
    for other in ["evidence-key.pem", "witness-key.pem"] {
        fs::copy(keys.join(other), keys.join("log-key.pem")).unwrap();
        let error = load_error(&config);
        assert!(matches!(error, FileError::SharedKey { .. }), "{error}");
    }
    // A TLS key is P-256.
    fs::copy(keys.join("tls-key.pem"), keys.join("log-key.pem")).unwrap();
    let error = load_error(&config);
    assert!(matches!(error, FileError::NotEd25519 { key: "audit.log_key", .. }), "{error}");
    let mut file = fs::File::create(keys.join("log-key.pem")).unwrap();
    std::io::Write::write_all(&mut file, &own).unwrap();
    Config::load(&config).unwrap();
}

#[test]
fn a_key_that_a_link_leads_into_the_data_folder_is_refused() {
    let (_parent, config) = fresh();
    let (keys, data) = (config.with_file_name("keys"), config.with_file_name("data"));
    fs::create_dir(&data).unwrap();
    fs::rename(keys.join("tls-key.pem"), data.join("k.pem")).unwrap();
    symlink(data.join("k.pem"), keys.join("tls-key.pem")).unwrap();
    let error = load_error(&config);
    assert!(matches!(error, FileError::InsideData { .. }), "{error}");
}
