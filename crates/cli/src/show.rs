//! Messages for people: one line of a list, or everything that is in one.

mod texts;
mod tree;

use barid_message::body::Body;
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::message::v1 as pb;
use pb::recipient::Target;
use serde::Serialize;

use crate::document::Readable;
use crate::output::{Line, Output, OutputError};
use crate::words;

pub(crate) use texts::texts;
pub(crate) use tree::Tree;

/// Characters of a headline in a list.
const HEADLINE_CHARS: usize = 100;

/// A received message as one object of JSON: first what is in it, then how it came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Received<'a> {
    #[serde(flatten)]
    pub(crate) readable: Readable<'a>,
    /// `again`: handed out before; `known`: kept before.
    pub(crate) mark: &'a str,
    pub(crate) attempt: u32,
    /// Null where the keys are known by the node's own word alone.
    pub(crate) acceptance_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acceptance: Option<&'a SignedEvidence>,
    /// The bytes to keep.
    pub(crate) signed: &'a pb::SignedMessage,
}

/// A message as a row of a list: created, precedence, kind, from, id, mark, what.
pub(crate) fn cells(header: &pb::Header, body: &Body, mark: &str) -> [String; 7] {
    let times = header.times.as_ref();
    [
        words::time(times.and_then(|times| times.created_at.as_ref())),
        words::precedence(header.precedence.as_ref().map_or(0, |row| row.level)),
        words::marked(status(header), &words::kind(body.kind().into())),
        origin(header).to_owned(),
        id(header).to_owned(),
        mark.to_owned(),
        what(body),
    ]
}

fn status(header: &pb::Header) -> i32 {
    header.status.as_ref().map_or(0, |row| row.code)
}

fn origin(header: &pb::Header) -> &str {
    header.originator.as_ref().map_or("", |row| &row.address)
}

fn id(header: &pb::Header) -> &str {
    header.identity.as_ref().map_or("", |row| &row.message_id)
}

/// What it is about, in one line.
fn what(body: &Body) -> String {
    let line = texts::headline(body);
    let mut short: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = short.char_indices().nth(HEADLINE_CHARS) {
        short.truncate(end);
        short.push('…');
    }
    short
}

/// Writes everything that is in a message, the essentials first.
pub(crate) fn whole(header: &pb::Header, body: &Body, output: &mut Output) -> anyhow::Result<()> {
    let precedence = words::precedence(header.precedence.as_ref().map_or(0, |row| row.level));
    let kind = words::kind(body.kind().into());
    let line = match words::marked(status(header), "") {
        real if real.is_empty() => Line::default(),
        unreal => Line::default().caution(unreal),
    };
    output.line(line.strong(format!("{kind}  {precedence}  ")).text(what(body)))?;
    if let Some(row) = header.status.as_ref().filter(|row| !row.exercise_name.is_empty()) {
        entry("exercise", &row.exercise_name, output)?;
    }
    entry("id", id(header), output)?;
    entry("from", origin(header), output)?;
    for recipient in &header.recipients {
        let role = pb::RecipientRole::try_from(recipient.role).unwrap_or_default();
        let title = if role == pb::RecipientRole::Info { "info" } else { "to" };
        if let Some(Target::Address(address)) = &recipient.target {
            entry(title, address, output)?;
        }
    }
    let times = header.times.unwrap_or_default();
    for (title, time) in [
        ("created", times.created_at),
        ("deliver by", times.deliver_by),
        ("expires", times.expires_at),
    ] {
        if let Some(time) = time {
            entry(title, &words::time(Some(&time)), output)?;
        }
    }
    output.line("")?;
    let tree = Tree::of(&Readable::of(header, body))?;
    Ok(tree.write(output)?)
}

/// One line of essentials.
pub(crate) fn entry(title: &str, value: &str, output: &mut Output) -> Result<(), OutputError> {
    output.line(Line::default().faint(format!("{title:<11}")).text(value))
}
