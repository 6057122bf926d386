//! Every limit of the link.

use std::time::Duration;

/// A handshake that has not ended after this is closed by the acceptor.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// How long the acceptor reads on after it has refused a handshake, so that
/// its alert is not overtaken by a reset.
pub const LINGER_LIMIT: Duration = Duration::from_millis(500);

/// How long a client tries to reach a node: name, TCP, TLS and the node's first
/// bytes. More than [`HANDSHAKE_LIMIT`], so that the node's verdict arrives.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Handshakes under way at one listener; further callers wait in the kernel's
/// queue.
pub const PENDING_HANDSHAKES: usize = 64;

/// Connections open at one listener; further callers are closed at once.
pub const CONNECTIONS: usize = 1024;

/// Connections that have ended their handshake and wait for the server to take
/// them.
pub const INCOMING_QUEUE: usize = 16;

/// How long the acceptor rests after an accept error, e.g. no file handles.
pub const ACCEPT_ERROR_PAUSE: Duration = Duration::from_millis(100);

/// How long a client that ends its receiving stream waits for the node's last words.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// One call of a client, retries included.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// Hand-outs that a consumer may leave unanswered (`OpenInbox.max_outstanding`).
pub const HAND_OUTS_OUTSTANDING: u32 = 64;

/// Messages of one submission stream that wait for their answer.
pub const SUBMIT_WINDOW: usize = 256;

/// The largest gRPC message, in bytes, both directions: a header (16 KiB), a
/// body (256 KiB) and what is wrapped around them.
pub const GRPC_MESSAGE_BYTES: usize = 448 * 1024;

/// All metadata of one call, in bytes, as a server takes it.
pub const METADATA_BYTES: u32 = 16 * 1024;

/// All metadata of one answer, in bytes, as a client takes it. The faults of a
/// refused message travel in the trailers.
pub const ANSWER_METADATA_BYTES: u32 = 64 * 1024;

/// The signed bytes of a node's card.
pub const CARD_BYTES: usize = 64 * 1024;

/// A card as a file: in base64 with its lines, and room for what mail adds.
pub const CARD_TEXT_BYTES: usize = 2 * CARD_BYTES;

/// Characters of a node's name on its card.
pub const CARD_NAME_CHARS: usize = 64;

/// Characters of the role to call.
pub const CARD_ROLE_CHARS: usize = 64;

/// Characters of the telephone number to call.
pub const CARD_TELEPHONE_CHARS: usize = 32;

/// Characters of the address to write to.
pub const CARD_EMAIL_CHARS: usize = 128;

/// Calls and streams at one time on one connection.
pub const STREAMS_PER_CONNECTION: u32 = 100;

/// HTTP/2 window of one stream, in bytes: a whole message fits.
pub const STREAM_WINDOW_BYTES: u32 = 512 * 1024;

/// HTTP/2 window of one connection, in bytes.
pub const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// HTTP/2 ping on a silent connection.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// A connection whose ping is unanswered for this long is dead.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The server says on every stream that it lives, this often.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// A stream silent for this long is dead to the client.
pub const HEARTBEAT_SILENCE: Duration = Duration::from_secs(45);

/// A slot is cut into pieces of at most this (SPINE §5.5): the longest that a FLASH
/// waits behind another slot, half a second at 64 kbit/s.
pub const LINK_PIECE_BYTES: usize = 4 * 1024;

/// The largest encoded slot, in bytes: a message and what travels with it.
pub const LINK_SLOT_BYTES: usize = 320 * 1024;

/// Slots of one lane taken from the journal ahead of being sent.
pub const LINK_WAITING_SLOTS: usize = 128;

/// Bytes of one lane beyond which no further slot is taken ahead.
pub const LINK_WAITING_BYTES: usize = 256 * 1024;

/// A lane that waits is served at least once in so many pieces.
pub const LINK_FLOOR: u32 = 16;

/// Bytes on their way before anything was measured.
pub const LINK_WINDOW_FIRST: u64 = 64 * 1024;

/// Least bytes on their way, however thin the link (SPINE §5.5).
pub const LINK_WINDOW_MIN: u64 = 8 * 1024;

/// How long a measured round trip is believed (ms).
pub const LINK_MEASURE_MS: u64 = 10_000;

/// Most bytes on their way.
pub const LINK_WINDOW_MAX: u64 = 8 * 1024 * 1024;

const _: () = assert!(LINK_WINDOW_MIN >= 2 * LINK_PIECE_BYTES as u64, "a piece never waits");
const _: () = assert!(LINK_SLOT_BYTES >= (16 + 256 + 16) * 1024, "a message fits into a slot");
const _: () =
    assert!(GRPC_MESSAGE_BYTES >= (16 + 256) * 1024, "a header and a body fit into a gRPC message");
const _: () = assert!(
    STREAM_WINDOW_BYTES as usize >= GRPC_MESSAGE_BYTES,
    "a message fits into a stream's window"
);
const _: () = assert!(
    CALL_DEADLINE.as_secs() > CONNECT_LIMIT.as_secs(),
    "a call outlives one failed connection"
);
const _: () = assert!(STREAM_WINDOW_BYTES <= CONNECTION_WINDOW_BYTES, "a stream fits");
const _: () = assert!(PENDING_HANDSHAKES <= CONNECTIONS, "a handshake is a connection");
const _: () = assert!(INCOMING_QUEUE <= PENDING_HANDSHAKES, "what waits was pending");
const _: () = assert!(
    HEARTBEAT_SILENCE.as_secs() >= 3 * HEARTBEAT_INTERVAL.as_secs(),
    "two lost heartbeats are not yet silence"
);
const _: () = assert!(
    CONNECT_LIMIT.as_millis() > HANDSHAKE_LIMIT.as_millis() + LINGER_LIMIT.as_millis(),
    "the client outwaits the node's verdict"
);
