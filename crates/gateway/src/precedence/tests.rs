use super::*;

fn alert(severity: &str, urgency: &str, certainty: &str) -> SeverityFacts {
    SeverityFacts {
        severity: Some(severity.to_owned()),
        urgency: Some(urgency.to_owned()),
        certainty: Some(certainty.to_owned()),
        ..SeverityFacts::default()
    }
}

#[test]
fn grave_certain_and_near_goes_first() {
    let level = |facts: &SeverityFacts| of_alert(facts);
    assert_eq!(level(&alert("Extreme", "Immediate", "Observed")), Some(Precedence::Immediate));
    assert_eq!(level(&alert("Severe", "Expected", "Likely")), Some(Precedence::Priority));
    assert_eq!(level(&alert("Extreme", "Past", "Observed")), Some(Precedence::Routine));
    assert_eq!(level(&alert("Minor", "Immediate", "Observed")), Some(Precedence::Routine));
    let over = SeverityFacts { all_clear: true, ..alert("Extreme", "Immediate", "Observed") };
    assert_eq!(level(&over), Some(Precedence::Routine));
}

#[test]
fn the_dead_count() {
    let deaths = |dead_and_missing| {
        of_deaths(&SeverityFacts { dead_and_missing, ..SeverityFacts::default() })
    };
    assert_eq!(deaths(None), None);
    assert_eq!(deaths(Some(4)), Some(Precedence::Routine));
    assert_eq!(deaths(Some(5)), Some(Precedence::Priority));
    assert_eq!(deaths(Some(1_022)), Some(Precedence::Immediate));
}
