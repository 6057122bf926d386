//! Folders that a node has left: messages in every state, over several segments.

use barid_message::Reason;
use bytes::Bytes;

use super::harm::{Chance, Harm};
use super::image::Image;
use crate::Broker;
use crate::decide::Policy;
use crate::decide::settle::Answer;
use crate::tests::place::identity;
use crate::tests::running::{Post, hand_out, killed, stop};

/// Just more than a node holds ready.
const SEGMENT_BYTES: u64 = (4 << 20) + (64 << 10);

/// Lives of the node, each with segments of its own.
const LIVES: usize = 4;

/// A folder as it was left.
pub(super) struct Left {
    pub(super) image: Image,
    /// Entries in it.
    pub(super) entries: u64,
    /// An older state of it, where witnesses know the newer one.
    older: Option<Image>,
}

/// Who opens them.
pub(super) fn post() -> Post {
    let mut post = Post::new();
    post.segment_bytes = SEGMENT_BYTES;
    post.snapshot_every_bytes = 48 << 10;
    post.policy = Policy { tries_max: 1, ..Policy::default() };
    post
}

/// The folder of a node that has stopped, and that of one that was killed, whose index is
/// gone: nobody has seen how far that journal went, so it is damaged further in.
pub(super) async fn made(post: &Post) -> [Left; 2] {
    let (mut older, mut killed_at_last) = (None, None);
    let mut entries = 0;
    for life in 1..=LIVES {
        let broker = post.open().broker;
        live(post, &broker).await;
        entries = broker.durable();
        if life == LIVES {
            killed_at_last = Some(Image::of_folder(killed(post.data.path()).path()));
        }
        stop(broker).await;
        if life == LIVES - 1 {
            older = Some(Image::of_folder(post.data.path()));
        }
    }
    let image = Image::of_folder(post.data.path());
    // That it stopped is an entry too.
    let stopped = Left { image, entries: entries + 1, older };
    [stopped, Left { image: killed_at_last.unwrap(), entries, older: None }]
}

/// Messages that are handed over, refused, dead letters and open.
async fn live(post: &Post, broker: &Broker) {
    post.send(broker, 40).await;
    for (number, lent) in hand_out(broker, 32).await.into_iter().enumerate() {
        let answer = match number % 4 {
            0 | 1 => Answer::Ack,
            2 => Answer::Refuse(Reason::WrongAddressee),
            _ => Answer::Nack(0),
        };
        let token = Bytes::copy_from_slice(&lent.token);
        lent.sent();
        let settling = broker.settle(identity(0), token, answer).await.unwrap();
        settling.decided().await.unwrap();
    }
}

impl Left {
    /// A damaged copy of it, and what was done to it.
    pub(super) fn harmed(&self, seed: u64) -> (Image, Harm) {
        let mut image = self.image.clone();
        let harm = Harm::new(&mut image, self.older.as_ref(), &mut Chance::new(seed));
        (image, harm)
    }
}
