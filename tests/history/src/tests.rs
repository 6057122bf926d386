//! The checker itself: it accepts what is good, and refuses each broken history for what
//! is broken in it.

mod broken;
mod good;

use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use super::{Violation, check, rewritten};
use good::{end, handed_over, local, order_kept, overdue, refused_and_ended, written_off};

#[test]
fn what_is_good_is_accepted() {
    let deferred = {
        let mut history = order_kept();
        good::defer_first(&mut history);
        good::swap_hand_outs(&mut history);
        history
    };
    let asleep = {
        let mut history = overdue();
        good::book(&mut history, good::PK).steps.retain(|step| !good::is_overdue(step));
        // Its end is told five minutes too late, by a node that did not run meanwhile.
        good::book(&mut history, good::PK).awake[0].to = Millis(end().0 + 59_999);
        history
    };
    let histories = [
        ("nothing", super::History::default()),
        ("a local message", local()),
        ("one between nodes", handed_over()),
        ("refused there, ended here", refused_and_ended()),
        ("in order", order_kept()),
        ("overtaken after a deferral", deferred),
        ("overdue", overdue()),
        ("not overdue while asleep", asleep),
        ("passed by while it was over by a clock that was set back", {
            let mut history = order_kept();
            good::swap_hand_outs(&mut history);
            history.calls[3].at = end();
            history
        }),
        ("answered by the first of two behind a start", {
            let mut history = local();
            history.calls[3].by = good::POLICE.into();
            let started = good::step(35, super::What::Started);
            good::book(&mut history, good::PK).steps.insert(1, started);
            history
        }),
        ("written off, and contradicted", written_off(Event::HandedOver)),
        ("written off, and expired there", written_off(Event::Expired)),
    ];
    for (name, history) in histories {
        assert_eq!(check(&history), [], "{name}");
    }
}

#[test]
fn what_is_broken_is_refused_for_what_is_broken() {
    let cases = broken::cases();
    assert!(cases.len() >= 20);
    for (name, history, violation) in cases {
        let found = check(&history);
        assert!(found.contains(&violation), "{name}: {found:#?}");
    }
}

#[test]
fn what_was_durable_is_there_and_the_same() {
    assert_eq!(rewritten("pk", &[1, 2], &[1, 2, 3]), None);
    let at = |position| Some(Violation::Rewritten("pk".into(), position));
    assert_eq!(rewritten("pk", &[1, 2], &[1]), at(1), "it is shorter");
    assert_eq!(rewritten("pk", &[1, 2, 3], &[1, 7, 3]), at(1), "it is another");
}
