//! Rows 18, 26, 29, 31 and 32: calls that are refused before any message is seen.

use tonic::Code;

use super::Case;
use super::attempt::{Answer, Attempt};
use super::encoding::{groups, submessage};

const SUBMIT: &str = "/barid.exchange.v1.ExchangeService/SubmitMessage";

/// Largest gRPC message, bytes.
const MESSAGE_BYTES_MAX: usize = 448 * 1024;

pub(super) fn cases() -> Vec<Case> {
    let case = |row, what, path, bytes, code| Case {
        row,
        what,
        attempt: Attempt::Call(path, bytes),
        answer: Answer::Code(code),
    };
    let unknown_method = "/barid.exchange.v1.ExchangeService/DeleteMessage";
    let unknown_service = "/barid.exchange.v2.ExchangeService/SubmitMessage";
    let operators = "/barid.operations.v1.OperationsService/GetNodeStatus";
    let health = "/grpc.health.v1.Health/Check";
    let submit = |row, what, bytes, code| case(row, what, SUBMIT, bytes, code);
    let deep = submessage(1, &groups(101));
    vec![
        case(18, "unknown method", unknown_method, Vec::new(), Code::Unimplemented),
        case(18, "unknown service", unknown_service, Vec::new(), Code::Unimplemented),
        case(18, "operators' service", operators, Vec::new(), Code::Unimplemented),
        case(18, "operators' health", health, Vec::new(), Code::Unimplemented),
        submit(26, "one byte too long", vec![0; MESSAGE_BYTES_MAX + 1], Code::OutOfRange),
        submit(26, "4 MiB", vec![0; 4 << 20], Code::OutOfRange),
        submit(29, "no protobuf", b"{\"message\":{}}".to_vec(), Code::Internal),
        submit(29, "field number 0", vec![0x02, 0x00], Code::Internal),
        submit(29, "varint of 11 bytes", [&[0x08][..], &[0xff; 11]].concat(), Code::Internal),
        submit(
            29,
            "text that is not UTF-8",
            submessage(1, &submessage(1, &submessage(2, &[0xff]))),
            Code::Internal,
        ),
        submit(29, "cut short", vec![0x0a, 0x7f], Code::Internal),
        submit(31, "nested 101 deep", deep, Code::Internal),
        submit(32, "two million empty parts", [0x0a, 0x00].repeat(2 << 20), Code::OutOfRange),
    ]
}
