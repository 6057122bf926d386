//! Why a record was not mapped, in words that tell people what to look at.

use barid_message::text::TextError;
use thiserror::Error;

/// Why a record or file was not mapped. Texts quoted from the input are cut to 60
/// characters and hold no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// More than is read of one file or record.
    #[error("larger than {limit} bytes, the most that is read of one {what}")]
    TooLarge {
        /// File, record, body or text.
        what: &'static str,
        /// Bytes.
        limit: usize,
    },
    /// No known format.
    #[error("no format known here: {0}")]
    UnknownFormat(&'static str),
    /// Bytes that are not text in the stated encoding.
    #[error("not text in {0}")]
    Encoding(&'static str),
    /// An encoding that is not read.
    #[error("text encoding {0:?} is not read; UTF-8 is")]
    EncodingUnsupported(String),

    /// A table without the columns that it cannot do without.
    #[error("no {missing} among the columns: {columns}")]
    ColumnsMissing {
        /// What is missing, in words.
        missing: String,
        /// The header as read, cut.
        columns: String,
    },
    /// Two columns that both claim one meaning.
    #[error("columns {first:?} and {second:?} both say {meaning}")]
    ColumnsAmbiguous {
        /// The meaning.
        meaning: &'static str,
        /// A header.
        first: String,
        /// Another.
        second: String,
    },
    /// A row of another width than the header.
    #[error("{found} cells in a table of {expected} columns")]
    RowWidth {
        /// Columns.
        expected: usize,
        /// Cells.
        found: usize,
    },
    /// A needed value is absent.
    #[error("no {0}")]
    Absent(&'static str),
    /// A value that is not what its column promises.
    #[error("{field} {value:?} is not {expected}")]
    BadValue {
        /// Column or element.
        field: String,
        /// The value, cut.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A date that has two readings, and nothing in the file that decides.
    #[error("date {0:?} may be day first or month first, and nothing in the file decides")]
    DateAmbiguous(String),
    /// A date that contradicts the row's year, month or weekday.
    #[error("date {date:?} contradicts {other:?}")]
    DateContradicted {
        /// The date.
        date: String,
        /// The year, month or weekday stated beside it.
        other: String,
    },
    /// A text that no message may hold.
    #[error("{field} {error}")]
    ForbiddenText {
        /// Column or element.
        field: String,
        /// Why.
        error: TextError,
    },

    /// Not well-formed XML.
    #[error("not well-formed XML: {0}")]
    NotWellFormed(XmlFault),
    /// Declares a document type.
    #[error("declares a document type, which may define entities: refused")]
    DocumentType,
    /// Uses an entity beyond the five that XML predefines.
    #[error("uses the entity {0:?}: only lt, gt, amp, apos, quot and character numbers are read")]
    Entity(String),
    /// Nested too deeply.
    #[error("nested deeper than {0} elements")]
    TooDeep(usize),
    /// A document inside a document, too often.
    #[error("may hold an alert, inside more than {0} documents: not read that deep")]
    NestedTooDeep(usize),
    /// Too many elements.
    #[error("more than {0} elements")]
    TooManyElements(usize),
    /// XML of some other kind.
    #[error("XML of another kind: root element {0:?}")]
    UnknownRoot(String),
    /// A feed or envelope without a CAP alert in it.
    #[error("holds no CAP alert; links to alerts elsewhere are not followed")]
    NoAlert,
    /// CAP of a version that is not read.
    #[error("CAP namespace {0:?} is not that of 1.1 or 1.2")]
    CapVersion(String),
    /// An element that the CAP schema demands.
    #[error("<{parent}> lacks the required <{element}>")]
    ElementMissing {
        /// Parent.
        parent: &'static str,
        /// Child.
        element: &'static str,
    },
    /// An element that the CAP schema does not have there, or too often.
    #[error("<{parent}> has <{element}> where the schema does not allow it")]
    ElementUnexpected {
        /// Parent.
        parent: &'static str,
        /// Child, cut.
        element: String,
    },
    /// CAP message type that recalls, acknowledges or rejects: shown as a new alert
    /// it would mislead.
    #[error("CAP message type {0} is not supported yet")]
    MessageType(&'static str),
    /// A draft, which never leaves its author.
    #[error("a draft")]
    Draft,
    /// Scope without what it calls for.
    #[error("scope {scope} without <{lacks}>")]
    ScopeIncomplete {
        /// Restricted or Private.
        scope: &'static str,
        /// Element.
        lacks: &'static str,
    },
    /// An alert for those alone that it names, in addresses of another system.
    #[error("scope Private: for the addresses that it names alone, and no agency is known by them")]
    ScopePrivate,
    /// An alert without an info block: nothing to tell.
    #[error("an alert without <info>")]
    NoInfo,
    /// An alert that names no area.
    #[error("an alert without <area>: a standard alert says where it holds")]
    NoArea,
    /// More of something than a standard message holds.
    #[error("{found} {what}, where a message holds at most {limit}")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many a message holds.
        limit: usize,
    },
}

/// What is wrong with an XML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum XmlFault {
    /// Markup that cannot be parsed.
    #[error("markup that cannot be parsed")]
    Markup,
    /// A prefix that nothing declares.
    #[error("a namespace prefix that is not declared")]
    Prefix,
    /// Ends inside an element.
    #[error("ends inside an element")]
    Truncated,
    /// Nothing, or text, where the root element should be.
    #[error("no root element")]
    NoRoot,
    /// Something after the root element.
    #[error("content outside the root element")]
    OutsideRoot,
    /// A character that XML does not have.
    #[error("a character that XML does not allow")]
    Character,
}

/// Cuts a quoted text to 60 characters and makes it safe to print: what is not a
/// plain character becomes U+FFFD.
pub(crate) fn quote(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut quoted: String =
        text.chars().map(|c| if is_plain(c) { c } else { '\u{fffd}' }).take(CHARS_MAX).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}

/// Neither a control nor a mark that changes how its neighbours are shown.
fn is_plain(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !hidden
}
