//! Every limit of the broker.

use std::time::Duration;

/// Time a consumer has for its answer (ms). Issue text and SPINE §3.4.
pub const LEASE_MS: u64 = 30_000;
/// Longest time that one hand-out may be renewed to (ms).
pub const LEASE_TOTAL_MS: u64 = 15 * 60_000;
/// Messages handed out and unanswered, per stream.
pub const OUTSTANDING_MAX: usize = 64;
/// Failed tries after which a delivery becomes a dead letter (GUARANTEES F22).
pub const TRIES_MAX: u32 = 5;
/// First delay before a further try (ms); doubled with each, and less up to a quarter.
pub const RETRY_MIN_MS: u64 = 1_000;
/// Longest delay before a further try that the node chooses (ms).
pub const RETRY_MAX_MS: u64 = 300_000;
/// Longest delay that a consumer may ask for (ms).
pub const NACK_DELAY_MAX_MS: u64 = 3_600_000;
/// In doubt this long past its deadline, a delivery is said to be OVERDUE (ms). SPINE
/// §3.2 has it said by 60 s past: the rest is for a busy sequencer and the sync.
pub const OVERDUE_AFTER_MS: u64 = 45_000;
/// Deliveries waiting in one inbox, beyond which its senders are told to wait.
pub const INBOX_MAX: usize = 100_000;
/// Places beyond these, and beyond other numbers of messages, that IMMEDIATE and FLASH may
/// take (GUARANTEES F21).
pub const IMMEDIATE_RESERVE: usize = 1_000;
/// Places beyond those that FLASH alone may take.
pub const FLASH_RESERVE: usize = 1_000;
/// Messages of one agency that have not ended, beyond which it is told to wait.
pub const AGENCY_MESSAGES_MAX: usize = 100_000;
/// Messages taken over from one peer that have not ended, likewise.
pub const PEER_MESSAGES_MAX: usize = 100_000;
/// Refusals journaled singly per identity, reason and minute (SPINE §1.8).
pub const REFUSALS_SINGLY: u32 = 10;
/// How long a conflict of ids beyond these makes intake ask before it writes (ms).
pub const UNKEPT_PRESSES_MS: u64 = 60_000;
/// Refusal windows kept at once; beyond it the oldest is closed early.
pub const REFUSAL_WINDOWS_MAX: usize = 10_000;
/// Days an id is remembered: the oldest acceptable created_at is 31 days back and
/// an id's own time may lie 5 min before it.
pub const DEDUPE_DAYS: u32 = 33;
/// Versions of messages that are known to be replaced or recalled, or to have replaced
/// another, over all matters: 40 bytes each. Beyond it the matter that has not changed for
/// longest is forgotten; one is anyway when [`DEDUPE_DAYS`] have passed since it changed.
pub const VERSIONS_MAX: usize = 100_000;
/// Versions of one matter; beyond it the oldest is forgotten.
pub const LINE_VERSIONS_MAX: usize = 1_024;
/// Heads of one matter, beyond which an update that does not merge is refused.
pub const HEADS_MAX: usize = 16;
/// Bytes of one journal group.
pub const GROUP_BYTES_MAX: usize = 1 << 20;
/// Entries of one journal group.
pub const GROUP_ENTRIES_MAX: usize = 1_024;
/// Journal space held ready: the group being written, the one being collected, and
/// the largest single entry on top.
pub const RESERVE_BYTES: u64 = 4 << 20;
/// Numbers of a lane that may go out without a receipt. Both ends rely on it.
pub const LANE_WINDOW: u64 = 1_024;
/// Numbers of a lane that one horizon lets out (SPINE §5.3).
pub const HORIZON_SLOTS: u64 = 64;
/// Recipients that one receipt answers for: what it does to their deliveries is one
/// entry.
pub const RECEIPT_RECIPIENTS_MAX: usize = 1_024;
/// Bytes of a peer's receipt. It is kept for good.
pub const RECEIPT_BYTES: usize = 128 * 1024;
/// Bytes of a peer's evidence with its proof. It is kept for good.
pub const PEER_EVIDENCE_BYTES: usize = 8 * 1024;
/// Bytes of the origin line of a peer's log: a trust domain and an epoch.
pub const LOG_ORIGIN_BYTES: usize = 300;
/// How long a proposal to write a peer off may be confirmed (ms): long enough for a second
/// person to be found at a post, short enough that both look at the same situation.
pub const WRITE_OFF_CONFIRM_MS: u64 = 24 * 3_600_000;
/// Commands waiting for the sequencer.
pub const COMMANDS_MAX: usize = 4_096;
/// Entries not yet projected, beyond which intake waits (SPINE §1.1).
pub const PROJECTION_LAG_MAX: u64 = 10_000;
/// Timer entries decided at once, so that commands get their turn between.
pub const TIMER_BATCH_MAX: usize = 256;
/// Deliveries that one hand-out may end on its way, likewise.
pub const HAND_OUT_ENDS_MAX: usize = 256;
/// Wall clock against monotonic clock, beyond which the clock is suspect (ms;
/// SPINE §1.7).
pub const CLOCK_DRIFT_MAX_MS: u64 = 5 * 60_000;
/// A start later than this after the newest entry makes the clock suspect (ms).
pub const CLOCK_GAP_MAX_MS: u64 = 30 * 86_400_000;
/// How long what a peer said of its clock counts: as long as a link may be silent.
pub const PEER_CLOCK_FRESH: Duration = Duration::from_secs(45);
/// Peers that must agree with a doubtful clock for it to be believed: with one, that one
/// could have any time believed.
pub const PEERS_CONFIRM_MIN: usize = 2;
/// How long a reader waits for the projection to reach what it asked behind
/// (SPINE §1.3).
pub const PROJECTION_WAIT: Duration = Duration::from_secs(1);
/// Pause before a failed index is opened again, at first; doubled with each failure.
pub const INDEX_RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest pause before a failed index is opened again.
pub const INDEX_RETRY_MAX: Duration = Duration::from_secs(30);
/// Space that the index may want to be opened (bytes): a full disk gives up its
/// ballast for it.
pub const INDEX_OPEN_BYTES: u64 = 16 << 20;
/// How often the projector flushes the index.
pub const INDEX_FLUSH: Duration = Duration::from_millis(500);
/// One part in so many, beyond the bytes that bodies may take, is for IMMEDIATE and FLASH.
pub const BODIES_URGENT_PART: u64 = 16;
/// How often it is asked which segments of bodies may go (ms).
pub const REMOVAL_EVERY_MS: u64 = 60_000;
/// Segments of bodies that one entry lets go.
pub const SEGMENTS_REMOVED_MAX: usize = 64;
/// Bytes of the disk that the scrub reads in a second, where nothing else is configured:
/// a million entries and their messages in 5 min, and little of what a disk gives.
pub const SCRUB_BYTES_PER_S: u64 = 16 << 20;
/// From the beginning of one pass of the scrub to the next, likewise.
pub const SCRUB_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// The shortest pause that the scrub makes (µs).
pub const SCRUB_PAUSE_MIN_US: u64 = 10_000;
/// How often the first pass of the scrub looks for the delivery log, and how long it
/// waits in between.
pub const SCRUB_LOG_WAITS: u32 = 500;
/// As above.
pub const SCRUB_LOG_WAIT: Duration = Duration::from_millis(20);
/// Damages that one pass of the scrub names: of the rest it says how many.
pub const DAMAGES_TOLD_MAX: u64 = 100;
/// Damages that the journal keeps: of more it does not help to know each.
pub const DAMAGES_MAX: usize = 1_000;
/// Evidence keys of a peer's earlier cards that are kept.
pub const FORMER_KEYS_MAX: usize = 32;
/// Text of a filter or purpose kept with a read (characters).
pub const READ_TEXT_MAX: usize = 280;

const _: () = assert!(LEASE_MS <= LEASE_TOTAL_MS);
const _: () = assert!(
    RECEIPT_RECIPIENTS_MAX >= barid_message::caps::RECIPIENTS_MAX,
    "a slot fits into a receipt"
);
const _: () = assert!(RETRY_MIN_MS <= RETRY_MAX_MS && RETRY_MAX_MS <= NACK_DELAY_MAX_MS);
const _: () = assert!(GROUP_BYTES_MAX as u64 * 3 < RESERVE_BYTES);
/// How far the audit log follows behind the journal while no head is due.
pub const LOG_LAG_MAX: Duration = Duration::from_secs(1);
/// From one head of the audit log to the next where somebody waits for it.
pub const LOG_HURRY: Duration = Duration::from_millis(250);
/// Tiles of the audit log held until the bundles under them are durable.
pub const LOG_TILES_PENDING: usize = 64;
