//! What is wrong: decided from the facts, and nowhere else. What `barid status` shows, what
//! is counted for Prometheus and what an alarm is raised for is this.

mod ends;
mod held;
mod links;
mod logs;
#[cfg(test)]
mod tests;

use std::time::Duration;

use barid_broker::caps::CLOCK_DRIFT_MAX_MS;
use barid_message::Precedence;
use barid_message::time::Millis;
use barid_proto::operations::v1::{self as pb, ProblemKind, Severity};

use super::facts::{ByPrecedence, Facts, Inbox, Pile};

/// Segments that the disk should have room for beside what deliveries are kept: with fewer
/// it is nearly full.
const SEGMENTS_LEFT: u64 = 4;
/// Hundredths of an inbox's places from which on it is nearly full.
const INBOX_FILLED: u64 = 80;
/// How long a message of each precedence may wait, FLASH first: the in-station targets of
/// ACP 121.
const TARGETS: [Duration; 4] = [minutes(10), minutes(30), minutes(180), minutes(360)];
/// How long a start may bring the delivery log up to date before that is a problem.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// How long what has happened once stays a problem.
const LATELY: Duration = Duration::from_secs(24 * 3_600);
/// Clocks further apart than this differ.
const CLOCKS_APART: Duration = Duration::from_millis(CLOCK_DRIFT_MAX_MS);

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) severity: Severity,
    pub(crate) kind: ProblemKind,
    /// With what; empty = with the node.
    pub(crate) subject: String,
    /// `None`: it is not on record since when.
    pub(crate) since: Option<Millis>,
    pub(crate) text: String,
    pub(crate) advice: String,
    /// How far it has come, where that is told again: an end in 30 days, 7, 1.
    pub(crate) stage: u8,
}

impl Problem {
    fn new(
        severity: Severity,
        kind: ProblemKind,
        text: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            kind,
            subject: String::new(),
            since: None,
            text: text.into(),
            advice: advice.into(),
            stage: 0,
        }
    }

    fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }

    fn since(self, since: Option<Millis>) -> Self {
        Self { since, ..self }
    }

    /// As it is told.
    pub(crate) fn to_proto(&self) -> pb::Problem {
        pb::Problem {
            severity: self.severity.into(),
            kind: self.kind.into(),
            subject: self.subject.clone(),
            since: self.since.map(Millis::to_proto),
            text: self.text.clone(),
            advice: self.advice.clone(),
        }
    }
}

/// All that is wrong.
pub(crate) fn problems(facts: &Facts) -> Vec<Problem> {
    let mut found = of_the_node(facts);
    found.extend(held::problems(facts));
    found.extend(logs::problems(facts));
    found.extend(facts.inboxes.iter().flat_map(|inbox| of_an_inbox(facts, inbox)));
    found.extend(facts.peers.iter().flat_map(|peer| links::problems(facts, peer)));
    found.extend(facts.ends.iter().filter_map(|ending| ends::problem(facts.now, ending)));
    found
}

fn of_the_node(facts: &Facts) -> Vec<Problem> {
    use ProblemKind::{ClockSuspect, DeliveryLogDown, DiskFull, DiskLow};
    use Severity::{Critical, Warning};
    let mut found = Vec::new();
    if facts.clock_suspect {
        let text =
            "the node's clock is in doubt: it delivers, but takes nothing new and ends nothing";
        let advice = "compare the time that `barid node` shows with a clock that you trust; if it is \
                      right: `barid clock confirm` (two linked nodes that agree do it too)";
        found.push(Problem::new(Critical, ClockSuspect, text, advice));
    }
    let mib = |bytes: u64| bytes >> 20;
    let free = facts.room.map_or(0, |room| mib(room.free_bytes));
    if !facts.has_room {
        let text =
            format!("the disk is full ({free} MiB free): the node delivers, but takes nothing new");
        let advice =
            "make room on the disk of the data folder (`df -h`); intake comes back by itself";
        found.push(Problem::new(Critical, DiskFull, text, advice));
    } else if let Some(room) = facts.room {
        let wanted = room.free_bytes_min + SEGMENTS_LEFT * facts.segment_bytes;
        if room.free_bytes < wanted {
            let text = format!(
                "the disk is nearly full: {free} MiB free; below {} MiB nothing new is taken",
                mib(room.free_bytes_min)
            );
            let advice =
                "make room on the disk of the data folder (`df -h`), or give it a larger one";
            found.push(Problem::new(Warning, DiskLow, text, advice));
        }
    }
    if facts.projected.is_none() && facts.now.since(facts.started_at) >= STARTS_WITHIN {
        let text = "the delivery log is down, or rebuilt: messages are taken and delivered, but \
                    nobody can search";
        let advice = "wait: it comes back by itself; if it does not, the node's own log says why";
        found.push(Problem::new(Warning, DeliveryLogDown, text, advice));
    }
    found
}

fn of_an_inbox(facts: &Facts, inbox: &Inbox) -> Vec<Problem> {
    use ProblemKind::{DeadLetters, InboxFull, MessagesUnreadable, Overdue};
    use Severity::{Critical, Warning};
    let address = &inbox.address;
    let mut found = Vec::new();
    let Pile { number, oldest } = inbox.unreadable;
    if number > 0 {
        let text = format!(
            "{} lost or damaged on the disk, and not handed out",
            messages(number, "is", "are")
        );
        let advice = "put back an undamaged copy of the disk; the node's own log names them";
        found.push(Problem::new(Critical, MessagesUnreadable, text, advice).since(oldest));
    }
    if inbox.open * 100 >= inbox.max * INBOX_FILLED {
        let is_full = inbox.open >= inbox.max;
        let (severity, state) = if is_full { (Critical, "full") } else { (Warning, "nearly full") };
        let text =
            format!("the inbox is {state}: {} of {} places are taken", inbox.open, inbox.max);
        found.push(Problem::new(severity, InboxFull, text, receive(inbox)));
    }
    if let Some(late) = late(facts.now, &inbox.waiting) {
        let listeners = match inbox.consumers {
            0 => "nobody receives",
            _ => "its system is connected and does not acknowledge",
        };
        let text = format!("{}; {listeners}", late.text);
        found.push(Problem { text, ..late.problem(receive(inbox)) });
    }
    let Pile { number, oldest } = inbox.dead;
    if number > 0 {
        let text =
            format!("{}: all tries have failed", count(number, "dead letter", "dead letters"));
        let advice =
            format!("`barid dead-letters list --inbox {address}`, then retry or drop each");
        found.push(Problem::new(Warning, DeadLetters, text, advice).since(oldest));
    }
    let Pile { number, oldest } = inbox.overdue;
    if number > 0 {
        let text = format!(
            "{} past the deadline without an end: handed out, and never answered",
            messages(number, "is", "are")
        );
        let advice =
            format!("`barid queues {address}`; have the agency's system acknowledge or refuse");
        found.push(Problem::new(Warning, Overdue, text, advice).since(oldest));
    }
    found.into_iter().map(|problem| problem.about(address)).collect()
}

/// What to do about an inbox that nothing leaves.
fn receive(inbox: &Inbox) -> String {
    let address = &inbox.address;
    match inbox.consumers {
        0 => format!("call {address}: its system does not receive; `barid queues {address}`"),
        _ => format!("call {address}: its system is slow or stuck; `barid queues {address}`"),
    }
}

/// What waits longer than its precedence allows.
struct Late {
    severity: Severity,
    since: Option<Millis>,
    text: String,
}

impl Late {
    fn problem(&self, advice: impl Into<String>) -> Problem {
        let kind = ProblemKind::MessagesLate;
        Problem::new(self.severity, kind, &*self.text, advice).since(self.since)
    }
}

/// The most urgent precedence of which a message is late. Of FLASH and IMMEDIATE half the
/// time is warning enough: somebody has to have time to act.
fn late(now: Millis, waiting: &ByPrecedence) -> Option<Late> {
    use barid_broker::state::inbox::PRECEDENCES;
    let piles = PRECEDENCES.iter().zip(TARGETS).zip(waiting);
    piles.into_iter().find_map(|((precedence, target), pile)| {
        let oldest = pile.oldest?;
        let age = now.since(oldest);
        let severity = match precedence {
            Precedence::Flash if age >= target / 2 => Severity::Critical,
            Precedence::Immediate if age >= target => Severity::Critical,
            Precedence::Immediate if age >= target / 2 => Severity::Warning,
            Precedence::Priority | Precedence::Routine if age >= target => Severity::Warning,
            _ => return None,
        };
        let name = precedence.as_str_name().trim_start_matches("PRECEDENCE_");
        let text = format!(
            "{} {name} waiting, the oldest for {} min; within {} min it should be handed over",
            pile.number,
            age.as_secs() / 60,
            target.as_secs() / 60
        );
        Some(Late { severity, since: Some(oldest), text })
    })
}

fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn messages(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(number, "message", "messages"), if number == 1 { one } else { several })
}
