//! Processor time of a process, as Linux counts it.

use std::fs;
use std::time::Duration;

/// Fractions of a second in `/proc/PID/stat`: `USER_HZ`, which is 100 on every Linux
/// that this program runs on (proc(5), sysconf(3)).
const TICKS_PER_S: u64 = 100;

/// Time that this process has computed, in user and kernel mode, to 10 ms. `None`
/// where the system does not tell.
pub(crate) fn own() -> Option<Duration> {
    read("self")
}

/// The same of another process.
pub(crate) fn of(pid: u32) -> Option<Duration> {
    read(&pid.to_string())
}

fn read(process: &str) -> Option<Duration> {
    time_in(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// Fields 14 and 15 (utime, stime). The name in field 2 may hold blanks and brackets:
/// what counts stands behind the last bracket, which is followed by field 3.
pub(crate) fn time_in(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_S))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{own, time_in};

    #[test]
    fn user_and_system_time_are_added_whatever_the_name_is() {
        let stat = "71 (a) b (c) S 1 71 71 0 -1 4194304 100 0 0 0 150 25 7 9 20 0 4 0 99 1 1";
        assert_eq!(time_in(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(time_in("71 (a) S 1 71"), None);
        assert_eq!(time_in(""), None);
        assert!(own().is_some());
    }
}
