//! The leash between a program and the node that it started: a pipe to the node's
//! stdin. When the program ends, however it ends, the kernel closes its end.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use rustix::process::{Signal, getpid, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// This process's end.
pub(crate) struct Leash(pipe::Receiver);

impl Leash {
    /// Takes stdin, which must be a pipe.
    pub(crate) fn of_stdin() -> anyhow::Result<Self> {
        let stdin = io::stdin().as_fd().try_clone_to_owned();
        let stdin = stdin.map(File::from).and_then(pipe::Receiver::from_file);
        let stdin = stdin.context("stdin is no pipe; leave --exit-on-stdin-close out")?;
        Ok(Self(stdin))
    }

    /// Waits until the other end is closed, then tells this process to stop, as SIGTERM
    /// from outside would.
    pub(crate) async fn hold(mut self) {
        let mut byte = [0];
        // What is written is nothing to us; an error is as good as the end.
        while self.0.read(&mut byte).await.is_ok_and(|count| count > 0) {}
        if let Err(error) = kill_process(getpid(), Signal::TERM) {
            tracing::error!(%error, "cannot stop");
        }
    }
}
