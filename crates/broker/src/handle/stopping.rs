//! Stopping, and saying why.

use std::sync::PoisonError;
use std::thread::JoinHandle;

use super::{Broker, Stopped, Threads};
use crate::command::{Command, Queued};

impl Broker {
    /// Tells the sequencer to finish and stop. Never waits.
    pub fn stop(&self) {
        // Where it is gone, it has stopped.
        drop(self.shared.commands.send(Queued { command: Command::Stop, _place: None }));
    }

    /// Waits until the broker has stopped, and says why. Only the first caller is
    /// told more than that it has.
    pub async fn stopped(&self) -> Stopped {
        let mut ended = self.threads().ended.clone();
        // The sender goes with the last thread.
        while ended.changed().await.is_ok() {}
        let (sequencer, writer, others) = {
            let mut threads = self.threads();
            let others = [threads.projector.take(), threads.keeper.take(), threads.scrub.take()];
            (threads.sequencer.take(), threads.writer.take(), others)
        };
        let joined = tokio::task::spawn_blocking(move || {
            let writer = writer.map(JoinHandle::join);
            let sequencer = sequencer.map(JoinHandle::join);
            others.into_iter().flatten().for_each(|other| drop(other.join()));
            (writer, sequencer)
        });
        match joined.await {
            Ok((Some(Ok(Err(error))), _)) => Stopped::Write(error),
            Ok((_, Some(Ok(Err(error))))) => Stopped::Sequencer(error),
            Ok((Some(Err(_)), _) | (_, Some(Err(_)))) | Err(_) => Stopped::Panicked,
            Ok(_) => Stopped::InOrder,
        }
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Threads> {
        self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
