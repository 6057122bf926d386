//! Mail that is sent and taken on a disk that fails, and the account of it afterwards.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use barid_link::client::{AgencyClient, AnswerError, ClientConfig, ReceiveOptions};
use barid_message::address::Address;
use barid_proto::message::v1::SignedMessage;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::crash::ledger::{Delivery, Ledger};
use crate::crash::told_once_each;
use crate::harness::{Agency, Ended, Node, Process, address, id_of, now, within};

const SENDER: &str = "pk/customs";
const RECIPIENT: &str = "pk/police";

/// Messages of one run: enough for a new segment and some snapshots of the small files that
/// `src/faulty` makes.
const MESSAGES: usize = 32;

/// Of these, so many are accepted and not taken when the second stage begins.
const WAITING: usize = 8;

/// Longest start after a fault.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What a node finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Nothing.
    Empty,
    /// What a kill has left, with messages that wait.
    Killed,
}

/// A node, mail, and folders for what comes of it.
pub(super) struct Scene {
    pub(super) node: Node,
    pub(super) mail: Vec<SignedMessage>,
    left_by_a_kill: PathBuf,
    steps: PathBuf,
    home: TempDir,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let mut node = Node::start(&[SENDER, RECIPIENT]);
        let mail = letters(&node.agency(SENDER).await, &address(RECIPIENT), MESSAGES);
        node.kill();
        let home = tempfile::tempdir().expect("a temporary folder");
        let (left_by_a_kill, steps) = (home.path().join("killed"), home.path().join("steps"));
        let scene = Self { node, mail, left_by_a_kill, steps, home };
        scene.leave_by_a_kill().await;
        scene
    }

    /// Has some messages accepted, kills the node, and keeps its data folder.
    async fn leave_by_a_kill(&self) {
        self.lay_out(Stage::Empty);
        let mut process = Process::serve_faulty(&self.node.config(), &self.steps, &[]);
        process.listening().expect("it starts");
        for message in &self.mail[..WAITING] {
            within(self.sender().submit(message.clone())).await.expect("accepted");
        }
        process.kill();
        copy(&self.node.data(), &self.left_by_a_kill);
    }

    /// A folder that goes with the scene.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Puts the data folder into this state.
    pub(super) fn lay_out(&self, stage: Stage) {
        let data = self.node.data();
        if data.exists() {
            std::fs::remove_dir_all(&data).expect("removed");
        }
        if stage == Stage::Killed {
            copy(&self.left_by_a_kill, &data);
        }
        if self.steps.exists() {
            std::fs::remove_file(&self.steps).expect("removed");
        }
    }

    /// What senders and recipients know when a stage begins.
    pub(super) fn ledger(&self, stage: Stage) -> Ledger {
        let ledger = Ledger::default();
        if stage == Stage::Killed {
            self.mail[..WAITING].iter().for_each(|message| ledger.receipted(message));
        }
        ledger
    }

    /// The steps on the disk since it was laid out, in order.
    pub(super) fn steps(&self) -> Vec<String> {
        let told = std::fs::read_to_string(&self.steps).unwrap_or_default();
        told.lines().map(str::to_owned).collect()
    }

    /// All mail is sent and taken on a disk with these faults, until the node ends by itself,
    /// or all is done and it is stopped.
    pub(super) async fn run(&self, ledger: &Ledger, faults: &[String]) -> Ended {
        let process = Process::serve_faulty(&self.node.config(), &self.steps, faults);
        self.run_in(process, ledger).await
    }

    /// The same in this process.
    pub(super) async fn run_in(&self, mut process: Process, ledger: &Ledger) -> Ended {
        if let Err(ended) = process.listening() {
            return ended;
        }
        let mut people = JoinSet::new();
        people.spawn(send(self.sender(), self.unsent(ledger), ledger.clone()));
        people.spawn(take(self.client(RECIPIENT), ledger.clone()));
        let done = async {
            ledger.wait_for_receipts(self.mail.len()).await;
            ledger.wait_for_all_to_be_kept().await;
        };
        let is_done = tokio::select! {
            () = process.ends() => false,
            () = done => true,
        };
        if is_done {
            process.signal(Signal::TERM);
        }
        let ended = process.ended();
        people.shutdown().await;
        ended
    }

    /// The program starts behind the fault, in time; the rest of the mail is sent and taken;
    /// and nothing is lost or doubled. Gives the length of the start.
    pub(super) async fn settle(&mut self, ledger: &Ledger) -> Duration {
        let begun = now();
        self.node.restart();
        let took = Duration::from_millis(now().0 - begun.0);
        assert!(took <= START_LIMIT, "a start of {took:?}");
        let mut people = JoinSet::new();
        people.spawn(take(self.client(RECIPIENT), ledger.clone()));
        for message in self.unsent(ledger) {
            let sent = within(self.sender().submit(message.clone())).await;
            sent.expect("accepted, or known to be");
            ledger.receipted(&message);
        }
        let count = u64::try_from(self.mail.len()).expect("a count");
        assert_eq!(self.node.totals().await.accepted, count, "what had its receipt, and the rest");
        ledger.wait_for_all_to_be_kept().await;
        told_once_each(&self.node, SENDER, ledger).await;
        ledger.check();
        let totals = self.node.totals().await;
        assert_eq!(
            (totals.handed_over, totals.outstanding),
            (count, 0),
            "handed over, outstanding"
        );
        people.shutdown().await;
        self.node.kill();
        took
    }

    pub(super) fn sender(&self) -> AgencyClient {
        self.client(SENDER)
    }

    fn client(&self, agency: &str) -> AgencyClient {
        client(&self.node, agency)
    }

    /// What has no receipt, in order.
    fn unsent(&self, ledger: &Ledger) -> Vec<SignedMessage> {
        self.mail[ledger.receipts()..].to_vec()
    }
}

/// An agency's system, not connected yet.
pub(super) fn client(node: &Node, agency: &str) -> AgencyClient {
    let config = ClientConfig::new(node.connector(agency), 1);
    AgencyClient::new(config, address(agency)).expect("an account")
}

/// So many notes, to be sent at any time.
pub(super) fn letters(from: &Agency, to: &Address, count: usize) -> Vec<SignedMessage> {
    (0..count).map(|number| from.sign(from.note(&number.to_string()).to(to))).collect()
}

/// Whether a process was ended by SIGKILL.
pub(super) fn was_killed(ended: &Ended) -> bool {
    ended.status.signal() == Some(Signal::KILL.as_raw())
}

/// Sends until something is not accepted: then the node is about to end.
async fn send(client: AgencyClient, mail: Vec<SignedMessage>, ledger: Ledger) {
    for message in mail {
        match client.submit(message.clone()).await {
            Ok(_receipt) => ledger.receipted(&message),
            Err(_in_doubt) => return,
        }
    }
}

/// Keeps what is handed out, then acknowledges it, until that is not confirmed.
pub(super) async fn take(client: AgencyClient, ledger: Ledger) {
    let mut inbox = client.receive(ReceiveOptions::new(address(RECIPIENT)));
    while let Ok(mut hand_out) = inbox.next().await {
        let id = id_of(hand_out.message());
        let delivery = Delivery { id, recipient: RECIPIENT.to_owned() };
        ledger.kept(&delivery, hand_out.redelivered());
        match hand_out.ack().await {
            Ok(_evidence) => ledger.confirmed(&delivery),
            Err(AnswerError::Refused(refusal)) => {
                // A node that stops says so.
                assert!(refusal.is_passing(), "{delivery:?}: {refusal}");
                return;
            }
            Err(_in_doubt) => return,
        }
    }
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder can be listed") {
        let from = entry.expect("a folder can be listed").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a file can be copied");
        }
    }
}
