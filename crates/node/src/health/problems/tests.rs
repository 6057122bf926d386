use barid_broker::state::Totals;
use barid_broker::state::misbehaviour::Misbehaviour;
use barid_journal::space::Room;
use barid_message::Reason;

use super::*;
use crate::health::facts::{Audit, Bearer, Ending, Peer, Quota, Whose, sample};
use crate::link::State;

const MINUTE: Duration = minutes(1);
const DAY: Duration = Duration::from_secs(86_400);

fn only(facts: &Facts) -> Problem {
    let mut found = problems(facts);
    assert_eq!(found.len(), 1, "{found:?}");
    let problem = found.remove(0);
    assert!(!problem.text.is_empty() && !problem.advice.is_empty());
    problem
}

fn one_inbox(facts: &mut Facts) -> &mut Inbox {
    &mut facts.inboxes[0]
}

fn pile(number: u64, since: Millis) -> Pile {
    Pile { number, oldest: Some(since) }
}

#[test]
fn of_a_node_that_is_well_there_is_nothing() {
    assert_eq!(problems(&sample()), []);
    let nothing_waits = Facts { totals: Totals::default(), ..sample() };
    assert_eq!(problems(&nothing_waits), []);
}

#[test]
fn a_doubtful_clock_is_critical_and_says_what_to_type() {
    let problem = only(&Facts { clock_suspect: true, ..sample() });
    assert_eq!((problem.severity, problem.kind), (Severity::Critical, ProblemKind::ClockSuspect));
    assert!(problem.advice.contains("`barid clock confirm`"));
}

#[test]
fn the_disk_is_low_before_it_is_full() {
    let room = |mib: u64| Room { free_bytes: mib << 20, ..sample().room.unwrap() };
    assert_eq!(problems(&Facts { room: Some(room(320)), ..sample() }), []);
    let low = only(&Facts { room: Some(room(319)), ..sample() });
    assert_eq!((low.severity, low.kind), (Severity::Warning, ProblemKind::DiskLow));
    assert!(low.text.contains("319 MiB free; below 64 MiB"), "{}", low.text);
    let full = only(&Facts { room: Some(room(3)), has_room: false, ..sample() });
    assert_eq!((full.severity, full.kind), (Severity::Critical, ProblemKind::DiskFull));
    assert!(full.text.contains("3 MiB free"), "{}", full.text);
}

#[test]
fn damage_is_critical_until_somebody_has_taken_it_for_lost() {
    let damaged = only(&Facts { damages: 2, ..sample() });
    let expected = (Severity::Critical, ProblemKind::StorageDamaged);
    assert_eq!((damaged.severity, damaged.kind), expected);
    assert!(damaged.text.contains("2 places") && damaged.advice.contains("`barid audit fsck`"));
}

#[test]
fn a_quota_is_told_before_it_is_full() {
    for (whose, subject) in [
        (Whose::Agency("pk/customs".into()), "pk/customs"),
        (Whose::Peer("mirjaveh".into()), "mirjaveh"),
        (Whose::Bodies, ""),
    ] {
        let of = |used| Quota { whose: whose.clone(), used, max: 200 << 20 };
        let full = |used: u64| Facts { quotas: vec![of(used << 20)], ..sample() };
        assert_eq!(problems(&full(159)), []);
        for (used, severity) in [(160, Severity::Warning), (200, Severity::Critical)] {
            let problem = only(&full(used));
            assert_eq!((problem.severity, problem.kind), (severity, ProblemKind::QuotaFull));
            assert_eq!(problem.subject, subject);
        }
    }
}

#[test]
fn a_delivery_log_that_is_down_is_told() {
    let problem = only(&Facts { projected: None, ..sample() });
    assert_eq!(problem.kind, ProblemKind::DeliveryLogDown);
    let started_at = sample().now - Duration::from_secs(29);
    let starting = Facts { projected: None, started_at, ..sample() };
    assert_eq!(problems(&starting), [], "a start is no alarm");
}

#[test]
fn an_inbox_is_nearly_full_and_then_full() {
    let mut facts = sample();
    for (open, expected) in [
        (79, None),
        (80, Some(Severity::Warning)),
        (99, Some(Severity::Warning)),
        (100, Some(Severity::Critical)),
    ] {
        (one_inbox(&mut facts).open, one_inbox(&mut facts).max) = (open, 100);
        let found = problems(&facts);
        assert_eq!(found.first().map(|problem| problem.severity), expected, "{open}");
        assert!(found.iter().all(|problem| problem.kind == ProblemKind::InboxFull));
        assert!(found.iter().all(|problem| problem.subject == "pk/police"));
    }
}

#[test]
fn urgent_messages_that_nobody_receives_are_told_in_half_their_time() {
    for (place, minutes, expected) in [
        (0, 4, None),
        (0, 5, Some(Severity::Critical)),
        (1, 14, None),
        (1, 15, Some(Severity::Warning)),
        (1, 30, Some(Severity::Critical)),
        (2, 179, None),
        (2, 180, Some(Severity::Warning)),
        (3, 359, None),
        (3, 2_000, Some(Severity::Warning)),
    ] {
        let mut facts = sample();
        let since = facts.now - MINUTE * minutes;
        one_inbox(&mut facts).waiting[place] = pile(2, since);
        let found = problems(&facts);
        assert_eq!(found.first().map(|problem| problem.severity), expected, "{place} {minutes}");
        if let Some(problem) = found.first() {
            assert_eq!(problem.kind, ProblemKind::MessagesLate);
            assert_eq!(problem.since, Some(since));
            assert!(problem.text.contains("nobody receives"), "{}", problem.text);
        }
    }
    let mut facts = sample();
    let since = facts.now - MINUTE * 5;
    let inbox = one_inbox(&mut facts);
    (inbox.waiting[0], inbox.consumers) = (pile(1, since), 1);
    assert!(only(&facts).text.contains("is connected and does not acknowledge"));
}

#[test]
fn dead_letters_unreadable_messages_and_missing_ends_are_told_each_inbox_by_itself() {
    let mut facts = sample();
    let since = facts.now - MINUTE;
    let inbox = one_inbox(&mut facts);
    (inbox.dead, inbox.unreadable, inbox.overdue) =
        (pile(1, since), pile(2, since), pile(3, since));
    let found = problems(&facts);
    let kinds: Vec<_> = found.iter().map(|problem| problem.kind).collect();
    let (unreadable, dead) = (ProblemKind::MessagesUnreadable, ProblemKind::DeadLetters);
    assert_eq!(kinds, [unreadable, dead, ProblemKind::Overdue]);
    for problem in found {
        assert_eq!((problem.subject, problem.since), ("pk/police".to_owned(), Some(since)));
    }
}

/// The sample with its peer changed.
fn with_peer(change: impl FnOnce(Millis, &mut Peer)) -> Facts {
    let mut facts = sample();
    change(facts.now, &mut facts.peers[0]);
    facts
}

#[test]
fn a_link_is_told_as_down_by_what_waits_for_it() {
    let down = |minutes, waiting: Option<(usize, u32)>| {
        with_peer(|now, peer| {
            (peer.state, peer.since) = (State::Down, Some(now - MINUTE * minutes));
            "the connection broke".clone_into(&mut peer.last_failure);
            if let Some((place, minutes)) = waiting {
                peer.waiting[place] = pile(3, now - MINUTE * minutes);
            }
        })
    };
    for (minutes, waiting, expected) in [
        (9, None, None),
        (10, None, Some(Severity::Warning)),
        (0, Some((0, 1)), None),
        (1, Some((0, 1)), Some(Severity::Critical)),
        (1, Some((1, 1)), Some(Severity::Critical)),
        (1, Some((3, 59)), Some(Severity::Warning)),
        (1, Some((3, 60)), Some(Severity::Critical)),
    ] {
        let facts = down(minutes, waiting);
        let found = problems(&facts);
        let told = found.first().map(|problem| problem.severity);
        assert_eq!(told, expected, "{minutes} {waiting:?}");
        if let Some(problem) = found.first() {
            assert_eq!(problem.kind, ProblemKind::LinkDown);
            assert_eq!(problem.subject, "mirjaveh");
            assert!(problem.text.starts_with("no link (the connection broke); "));
            assert!(problem.advice.contains("`barid peer test mirjaveh --config"));
        }
    }
    // Never up since the start.
    let never = with_peer(|_, peer| (peer.state, peer.since) = (State::Greeting, None));
    assert_eq!(only(&never).since, Some(never.started_at));
}

#[test]
fn a_link_that_is_up_and_does_not_get_on_is_told() {
    let facts = with_peer(|now, peer| peer.waiting[0] = pile(1, now - MINUTE * 6));
    let problem = only(&facts);
    assert_eq!((problem.kind, &*problem.subject), (ProblemKind::MessagesLate, "mirjaveh"));
}

#[test]
fn what_a_peer_did_is_told_for_a_day() {
    let mut facts = with_peer(|now, peer| {
        let (last, reason) = (now - DAY + MINUTE, Reason::SlotConflict);
        peer.misbehaviour = Some(Misbehaviour { times: 2, last, reason });
    });
    assert!(only(&facts).text.contains("SLOT_CONFLICT; on record 2 times"));
    facts.now = facts.now + MINUTE;
    facts.ends.clear();
    assert_eq!(problems(&facts), []);

    let contradiction = only(&with_peer(|now, peer| {
        (peer.contradictions, peer.contradicted_at) = (1, now - MINUTE);
    }));
    assert_eq!(contradiction.severity, Severity::Critical);
    assert!(contradiction.text.contains("of 1 delivery"));
    let old = with_peer(|now, peer| (peer.contradictions, peer.contradicted_at) = (1, now - DAY));
    assert_eq!(problems(&old), []);
}

#[test]
fn what_waits_for_a_person_is_told() {
    let facts = with_peer(|now, peer| peer.proposal = Some((now - MINUTE, now + MINUTE)));
    assert_eq!(only(&facts).kind, ProblemKind::WriteOffProposed);
    assert_eq!(only(&facts).since, Some(facts.now - MINUTE));
    let over = with_peer(|now, peer| peer.proposal = Some((now - DAY, now)));
    assert_eq!(problems(&over), []);
    let card = only(&with_peer(|_, peer| peer.has_offered_card = true));
    assert_eq!(card.advice, "`barid peer renew mirjaveh`");
    let overdue = only(&with_peer(|now, peer| peer.overdue = pile(1, now - MINUTE)));
    assert!(overdue.advice.contains("write-off"), "{}", overdue.advice);
}

#[test]
fn clocks_that_differ_are_told_while_the_link_is_up() {
    for (ms, expected) in [(300_000, 0), (-300_000, 0), (300_001, 1), (-300_001, 1)] {
        let facts = with_peer(|_, peer| peer.clock_difference_ms = Some(ms));
        assert_eq!(problems(&facts).len(), expected, "{ms}");
    }
    let behind = with_peer(|_, peer| peer.clock_difference_ms = Some(-3_600_000));
    assert!(only(&behind).text.contains("60 min behind this node's"));
    let gone = with_peer(|now, peer| {
        (peer.state, peer.since) = (State::Down, Some(now));
        peer.clock_difference_ms = Some(-3_600_000);
    });
    assert_eq!(problems(&gone), []);
}

#[test]
fn an_end_is_told_at_thirty_days_seven_one_and_when_it_is_there() {
    let now = sample().now;
    let ends = |left: Duration| {
        let ending = Ending { what: Bearer::PeerCard("mirjaveh".into()), at: now + left };
        problems(&Facts { ends: vec![ending], ..sample() })
    };
    assert_eq!(ends(DAY * 31), []);
    for (left, stage, severity, text) in [
        (DAY * 30, 30, Severity::Warning, "ends in 30 days"),
        (DAY * 8, 30, Severity::Warning, "ends in 8 days"),
        (DAY * 7, 7, Severity::Warning, "ends in 7 days"),
        (DAY, 1, Severity::Critical, "ends in 1 days"),
        (MINUTE * 90, 1, Severity::Critical, "ends in 1 h"),
        (Duration::ZERO, 0, Severity::Critical, "has ended"),
    ] {
        let found = ends(left);
        assert_eq!((found[0].stage, found[0].severity), (stage, severity), "{left:?}");
        assert!(found[0].text.starts_with(text), "{}", found[0].text);
        assert_eq!(found[0].subject, "the card of mirjaveh");
        assert!(found[0].since.is_some_and(|since| since <= now), "{left:?}");
    }
}

#[test]
fn a_log_that_contradicts_itself_stays_a_problem() {
    for reason in [Reason::HeadForked, Reason::HeadRolledBack, Reason::ProofInvalid] {
        let mut facts = sample();
        let last = facts.now - 30 * DAY;
        facts.peers[0].misbehaviour = Some(Misbehaviour { times: 1, last, reason });
        let problem = only(&facts);
        let (severity, kind) = (Severity::Critical, ProblemKind::LogContradicted);
        assert_eq!((problem.severity, problem.kind), (severity, kind));
        assert_eq!((&*problem.subject, problem.since), ("mirjaveh", Some(last)));
    }
    let own = Audit { is_contradicted: true, ..sample().audit };
    let problem = only(&Facts { audit: own, ..sample() });
    assert_eq!(problem.kind, ProblemKind::LogContradicted);
    assert!(problem.subject.is_empty());
}

#[test]
fn heads_without_cosignatures_are_told_once_they_are_needed() {
    let audit = |needed, minutes_ago| Audit {
        needed,
        is_uncosigned: true,
        cosigned_at: Some(sample().now - minutes(minutes_ago)),
        ..sample().audit
    };
    let found = |audit| problems(&Facts { audit, ..sample() });
    assert_eq!(found(audit(0, 600)), [], "none are needed");
    assert_eq!(found(audit(2, 9)), []);
    assert_eq!(found(Audit { is_uncosigned: false, ..audit(2, 600) }), [], "nothing is new");
    for (minutes_ago, severity) in [(10, Severity::Warning), (60, Severity::Critical)] {
        let problem = only(&Facts { audit: audit(2, minutes_ago), ..sample() });
        assert_eq!((problem.severity, problem.kind), (severity, ProblemKind::HeadsUntrusted));
        assert_eq!(problem.since, audit(2, minutes_ago).cosigned_at);
    }
}

#[test]
fn a_log_without_heads_is_told_after_a_start() {
    let audit = Audit { is_up: false, ..sample().audit };
    assert_eq!(only(&Facts { audit, ..sample() }).kind, ProblemKind::AuditLogDown);
    let started_at = sample().now - Duration::from_secs(29);
    assert_eq!(problems(&Facts { audit, started_at, ..sample() }), []);
}
