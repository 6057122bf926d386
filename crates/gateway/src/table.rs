//! Tables of incidents in CSV: columns by the meaning of their headers, rows one
//! at a time.

mod columns;
mod layout;
mod reader;
mod row;

pub(crate) use self::{
    layout::Subject,
    reader::{Bytes, Table},
    row::{Column, Row, box_of},
};

#[cfg(test)]
mod tests;
