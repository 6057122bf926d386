//! CAP 1.1 and 1.2 alerts as ALERT.
//!
//! - An alert must hold to the OASIS schema of its version: elements, order, code
//!   lists, times. A signature is noted, never verified and never taken for the
//!   originator's.
//! - Alert and Update become new messages; an Update keeps `cap.msgType` and
//!   `cap.references` among the source fields. Cancel, Ack and Error are not
//!   mapped: shown as a new alert they would mislead.
//! - An alert of scope Private is not mapped: it is for the addresses that it names,
//!   and those are not addresses of this broker.
//! - Info blocks that differ in words only become one alert in several languages;
//!   the others become alerts of their own in one thread.
//! - What CAP does not say and an ALERT must is derived, and named in the source
//!   field `derived`: headline (the event), actions to take (from the response
//!   types), contact for hits (contact, else sender name, else sender).

mod alert;
mod area;
mod fields;
mod find;
mod map;
mod merge;
mod schema;
mod stamp;

pub(crate) use self::find::find;
