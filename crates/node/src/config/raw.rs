//! The file as it is written: names and shapes only. `read` gives it meaning.
//!
//! Every table denies unknown keys, so that a misspelt key is an error and not
//! a silent default. What each key means stands with its typed twin in
//! [`super`] and, for operators, in `config/README.md`.

use serde::Deserialize;
use toml::Spanned;

/// Text together with its place in the file.
pub(super) type Text = Spanned<String>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) node: RawNode,
    pub(super) listen: RawListen,
    pub(super) tls: RawTls,
    pub(super) evidence: RawEvidence,
    pub(super) audit: RawAudit,
    #[serde(default)]
    pub(super) log: RawLog,
    #[serde(default)]
    pub(super) storage: RawStorage,
    #[serde(default)]
    pub(super) delivery: RawDelivery,
    #[serde(default)]
    pub(super) alarm: RawAlarm,
    #[serde(default)]
    pub(super) agency: Vec<RawAgency>,
    #[serde(default)]
    pub(super) operator: Vec<RawOperator>,
    #[serde(default)]
    pub(super) monitor: Vec<RawOperator>,
    #[serde(default)]
    pub(super) agreement: Vec<RawAgreement>,
    #[serde(default)]
    pub(super) peer: Vec<RawPeer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNode {
    pub(super) name: Text,
    pub(super) trust_domain: Text,
    pub(super) data: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListen {
    pub(super) exchange: Text,
    pub(super) operations: Text,
    pub(super) federation: Option<Text>,
    pub(super) witness: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) certificate: Text,
    pub(super) key: Text,
    pub(super) client_ca: Text,
    #[serde(default)]
    pub(super) crl: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvidence {
    pub(super) key: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    pub(super) log_key: Text,
    pub(super) witness_key: Text,
    pub(super) checkpoint_every_s: Option<Spanned<u32>>,
    pub(super) cosignatures_needed: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    #[serde(default)]
    pub(super) format: super::LogFormat,
    #[serde(default)]
    pub(super) level: super::LogLevel,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStorage {
    pub(super) ballast_mib: Option<Spanned<u32>>,
    pub(super) urgent_mib: Option<Spanned<u32>>,
    pub(super) bodies_mib_max: Option<Spanned<u32>>,
    pub(super) segment_mib: Option<Spanned<u32>>,
    pub(super) index_cache_mib: Option<Spanned<u32>>,
    pub(super) snapshot_every_mib: Option<Spanned<u32>>,
    pub(super) scrub_every_h: Option<Spanned<u32>>,
    pub(super) scrub_mib_per_s: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDelivery {
    pub(super) lease_s: Option<Spanned<u32>>,
    pub(super) tries_max: Option<Spanned<u32>>,
    pub(super) retry_delay_s_min: Option<Spanned<u32>>,
    pub(super) retry_delay_s_max: Option<Spanned<u32>>,
    pub(super) inbox_messages_max: Option<Spanned<u32>>,
    pub(super) agency_messages_max: Option<Spanned<u32>>,
    pub(super) peer_messages_max: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlarm {
    #[serde(default)]
    pub(super) command: Vec<Text>,
    pub(super) timeout_s: Option<Spanned<u32>>,
    pub(super) pause_min: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAgency {
    pub(super) address: Text,
    #[serde(default)]
    pub(super) systems: Vec<Text>,
    #[serde(default)]
    pub(super) may_flash: bool,
    #[serde(default)]
    pub(super) key: Vec<RawKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    pub(super) spki: Text,
    pub(super) valid_from: Text,
    pub(super) valid_until: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOperator {
    pub(super) id: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAgreement {
    pub(super) id: Text,
    pub(super) version: Spanned<u32>,
    pub(super) parties: Vec<Text>,
    pub(super) kinds: Vec<Text>,
    pub(super) purposes: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPeer {
    pub(super) name: Text,
    pub(super) card: Text,
    pub(super) dial: Option<Spanned<bool>>,
}
