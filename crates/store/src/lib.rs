//! The delivery log and its indexes in sled; the only crate that names sled.
//!
//! It answers what people and auditors ask and never decides anything. All of it
//! comes from the journal: whoever deletes the directory loses nothing but the
//! time to project it again, and gets the same answers.
//!
//! [`Store::open`] gives one [`Projector`], for the one thread that writes, and a
//! [`ReadView`], for any number of readers.

mod chunk;
mod cursor;
mod draft;
mod engine;
mod filter;
mod find;
mod meta;
mod open;
mod projector;
mod row;
mod scan;
mod schema;
mod view;

#[cfg(test)]
mod tests;

pub use cursor::{Cursor, CursorError};
pub use engine::EngineError;
pub use filter::Filter;
pub use find::ReadError;
pub use meta::Log;
pub use open::{Applied, CACHE_BYTES_DEFAULT, OpenError, Opened, RebuiltBecause, Store};
pub use projector::{ProjectError, Projector};
pub use row::{ACTOR_BYTES_MAX, EventRow, FactsError, MalformedEntry};
pub use view::{MESSAGE_ROWS_MAX, PAGE_ITEMS_MAX, Page, ReadView};
