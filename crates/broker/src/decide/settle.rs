//! The consumer's answer: acknowledge, give back, refuse, ask for more time.

use barid_audit::entry::{Body, Entry};
use barid_journal::planted;
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use super::{Node, Policy, Refusal, Said, about};
use crate::caps;
use crate::lease::Token;
use crate::state::{Delivery, DeliveryKey, Grant, Phase, State};

/// What a consumer says of a hand-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is kept.
    Ack,
    /// Not now; again after this many milliseconds, 0 = the node's backoff.
    Nack(u32),
    /// Never, for this reason.
    Refuse(Reason),
    /// More time.
    Renew,
}

/// What becomes of an answer.
#[derive(Debug)]
pub enum Settled {
    /// This entry.
    Entry(Entry),
    /// The lease of this delivery runs until then.
    Renewed(DeliveryKey, Millis),
}

/// Decides an answer.
///
/// # Errors
/// [`Refusal`]: the token is no token, another's, of an earlier hand-out, or the
/// delivery is over.
pub fn settle(
    state: &State,
    node: &Node,
    now: Millis,
    caller: &str,
    token: &[u8],
    answer: Answer,
) -> Result<Settled, Refusal> {
    let (token, delivery) = open(state, node, caller, token)?;
    let key = token.key;
    let lease = Some(token.number);
    let actor = caller.to_owned();
    Ok(Settled::Entry(match answer {
        Answer::Ack => {
            let said = Said::new(Body::HandedOver, Event::HandedOver, Reason::Unspecified);
            about(state, node, now, key, delivery, Said { actor, lease, ..said })
        }
        Answer::Refuse(reason) => {
            if !is_recipients_reason(reason) {
                let text = "a recipient refuses for a reason of 350 to 399; see REASONS.md";
                return Err(Refusal::new(Reason::FieldInvalid, text));
            }
            let said = Said::new(Body::Ended, Event::Refused, reason);
            about(state, node, now, key, delivery, Said { actor, lease, ..said })
        }
        Answer::Nack(delay_ms) => {
            if u64::from(delay_ms) > caps::NACK_DELAY_MAX_MS {
                let text = "a message is given back for at most 1 h; 0 leaves it to the node";
                return Err(Refusal::new(Reason::FieldInvalid, text));
            }
            leased(delivery)?;
            give_back(state, node, now, key, delivery, Reason::Nacked, delay_ms, actor)
        }
        Answer::Renew => return renew(node, now, key, delivery),
    }))
}

/// Whether a refused answer is put on record. To answer what has ended is ordinary: a
/// consumer does it after each restart and each broken connection, and a record of it
/// would bury the refusals that somebody should look at.
#[must_use]
pub fn is_on_record(reason: Reason) -> bool {
    !matches!(reason, Reason::LeaseUnknown | Reason::AlreadyFinal)
}

/// Ends a lease that ran out, or whose stream ended.
#[must_use]
pub fn lease_ended(state: &State, node: &Node, now: Millis, key: DeliveryKey) -> Option<Entry> {
    let delivery = state.delivery(key)?;
    let Phase::Leased(grant) = &delivery.phase else {
        return None;
    };
    let actor = grant.consumer.as_ref().to_owned();
    Some(give_back(state, node, now, key, delivery, Reason::LeaseExpired, 0, actor))
}

/// The open delivery that a token answers for this caller.
fn open<'a>(
    state: &'a State,
    node: &Node,
    caller: &str,
    token: &[u8],
) -> Result<(Token, &'a Delivery), Refusal> {
    let unknown = || {
        let text = "no such hand-out is open; what is still undelivered will be handed out again";
        Refusal::new(Reason::LeaseUnknown, text)
    };
    let token = Token::parse(token).ok_or_else(unknown)?;
    let delivery = state.delivery(token.key).ok_or_else(unknown)?;
    if !node.lease_key.is_for(&token, delivery.into(), caller) && !planted("take-anothers-ack") {
        let text = "this hand-out was not given to you; answer only your own";
        return Err(Refusal::new(Reason::LeaseNotYours, text));
    }
    // An answer counts as long as nobody else was given the delivery since; one from
    // before a restart too, as long as nothing was granted after it.
    if delivery.granted.is_some_and(|newest| newest != token.number) {
        return Err(unknown());
    }
    if matches!(delivery.phase, Phase::Dead(_)) {
        let text = "the message is a dead letter; an operator decides about it";
        return Err(Refusal::new(Reason::WrongState, text));
    }
    Ok((token, delivery))
}

/// The running lease. One that has ended was given back already: giving it back
/// again would count one failed try twice.
fn leased(delivery: &Delivery) -> Result<&Grant, Refusal> {
    match &delivery.phase {
        Phase::Leased(grant) => Ok(grant),
        _ => {
            let text = "the lease has ended; the message will be handed out again";
            Err(Refusal::new(Reason::LeaseUnknown, text))
        }
    }
}

fn renew(
    node: &Node,
    now: Millis,
    key: DeliveryKey,
    delivery: &Delivery,
) -> Result<Settled, Refusal> {
    let grant = leased(delivery)?;
    let longest = grant.since.0 + caps::LEASE_TOTAL_MS;
    if now.0 >= longest {
        let text =
            "a hand-out can be renewed for 15 minutes in all; answer it, or let it come again";
        return Err(Refusal::new(Reason::WrongState, text));
    }
    Ok(Settled::Renewed(key, Millis((now.0 + node.policy.lease_ms).min(longest))))
}

/// A failed try: again later, a dead letter after the fifth, or the end where the
/// deadline has passed meanwhile.
#[expect(clippy::too_many_arguments, reason = "one step of settle, with all it was given")]
fn give_back(
    state: &State,
    node: &Node,
    now: Millis,
    key: DeliveryKey,
    delivery: &Delivery,
    reason: Reason,
    delay_ms: u32,
    actor: String,
) -> Entry {
    let (end, event, end_reason) = delivery.message.end();
    let is_over = end <= now && !state.clock_suspect();
    let tries = if planted("count-no-try") { delivery.tries } else { delivery.tries + 1 };
    let said = if is_over {
        Said::new(Body::Ended, event, end_reason)
    } else if tries >= node.policy.tries_max {
        Said::new(Body::DeadLettered, Event::DeadLettered, Reason::TriesExhausted)
    } else {
        let delay = match u64::from(delay_ms) {
            0 => {
                let delay = backoff_ms(&node.policy, tries);
                delay - jitter_ms(delay, key, delivery, tries)
            }
            asked => asked,
        };
        let said = Said::new(Body::Returned, Event::Returned, reason);
        Said { not_before: Millis(now.0 + delay), ..said }
    };
    let actor = if is_over { String::new() } else { actor };
    about(state, node, now, key, delivery, Said { tries, actor, ..said })
}

/// Delay before the try after `tries` failed ones: doubled with each, up to the
/// longest.
pub(super) fn backoff_ms(policy: &Policy, tries: u32) -> u64 {
    let doublings = tries.saturating_sub(1).min(16);
    policy.retry_min_ms.saturating_mul(1 << doublings).min(policy.retry_max_ms)
}

/// What a delay is cut by, up to a quarter: the leases of a batch end together, and would
/// fail together again and again. Taken from the header's digest, since nothing random
/// enters a decision.
fn jitter_ms(delay: u64, key: DeliveryKey, delivery: &Delivery, tries: u32) -> u64 {
    let digest = delivery.message.header_digest.as_bytes();
    let at = usize::try_from(key.index.wrapping_add(tries)).unwrap_or(0);
    let bits = digest.get(at % digest.len()).copied().unwrap_or(0);
    delay / 4 * u64::from(bits) / u64::from(u8::MAX)
}

/// The reasons that a recipient may give (REASONS.md, 350 to 399).
fn is_recipients_reason(reason: Reason) -> bool {
    (350..400).contains(&i32::from(reason))
}
