//! The logs of two nodes, grown from what their cores have decided.

use std::collections::BTreeMap;
use std::convert::Infallible;

use barid_audit::bundle::{self, Fingerprint, GatherError, Kept, Refused, Source, Trust};
use barid_audit::checkpoint::Checkpoint;
use barid_audit::commitment::Entropy;
use barid_audit::entry::{Entry, EntryKind};
use barid_audit::evidence;
use barid_audit::note::{KeyName, LogSigner, WitnessSigner};
use barid_audit::tree::{Frontier, Hash, Subtrees, inclusion};
use barid_message::digest::Digest;
use barid_message::key::{Algorithm, SigningKey};
use barid_proto::message::v1::SignedMessage;
use bytes::Bytes;

use super::super::pair::Pair;
use crate::decide::settle::Answer;

pub(super) struct Tree(BTreeMap<(u32, u64), Hash>);

impl Subtrees for Tree {
    type Error = Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}

/// Two nodes with a message from the first, which the second has handed over; their logs'
/// keys, and a witness.
pub(super) struct Ledgers {
    pub(super) pair: Pair,
    pub(super) logs: [LogSigner; 2],
    pub(super) witness: WitnessSigner,
}

pub(super) fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Ed25519).unwrap()
}

/// An entry as the journal keeps it.
pub(super) fn kept(entry: &Entry) -> Kept {
    let mut entropy = [7; 32];
    entropy[..8].copy_from_slice(&entry.position.to_be_bytes());
    let encoded = entry.encode(&Entropy(entropy));
    Kept { leaf: encoded.leaf.into(), side: encoded.side.into() }
}

impl Ledgers {
    pub(super) fn new() -> Self {
        let mut pair = Pair::new();
        pair.submit(0, 2, 3_000);
        pair.submit(0, 2, 3_000);
        pair.connect();
        for _ in 0..2 {
            pair.offer(0, 9);
            pair.arrive(1, usize::MAX);
            pair.arrive(0, usize::MAX);
            pair.consume(1, Answer::Ack);
            pair.offer(1, 9);
            pair.arrive(0, usize::MAX);
            pair.arrive(1, usize::MAX);
        }
        Self::of(pair)
    }

    /// Logs for whatever two nodes have decided.
    pub(super) fn of(pair: Pair) -> Self {
        let signer = |origin| LogSigner::new(name(origin), key().into()).unwrap();
        let logs = ["pk.example/log/1", "ir.example/log/1"].map(signer);
        let witness = WitnessSigner::new(name("ir.example/witness"), key().into()).unwrap();
        Self { pair, logs, witness }
    }

    /// The journal of a side, as it is kept.
    pub(super) fn kept(&self, side: usize) -> Vec<Kept> {
        self.pair.sides[side].entries.iter().map(kept).collect()
    }

    /// Where the first node's first entry of a kind is.
    pub(super) fn first(&self, kind: EntryKind) -> usize {
        let mut entries = self.pair.sides[0].entries.iter();
        entries.position(|entry| entry.body.kind() == kind).unwrap()
    }

    /// The first message's bundle from the log of a side, over entries as they are given.
    pub(super) fn gather(&self, side: usize, kept: &[Kept], cosigned: bool) -> Bytes {
        self.try_gather(side, kept, cosigned).unwrap()
    }

    /// As above, or why it does not hold together.
    pub(super) fn try_gather(
        &self,
        side: usize,
        kept: &[Kept],
        cosigned: bool,
    ) -> Result<Bytes, GatherError<Infallible>> {
        let (_, id) = self.pair.sides[0].accepted()[0].clone();
        let mut messages = self.pair.sides[0].blobs.values();
        let message = messages.find(|message| {
            let signed = barid_message::signed::SignedMessage::from_proto((*message).clone());
            signed.unwrap().header().unwrap().message_id().to_string() == id
        });
        self.gather_of(side, kept, cosigned, message.unwrap())
    }

    /// As above, of any message.
    pub(super) fn gather_of(
        &self,
        side: usize,
        kept: &[Kept],
        cosigned: bool,
        message: &SignedMessage,
    ) -> Result<Bytes, GatherError<Infallible>> {
        let (mut frontier, mut tree) = (Frontier::default(), BTreeMap::new());
        for entry in kept {
            let completed = frontier.push(Hash::of_leaf(&entry.leaf));
            tree.extend(completed.map(|(level, index, hash)| ((level, index), hash)));
        }
        let log = &self.logs[side];
        let origin = log.public().name().clone();
        let checkpoint = Checkpoint { origin, size: frontier.size(), root: frontier.root() };
        let mut head = checkpoint.sign(log).unwrap();
        if cosigned {
            let cosignature = self.witness.cosign(head.note().text(), 1_800_000_123);
            head.add(self.witness.public(), cosignature).unwrap();
        }
        let witnesses = [self.witness.public().clone()];
        let source = Source { key: log.public(), head: &head, witnesses: &witnesses };
        let tree = Tree(tree);
        let prove = |position| inclusion(&tree, position, frontier.size());
        let key = &self.pair.sides[side].evidence_key;
        let sign = |statement| evidence::sign(statement, key, None);
        bundle::gather(message.clone(), kept, source, sign, prove)
    }

    pub(super) fn bundle(&self, side: usize) -> Bytes {
        self.gather(side, &self.kept(side), true)
    }

    /// The keys of these ledgers, as lines of a trust file.
    pub(super) fn trust_lines(&self) -> Vec<String> {
        let logs = self.logs.iter().map(|log| Fingerprint::Log(log.public().to_vkey()));
        let witness = Fingerprint::Witness(self.witness.public().to_vkey());
        let key = self.pair.sides[0].agency_key.public();
        let agency = Fingerprint::Agency("pk/customs".into(), Digest::of(key.spki()));
        let nodes = self.pair.sides.iter().map(|side| {
            let key = Digest::of(side.evidence_key.public().spki());
            Fingerprint::Node(side.node.identity.clone(), key)
        });
        logs.chain([witness, agency]).chain(nodes).map(|line| line.to_string()).collect()
    }

    /// Trust in them.
    pub(super) fn trust(&self, quorum: usize) -> Trust {
        let lines = self.trust_lines().join("\n");
        Trust::parse(format!("barid-trust 1\nquorum {quorum}\n{lines}").as_bytes()).unwrap()
    }
}

/// Why the first node's bundle is refused with one of its entries rewritten, by a log that
/// signs it all the same.
pub(super) fn rewritten(ledgers: &Ledgers, at: usize, change: &dyn Fn(&mut Entry)) -> Refused {
    let mut kept = ledgers.kept(0);
    let mut entry = ledgers.pair.sides[0].entries[at].clone();
    change(&mut entry);
    kept[at] = self::kept(&entry);
    match ledgers.try_gather(0, &kept, true) {
        Err(GatherError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}
