//! A newer card of the peer, over the link (SPINE §6: cards are pinned). One that grants
//! nothing more takes the place of the older at once. One that grants more lets the peer
//! say something in an agency's name that it could not say before: whoever stole its keys
//! could make it, so it waits for a person here.

use std::sync::Arc;
use std::time::Duration;

use barid_broker::decide::link::Breach;
use barid_broker::decide::renew::Renewal;
use barid_link::card::{Card, CardError, SuccessorError};
use barid_message::Reason;
use barid_proto::federation::v1::{Lane, SignedCard};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{End, Session};
use crate::grpc::Services;
use crate::registry;

/// A peer that makes cards in a loop fills no journal: one in so much time.
pub(crate) const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// Nor does it take a processor for itself: one is looked at in so much time.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// What a card is, beside the one in force.
enum Considered {
    /// No newer one, or one that may be used no longer.
    Useless,
    /// None that the peer could have made.
    Breach(Reason),
    /// It grants more.
    Grants(Box<Card>),
    /// It may take the other's place.
    Renewal(Box<Renewal>),
}

/// Takes up what the peer sends, until a newer card than the one of this session is in
/// force: a session stands for one card of each.
pub(super) async fn renew(
    session: &Session<'_>,
    began_with: u64,
    mut cards: watch::Receiver<Option<SignedCard>>,
) -> End {
    let Session { services, peer, .. } = session;
    let mut changes = services.broker.registry_changes();
    let mut look_at = Instant::now();
    loop {
        let registry = Arc::clone(&changes.borrow_and_update());
        if registry.peer(peer).is_none_or(|known| known.card_serial != began_with) {
            return End::Renewed;
        }
        if cards.has_changed().unwrap_or(false) {
            sleep_until(look_at).await;
            look_at = Instant::now() + LOOK_PAUSE;
        }
        let newest = cards.borrow_and_update().clone();
        match newest.map_or(Considered::Useless, |card| consider(services, peer, card)) {
            Considered::Useless => {}
            Considered::Breach(reason) => {
                return session.broke(Breach::new(reason, Lane::Unspecified, 0)).await;
            }
            Considered::Grants(card) => services.hub.offer(peer, *card),
            Considered::Renewal(renewal) => {
                sleep_until(services.hub.may_renew_at(peer)).await;
                match services.broker.renew(*renewal).await {
                    Ok(()) => services.hub.renewed(peer),
                    // What changed meanwhile wakes this up again.
                    Err(refusal) => {
                        tracing::warn!(peer = %peer, reason = ?refusal.reason(), "newer card not taken");
                    }
                }
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return End::Stopping;
            },
            changed = cards.changed() => if changed.is_err() {
                return End::Gone;
            },
        }
    }
}

fn consider(services: &Services, peer: &str, signed: SignedCard) -> Considered {
    let registry = services.broker.registry();
    let Some((known, older)) =
        registry.peer(peer).and_then(|known| Some((known, registry::card(known)?)))
    else {
        return Considered::Useless;
    };
    let newer = match Card::from_proto(signed) {
        Ok(newer) => newer,
        Err(CardError::Signature(_) | CardError::Signer) => {
            return Considered::Breach(Reason::SignatureInvalid);
        }
        Err(_) => return Considered::Breach(Reason::LinkProtocol),
    };
    match older.successor(&newer) {
        Ok(()) => {}
        Err(SuccessorError::NotNewer { .. }) => return Considered::Useless,
        Err(SuccessorError::OtherNode { .. }) => return Considered::Breach(Reason::LinkProtocol),
        Err(SuccessorError::Signer) => return Considered::Breach(Reason::SignatureInvalid),
    }
    if newer.is_expired_at(services.broker.now()) {
        tracing::warn!(peer, "the peer sent a card that has ended");
        return Considered::Useless;
    }
    if !older.grants_beyond(&newer).is_empty() {
        return Considered::Grants(Box::new(newer));
    }
    Considered::Renewal(Box::new(Renewal {
        registry_position: registry.position(),
        peer: registry::renewed(known, &older, &newer),
        actor: String::new(),
    }))
}
