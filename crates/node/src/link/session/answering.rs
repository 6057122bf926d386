//! Custody receipts, both ways.

use std::sync::Arc;

use barid_broker::Taking;
use barid_broker::caps::RECEIPT_RECIPIENTS_MAX;
use barid_broker::decide::hello::Unreceipted;
use barid_broker::decide::link::Breach;
use barid_broker::state::link::Answered;
use barid_message::Reason;
use barid_message::dsse::PayloadType;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{CustodyReceipt, CustodyStatement, Lane};
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;

use super::{End, Session, greeting};

/// Answers that wait to be decided: as many as the peer may leave unanswered, so that
/// reading never waits for this node's own words to be read.
pub(super) const TAKINGS_MAX: usize = 5_120 + 256;
/// Answers in one receipt.
const ANSWERS_MAX: usize = 256;

/// Tells the peer what became of its slots. Under load one signature covers many.
pub(super) async fn answer(
    session: &Session<'_>,
    unreceipted: Unreceipted,
    mut taken: mpsc::Receiver<(Lane, Taking)>,
) -> End {
    // Receipts of before that the peer has not got.
    for lane in unreceipted.chunk_by(|a, b| a.0 == b.0) {
        if let Err(end) = session.receipts(lane).await {
            return end;
        }
    }
    let mut next = taken.recv().await;
    while let Some((lane, taking)) = next.take() {
        let mut answers = Vec::new();
        match taking.decided().await {
            Ok(answered) => answers.extend(answered.map(|answered| (lane, answered))),
            Err(end) => return end.into(),
        }
        while answers.len() < ANSWERS_MAX
            && let Ok((lane, mut taking)) = taken.try_recv()
        {
            match taking.decided_now() {
                Some(Ok(answered)) => answers.extend(answered.map(|answered| (lane, answered))),
                Some(Err(end)) => return end.into(),
                None => {
                    next = Some((lane, taking));
                    break;
                }
            }
        }
        // Order matters within a lane alone; the sort keeps it.
        answers.sort_by_key(|(lane, _)| *lane);
        for part in answers.chunk_by(|a, b| a.0 == b.0) {
            if let Err(end) = session.receipts(part).await {
                return end;
            }
        }
        if next.is_none() {
            next = taken.recv().await;
        }
    }
    End::Gone
}

/// Takes the peer's receipts: its signature, then the journal.
pub(super) async fn receive(
    session: &Session<'_>,
    mut receipts: mpsc::Receiver<CustodyReceipt>,
) -> End {
    while let Some(receipt) = receipts.recv().await {
        let bytes: Bytes = receipt.encode_to_vec().into();
        let (services, peer) = (session.services, &session.peer);
        let opened = greeting::opened(services, peer, PayloadType::Custody, receipt.envelope);
        let statement = opened.and_then(|payload| CustodyStatement::decode(payload).ok());
        let Some(statement) = statement else {
            return session.broke(greeting::unsigned()).await;
        };
        if *statement.log_origin != *session.log_origin {
            let first = statement.answers.first().map_or(0, |answer| answer.number);
            let breach = Breach::new(Reason::LogChanged, statement.lane(), first);
            return session.broke(breach).await;
        }
        let broker = &services.broker;
        let kept = broker.link_receipt(Arc::clone(peer), session.number, statement, bytes).await;
        if let Err(end) = kept {
            return end.into();
        }
        let now = broker.now();
        session.services.hub.report(peer, |report| report.last_receipt = Some(now));
        session.wake.notify_one();
    }
    End::Gone
}

/// How many of these answers one receipt holds.
fn fitting(answers: &[(Lane, Answered)]) -> usize {
    let mut recipients = 0;
    let fits = answers.iter().take(ANSWERS_MAX).take_while(|(_, answered)| {
        recipients += answered.answer.recipients.len();
        recipients <= RECEIPT_RECIPIENTS_MAX
    });
    fits.count().max(1)
}

impl Session<'_> {
    /// Receipts for answers of one lane that follow each other.
    async fn receipts(&self, mut answers: &[(Lane, Answered)]) -> Result<(), End> {
        while !answers.is_empty() {
            let (part, rest) = answers.split_at(fitting(answers));
            self.receipt(part).await?;
            answers = rest;
        }
        Ok(())
    }

    /// One receipt, for answers of one lane that follow each other.
    async fn receipt(&self, answers: &[(Lane, Answered)]) -> Result<(), End> {
        let Some((lane, last)) = answers.last() else {
            return Ok(());
        };
        let broker = &self.services.broker;
        let statement = CustodyStatement {
            issuer: self.services.identity.clone(),
            log_origin: broker.log_origin().to_owned(),
            peer: self.peer.as_ref().to_owned(),
            peer_log_origin: self.log_origin.as_ref().to_owned(),
            lane: (*lane).into(),
            answers: answers.iter().map(|(_, answered)| answered.answer.clone()).collect(),
            chain: Bytes::copy_from_slice(&last.chain.0),
            time: Some(broker.now().to_proto()),
        };
        let payload = statement.encode_to_vec().into();
        let envelope = self.services.evidence_key.envelope(PayloadType::Custody, payload);
        self.say(Kind::Custody(CustodyReceipt { envelope: Some(envelope) })).await
    }
}
