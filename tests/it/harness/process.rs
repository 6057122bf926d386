//! The program as a process: what it says, how it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for a process to say that it listens, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a process.
const POLL: Duration = Duration::from_millis(2);

/// A running node.
pub(crate) struct Process {
    child: Child,
    /// Moves the time of a node that takes such orders.
    time: Option<ChildStdin>,
    /// Orders of this kind so far.
    orders: usize,
    said: Arc<Mutex<String>>,
    listening: Receiver<Listening>,
    reader: Option<JoinHandle<()>>,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listening {
    pub(crate) exchange: SocketAddr,
    pub(crate) operations: SocketAddr,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

/// The program itself.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_barid-e2e"))
}

impl Process {
    /// Starts a node with this configuration.
    pub(crate) fn serve(config: &Path) -> Self {
        Self::start(program().args(["serve", "--config"]).arg(config).stdin(Stdio::null()))
    }

    /// The same, as a node whose time can be moved on.
    pub(crate) fn serve_moved(config: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_barid-e2e-moved"));
        Self::start(program.arg(config).stdin(Stdio::piped()))
    }

    /// The same, on a disk with faults (`src/faulty`); its steps are told to a file.
    pub(crate) fn serve_faulty(config: &Path, steps: &Path, faults: &[String]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_barid-e2e-faulty"));
        Self::start(program.arg(config).arg(steps).args(faults).stdin(Stdio::null()))
    }

    /// What this command starts, which says where it listens as the program does.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let time = child.stdin.take();
        let stderr = child.stderr.take().expect("stderr is piped");
        let said = Arc::new(Mutex::new(String::new()));
        let (tell, listening) = channel();
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || read(stderr, &heard, &tell));
        Self { child, time, orders: 0, said, listening, reader: Some(reader) }
    }

    /// Lets so much time pass for the node at once.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.order(&format!("pass {}", time.as_millis()));
    }

    /// Sets its wall clock, and that alone, so far from the machine's.
    pub(crate) fn set_wall(&mut self, by_ms: i64) {
        self.order(&format!("set {by_ms}"));
    }

    fn order(&mut self, order: &str) {
        let orders = self.time.as_mut().expect("a node whose time can be moved on");
        writeln!(orders, "{order}").expect("the node runs");
        self.orders += 1;
        let mut waited = Duration::ZERO;
        while self.said().lines().filter(|line| *line == "obeyed").count() < self.orders {
            assert!(waited < PATIENCE, "the node does not obey: {}", self.said());
            std::thread::sleep(POLL);
            waited += POLL;
        }
    }

    /// Waits until it listens, or has ended instead.
    pub(crate) fn listening(&mut self) -> Result<Listening, Ended> {
        match self.listening.recv_timeout(PATIENCE) {
            Ok(listening) => Ok(listening),
            // The other end goes with the process's stderr.
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                panic!("the node neither listens nor ends: {}", self.said());
            }
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.ended();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a child can be signalled");
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(&mut self) -> Ended {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for its end, which nobody has asked for, without holding up others.
    pub(crate) async fn ends(&mut self) {
        while self.child.try_wait().expect("a child can be waited for").is_none() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> Ended {
        let status = self.child.wait().expect("a child can be waited for");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader of stderr does not panic");
        }
        let stderr = self.said();
        Ended { status, stderr }
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Keeps what is said, and tells when the node listens.
fn read(stderr: ChildStderr, said: &Mutex<String>, tell: &Sender<Listening>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some(listening) = Listening::parse(&line) {
            // It may be gone before it was waited for.
            if tell.send(listening).is_err() {
                return;
            }
        }
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&line);
        said.push('\n');
    }
}

impl Listening {
    /// `listening exchange=ADDRESS operations=ADDRESS`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("listening ")?.split(' ');
        let mut address = |key: &str| words.next()?.strip_prefix(key)?.parse().ok();
        Some(Self { exchange: address("exchange=")?, operations: address("operations=")? })
    }
}
