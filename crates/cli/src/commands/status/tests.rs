use barid_message::time::Millis;
use barid_proto::operations::v1 as pb;

use super::node::show;
use crate::output::{Looks, Output};

const NOW: Millis = Millis(1_800_000_000_000);

fn answer(problems: Vec<pb::Problem>) -> pb::GetStatusResponse {
    let at = |ago_ms: u64| Some(Millis(NOW.0 - ago_ms).to_proto());
    let waiting = |precedence: barid_message::Precedence, deliveries| pb::Waiting {
        precedence: precedence.into(),
        deliveries,
        oldest_accepted_at: if deliveries > 0 { at(90_000) } else { None },
    };
    pb::GetStatusResponse {
        name: "torkham".into(),
        time: at(0),
        started_at: at(86_400_000),
        problems,
        inboxes: vec![
            waiting(barid_message::Precedence::Flash, 1),
            waiting(barid_message::Precedence::Routine, 20),
        ],
        peers: vec![waiting(barid_message::Precedence::Flash, 0)],
        links_live: 1,
        links: 2,
        disk: Some(pb::DiskRoom {
            free_bytes: 5 << 30,
            free_bytes_min: 64 << 20,
            ballast_bytes: 64 << 20,
            ballast_stands: true,
            used_bytes: 300 << 20,
        }),
        ends_first: "the card of mirjaveh".into(),
        ends_at: Some(Millis(NOW.0 + 86_400_000).to_proto()),
        last_sync_us: 1_250,
        dead_letters: 0,
        clock_believed: true,
        delivery_log_up: true,
    }
}

fn shown(answer: &pb::GetStatusResponse) -> String {
    let (mut output, out, err) = Output::captured(false, Looks::default());
    show(answer, &mut output).unwrap();
    assert_eq!(err.text(), "", "all of it is data");
    out.text()
}

#[test]
fn the_first_line_is_the_verdict_and_what_is_well_stands_below() {
    let text = shown(&answer(Vec::new()));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["OK: torkham: nothing is wrong", ""]);
    for line in [
        "runs             for 1 d 0 h",
        "in the inboxes   1 FLASH, the oldest for 1 min 30 s; 20 ROUTINE, the oldest for 1 min 30 s",
        "for other nodes  nothing waits",
        "links            1 of 2 up",
        "clock            2027-01-15T08:00:00.000Z, believed",
        "ends first       2027-01-16T08:00:00.000Z: the card of mirjaveh",
        "last sync took   1.250 ms",
    ] {
        assert!(lines.contains(&line), "{line}: {text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_since_when_and_what_to_do_and_cannot_deceive() {
    let mut link = pb::Problem {
        subject: "mirjaveh".into(),
        since: Some(Millis(NOW.0 - 7_380_000).to_proto()),
        text: "no link (\u{1b}[2Jrefused)".into(),
        advice: "call the operator of mirjaveh".into(),
        ..pb::Problem::default()
    };
    link.set_severity(pb::Severity::Critical);
    let mut log = pb::Problem { text: "the delivery log is down".into(), ..Default::default() };
    log.set_severity(pb::Severity::Warning);
    let text = shown(&answer(vec![link, log.clone()]));
    let lines: Vec<&str> = text.lines().take(5).collect();
    assert_eq!(
        lines,
        [
            "CRITICAL: torkham: 2 things are wrong, 1 critical",
            "critical  mirjaveh: no link (\\u{1b}[2Jrefused) (since 2027-01-15T05:57:00.000Z, 2 h 3 min)",
            "          do: call the operator of mirjaveh",
            "warning   the delivery log is down",
            "          do: ",
        ]
    );
    let text = shown(&answer(vec![log]));
    assert!(text.starts_with("WARNING: torkham: 1 thing is wrong, none critical\n"), "{text}");
}
