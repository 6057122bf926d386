//! Histories in which one promise is broken.

use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::Lane;

use super::good::{
    IR, PK, POLICE, SENDER, book, delivery, hand_out, handed_over, is_overdue, local, order_kept,
    overdue, settle, step, submit, swap_hand_outs, terms, told, written_off,
};
use crate::{Ask, Call, History, Outcome, Violation, What};

type Case = (&'static str, History, Violation);

/// A good history, broken.
fn broken(
    name: &'static str,
    mut history: History,
    breaks: impl FnOnce(&mut History),
    violation: Violation,
) -> Case {
    breaks(&mut history);
    (name, history, violation)
}

pub(super) fn cases() -> Vec<Case> {
    [receipts(), inboxes(), order(), custody(), ends(), evidence(), links_and_times()].concat()
}

fn a() -> crate::Delivery {
    delivery("a")
}

fn receipts() -> Vec<Case> {
    let again = |change: fn(&mut Call)| {
        move |history: &mut History| {
            let mut call = submit(5, "a");
            change(&mut call);
            history.calls.push(call);
        }
    };
    let other_receipt = again(|call| call.outcome = Outcome::Ok(vec![7]));
    let other_content = again(|call| match &mut call.ask {
        Ask::Submit { header, .. } => *header = vec![7],
        _ => unreachable!("it is a submission"),
    });
    let refused = again(|call| call.outcome = Outcome::Failed);
    let (sender, id) = (SENDER.to_owned(), "a".to_owned());
    vec![
        broken(
            "refused behind its receipt",
            local(),
            refused,
            Violation::TakenBack(sender.clone(), id.clone()),
        ),
        broken(
            "a receipt for what no journal has",
            local(),
            |history| history.calls.push(submit(5, "lost")),
            Violation::Lost(delivery("lost")),
        ),
        broken(
            "accepted, and nobody sent it",
            local(),
            |history| drop(history.calls.remove(0)),
            Violation::Unsubmitted(a()),
        ),
        broken(
            "accepted, and its sender was told that it is not",
            local(),
            |history| history.calls[0].outcome = Outcome::Failed,
            Violation::Unsubmitted(a()),
        ),
        broken(
            "two receipts for one message",
            local(),
            other_receipt,
            Violation::TwoReceipts(sender.clone(), id.clone()),
        ),
        broken(
            "one id for two messages",
            local(),
            other_content,
            Violation::TwoContents(sender, id),
        ),
    ]
}

fn inboxes() -> Vec<Case> {
    vec![
        broken(
            "handed out, and nobody sent it",
            local(),
            |history| history.calls.push(hand_out(50, POLICE, "phantom", false)),
            Violation::NobodySent(delivery("phantom")),
        ),
        broken(
            "handed out again without a mark",
            local(),
            |history| match &mut history.calls[2].ask {
                Ask::HandOut { redelivered, .. } => *redelivered = false,
                _ => unreachable!("it is a hand-out"),
            },
            Violation::Unmarked(a()),
        ),
        broken(
            "handed out after its end",
            local(),
            |history| history.calls.push(hand_out(50, POLICE, "a", true)),
            Violation::AfterItsEnd(a()),
        ),
        broken(
            "ended by somebody it was never handed to",
            local(),
            |history| history.calls[3].by = "police-3".into(),
            Violation::NotHandedTo(a(), "police-3".into()),
        ),
        broken(
            "ended by somebody else than who has it now",
            local(),
            |history| history.calls[3].by = POLICE.into(),
            Violation::Stale(a(), POLICE.into()),
        ),
        broken(
            "acknowledged twice in one inbox",
            local(),
            |history| history.calls.push(settle(50, "police-2", "a", Event::HandedOver)),
            Violation::AckedTwice(a()),
        ),
        broken(
            "acknowledged, and not in the journal",
            handed_over(),
            |history| drop(book(history, IR).steps.remove(2)),
            Violation::AckLost(a()),
        ),
    ]
}

fn order() -> Vec<Case> {
    vec![
        broken(
            "the second handed out before the first",
            order_kept(),
            swap_hand_outs,
            Violation::OutOfOrder(delivery("b"), a()),
        ),
        broken(
            "the second on its way to a consumer before the first",
            order_kept(),
            |history| {
                let early = hand_out(10, POLICE, "b", false);
                history.calls.push(Call { outcome: Outcome::Unknown, ..early });
            },
            Violation::OutOfOrder(delivery("b"), a()),
        ),
        broken(
            "the second taken over before the first",
            order_kept(),
            |history| {
                let taken = |id| What::Taken(delivery(id), terms(), PK.into());
                let steps = vec![step(6, taken("b")), step(7, taken("a"))];
                history.books.push(crate::Book { node: IR.into(), steps, ..Default::default() });
            },
            Violation::OutOfOrder(delivery("b"), a()),
        ),
    ]
}

fn custody() -> Vec<Case> {
    vec![
        broken(
            "passed before it was taken",
            handed_over(),
            |history| book(history, PK).steps[1].order = 9,
            Violation::NoCause(a(), PK.into()),
        ),
        broken(
            "passed, and never taken",
            handed_over(),
            |history| book(history, IR).steps.retain(|step| step.what.delivery().is_none()),
            Violation::NoHolder(a()),
        ),
        broken(
            "accepted twice",
            local(),
            |history| {
                let again = step(3, What::Accepted(a(), terms()));
                book(history, PK).steps.insert(1, again);
            },
            Violation::TakenTwice(a(), PK.into()),
        ),
        broken(
            "taken over twice",
            handed_over(),
            |history| {
                let again = step(15, What::Taken(a(), terms(), PK.into()));
                book(history, IR).steps.insert(2, again);
            },
            Violation::TakenTwice(a(), IR.into()),
        ),
        broken(
            "taken over after its end",
            local(),
            |history| {
                let steps = vec![step(42, What::Taken(a(), terms(), PK.into()))];
                history.books.push(crate::Book { node: IR.into(), steps, ..Default::default() });
            },
            Violation::TakenTwice(a(), IR.into()),
        ),
        broken(
            "taken over from one that never had it",
            handed_over(),
            |history| book(history, IR).steps[0].what = What::Taken(a(), terms(), "other".into()),
            Violation::NotTheirs(a(), IR.into()),
        ),
        broken(
            "ended where it was only offered from",
            handed_over(),
            |history| {
                let expired = step(30, What::Ended(a(), Event::Expired));
                book(history, PK).steps.insert(3, expired);
            },
            Violation::NoCustody(a(), PK.into()),
        ),
        broken(
            "written off by the node that has it",
            handed_over(),
            |history| book(history, IR).steps.push(step(60, What::WrittenOff(a()))),
            Violation::NotTheirsToWriteOff(a(), IR.into()),
        ),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        broken(
            "ended twice",
            local(),
            |history| {
                book(history, PK).steps.push(step(43, What::Ended(a(), Event::Expired)));
            },
            Violation::TwoFinals(a(), PK.into()),
        ),
        broken(
            "ended, and written off",
            local(),
            |history| book(history, PK).steps.push(step(43, What::WrittenOff(a()))),
            Violation::TwoFinals(a(), PK.into()),
        ),
        broken(
            "never ended",
            local(),
            |history| drop(book(history, PK).steps.pop()),
            Violation::NeverEnded(a()),
        ),
        broken(
            "ended, and its originator's node does not know",
            handed_over(),
            |history| book(history, PK).steps.truncate(3),
            Violation::NotTold(a()),
        ),
        broken(
            "its originator's node is told twice",
            handed_over(),
            |history| {
                let again = What::Told(a(), IR.into(), Event::HandedOver);
                book(history, PK).steps.push(step(51, again));
            },
            Violation::ToldTwice(a()),
        ),
        broken(
            "its originator's node knows another end",
            handed_over(),
            |history| {
                let other = What::Told(a(), IR.into(), Event::Refused);
                book(history, PK).steps[3].what = other;
            },
            Violation::NotTold(a()),
        ),
        broken(
            "a contradiction to what nobody wrote off",
            handed_over(),
            |history| {
                let other = What::Contradicted(a(), IR.into(), Event::HandedOver);
                book(history, PK).steps.push(step(51, other));
            },
            Violation::NotContradicted(a(), PK.into()),
        ),
        broken(
            "written off, handed over, and nobody was told",
            written_off(Event::HandedOver),
            |history| drop(book(history, PK).steps.remove(4)),
            Violation::ContradictionLost(a()),
        ),
    ]
}

fn evidence() -> Vec<Case> {
    vec![
        broken(
            "its sender is told nothing",
            handed_over(),
            |history| drop(history.calls.pop()),
            Violation::AgencyNotTold(a()),
        ),
        broken(
            "its sender is told another end",
            handed_over(),
            |history| history.calls[3] = told(60, "a", Event::Expired),
            Violation::AgencyNotTold(a()),
        ),
        broken(
            "its sender is told twice",
            handed_over(),
            |history| history.calls.push(told(62, "a", Event::HandedOver)),
            Violation::AgencyToldTwice(a()),
        ),
    ]
}

fn links_and_times() -> Vec<Case> {
    let gap = |node: &str, peer: &str, lane, number| {
        Violation::Gap(node.to_owned(), peer.to_owned(), lane, number)
    };
    vec![
        broken(
            "a number was passed over",
            handed_over(),
            |history| {
                book(history, IR).steps[1].what = What::Answered(PK.into(), Lane::Routine, 2);
            },
            gap(IR, PK, Lane::Routine, 1),
        ),
        broken(
            "a number was answered twice",
            handed_over(),
            |history| {
                let again = step(15, What::Answered(PK.into(), Lane::Routine, 1));
                book(history, IR).steps.insert(2, again);
            },
            gap(IR, PK, Lane::Routine, 2),
        ),
        broken(
            "a receipt that begins too far on",
            handed_over(),
            |history| {
                book(history, PK).steps[2].what = What::Receipted(IR.into(), Lane::Routine, 2, 2);
            },
            gap(PK, IR, Lane::Routine, 1),
        ),
        broken(
            "a receipt before the answer is durable",
            handed_over(),
            |history| book(history, PK).steps[2].order = 9,
            Violation::ReceiptForNothing(PK.into(), IR.into(), Lane::Routine, 1),
        ),
        broken(
            "an honest node is said to break the protocol",
            handed_over(),
            |history| {
                let said = What::Misbehaved(PK.into(), Reason::SlotConflict);
                book(history, IR).steps.push(step(60, said));
            },
            Violation::Slandered(IR.into(), PK.into(), Reason::SlotConflict),
        ),
        broken(
            "in doubt past its deadline, and kept quiet",
            overdue(),
            |history| book(history, PK).steps.retain(|step| !is_overdue(step)),
            Violation::NotOverdue(a(), PK.into()),
        ),
        broken(
            "said to be overdue too late",
            overdue(),
            |history| book(history, PK).steps[3].at = Millis(super::end().0 + 60_001),
            Violation::NotOverdue(a(), PK.into()),
        ),
        broken(
            "time goes back",
            local(),
            |history| book(history, PK).steps[1].at = Millis(1),
            Violation::TimeBack(PK.into(), 1),
        ),
    ]
}
