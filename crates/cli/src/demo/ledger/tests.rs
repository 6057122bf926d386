use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use super::{Answer, Expected, Figures, Final, Key, Ledger};

const HANDED_OVER: Final = Final { event: Event::HandedOver, reason: Reason::Unspecified };

pub(in crate::demo) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(in crate::demo) fn key(number: u8) -> Key {
    Key {
        origin: address("pk/customs"),
        id: MessageId::new(Millis(1_800_000_000_000), [number; 10]),
    }
}

/// Three messages to police and health, all as it should be.
pub(in crate::demo) fn sound() -> Ledger {
    let mut ledger = Ledger::default();
    for number in 1..=3 {
        send(&mut ledger, number);
        for inbox in inboxes() {
            ledger.received(&inbox, &key(number), false);
            ledger.acknowledged(&inbox, &key(number));
            ledger.ended(&inbox, &key(number), HANDED_OVER);
        }
    }
    ledger
}

/// One message more, accepted.
pub(in crate::demo) fn send(ledger: &mut Ledger, number: u8) {
    ledger.sending(&key(number), &inboxes(), Expected::HandedOver);
    ledger.answered(&key(number), Answer::Accepted);
}

pub(in crate::demo) fn inboxes() -> [Address; 2] {
    [address("pk/police"), address("pk/health")]
}

#[test]
fn what_goes_well_adds_up() {
    let ledger = sound();
    let expected = Figures {
        submitted: 3,
        accepted: 3,
        deliveries: 6,
        received: 6,
        handed_over: 6,
        ..Figures::default()
    };
    assert_eq!(ledger.figures(), expected);
    assert!(ledger.is_settled());
    assert!(ledger.faults().is_empty());
    let (sent, due) = ledger.of_agency(&address("pk/police"));
    assert_eq!((sent.submitted, due.deliveries, due.handed_over), (0, 3, 3));
    let (sent, due) = ledger.of_agency(&address("pk/customs"));
    assert_eq!((sent.submitted, sent.accepted, due.deliveries), (3, 3, 0));
}

#[test]
fn a_promised_message_that_never_came_is_lost_unless_the_sender_knows() {
    let [police, health] = inboxes();
    for (ended, lost) in [
        (None, 1),
        (Some(HANDED_OVER), 1),
        (Some(Final { event: Event::Expired, reason: Reason::ExpiresAtPassed }), 0),
        (Some(Final { event: Event::NonDelivered, reason: Reason::DeliverByPassed }), 0),
    ] {
        let mut ledger = sound();
        send(&mut ledger, 4);
        ledger.received(&health, &key(4), false);
        ledger.ended(&health, &key(4), HANDED_OVER);
        if let Some(ended) = ended {
            ledger.ended(&police, &key(4), ended);
        }
        let figures = ledger.figures();
        assert_eq!(figures.lost, lost, "{ended:?}");
        assert_eq!(figures.without_final, u64::from(ended.is_none()));
        assert_eq!(ledger.is_settled(), ended.is_some());
    }
}

#[test]
fn a_repeat_is_a_duplicate_unless_it_is_marked_and_before_the_acknowledgement() {
    let [police, _] = inboxes();
    let mut ledger = sound();
    send(&mut ledger, 4);
    assert!(!ledger.received(&police, &key(4), false));
    assert!(ledger.received(&police, &key(4), true));
    assert_eq!(ledger.figures().duplicates, 0);
    assert_eq!(ledger.figures().repeats, 1);
    ledger.received(&police, &key(4), false);
    assert_eq!(ledger.figures().duplicates, 1);
    ledger.acknowledged(&police, &key(4));
    ledger.received(&police, &key(4), true);
    assert_eq!(ledger.figures().duplicates, 2);
    assert_eq!(ledger.figures().received, 7);
}

#[test]
fn refusals_count_and_unexpected_ones_are_faults() {
    let mut ledger = sound();
    let expected = Expected::RefusedByNode(Reason::SignatureInvalid);
    ledger.sending(&key(4), &inboxes(), expected);
    ledger.answered(&key(4), Answer::Refused(Reason::SignatureInvalid));
    assert_eq!((ledger.figures().refused, ledger.figures().deliveries), (1, 6));
    assert!(ledger.is_settled() && ledger.faults().is_empty());

    for (expected, answer) in [
        (expected, Answer::Refused(Reason::Expired)),
        (expected, Answer::Accepted),
        (Expected::HandedOver, Answer::Refused(Reason::SignatureInvalid)),
    ] {
        let mut ledger = sound();
        ledger.sending(&key(4), &inboxes(), expected);
        ledger.answered(&key(4), answer);
        assert_eq!(ledger.faults().len(), 1, "{expected:?} {answer:?}");
    }
}

#[test]
fn ends_other_than_expected_are_faults() {
    let [police, _] = inboxes();
    let refused = Final { event: Event::Refused, reason: Reason::WrongAddressee };
    let mut ledger = sound();
    ledger.sending(&key(4), &inboxes(), Expected::RefusedByRecipient(Reason::WrongAddressee));
    ledger.answered(&key(4), Answer::Accepted);
    ledger.ended(&police, &key(4), refused);
    ledger.ended(&police, &key(4), refused);
    assert!(ledger.faults().is_empty());
    assert_eq!(ledger.end_of(&police, &key(4)), Some(refused));
    assert_eq!(ledger.figures().other_finals(), 1);
    ledger.ended(&police, &key(4), HANDED_OVER);
    assert_eq!(ledger.faults().len(), 1);
    ledger.ended(&police, &key(3), refused);
    assert_eq!(ledger.faults().len(), 2);
}

#[test]
fn what_nobody_sent_is_a_fault() {
    let [police, _] = inboxes();
    let mut ledger = sound();
    ledger.received(&police, &key(9), false);
    ledger.received(&address("pk/tax"), &key(1), false);
    ledger.acknowledged(&police, &key(9));
    ledger.ended(&police, &key(9), HANDED_OVER);
    ledger.answered(&key(9), Answer::Accepted);
    assert_eq!(ledger.faults().len(), 5);
    assert_eq!(ledger.figures(), sound().figures());
}

#[test]
fn the_same_submission_again_changes_nothing() {
    let mut ledger = sound();
    send(&mut ledger, 3);
    assert_eq!(ledger.figures(), sound().figures());
    assert!(ledger.is_settled() && ledger.faults().is_empty());
}
