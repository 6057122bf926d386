//! The numbers of a configuration: each with its default, its range and what
//! follows from it.

use std::time::Duration;

use toml::Spanned;

use super::error::{ConfigError, Problem};
use super::raw::{RawDelivery, RawStorage};
use super::source::Source;

const MIB: u64 = 1024 * 1024;

/// What the node may use of disk and memory, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// `ballast_mib`, default 64, 0 to 1024: a file that is given up when the
    /// disk is full, so that the node can still finish what it has accepted.
    /// 0 = none.
    pub ballast_bytes: u64,
    /// `urgent_mib`, default 128, 0 to 65536: of what is free beyond the ballast's
    /// size, so much is for IMMEDIATE and FLASH alone. Two segments at least, or a new one
    /// may not fit into it.
    pub urgent_bytes: u64,
    /// `bodies_mib_max`, default 1048576 (1 TiB), from 64: what the bodies of messages may
    /// take on the disk before new ones are refused; a 16th more is for IMMEDIATE and
    /// FLASH.
    pub bodies_bytes_max: u64,
    /// `segment_mib`, default 64, 8 to 1024: size of one journal segment,
    /// reserved ahead. Smaller = less reserved, more files.
    pub segment_bytes: u64,
    /// `index_cache_mib`, default 16, 4 to 1024: cache of the delivery log. The
    /// process's memory grows by several times what is added here.
    pub index_cache_bytes: u64,
    /// `snapshot_every_mib`, default 64, 8 to 4096: journal between two
    /// snapshots. Smaller = faster start, more writing.
    pub snapshot_every_bytes: u64,
    /// `scrub_every_h`, default 24, 1 to 720: from one look at all that is kept to the
    /// next. More = damage is found later.
    pub scrub_every: Duration,
    /// `scrub_mib_per_s`, default 16, 1 to 1024: how fast it is read then. Less = the disk
    /// has more time for others.
    pub scrub_bytes_per_s: u64,
}

/// How messages are handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `lease_s`, default 30, 5 to 600: how long a consumer has to acknowledge
    /// before the message is handed out again.
    pub lease: Duration,
    /// `tries_max`, default 5, 1 to 100: hand-outs without an acknowledgement
    /// before a delivery becomes a dead letter.
    pub tries_max: u32,
    /// `retry_delay_s_min`, default 1, 1 to 3600: wait before the second try;
    /// it doubles with each further one.
    pub retry_delay_min: Duration,
    /// `retry_delay_s_max`, default 300, up to 86400 and not below the least:
    /// the longest wait between tries.
    pub retry_delay_max: Duration,
    /// `inbox_messages_max`, default 100000, 100 to 10000000: messages waiting
    /// in one inbox before the node refuses more for it.
    pub inbox_messages_max: u32,
    /// `agency_messages_max`, default 100000, 100 to 10000000: messages of one agency and
    /// its units that have not ended before the node refuses more from it.
    pub agency_messages_max: u32,
    /// `peer_messages_max`, default 100000, 100 to 10000000: messages taken over from one
    /// peer that have not ended before the node puts more off.
    pub peer_messages_max: u32,
}

/// One number: its key, default and range.
pub(super) struct Knob {
    key: &'static str,
    default: u32,
    min: u32,
    max: u32,
}

const BALLAST: Knob = Knob { key: "ballast_mib", default: 64, min: 0, max: 1024 };
const URGENT: Knob = Knob { key: "urgent_mib", default: 128, min: 0, max: 65_536 };
const BODIES: Knob = Knob { key: "bodies_mib_max", default: 1_048_576, min: 64, max: 1_048_576 };
const SEGMENT: Knob = Knob { key: "segment_mib", default: 64, min: 8, max: 1024 };
const INDEX_CACHE: Knob = Knob { key: "index_cache_mib", default: 16, min: 4, max: 1024 };
const SNAPSHOT: Knob = Knob { key: "snapshot_every_mib", default: 64, min: 8, max: 4096 };
const SCRUB_EVERY: Knob = Knob { key: "scrub_every_h", default: 24, min: 1, max: 720 };
const SCRUB_RATE: Knob = Knob { key: "scrub_mib_per_s", default: 16, min: 1, max: 1024 };
const LEASE: Knob = Knob { key: "lease_s", default: 30, min: 5, max: 600 };
const TRIES: Knob = Knob { key: "tries_max", default: 5, min: 1, max: 100 };
const RETRY_MIN: Knob = Knob { key: "retry_delay_s_min", default: 1, min: 1, max: 3600 };
const RETRY_MAX: Knob = Knob { key: "retry_delay_s_max", default: 300, min: 1, max: 86_400 };
const INBOX: Knob = Knob { key: "inbox_messages_max", default: 100_000, min: 100, max: 10_000_000 };
const AGENCY: Knob = Knob { key: "agency_messages_max", ..INBOX };
const PEER: Knob = Knob { key: "peer_messages_max", ..INBOX };

/// Seconds from one signed head of the audit log to the next.
pub(super) const CHECKPOINT_EVERY: Knob =
    Knob { key: "checkpoint_every_s", default: 30, min: 1, max: 300 };
/// Cosignatures that make a head of the audit log one to be trusted.
pub(super) const COSIGNATURES: Knob =
    Knob { key: "cosignatures_needed", default: 0, min: 0, max: 16 };
/// Seconds that the alarm command may take.
pub(super) const ALARM_TIMEOUT: Knob = Knob { key: "timeout_s", default: 30, min: 1, max: 300 };
/// Minutes between two alarms for one problem.
pub(super) const ALARM_PAUSE: Knob = Knob { key: "pause_min", default: 15, min: 1, max: 1440 };

impl Knob {
    pub(super) fn read(
        &self,
        source: &Source<'_>,
        raw: Option<&Spanned<u32>>,
    ) -> Result<u32, ConfigError> {
        let Some(raw) = raw else {
            return Ok(self.default);
        };
        let &Self { key, min, max, .. } = self;
        let value = *raw.get_ref();
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        Err(source.refuse(raw, Problem::Range { key, value, min, max }))
    }
}

impl Storage {
    pub(super) fn read(source: &Source<'_>, raw: &RawStorage) -> Result<Self, ConfigError> {
        let bytes = |knob: &Knob, raw: Option<&Spanned<u32>>| {
            knob.read(source, raw).map(|mib| u64::from(mib) * MIB)
        };
        let RawStorage {
            ballast_mib,
            urgent_mib,
            bodies_mib_max,
            segment_mib,
            index_cache_mib,
            snapshot_every_mib,
            scrub_every_h,
            scrub_mib_per_s,
        } = raw;
        let scrub_every_h = SCRUB_EVERY.read(source, scrub_every_h.as_ref())?;
        Ok(Self {
            ballast_bytes: bytes(&BALLAST, ballast_mib.as_ref())?,
            urgent_bytes: bytes(&URGENT, urgent_mib.as_ref())?,
            bodies_bytes_max: bytes(&BODIES, bodies_mib_max.as_ref())?,
            segment_bytes: bytes(&SEGMENT, segment_mib.as_ref())?,
            index_cache_bytes: bytes(&INDEX_CACHE, index_cache_mib.as_ref())?,
            snapshot_every_bytes: bytes(&SNAPSHOT, snapshot_every_mib.as_ref())?,
            scrub_every: Duration::from_secs(u64::from(scrub_every_h) * 3_600),
            scrub_bytes_per_s: bytes(&SCRUB_RATE, scrub_mib_per_s.as_ref())?,
        })
    }
}

impl Delivery {
    pub(super) fn read(source: &Source<'_>, raw: &RawDelivery) -> Result<Self, ConfigError> {
        let RawDelivery {
            lease_s,
            tries_max,
            retry_delay_s_min,
            retry_delay_s_max,
            inbox_messages_max,
            agency_messages_max,
            peer_messages_max,
        } = raw;
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        let min = RETRY_MIN.read(source, retry_delay_s_min.as_ref())?;
        let max = RETRY_MAX.read(source, retry_delay_s_max.as_ref())?;
        // Defaults alone cannot cross, so one of the two is written.
        if let Some(written) = retry_delay_s_max.as_ref().or(retry_delay_s_min.as_ref())
            && max < min
        {
            return Err(source.refuse(written, Problem::RetryDelays { min, max }));
        }
        Ok(Self {
            lease: seconds(LEASE.read(source, lease_s.as_ref())?),
            tries_max: TRIES.read(source, tries_max.as_ref())?,
            retry_delay_min: seconds(min),
            retry_delay_max: seconds(max),
            inbox_messages_max: INBOX.read(source, inbox_messages_max.as_ref())?,
            agency_messages_max: AGENCY.read(source, agency_messages_max.as_ref())?,
            peer_messages_max: PEER.read(source, peer_messages_max.as_ref())?,
        })
    }
}

const _: () = assert!(RETRY_MIN.default <= RETRY_MAX.default);
