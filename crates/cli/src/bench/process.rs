//! Processor time and memory of the node, as Linux counts them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Serialize;

use crate::replay::cpu;

/// The node's threads by what they do: their names, and ours for them. Whatever has
/// another name, or has ended meanwhile, is the rest.
const PARTS: [(&str, &str); 4] = [
    ("tokio-rt-worker", "network and checks"),
    ("sequencer", "sequencer"),
    ("writer", "writer"),
    ("projector", "projector"),
];
/// Name of what is no part above: the engine of the delivery log has its own threads.
const REST: &str = "rest";

/// Processor time so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Computed {
    all: Duration,
    parts: BTreeMap<&'static str, Duration>,
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// Most that it ever had.
    pub(super) peak_kib: u64,
    /// What it has now.
    pub(super) now_kib: u64,
}

impl Computed {
    /// Of a process. `None` where the system does not tell.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let all = cpu::of(pid)?;
        let mut parts = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
            let path = task.ok()?.path();
            // A thread may end between the listing and the look at it.
            let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
            let part = PARTS.iter().find(|(thread, _)| name(&stat) == Some(*thread));
            if let (Some((_, part)), Some(time)) = (part, cpu::time_in(&stat)) {
                *parts.entry(*part).or_default() += time;
            }
        }
        Some(Self { all, parts })
    }

    /// What was computed since.
    pub(super) fn since(&self, before: &Self) -> Self {
        let parts = self.parts.iter().map(|(part, time)| {
            let before = before.parts.get(part).copied().unwrap_or_default();
            (*part, time.saturating_sub(before))
        });
        Self { all: self.all.saturating_sub(before.all), parts: parts.collect() }
    }

    /// All of it.
    pub(super) fn all(&self) -> Duration {
        self.all
    }

    /// Each part, and the rest.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let known: Duration = self.parts.values().sum();
        let parts = PARTS
            .iter()
            .map(|(_, part)| (*part, self.parts.get(part).copied().unwrap_or_default()));
        parts.chain(std::iter::once((REST, self.all.saturating_sub(known))))
    }
}

/// Memory of a process. `None` where the system does not tell.
pub(super) fn memory(pid: u32) -> Option<Memory> {
    memory_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn memory_in(status: &str) -> Option<Memory> {
    let kib = |key: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    Some(Memory { peak_kib: kib("VmHWM:")?, now_kib: kib("VmRSS:")? })
}

/// Field 2, without its brackets.
fn name(stat: &str) -> Option<&str> {
    let (head, _) = stat.rsplit_once(')')?;
    head.split_once('(').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{Computed, Memory, memory_in, name};

    #[test]
    fn what_the_system_writes_is_read() {
        let status = "Name:\tbarid\nVmHWM:\t   50452 kB\nVmRSS:\t   30120 kB\nThreads:\t9\n";
        assert_eq!(memory_in(status), Some(Memory { peak_kib: 50_452, now_kib: 30_120 }));
        assert_eq!(memory_in("VmRSS:\t1 kB\n"), None);
        assert_eq!(name("71 (a) b (c) S 1"), Some("a) b (c"));
        let own = Computed::of(std::process::id()).unwrap();
        let again = Computed::of(std::process::id()).unwrap().since(&own);
        assert_eq!(again.parts().map(|(_, time)| time).sum::<std::time::Duration>(), again.all());
    }
}
