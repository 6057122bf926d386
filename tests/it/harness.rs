//! A real node in a folder of its own, and the people around it.

mod agency;
mod chance;
mod channel;
mod folder;
mod journal;
mod message;
mod process;
mod stream;
mod within;

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use barid_link::client::{ClientConfig, OperatorClient};
use barid_link::stub::exchange::exchange_service_client::ExchangeServiceClient;
use barid_link::stub::operations::operations_service_client::OperationsServiceClient;
use barid_link::tls::ConnectorConfig;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_node::init::{self, Plan};
use barid_proto::operations::v1 as ops;
use tempfile::TempDir;
use tonic::transport::Channel;

pub(crate) use agency::{Agency, Inbox};
pub(crate) use chance::Chance;
pub(crate) use channel::{BytesCodec, channel};
pub(crate) use folder::fingerprint;
pub(crate) use journal::{book, entries};
pub(crate) use message::{alert, event_of, header_of, id_of, random, text, text_of};
pub(crate) use process::{Ended, Process, program};
pub(crate) use stream::Stream;
pub(crate) use within::within;

/// A node: its folder as `init` made it, and its process while it runs.
pub(crate) struct Node {
    pub(crate) dir: PathBuf,
    pub(crate) exchange_addr: SocketAddr,
    pub(crate) operations_addr: SocketAddr,
    process: Option<Process>,
    _home: TempDir,
}

/// A node to be.
pub(crate) struct Site {
    name: String,
    agencies: Vec<Address>,
    edits: Vec<(String, String)>,
    trust_domain: String,
    operators: Vec<String>,
    /// When its certificates were made, for a day; `None`: now, for as long as is usual.
    made_at: Option<Millis>,
}

/// The present time.
pub(crate) fn now() -> Millis {
    barid_node::clock::now()
}

/// An address that is known to be one.
pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

impl Node {
    /// A node that hosts these agencies, running.
    pub(crate) fn start(agencies: &[&str]) -> Self {
        Self::site(agencies).start()
    }

    /// A node to be, of small files.
    pub(crate) fn site(agencies: &[&str]) -> Site {
        let site = Site {
            name: "torkham".to_owned(),
            agencies: agencies.iter().map(|text| address(text)).collect(),
            edits: Vec::new(),
            trust_domain: "torkham.example".to_owned(),
            operators: vec!["admin".to_owned()],
            made_at: None,
        };
        site.setting("ballast_mib = 64", "ballast_mib = 1")
            .setting("urgent_mib = 128", "urgent_mib = 16")
            .setting("segment_mib = 64", "segment_mib = 8")
            .setting("index_cache_mib = 16", "index_cache_mib = 4")
            .setting("snapshot_every_mib = 64", "snapshot_every_mib = 8")
    }

    /// Its configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("node/node.toml")
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("node/data")
    }

    /// Changes its configuration, which says `from` in one place at least.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).expect("node.toml can be read");
        assert!(text.contains(from), "{from} stands in {text}");
        write(&self.config(), text.replace(from, to).as_bytes());
    }

    /// Changes the first place behind another.
    pub(crate) fn edit_behind(&self, behind: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.config()).expect("node.toml can be read");
        let (before, after) = text.split_once(behind).expect("it stands there");
        assert!(after.contains(from), "{from} stands in {after}");
        let text = format!("{before}{behind}{}", after.replacen(from, to, 1));
        write(&self.config(), text.as_bytes());
    }

    /// Makes it trust another site's CA as well, from its next start on.
    pub(crate) fn trust(&self, other: &Self) {
        let own = self.dir.join("node/keys/ca.pem");
        let both = [own.clone(), other.dir.join("ca/ca.pem")]
            .map(|file| std::fs::read(file).expect("a CA that init made"))
            .concat();
        write(&own, &both);
    }

    /// One of the agencies, connected.
    pub(crate) async fn agency(&self, address: &str) -> Agency {
        Agency::connect(&self.dir, address, self.connector(address)).await
    }

    /// How a system of an agency reaches the node.
    pub(crate) fn connector(&self, address: &str) -> ConnectorConfig {
        let folder = self.dir.join("agencies").join(address.replace('/', "-"));
        connector(&folder.join("client.toml"))
    }

    /// How its operator reaches it.
    pub(crate) fn operator_connector(&self) -> ConnectorConfig {
        self.operator_connector_named("admin")
    }

    /// How one of its operators does.
    pub(crate) fn operator_connector_named(&self, name: &str) -> ConnectorConfig {
        connector(&self.dir.join("operators").join(name).join("operator.toml"))
    }

    /// Its operator.
    pub(crate) fn operator(&self) -> OperatorClient {
        self.operator_named("admin")
    }

    /// One of its operators.
    pub(crate) fn operator_named(&self, name: &str) -> OperatorClient {
        OperatorClient::new(ClientConfig::new(self.operator_connector_named(name), 1))
            .expect("an account that init made")
    }

    /// Calls as an agency's system would make them with stubs alone.
    pub(crate) fn raw(&self, address: &str) -> ExchangeServiceClient<Channel> {
        ExchangeServiceClient::new(channel(self.connector(address)))
    }

    /// Calls as an operator's tool would make them with stubs alone.
    pub(crate) fn raw_operator(&self) -> OperationsServiceClient<Channel> {
        OperationsServiceClient::new(channel(self.operator_connector()))
    }

    /// Its sums.
    pub(crate) async fn totals(&self) -> ops::Totals {
        let request = ops::GetNodeStatusRequest {};
        let status = within(self.operator().node_status(request)).await;
        status.expect("the node says how it is").totals.expect("with sums")
    }

    /// The process, which must run.
    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the node runs")
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process().kill();
        self.process = None;
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(&mut self) -> Ended {
        let ended = self.process().stop();
        self.process = None;
        ended
    }

    /// Starts it, where it listened before.
    pub(crate) fn restart(&mut self) {
        self.process = None;
        self.listens(Process::serve(&self.config()));
    }

    /// The same, with a time that can be moved on.
    pub(crate) fn restart_moved(&mut self) {
        self.process = None;
        self.listens(Process::serve_moved(&self.config()));
    }

    /// As this process, which was just started.
    pub(crate) fn restart_as(&mut self, process: Process) {
        self.process = None;
        self.listens(process);
    }

    fn listens(&mut self, mut process: Process) {
        match process.listening() {
            Ok(listening) => {
                assert_eq!(listening.exchange, self.exchange_addr);
                assert_eq!(listening.operations, self.operations_addr);
            }
            Err(ended) => panic!("the node did not start: {ended:?}"),
        }
        self.process = Some(process);
    }

    /// Starts it, and kills it after so long, whatever it does then.
    pub(crate) fn start_and_kill(&self, after: std::time::Duration) {
        let mut process = Process::serve(&self.config());
        std::thread::sleep(after);
        process.kill();
    }

    /// Starts it where it must not start; gives how it ended.
    pub(crate) fn fails_to_start(&self) -> Ended {
        match Process::serve(&self.config()).listening() {
            Ok(listening) => panic!("the node started: {listening:?}"),
            Err(ended) => ended,
        }
    }
}

impl Site {
    /// Changes a line of the configuration, also one that shows a default.
    pub(crate) fn setting(mut self, default: &str, chosen: &str) -> Self {
        self.edits.push((format!("# {default}"), chosen.to_owned()));
        self
    }

    /// The least lease there is.
    pub(crate) fn with_short_leases(self) -> Self {
        self.setting("lease_s = 30", "lease_s = 5")
    }

    /// A node of another trust domain.
    pub(crate) fn in_domain(mut self, trust_domain: &str) -> Self {
        trust_domain.clone_into(&mut self.trust_domain);
        self
    }

    /// A node of another name, and of a trust domain named after it.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self.trust_domain = format!("{name}.example");
        self
    }

    /// A node with one operator more.
    pub(crate) fn and_operator(mut self, name: &str) -> Self {
        self.operators.push(name.to_owned());
        self
    }

    /// A node whose certificates were made then, for a day.
    pub(crate) fn made_at(mut self, then: Millis) -> Self {
        self.made_at = Some(then);
        self
    }

    /// Makes the folders, and starts nothing.
    pub(crate) fn make(self) -> Node {
        let home = tempfile::tempdir().expect("a temporary folder");
        let dir = home.path().join("site");
        let name = self.name.parse().expect("a name");
        let trust_domain = self.trust_domain.parse().expect("a trust domain");
        let made_at = self.made_at.unwrap_or_else(now);
        let mut plan = Plan::new(dir.clone(), name, trust_domain, self.agencies, made_at);
        plan.exchange = free_address();
        plan.operations = free_address();
        plan.federation = Some(free_address());
        plan.operators = self.operators;
        if self.made_at.is_some() {
            plan.validity = std::time::Duration::from_secs(24 * 60 * 60);
        }
        init::create(&plan).expect("init makes a site");
        let node = Node {
            dir,
            exchange_addr: plan.exchange,
            operations_addr: plan.operations,
            process: None,
            _home: home,
        };
        for (from, to) in &self.edits {
            node.edit(from, to);
        }
        node
    }

    /// Makes the folders, and starts the node.
    pub(crate) fn start(self) -> Node {
        let mut node = self.make();
        node.restart();
        node
    }
}

/// How the holder of a `client.toml` or `operator.toml` reaches the node.
fn connector(file: &Path) -> ConnectorConfig {
    let text = std::fs::read_to_string(file).expect("an account that init made");
    let account: toml::Table = text.parse().expect("an account is TOML");
    let value = |key: &str| account[key].as_str().expect("a text").to_owned();
    let pem =
        |key: &str| std::fs::read(file.with_file_name(value(key))).expect("a file that init made");
    ConnectorConfig {
        endpoint: value("endpoint").parse().expect("an endpoint"),
        server_name: value("server_name"),
        node: value("node").parse().expect("an identity"),
        certificate: pem("certificate"),
        key: pem("key"),
        ca: pem("ca"),
    }
}

/// Says something on stderr, past the capture of the test runner.
pub(crate) fn say(line: &str) {
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr takes a line");
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("the file can be made");
    file.write_all(bytes).expect("the file can be written");
}

/// An address of loopback that nobody listens on, below the ports that connections take by
/// themselves, so that a node finds it free again at every start.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 1_000).expect("less than 1,000");
    loop {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (offset * 12).wrapping_add(turn) % 12_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
