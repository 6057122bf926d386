//! The listener for anybody's tools: what is asked is text, and so is the answer.

use std::net::SocketAddr;

use barid_audit::note::NoteSignature;
use barid_audit::witness::{REQUEST_BYTES_MAX, Request, parse_answer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Border, Checkpoint, Hash, KeyName, LogSigner, log_signer, witness_key};
use crate::harness::{Node, free_address, within};

/// A node with such a listener, which knows pk's log; and where it listens.
fn listening() -> (Border, SocketAddr) {
    let mut border = Border::made(None);
    let at = free_address();
    border.ir.edit("[tls]", &format!("witness = \"{at}\"\n\n[tls]"));
    border.ir.restart();
    (border, at)
}

/// Status, content type and body of the answer to these bytes.
async fn sent(at: SocketAddr, bytes: &[u8]) -> (u16, String, String) {
    let mut stream = within(TcpStream::connect(at)).await.expect("it listens");
    // Who is answered before the end may find the rest refused.
    drop(stream.write_all(bytes).await);
    let mut answer = Vec::new();
    drop(within(stream.read_to_end(&mut answer)).await);
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: "));
    (status, kind.unwrap_or_default().to_owned(), body.to_owned())
}

async fn posted(at: SocketAddr, body: &str) -> (u16, String, String) {
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: witness.example\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    sent(at, [head.as_bytes(), body.as_bytes()].concat().as_slice()).await
}

fn asks(key: &LogSigner, (old, proof): (u64, &[Hash]), (size, root): (u64, u8)) -> String {
    let origin = key.public().name().clone();
    let head = Checkpoint { origin, size, root: Hash([root; 32]) }.sign(key).expect("its log");
    Request { old, proof: proof.to_vec(), note: head.note().clone() }.to_string()
}

fn another_log(node: &Node, origin: &str) -> LogSigner {
    let config = barid_node::config::Config::load(&node.config()).expect("its configuration");
    let key = config.evidence.read().expect("its key");
    LogSigner::new(KeyName::parse(origin).expect("a name"), key.into()).expect("Ed25519")
}

#[tokio::test(flavor = "multi_thread")]
async fn any_tool_can_have_heads_cosigned() {
    let (border, at) = listening();
    let key = log_signer(&border.pk);
    let (status, _, line) = posted(at, &asks(&key, (0, &[]), (10, 7))).await;
    assert_eq!(status, 200, "{line}");
    let lines: Vec<NoteSignature> = parse_answer(line.as_bytes()).expect("lines of signatures");
    let origin = key.public().name().clone();
    let text = Checkpoint { origin, size: 10, root: Hash([7; 32]) }.to_string();
    witness_key(&border.ir).verify(&text, &lines[0]).expect("by ir, over this head");

    let some = [Hash([1; 32])];
    let size = "text/x.tlog.size";
    // Another old size; smaller; the same size with another root: each is told what is held.
    for (old, proof, new) in [(3, &some[..], (12, 8)), (0, &[], (9, 7)), (10, &[], (10, 8))] {
        let told = posted(at, &asks(&key, (old, proof), new)).await;
        assert_eq!(told, (409, size.to_owned(), "10\n".to_owned()), "{old} to {new:?}");
    }
    let origin = key.public().name().as_str();
    for (expected, body) in [
        (422, asks(&key, (10, &some), (12, 8))),
        (400, asks(&key, (13, &[]), (12, 8))),
        (400, "old 10\n\nno note".to_owned()),
        (400, String::new()),
        (403, asks(&another_log(&border.pk, origin), (10, &[]), (10, 7))),
        (404, asks(&another_log(&border.pk, "elsewhere.example/log/1"), (0, &[]), (10, 7))),
    ] {
        assert_eq!(posted(at, &body).await.0, expected, "{body}");
    }
    let again = posted(at, &asks(&key, (10, &[]), (10, 7))).await;
    assert_eq!(again.0, 200, "what was held is held");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_holds_nobody_up() {
    let (border, at) = listening();
    let large = "x".repeat(REQUEST_BYTES_MAX + 1);
    assert_eq!(posted(at, &large).await.0, 413);
    assert_eq!(sent(at, b"GET /add-checkpoint HTTP/1.1\r\nhost: a\r\n\r\n").await.0, 405);
    assert_eq!(sent(at, b"GET /etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n").await.0, 404);
    // More than it has places for, none of which says anything; each is given up.
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(within(TcpStream::connect(at)).await.expect("it listens"));
    }
    let asked = asks(&log_signer(&border.pk), (0, &[]), (10, 7));
    assert_eq!(posted(at, &asked).await.0, 200);
    drop(silent);
}
