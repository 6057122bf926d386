//! What is wrong with a link, or with the node at its other end.

use std::time::Duration;

use barid_broker::state::misbehaviour::Misbehaviour;
use barid_message::time::Millis;
use barid_message::{Reason, reason};
use barid_proto::operations::v1::{ProblemKind, Severity};

use super::{CLOCKS_APART, LATELY, Problem, count, late, messages, minutes};
use crate::health::facts::{Facts, Peer, Pile};
use crate::link::State;

/// How long a link may be down while messages wait for it: it is opened again by itself.
const DOWN_WITH_MAIL: Duration = minutes(1);
/// How long while none do.
const DOWN: Duration = minutes(10);
/// From then on a link that messages wait for keeps people from their work.
const DOWN_LONG: Duration = minutes(60);

/// All of it.
pub(super) fn problems(facts: &Facts, peer: &Peer) -> Vec<Problem> {
    let found = [
        link_down(facts, peer),
        late_over_a_link(facts, peer),
        overdue(peer),
        clocks_differ(peer),
        misbehaved(facts.now, peer),
        contradiction(facts.now, peer),
        write_off(facts.now, peer),
        card(peer),
    ];
    found.into_iter().flatten().map(|problem| problem.about(&peer.name)).collect()
}

fn all(peer: &Peer) -> Pile {
    peer.waiting.iter().copied().fold(Pile::default(), Pile::and)
}

fn link_down(facts: &Facts, peer: &Peer) -> Option<Problem> {
    let since = peer.since.unwrap_or(facts.started_at);
    let down_for = facts.now.since(since);
    let waiting = all(peer);
    let is_over = if waiting.number > 0 { DOWN_WITH_MAIL } else { DOWN };
    if peer.state == State::Live || down_for < is_over {
        return None;
    }
    let [flash, immediate, ..] = peer.waiting;
    let is_critical = flash.number + immediate.number > 0
        || waiting.oldest.is_some_and(|oldest| facts.now.since(oldest) >= DOWN_LONG);
    let severity = if is_critical { Severity::Critical } else { Severity::Warning };
    let mail = match waiting.number {
        0 => "nothing waits for it".to_owned(),
        number => format!(
            "{} for it, {} of them FLASH or IMMEDIATE",
            messages(number, "waits", "wait"),
            flash.number + immediate.number
        ),
    };
    let why = match &*peer.last_failure {
        "" => String::new(),
        why => format!(" ({why})"),
    };
    let advice = format!(
        "`barid peer test {name} --config node.toml` at the node; call the operator of {name}",
        name = peer.name
    );
    let kind = ProblemKind::LinkDown;
    Some(Problem::new(severity, kind, format!("no link{why}; {mail}"), advice).since(Some(since)))
}

/// A link that is up, and does not get on.
fn late_over_a_link(facts: &Facts, peer: &Peer) -> Option<Problem> {
    let late = late(facts.now, &peer.waiting).filter(|_| peer.state == State::Live)?;
    let advice = format!(
        "`barid peers {name}`: is the line slow, or does the operator of {name} see a full disk or \
         inbox?",
        name = peer.name
    );
    Some(late.problem(advice))
}

fn overdue(peer: &Peer) -> Option<Problem> {
    let Pile { number, oldest } = peer.overdue;
    (number > 0).then(|| {
        let text = format!(
            "{} past the deadline without an end, and perhaps with that node",
            messages(number, "is", "are")
        );
        let advice = format!(
            "call the operator of {name}; if it will never be back: `barid peer write-off --help`",
            name = peer.name
        );
        Problem::new(Severity::Warning, ProblemKind::Overdue, text, advice).since(oldest)
    })
}

fn clocks_differ(peer: &Peer) -> Option<Problem> {
    let apart = peer.clock_difference_ms.filter(|_| peer.state == State::Live)?;
    (apart.unsigned_abs() > u64::try_from(CLOCKS_APART.as_millis()).unwrap_or(u64::MAX)).then(
        || {
            let which = if apart > 0 { "ahead of" } else { "behind" };
            let text =
                format!("its clock is {} min {which} this node's", apart.unsigned_abs() / 60_000);
            let advice =
                "compare both with a clock that you trust, and have the wrong one set right";
            Problem::new(Severity::Warning, ProblemKind::ClocksDiffer, text, advice)
        },
    )
}

fn misbehaved(now: Millis, peer: &Peer) -> Option<Problem> {
    let told = peer.misbehaviour.as_ref()?;
    if matches!(told.reason, Reason::HeadForked | Reason::HeadRolledBack | Reason::ProofInvalid) {
        return Some(log_contradicted(told, peer));
    }
    if now.since(told.last) >= LATELY {
        return None;
    }
    let text = format!(
        "it broke the protocol of the link: {}; on record {}",
        reason::name(told.reason),
        count(told.times, "time", "times")
    );
    let advice = format!(
        "call the operator of {name}; `barid peers {name}` shows whether the link is back, the \
         journal has what it did",
        name = peer.name
    );
    let kind = ProblemKind::PeerMisbehaved;
    Some(Problem::new(Severity::Warning, kind, text, advice).since(Some(told.last)))
}

/// Not for a day alone: it stays until people have found out why.
fn log_contradicted(told: &Misbehaviour, peer: &Peer) -> Problem {
    let text = format!(
        "its audit log contradicts itself ({}): it was rewritten, cut or put back, or shows \
         different histories",
        reason::name(told.reason)
    );
    let advice = format!(
        "call the operator of {name} before anything else; both signed heads are in the journal",
        name = peer.name
    );
    let kind = ProblemKind::LogContradicted;
    Problem::new(Severity::Critical, kind, text, advice).since(Some(told.last))
}

fn contradiction(now: Millis, peer: &Peer) -> Option<Problem> {
    let is_late = peer.contradictions > 0 && now.since(peer.contradicted_at) < LATELY;
    is_late.then(|| {
        let text = format!(
            "of {} it tells another end than was told here before",
            count(peer.contradictions, "delivery", "deliveries")
        );
        let advice = "`barid log --outcome contradiction`; tell the senders, they have its proof";
        let problem = Problem::new(Severity::Critical, ProblemKind::Contradiction, text, advice);
        problem.since(Some(peer.contradicted_at))
    })
}

fn write_off(now: Millis, peer: &Peer) -> Option<Problem> {
    let (at, until) = peer.proposal.filter(|(_, until)| now < *until)?;
    let text = format!("a proposal to write it off waits for a second operator until {until}");
    let advice =
        format!("`barid peers {name}`, then `barid peer write-off --help`", name = peer.name);
    let kind = ProblemKind::WriteOffProposed;
    Some(Problem::new(Severity::Warning, kind, text, advice).since(Some(at)))
}

fn card(peer: &Peer) -> Option<Problem> {
    peer.has_offered_card.then(|| {
        let text = "its newer card grants more than the one in force, and waits for a person";
        let advice = format!("`barid peer renew {name}`", name = peer.name);
        Problem::new(Severity::Warning, ProblemKind::CardOffered, text, advice)
    })
}
