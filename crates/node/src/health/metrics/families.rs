//! What is exported. `deploy/MONITORING.md` has the same list, held equal by a test. A name
//! or label means the same for good; a new meaning is a new name.

use super::text::{Family, counter, gauge, histogram};

const NONE: &[&str] = &[];
const PEER: &[&str] = &["peer"];

pub(super) const BUILD: Family =
    gauge("barid_build_info", &["version"], "Always 1; the version of the program.");
pub(super) const STARTED: Family =
    gauge("process_start_time_seconds", NONE, "When the node started, seconds since 1970.");
pub(super) const PROBLEMS: Family = gauge(
    "barid_problems",
    &["kind", "severity"],
    "Things that are wrong now; `barid status` says what to do.",
);
pub(super) const CLOCK_SUSPECT: Family = gauge(
    "barid_clock_suspect",
    NONE,
    "1: the clock is in doubt, nothing new is taken and nothing ends.",
);

pub(super) const INBOX_MESSAGES: Family = gauge(
    "barid_inbox_messages",
    &["precedence"],
    "Messages in all inboxes that are not handed over, dead letters left out.",
);
pub(super) const INBOX_OLDEST: Family = gauge(
    "barid_inbox_oldest_seconds",
    &["precedence"],
    "Age of the oldest of them since it was accepted; 0 where there is none.",
);
pub(super) const INBOX_PHASE: Family = gauge(
    "barid_inbox_phase_messages",
    &["phase"],
    "The same messages: ready, leased (handed out, not answered), delayed (wait for a next try).",
);
pub(super) const INBOXES: Family = gauge("barid_inboxes", NONE, "Inboxes of this node.");
pub(super) const INBOX_FILLED: Family = gauge(
    "barid_inbox_filled_ratio",
    NONE,
    "Open deliveries of the fullest inbox, as a part of its places: 0 to 1.",
);
pub(super) const CONSUMERS: Family =
    gauge("barid_consumers", NONE, "Streams of agencies' systems that receive now.");
pub(super) const DEAD_LETTERS: Family =
    gauge("barid_dead_letters", NONE, "Deliveries whose tries have all failed.");
pub(super) const UNREADABLE: Family = gauge(
    "barid_unreadable_messages",
    NONE,
    "Messages put aside since they could not be read back from the disk.",
);
pub(super) const OVERDUE: Family = gauge(
    "barid_overdue_deliveries",
    NONE,
    "Deliveries past their deadline without an end, in inboxes and with peers.",
);

pub(super) const ACCEPTED: Family = counter(
    "barid_messages_accepted_total",
    NONE,
    "Messages taken over, since the data folder was made.",
);
pub(super) const DELIVERIES: Family = counter(
    "barid_deliveries_total",
    NONE,
    "Deliveries of these, one for each recipient, likewise.",
);
pub(super) const OUTCOMES: Family = counter(
    "barid_outcomes_total",
    &["outcome"],
    "Deliveries that have ended, by how: handed_over, refused, expired, non_delivered; likewise.",
);
pub(super) const REFUSALS: Family = counter(
    "barid_refusals_total",
    &["reason"],
    "Submissions and answers refused to agencies, by reason, since the start.",
);

pub(super) const SYNC: Family = histogram(
    "barid_journal_sync_seconds",
    "Time that a group of entries took to be written and synced, since the start.",
);
pub(super) const GROUP: Family =
    histogram("barid_journal_group_entries", "Entries of a group, since the start.");
pub(super) const JOURNAL_BYTES: Family =
    counter("barid_journal_bytes_total", NONE, "Bytes of entries written, since the start.");
pub(super) const DURABLE: Family =
    gauge("barid_journal_position", NONE, "Entries of the journal that are on disk.");
pub(super) const LOG_UP: Family = gauge(
    "barid_delivery_log_up",
    NONE,
    "1: the delivery log can be read; 0: it is down or rebuilt.",
);
pub(super) const LOG_LAG: Family = gauge(
    "barid_delivery_log_lag_entries",
    NONE,
    "Entries on disk that are not in the delivery log yet; absent while it is down.",
);

pub(super) const DISK_FREE: Family =
    gauge("barid_disk_free_bytes", NONE, "Free on the disk of the data folder.");
pub(super) const DISK_FREE_MIN: Family =
    gauge("barid_disk_free_min_bytes", NONE, "Below so much free nothing new is taken.");
pub(super) const DISK_RESERVED: Family = gauge(
    "barid_disk_reserved_bytes",
    NONE,
    "The ballast kept for the last deliveries; 0: it was given up, and the last space is in use.",
);
pub(super) const DISK_USED: Family =
    gauge("barid_disk_used_bytes", NONE, "Taken by the data folder, the ballast left out.");
pub(super) const DISK_ROOM: Family =
    gauge("barid_disk_has_room", NONE, "1: new messages are taken; 0: the disk is full.");

pub(super) const LINK_UP: Family =
    gauge("barid_link_up", PEER, "1: both ends have said hello; 0: there is no link.");
pub(super) const LANE_MESSAGES: Family = gauge(
    "barid_link_lane_messages",
    &["peer", "lane"],
    "Numbers of a lane to the peer without its receipt, sent or not.",
);
pub(super) const LANE_BYTES: Family =
    gauge("barid_link_lane_bytes", &["peer", "lane"], "Bytes of the messages in them.");
pub(super) const LANE_OLDEST: Family = gauge(
    "barid_link_lane_oldest_seconds",
    &["peer", "lane"],
    "Age of the oldest message in them since it was accepted; 0 where there is none.",
);
pub(super) const PEER_WAITING: Family = gauge(
    "barid_peer_waiting_deliveries",
    &["peer", "precedence"],
    "Deliveries that wait here for the peer, those left out that it has taken over.",
);
pub(super) const PEER_PASSED: Family = gauge(
    "barid_peer_passed_deliveries",
    PEER,
    "Deliveries that the peer has custody of and that have not ended.",
);
pub(super) const ROUND_TRIP: Family = gauge(
    "barid_link_round_trip_seconds",
    PEER,
    "Shortest recent round trip; absent where none was measured.",
);
pub(super) const CLOCK_DIFFERENCE: Family = gauge(
    "barid_link_clock_difference_seconds",
    PEER,
    "The peer's clock minus this node's, as of its last sign of life; absent where none came.",
);
pub(super) const LAST_RECEIPT: Family = gauge(
    "barid_link_last_receipt_age_seconds",
    PEER,
    "Since the peer's newest receipt; absent where none came since the start.",
);
pub(super) const MISBEHAVED: Family = counter(
    "barid_peer_misbehaved_total",
    PEER,
    "Entries about breaches of the link's protocol, since the data folder was made.",
);
pub(super) const CONTRADICTIONS: Family = counter(
    "barid_peer_contradictions_total",
    PEER,
    "Times that the peer told another end than was told here before, likewise.",
);

pub(super) const ENDS_IN: Family = gauge(
    "barid_ends_in_seconds",
    &["what", "peer"],
    "Until a certificate or card ends: own_certificate, client_ca, own_card, peer_card, peer_certificate; below 0: it has ended.",
);
