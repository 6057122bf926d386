//! How an agency's system or an operator reaches the node: `client.toml` and
//! `operator.toml`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_lc_rs::rand;
use barid_link::client::{AgencyClient, ClientConfig, OperatorClient};
use barid_link::identity::Identity;
use barid_link::tls::ConnectorConfig;
use barid_message::address::Address;
use barid_message::key::{PublicKey, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config_file;

/// `client.toml`. Paths are relative to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClient {
    endpoint: String,
    server_name: String,
    node: String,
    #[serde(default)]
    evidence_keys: Vec<String>,
    address: String,
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
    signing_key: PathBuf,
}

/// `operator.toml`. Paths are relative to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOperator {
    endpoint: String,
    server_name: String,
    node: String,
    #[serde(default)]
    evidence_keys: Vec<String>,
    operator: String,
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
}

/// One who can send and receive as an agency or unit.
pub(crate) struct AgencyAccount {
    /// The address that it acts for.
    pub(crate) address: Address,
    /// How the node is reached.
    pub(crate) connection: ConnectorConfig,
    /// The node's evidence keys, if they are known from elsewhere than the node.
    pub(crate) evidence_keys: Vec<PublicKey>,
    /// Files of secret keys that others can read.
    pub(crate) exposed: Vec<PathBuf>,
    signing_key: PathBuf,
}

/// One who operates the node.
pub(crate) struct OperatorAccount {
    /// How the node is reached.
    pub(crate) connection: ConnectorConfig,
    /// The node's evidence keys, if they are known.
    pub(crate) evidence_keys: Vec<PublicKey>,
    /// Files of secret keys that others can read.
    pub(crate) exposed: Vec<PathBuf>,
}

impl AgencyAccount {
    /// Reads a `client.toml` and the TLS files it names.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let raw: RawClient = read(file)?;
        let folder = folder(file);
        let address = Address::parse(&raw.address)
            .with_context(|| format!("{}: address is wrong", file.display()))?;
        let paths = [&raw.certificate, &raw.key, &raw.ca];
        Ok(Self {
            connection: connection(file, &raw.endpoint, raw.server_name, &raw.node, paths)?,
            address,
            evidence_keys: keys_of(file, &raw.evidence_keys)?,
            exposed: exposed([folder.join(&raw.key), folder.join(&raw.signing_key)]),
            signing_key: folder.join(raw.signing_key),
        })
    }

    /// A client as this agency. Without known evidence keys, those that the node
    /// names at first use are believed.
    pub(crate) fn client(&self) -> anyhow::Result<AgencyClient> {
        let config = ClientConfig::new(self.connection.clone(), seed()?);
        let address = self.address.clone();
        let client = if self.evidence_keys.is_empty() {
            AgencyClient::new(config, address)
        } else {
            AgencyClient::with_keys(config, address, self.evidence_keys.clone())
        };
        client.context("cannot use the files that client.toml names")
    }

    /// The key that its messages are signed with.
    pub(crate) fn signing_key(&self) -> anyhow::Result<SigningKey> {
        let file = self.signing_key.display();
        let text = fs::read_to_string(&self.signing_key)
            .with_context(|| format!("cannot read the signing key {file}"))?;
        SigningKey::from_pem(&text).with_context(|| format!("cannot use the signing key {file}"))
    }
}

impl OperatorAccount {
    /// Reads an `operator.toml` and the files it names.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let raw: RawOperator = read(file)?;
        let _known: Identity = raw
            .operator
            .parse()
            .with_context(|| format!("{}: operator is wrong", file.display()))?;
        let exposed = exposed([folder(file).join(&raw.key)]);
        let paths = [&raw.certificate, &raw.key, &raw.ca];
        Ok(Self {
            connection: connection(file, &raw.endpoint, raw.server_name, &raw.node, paths)?,
            evidence_keys: keys_of(file, &raw.evidence_keys)?,
            exposed,
        })
    }

    /// A client as this operator.
    pub(crate) fn client(&self) -> anyhow::Result<OperatorClient> {
        let config = ClientConfig::new(self.connection.clone(), seed()?);
        OperatorClient::new(config).context("cannot use the files that operator.toml names")
    }
}

fn read<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let unreadable = || format!("cannot read {}", file.display());
    let text = fs::read_to_string(file).with_context(unreadable)?;
    config_file::parse(&text).with_context(unreadable)
}

fn keys_of(file: &Path, texts: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    evidence_keys(texts).with_context(|| format!("{}: evidence_keys is wrong", file.display()))
}

/// Public keys as the files have them: base64 of the SubjectPublicKeyInfo.
pub(crate) fn evidence_keys(texts: &[String]) -> anyhow::Result<Vec<PublicKey>> {
    let key = |text: &String| Ok(PublicKey::from_spki(&STANDARD.decode(text)?)?);
    texts.iter().map(key).collect()
}

/// Those of these files that anybody but their owner may read.
fn exposed<const N: usize>(files: [PathBuf; N]) -> Vec<PathBuf> {
    let is_exposed = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0)
    };
    files.into_iter().filter(is_exposed).collect()
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new(""))
}

fn connection(
    file: &Path,
    endpoint: &str,
    server_name: String,
    node: &str,
    [certificate, key, ca]: [&PathBuf; 3],
) -> anyhow::Result<ConnectorConfig> {
    let pem = |path: &PathBuf| {
        let path = folder(file).join(path);
        fs::read(&path).with_context(|| {
            format!("cannot read {}, which {} names", path.display(), file.display())
        })
    };
    let wrong = |what: &str| format!("{}: {what} is wrong", file.display());
    Ok(ConnectorConfig {
        endpoint: endpoint.parse().with_context(|| wrong("endpoint"))?,
        node: node.parse().with_context(|| wrong("node"))?,
        certificate: pem(certificate)?,
        key: pem(key)?,
        ca: pem(ca)?,
        server_name,
    })
}

/// Spreads the retries of clients that began together.
fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).ok().context("the system gives no random numbers")?;
    Ok(u64::from_le_bytes(bytes))
}
