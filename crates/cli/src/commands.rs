//! One module for each command: its arguments, and what it does.

pub(crate) mod audit;
pub(crate) mod card;
pub(crate) mod clock;
pub(crate) mod dead_letters;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod init;
pub(crate) mod message;
pub(crate) mod node;
pub(crate) mod peer;
pub(crate) mod peers;
pub(crate) mod queues;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod trace;
