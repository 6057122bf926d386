//! Every limit of the standard, in one place, with its unit and its source.

use std::time::Duration;

use crate::header::Kind;

/// Signed header, bytes (SPINE §6.5).
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Body, bytes (SPINE §6.5).
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Body of a FLASH message, bytes (SPINE §6.5, V7).
pub const FLASH_BODY_BYTES_MAX: usize = 16 * 1024;
/// Body of a kind that has little to say, bytes (V18): RFI, HIT, ADVANCE_NOTICE, ASSIST,
/// CORRECTION, PROPOSAL.
pub const SHORT_BODY_BYTES_MAX: usize = 64 * 1024;
/// Body of CROSSING_STATUS and CONSENT, bytes (V18).
pub const SHORTEST_BODY_BYTES_MAX: usize = 16 * 1024;

/// Body of a kind, bytes, where it is less than [`BODY_BYTES_MAX`] (V18).
pub fn body_bytes_max(kind: Kind) -> Option<usize> {
    match kind {
        Kind::CrossingStatus | Kind::Consent => Some(SHORTEST_BODY_BYTES_MAX),
        Kind::Rfi
        | Kind::Hit
        | Kind::AdvanceNotice
        | Kind::Assist
        | Kind::Correction
        | Kind::Proposal => Some(SHORT_BODY_BYTES_MAX),
        _ => None,
    }
}

/// One gRPC message on the wire, bytes (SPINE §6.5).
pub const GRPC_MESSAGE_BYTES_MAX: usize = 448 * 1024;
/// Form of the largest signature that v1 accepts, bytes: ECDSA P-256 in DER.
pub const SIGNATURE_BYTES_MAX: usize = 72;

/// Recipients of a message (SPINE §6.4).
pub const RECIPIENTS_MAX: usize = 100;
/// References to earlier messages (header row 4).
pub const REFERENCES_MAX: usize = 16;
/// Handling codes (header row 11).
pub const HANDLING_MAX: usize = 4;
/// Purposes (header row 13).
pub const PURPOSES_MAX: usize = 8;
/// Languages of the body's texts (header row 17).
pub const LANGUAGES_MAX: usize = 8;
/// Extensions (header row 20).
pub const EXTENSIONS_MAX: usize = 16;
/// Nodes that a message may pass (header row 19).
pub const HOP_LIMIT_MAX: u32 = 4;
/// Nodes that a message may pass if it does not say (header row 19).
pub const HOP_LIMIT_DEFAULT: u32 = 3;

/// How far `created_at` may lie in the future (V3).
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// How far an id's time may lie from `created_at` (header row 2).
pub const ID_TIME_SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// How old `created_at` may be at submission: what a node's memory of ids covers
/// (header row 8).
pub const AGE_MAX: Duration = Duration::from_secs(31 * DAY_SECONDS);
/// The longest transport lifetime, and the one of a message that names none
/// (header row 8).
pub const DELIVER_BY_MAX: Duration = Duration::from_secs(30 * DAY_SECONDS);
/// The longest time until an alert must be reviewed (Alert, field 17): one year,
/// leap years included.
pub const REVIEW_MAX: Duration = Duration::from_secs(366 * DAY_SECONDS);
/// Earliest instant of the standard: 2000-01-01T00:00:00Z, milliseconds since 1970.
pub const EARLIEST_MS: u64 = 946_684_800_000;
/// First instant after the standard's last: 2200-01-01T00:00:00Z, milliseconds
/// since 1970.
pub const END_MS: u64 = 7_258_118_400_000;

/// Case reference, characters (header row 2).
pub const CASE_REF_CHARS_MAX: usize = 64;
/// Name of an exercise, characters (header row 3).
pub const EXERCISE_NAME_CHARS_MAX: usize = 128;
/// Name of the origin's node, characters (header row 5).
pub const NODE_NAME_CHARS_MAX: usize = 128;
/// Pseudonym of an officer, characters (header row 5).
pub const OFFICER_CHARS_MAX: usize = 64;
/// Reason for a precedence, characters (header row 7).
pub const PRECEDENCE_REASON_CHARS_MAX: usize = 280;
/// Scheme of a classification, characters (header row 9).
pub const CLASSIFICATION_SCHEME_CHARS_MAX: usize = 32;
/// Level of a classification, characters (header row 9).
pub const CLASSIFICATION_LEVEL_CHARS_MAX: usize = 64;
/// Text of a handling code, characters (header row 11).
pub const HANDLING_TEXT_CHARS_MAX: usize = 512;
/// Legal basis, characters (header row 13).
pub const LEGAL_BASIS_CHARS_MAX: usize = 280;
/// Id of an agreement, characters (header row 13).
pub const AGREEMENT_ID_CHARS_MAX: usize = 64;
/// Clause of an agreement, characters (header row 13).
pub const CLAUSE_CHARS_MAX: usize = 64;
/// Who validated a grading, characters (header row 15).
pub const VALIDATED_BY_CHARS_MAX: usize = 64;
/// Id of an extension, characters (header row 20).
pub const EXTENSION_ID_CHARS_MAX: usize = 64;
/// Scheme of an external reference, characters.
pub const EXTERNAL_SCHEME_CHARS_MAX: usize = 32;
/// Id in an external reference, characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 256;

/// One text of a body, bytes (Text, field 3).
pub const TEXT_BYTES_MAX: usize = 16_384;
/// One line of a body (a name, a number, a value), characters.
pub const LINE_CHARS_MAX: usize = 512;
/// One value kept verbatim from another system, bytes.
pub const VALUE_BYTES_MAX: usize = 16_384;
/// One code of a body, characters.
pub const CODE_CHARS_MAX: usize = 64;
/// One web address, characters.
pub const URL_CHARS_MAX: usize = 2_048;
/// Any list of a body that states no limit of its own, elements.
pub const LIST_MAX: usize = 100;
/// Values kept verbatim from another system, elements.
pub const SOURCE_FIELDS_MAX: usize = 1_000;
/// Categories of an alert, and texts of one matter in different languages.
pub const TEXTS_MAX: usize = 8;
/// Actions to take of an alert.
pub const ACTIONS_MAX: usize = 7;
/// Areas of an alert.
pub const AREAS_MAX: usize = 100;
/// Subjects of a body, and things seized.
pub const SUBJECTS_MAX: usize = 100;
/// Codes for what was done about an incident.
pub const RESPONSES_MAX: usize = 16;
/// Sources of an incident.
pub const SOURCES_MAX: usize = 16;
/// What carried seized goods.
pub const CONVEYANCES_MAX: usize = 10;
/// Places that goods pass.
pub const TRANSIT_MAX: usize = 16;
/// Classes of data asked for, modes of a crossing, resources asked for.
pub const CHOICES_MAX: usize = 16;
/// Figures of a situation report.
pub const INDICATORS_MAX: usize = 200;
/// Path of a field in a correction, characters.
pub const PATH_CHARS_MAX: usize = 256;
/// Points of a polygon (V15).
pub const POLYGON_POINTS_MAX: usize = 1_000;
/// Points of the smallest closed polygon (V15).
pub const POLYGON_POINTS_MIN: usize = 4;
/// Radius of a circle, metres: half the circumference of the Earth.
pub const RADIUS_M_MAX: u32 = 20_037_508;
/// Combining marks in a row on one letter. Vietnamese, Hebrew and Quranic Arabic
/// need four; Unicode's Stream-Safe Text Format allows 30.
pub const COMBINING_MARKS_MAX: usize = 8;

/// Faults of one message that are told; the rest would help nobody.
pub const FAULTS_MAX: usize = 50;

/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * 60 * 60;

const _: () = {
    assert!(FLASH_BODY_BYTES_MAX <= BODY_BYTES_MAX);
    assert!(TEXT_BYTES_MAX <= BODY_BYTES_MAX);
    // A message of greatest header and body fits a call with room for a batch's frame.
    assert!(HEADER_BYTES_MAX + BODY_BYTES_MAX + 1_024 <= GRPC_MESSAGE_BYTES_MAX);
    // A message cannot outlive the memory that recognises its repeats.
    assert!(DELIVER_BY_MAX.as_secs() < AGE_MAX.as_secs());
    // An id that is as young as allowed and a creation as late as allowed agree.
    assert!(ID_TIME_SKEW_MAX.as_secs() >= CLOCK_SKEW_MAX.as_secs());
    assert!(HOP_LIMIT_DEFAULT <= HOP_LIMIT_MAX);
    assert!(POLYGON_POINTS_MIN <= POLYGON_POINTS_MAX);
    assert!(EARLIEST_MS < END_MS);
};
