//! What becomes of messages: handed out, answered, tried again, ended, and told of.

mod audit_log;
mod damaged;
mod dead_letters;
mod evidence;
mod leases;
mod order;
mod refused;
mod stream_ends;
mod submission;
mod unread;
mod visibility;
