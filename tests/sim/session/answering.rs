//! Custody receipts, both ways.

use std::sync::Arc;

use barid_broker::decide::hello::Unreceipted;
use barid_broker::state::link::Answered;
use barid_message::Reason;
use barid_message::dsse::PayloadType;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{CustodyReceipt, CustodyStatement, Lane};
use bytes::Bytes;
use prost::Message as _;

use super::{Desks, End, Session, by_lane};

impl Session {
    /// Tells the peer what became of its slots. One signature covers what is there.
    pub(super) async fn answer(
        &self,
        desks: &Desks,
        log_origin: &str,
        unreceipted: Unreceipted,
    ) -> End {
        let mut answers = unreceipted;
        loop {
            for (lane, answered) in by_lane(std::mem::take(&mut answers)) {
                self.receipt(lane, &answered, log_origin);
            }
            let mut next = Some(desks.taken.next().await);
            while let Some((lane, taking)) = next {
                match taking.decided().await {
                    Ok(answered) => answers.extend(answered.map(|answered| (lane, answered))),
                    Err(end) => return end.into(),
                }
                next = desks.taken.now();
            }
        }
    }

    /// Takes the peer's receipts: its signature, then the journal.
    pub(super) async fn receive(&self, desks: &Desks, number: u64, log_origin: &str) -> End {
        loop {
            let receipt = desks.receipts.next().await;
            let bytes: Bytes = receipt.encode_to_vec().into();
            let opened = self.opened(PayloadType::Custody, receipt.envelope);
            let statement = opened.and_then(|payload| CustodyStatement::decode(payload).ok());
            let Some(statement) = statement else {
                return self.broke(Reason::SignatureInvalid).await;
            };
            if statement.log_origin != log_origin {
                return self.broke(Reason::LogChanged).await;
            }
            let peer = Arc::clone(&self.peer);
            if let Err(end) = self.broker.link_receipt(peer, number, statement, bytes).await {
                return end.into();
            }
        }
    }

    /// One receipt, for answers of one lane that follow each other.
    fn receipt(&self, lane: Lane, answers: &[Answered], log_origin: &str) {
        let Some(last) = answers.last() else { return };
        let statement = CustodyStatement {
            issuer: self.node.clone(),
            log_origin: self.broker.log_origin().to_owned(),
            peer: self.peer.as_ref().to_owned(),
            peer_log_origin: log_origin.to_owned(),
            lane: lane.into(),
            answers: answers.iter().map(|answered| answered.answer.clone()).collect(),
            chain: Bytes::copy_from_slice(&last.chain.0),
            time: Some(self.broker.now().to_proto()),
        };
        let payload = statement.encode_to_vec().into();
        let envelope = Some(self.key.envelope(PayloadType::Custody, payload));
        self.out.say(Kind::Custody(CustodyReceipt { envelope }));
    }
}
