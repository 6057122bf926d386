//! The files for people to read and edit. Every value that enters one has
//! passed a grammar without quotes, backslashes and line ends, so that nothing
//! here needs escaping.

use std::fmt::Write as _;
use std::net::SocketAddr;

use barid_link::identity::{Identity, TrustDomain};
use barid_message::Purpose;
use barid_message::address::Address;
use barid_message::key::PublicKey;
use barid_message::time::Millis;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::NodeName;

/// Purposes of the agreement to begin with: the daily work of a border post. Not
/// among them: defence, counter-terrorism, fisheries, CSDP tasks, which need an
/// agreement of their own.
const PURPOSES: [Purpose; 18] = [
    Purpose::Safety,
    Purpose::Security,
    Purpose::Sar,
    Purpose::Operation,
    Purpose::Vtm,
    Purpose::EnvironmentMonitoring,
    Purpose::EnvironmentWarning,
    Purpose::EnvironmentResponse,
    Purpose::CustomsMonitoring,
    Purpose::CustomsOperation,
    Purpose::BorderMonitoring,
    Purpose::BorderOperation,
    Purpose::LawEnforcementMonitoring,
    Purpose::LawEnforcementOperation,
    Purpose::Veterinary,
    Purpose::Phytosanitary,
    Purpose::Health,
    Purpose::TradeFacilitation,
];

/// What `node.toml` says that differs from node to node.
pub(super) struct NodeToml<'a> {
    pub(super) name: &'a NodeName,
    pub(super) trust_domain: &'a TrustDomain,
    pub(super) exchange: SocketAddr,
    pub(super) operations: SocketAddr,
    pub(super) federation: Option<SocketAddr>,
    pub(super) members: Vec<Member>,
    pub(super) operators: Vec<Identity>,
}

/// One agency as the node knows it: no secret among it.
pub(super) struct Member {
    pub(super) address: Address,
    pub(super) system: Identity,
    pub(super) key: PublicKey,
    pub(super) valid_from: Millis,
}

impl NodeToml<'_> {
    pub(super) fn render(&self) -> String {
        format!(
            include_str!("node.toml.in"),
            name = self.name,
            trust_domain = self.trust_domain,
            exchange = self.exchange,
            operations = self.operations,
            federation = self.federation(),
            agencies = blocks(self.members.iter().map(Member::render)),
            operators =
                blocks(self.operators.iter().map(|id| format!("[[operator]]\nid = \"{id}\"\n"))),
            agreement = self.agreement_id(),
            parties = list(self.members.iter().map(|member| member.address.as_str())),
            purposes = list(PURPOSES.iter().map(|purpose| {
                let name = purpose.as_str_name();
                name.strip_prefix("PURPOSE_").unwrap_or(name)
            })),
        )
    }

    /// The line of the listener, or what it would be.
    fn federation(&self) -> String {
        match self.federation {
            Some(address) => format!("federation = \"{address}\""),
            None => "# federation = \"127.0.0.1:7403\"".to_owned(),
        }
    }

    /// Named after the country where there is one, else after the node.
    fn agreement_id(&self) -> String {
        let mut countries = self.members.iter().map(|member| country(&member.address));
        match countries.next() {
            Some(first) if countries.all(|other| other == first) => format!("agr:{first}:domestic"),
            _ => format!("agr:{}:domestic", self.name),
        }
    }
}

impl Member {
    fn render(&self) -> String {
        format!(
            "[[agency]]\naddress = \"{}\"\nsystems = [\"{}\"]\nmay_flash = true\n\
             [[agency.key]]\nspki = \"{}\"\nvalid_from = \"{}\"\n",
            self.address,
            self.system,
            STANDARD.encode(self.key.spki()),
            self.valid_from,
        )
    }
}

/// `client.toml` and `operator.toml`: how to reach the node, and as whom.
pub(super) struct ClientToml<'a> {
    pub(super) listener: SocketAddr,
    pub(super) server_name: &'a str,
    pub(super) node: &'a Identity,
    pub(super) evidence: &'a PublicKey,
}

impl ClientToml<'_> {
    pub(super) fn agency(&self, address: &Address) -> String {
        format!(
            "# How a system of {address} reaches its node. Paths are relative to this file.\n\
             # Whoever has the two keys beside it can send and receive as {address}.\n\
             {}address = \"{address}\"\n{TLS_FILES}signing_key = \"signing-key.pem\"\n",
            self.node_part(),
        )
    }

    pub(super) fn operator(&self, operator: &Identity) -> String {
        format!(
            "# How an operator reaches the node. Paths are relative to this file.\n\
             # Whoever has the key beside it can read the delivery log.\n\
             {}operator = \"{operator}\"\n{TLS_FILES}",
            self.node_part(),
        )
    }

    fn node_part(&self) -> String {
        let Self { listener, server_name, node, evidence } = self;
        // A listener on all addresses is none to connect to.
        let host = match listener.ip() {
            ip if ip.is_unspecified() => format!("{server_name}:{}", listener.port()),
            _ => listener.to_string(),
        };
        format!(
            "endpoint = \"https://{host}\"\nserver_name = \"{server_name}\"\nnode = \"{node}\"\n\
             # What the node signs evidence with, by which receipts are checked: base64 of the\n\
             # public keys. Add a new key when the node gets one; keep the old ones, they verify\n\
             # old evidence.\n\
             evidence_keys = [\"{}\"]\n",
            STANDARD.encode(evidence.spki())
        )
    }
}

const TLS_FILES: &str = "certificate = \"tls.pem\"\nkey = \"tls-key.pem\"\nca = \"ca.pem\"\n";

/// First label of an address.
fn country(address: &Address) -> &str {
    address.as_str().split('/').next().unwrap_or_default()
}

/// Tables with an empty line between them.
fn blocks(tables: impl Iterator<Item = String>) -> String {
    tables.collect::<Vec<_>>().join("\n")
}

/// Lines of an array of strings.
fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.fold(String::new(), |mut lines, value| {
        writeln!(lines, "    \"{value}\",").expect("writing to a String cannot fail");
        lines
    })
}
