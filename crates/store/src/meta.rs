//! The meta row: of which log the index is, and how far it goes.

use prost::Message as _;

use crate::cursor::Cursor;
use crate::schema::SCHEMA;

#[cfg(test)]
mod tests;

/// Which log an index is of. An index of another log says nothing of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Origin line of the log: `<trust domain>/log/<epoch>`.
    pub origin: String,
    /// Its epoch, as in the journal's path.
    pub epoch: u64,
}

/// Written behind the rows it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) log: Log,
    /// Every entry below this position is in the index.
    pub(crate) next_position: u64,
    /// Place of the newest row of these; `None` while there is none.
    pub(crate) newest: Option<Cursor>,
}

/// Why a meta row cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetaError {
    /// It does not decode.
    Damaged,
    /// It is of another version of the schema.
    Schema(u32),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(uint32, tag = "1")]
    schema: u32,
    #[prost(string, tag = "2")]
    log_origin: String,
    #[prost(uint64, tag = "3")]
    epoch: u64,
    #[prost(uint64, tag = "4")]
    next_position: u64,
    #[prost(bytes = "vec", tag = "5")]
    newest: Vec<u8>,
}

impl Meta {
    pub(crate) fn new(log: Log) -> Self {
        Self { log, next_position: 0, newest: None }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { log: Log { origin, epoch }, next_position, newest } = self;
        Stored {
            schema: SCHEMA,
            log_origin: origin.clone(),
            epoch: *epoch,
            next_position: *next_position,
            newest: newest.map_or_else(Vec::new, |place| place.to_bytes().to_vec()),
        }
        .encode_to_vec()
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, MetaError> {
        let Stored { schema, log_origin, epoch, next_position, newest } =
            Stored::decode(value).or(Err(MetaError::Damaged))?;
        if schema != SCHEMA {
            return Err(MetaError::Schema(schema));
        }
        let newest = match newest.as_slice() {
            [] => None,
            bytes => Some(Cursor::from_bytes(bytes.try_into().or(Err(MetaError::Damaged))?)),
        };
        Ok(Self { log: Log { origin: log_origin, epoch }, next_position, newest })
    }
}
