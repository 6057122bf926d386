//! How urgent a mapped record is: a suggestion that its sender may overrule.

use barid_proto::message::v1::Precedence;

use crate::source::{Mapped, SeverityFacts, Status};

/// Dead and missing from which an incident is suggested as IMMEDIATE.
const IMMEDIATE_FROM: u32 = 20;
/// Dead and missing from which it is suggested as PRIORITY.
const PRIORITY_FROM: u32 = 5;

/// Suggests ROUTINE, PRIORITY or IMMEDIATE; never FLASH, which a person must give a
/// reason for.
///
/// | | IMMEDIATE | PRIORITY |
/// |---|---|---|
/// | alert | Extreme or Severe, Immediate, Observed or Likely | other Extreme or Severe that are not past |
/// | deaths | 20 and more | 5 and more |
/// | attack on a ship | hijacked | boarded, fired upon |
///
/// All else is ROUTINE, as are exercises, tests and what is over.
#[must_use]
pub fn suggest(mapped: &Mapped) -> Precedence {
    if mapped.status != Status::Actual {
        return Precedence::Routine;
    }
    let facts = &mapped.severity;
    // The most urgent has the lowest number.
    [of_alert(facts), of_attack(facts), of_deaths(facts)]
        .into_iter()
        .flatten()
        .min_by_key(|level| i32::from(*level))
        .unwrap_or(Precedence::Routine)
}

fn of_alert(facts: &SeverityFacts) -> Option<Precedence> {
    let severity = facts.severity.as_deref()?;
    let grave = matches!(severity, "Extreme" | "Severe");
    let over = facts.all_clear || facts.urgency.as_deref() == Some("Past");
    let sure = matches!(facts.certainty.as_deref(), Some("Observed" | "Likely"));
    let now = facts.urgency.as_deref() == Some("Immediate");
    Some(match (grave && !over, now && sure) {
        (true, true) => Precedence::Immediate,
        (true, false) => Precedence::Priority,
        (false, _) => Precedence::Routine,
    })
}

fn of_attack(facts: &SeverityFacts) -> Option<Precedence> {
    let attack = facts.attack.as_deref()?;
    Some(match attack {
        "hijacked" | "hijacking" => Precedence::Immediate,
        "boarded" | "boarding" | "fired upon" => Precedence::Priority,
        _ => Precedence::Routine,
    })
}

fn of_deaths(facts: &SeverityFacts) -> Option<Precedence> {
    facts.dead_and_missing.map(|dead_and_missing| match dead_and_missing {
        IMMEDIATE_FROM.. => Precedence::Immediate,
        PRIORITY_FROM.. => Precedence::Priority,
        _ => Precedence::Routine,
    })
}

#[cfg(test)]
mod tests;
