//! A node: a process of its own, started again when it dies.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Deaths after which it is not started again: a viewer may kill it now and then.
const RESTARTS_MAX: u32 = 50;
/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to stop: more than it gives open calls.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// Lines of its log that an error tells.
const LAST_WORDS: usize = 3;
/// What it says once it serves.
const READY: &str = "listening exchange=";

/// The node as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// Its process.
    pub(crate) pid: u32,
    /// Starts so far, this one included.
    pub(super) starts: u32,
    /// When it was ready.
    pub(super) since: Instant,
}

enum Order {
    /// SIGKILL; it is started again at once.
    Kill,
    /// SIGKILL, and it stays away.
    Hold,
    /// It may come back.
    Release,
    Stop,
}

/// A node that is kept running. Dropping it kills the process.
pub(crate) struct Node {
    orders: mpsc::Sender<Order>,
    running: watch::Receiver<Option<Running>>,
    keeper: JoinSet<anyhow::Result<()>>,
}

impl Node {
    /// Starts it, and waits until it serves. Its log goes to `log`.
    pub(crate) async fn start(config: PathBuf, log: &Path) -> anyhow::Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let (orders, given) = mpsc::channel(1);
        let (run, running) = watch::channel(None);
        let keeper = Keeper { config, log, is_held: false, last_words: VecDeque::new() };
        let mut task = JoinSet::new();
        task.spawn(keeper.keep(given, run));
        let mut node = Self { orders, running, keeper: task };
        node.started(1).await?;
        Ok(node)
    }

    /// The process that runs now, or ran last.
    pub(crate) fn running(&self) -> Option<Running> {
        *self.running.borrow()
    }

    /// Times that it was started again.
    pub(super) fn restarts(&self) -> u32 {
        self.running().map_or(0, |running| running.starts - 1)
    }

    /// Kills it with SIGKILL: it has no chance to save anything.
    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        self.orders.send(Order::Kill).await.context("the node is gone")
    }

    /// Kills it with SIGKILL, and keeps it from being started again.
    pub(super) async fn hold(&self) -> anyhow::Result<()> {
        self.orders.send(Order::Hold).await.context("the node is gone")
    }

    /// Lets it be started again.
    pub(super) async fn release(&self) -> anyhow::Result<()> {
        self.orders.send(Order::Release).await.context("the node is gone")
    }

    /// Waits until it serves for the `starts`th time.
    pub(super) async fn started(&mut self, starts: u32) -> anyhow::Result<Running> {
        let mut running = self.running.clone();
        tokio::select! {
            seen = running.wait_for(|now| now.is_some_and(|now| now.starts >= starts)) => {
                if let Ok(Some(running)) = seen.as_deref() {
                    return Ok(*running);
                }
            }
            ended = self.keeper.join_next() => return Err(end(ended)),
        }
        // The keeper has dropped its end: its error is the cause.
        Err(end(self.keeper.join_next().await))
    }

    /// Stops it in order and waits for its end.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if self.orders.send(Order::Stop).await.is_err() {
            tracing::debug!("the node had ended before");
        }
        match self.keeper.join_next().await {
            Some(Ok(stopped)) => stopped,
            ended => Err(end(ended)),
        }
    }
}

fn end(ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>) -> anyhow::Error {
    match ended {
        Some(Ok(Err(error))) => error,
        Some(Err(failed)) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        _ => anyhow::anyhow!("the node is gone"),
    }
}

/// What keeps it running.
struct Keeper {
    config: PathBuf,
    log: File,
    /// Whether it is to stay away.
    is_held: bool,
    last_words: VecDeque<String>,
}

/// One process.
struct Process {
    child: Child,
    /// Closed, it stops the node.
    leash: Option<ChildStdin>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Keeper {
    async fn keep(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        run: watch::Sender<Option<Running>>,
    ) -> anyhow::Result<()> {
        for starts in 1.. {
            while self.is_held {
                match orders.recv().await {
                    Some(Order::Release) => self.is_held = false,
                    Some(Order::Kill | Order::Hold) => {}
                    Some(Order::Stop) | None => return Ok(()),
                }
            }
            let mut process = Process::spawn(&self.config)?;
            let is_ready = timeout(START_LIMIT, self.ready(&mut process))
                .await
                .context("the node does not get ready")??;
            // Killed before it was ready, it has no id any more.
            if let Some(pid) = process.child.id().filter(|_| is_ready) {
                run.send_replace(Some(Running { pid, starts, since: Instant::now() }));
                if self.attend(process, &mut orders).await? {
                    return Ok(());
                }
            }
            if starts > RESTARTS_MAX {
                bail!("the node died {starts} times; it said last: {}", self.words());
            }
        }
        Ok(())
    }

    /// Reads until it says that it serves (true), or somebody kills it (false).
    async fn ready(&mut self, process: &mut Process) -> anyhow::Result<bool> {
        while let Some(line) = process.said.next_line().await.context("cannot read its log")? {
            let is_ready = line.contains(READY);
            self.keep_line(line);
            if is_ready {
                return Ok(true);
            }
        }
        let status = process.child.wait().await.context("cannot wait for the node")?;
        if status.signal().is_some() {
            return Ok(false);
        }
        bail!("the node did not start ({status}): {}", self.words())
    }

    /// Until it is told to stop (true), or dies (false).
    async fn attend(
        &mut self,
        mut process: Process,
        orders: &mut mpsc::Receiver<Order>,
    ) -> anyhow::Result<bool> {
        let mut speaks = true;
        loop {
            tokio::select! {
                line = process.said.next_line(), if speaks => match line {
                    Ok(Some(line)) => self.keep_line(line),
                    Ok(None) | Err(_) => speaks = false,
                },
                order = orders.recv() => match order {
                    Some(order @ (Order::Kill | Order::Hold)) => {
                        self.is_held = matches!(order, Order::Hold);
                        process.child.start_kill().context("cannot kill the node")?;
                    }
                    Some(Order::Release) => self.is_held = false,
                    Some(Order::Stop) | None => return process.stop().await.map(|()| true),
                },
                status = process.child.wait() => {
                    status.context("cannot wait for the node")?;
                    return Ok(false);
                }
            }
        }
    }

    fn keep_line(&mut self, line: String) {
        if let Err(error) = writeln!(self.log, "{line}") {
            tracing::warn!(%error, "the node's log cannot be kept");
        }
        if self.last_words.len() == LAST_WORDS {
            self.last_words.pop_front();
        }
        self.last_words.push_back(line);
    }

    fn words(&self) -> String {
        let words = self.last_words.iter().map(String::as_str);
        let words = words.collect::<Vec<_>>().join(" / ");
        if words.is_empty() { "nothing".to_owned() } else { words }
    }
}

impl Process {
    /// This program again, in a group of its own: Ctrl-C is for us alone.
    fn spawn(config: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args(["serve", "--exit-on-stdin-close", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the node")?;
        let stderr = child.stderr.take().context("the node has no stderr")?;
        Ok(Self { leash: child.stdin.take(), said: BufReader::new(stderr).lines(), child })
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.leash.take());
        match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(status) => status.map(drop).context("cannot wait for the node"),
            Err(_elapsed) => self.child.kill().await.context("cannot kill the node"),
        }
    }
}
