//! A node that lies: it has a card and keys, and speaks the frames of a link by hand to a
//! real node. Every lie is refused and put on record, and nobody else notices.

pub(super) mod books;
mod cards;
mod forge;
mod greetings;
mod link;
mod mail;
mod others;
mod receipts;
mod scene;
mod slots;
mod transfers;
mod written;
