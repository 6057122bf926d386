//! Exercises and tests stay apart from what is real (V16): a message names none of
//! another status.

use barid_audit::entry::{Body as EntryBody, Entry};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::fault::Fault;
use barid_message::id::MessageId;
use barid_message::signed::VerifiedMessage;
use barid_proto::message::v1::Reference;

/// A message that another one names: by its id alone, or with its originator.
struct Named {
    path: String,
    origin: Option<Address>,
    id: MessageId,
}

/// Who may have sent what a message names, and its id: what an answer answers, and what
/// begins a thread, is of one of those who write to each other.
#[must_use]
pub fn named(message: &VerifiedMessage) -> Vec<(Address, MessageId)> {
    let header = message.header();
    let parties = || {
        let recipients = header.recipients().iter().map(|recipient| &recipient.address);
        std::iter::once(header.origin()).chain(recipients).cloned()
    };
    let mut all = Vec::new();
    for Named { origin, id, .. } in names(message) {
        match origin {
            Some(origin) => all.push((origin, id)),
            None => all.extend(parties().map(|party| (party, id))),
        }
    }
    all
}

/// The first of its names that is of a message of another status. `prior` are entries at
/// which what it names may have been accepted or taken over; what this node has not seen,
/// or no longer remembers, is not held against it.
///
/// Whoever knows an id may learn so that it is of another status, which is less than an
/// exercise in the thread of a real alert would cost.
#[must_use]
pub fn mixed(message: &VerifiedMessage, prior: &[Entry]) -> Option<Fault> {
    let parties = named(message);
    let status = message.header().status();
    let is_other = |name: &Named| {
        let id = name.id.to_string();
        prior.iter().any(|entry| {
            let facts = match &entry.body {
                EntryBody::Accepted(facts) => &**facts,
                EntryBody::Taken(facts) => match &facts.message {
                    Some(facts) => facts,
                    None => return false,
                },
                _ => return false,
            };
            let by = |origin: &Address| facts.origin_agency == origin.as_str();
            facts.message_id == id
                && facts.status() != status
                && name.origin.as_ref().map_or_else(
                    || parties.iter().any(|(party, named)| *named == name.id && by(party)),
                    by,
                )
        })
    };
    let name = names(message).into_iter().find(is_other)?;
    let text = "names a message of another status; exercises and tests stay in threads of their \
                own, and what is real in its";
    Some(Fault {
        path: name.path,
        reason: Reason::StatusMixed,
        rule: "V16",
        description: text.to_owned(),
    })
}

fn names(message: &VerifiedMessage) -> Vec<Named> {
    let header = message.header();
    let by_id =
        |field: &str, id| Named { path: format!("header.identity.{field}"), origin: None, id };
    let thread = Some(header.thread_id()).filter(|thread| *thread != header.message_id());
    let mut names: Vec<_> = header
        .correlation_id()
        .map(|id| by_id("correlation_id", id))
        .into_iter()
        .chain(thread.map(|id| by_id("thread_id", id)))
        .collect();
    let lineage = header.proto().lineage.as_ref();
    let earlier = lineage.map_or(&[][..], |row| &row.references);
    names.extend(earlier.iter().enumerate().filter_map(|(position, reference)| {
        referred(format!("header.lineage.references[{position}]"), reference)
    }));
    let (field, about) = match message.body() {
        Body::Hit(body) => ("body.alert", body.alert.as_ref()),
        Body::Consent(body) => ("body.about", body.about.as_ref()),
        Body::Correction(body) => ("body.about", body.about.as_ref()),
        Body::Proposal(body) => ("body.about", body.about.as_ref()),
        _ => ("", None),
    };
    names.extend(about.and_then(|reference| referred(field.to_owned(), reference)));
    names
}

fn referred(path: String, reference: &Reference) -> Option<Named> {
    let origin = Address::parse(&reference.originator).ok()?;
    let id = MessageId::parse(&reference.message_id).ok()?;
    Some(Named { path, origin: Some(origin), id })
}
