//! `barid message check`: by the rules that a node applies, as far as they need no node.

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::fault::{Fault, Faults};
use barid_message::key::{Algorithm, PublicKey, SigningKey};
use barid_message::reason::{self, Reason};
use barid_message::signed::SignedMessage;
use barid_message::tables::Tables;
use barid_node::clock;
use barid_proto::message::v1 as pb;

use crate::args::Global;
use crate::context::{self, Caller};
use crate::document::{self, Document, Misread};
use crate::output::{Line, Output};

/// Stands for the sender of a draft that names none, where nobody says who it is: any
/// address does, for no rule but the node's asks who it is.
const ANY_SENDER: &str = "aq/sender";
/// Stands for a recipient that `send --to` will name.
const ANY_RECIPIENT: &str = "aq/recipient";

/// Who would send, as far as that is known without a node.
pub(super) fn sender(global: &Global, output: &mut Output) -> Option<Address> {
    match &global.caller {
        Some(Caller::Agency(address)) => Some(address.clone()),
        _ => context::agency(global, output).ok().map(|account| account.address),
    }
}

/// All faults of a message.
pub(super) fn faults(
    document: &Document,
    sender: Option<&Address>,
    key: Option<&PublicKey>,
) -> anyhow::Result<Vec<Fault>> {
    let (mut found, rules) = match document {
        Document::Draft(header, body) => {
            let unfilled = document::unfilled(header, body)?;
            (unfilled, draft_faults((**header).clone(), (**body).clone(), sender)?)
        }
        Document::Signed(message) => {
            let unfilled = document::open(message)
                .map(|(signed, body)| document::unfilled(signed.proto_header(), &body));
            (
                unfilled.unwrap_or_else(|_told_below| Ok(Vec::new()))?,
                signed_faults(message, key).err(),
            )
        }
    };
    // What is still to be filled in breaks rules too; it is told once.
    let rules =
        rules.iter().flatten().filter(|fault| !found.iter().any(|one| one.path == fault.path));
    let rules: Vec<_> = rules.cloned().collect();
    found.extend(rules);
    Ok(found)
}

/// Composes the draft as `send` would, with stand-ins for what only `send` knows, and
/// throws the result away.
fn draft_faults(
    mut header: pb::Header,
    body: Body,
    sender: Option<&Address>,
) -> anyhow::Result<Option<Faults>> {
    let originator = header.originator.get_or_insert_default();
    if originator.address.is_empty() {
        originator.address = sender.map_or(ANY_SENDER, Address::as_str).to_owned();
    }
    if header.recipients.is_empty() {
        header.recipients.push(pb::Recipient {
            target: Some(pb::recipient::Target::Address(ANY_RECIPIENT.to_owned())),
            role: pb::RecipientRole::Action.into(),
        });
    }
    let legal = header.legal.get_or_insert_default();
    let agreement = legal.agreement.get_or_insert_default();
    if agreement.id.is_empty() {
        "any".clone_into(&mut agreement.id);
    }
    if agreement.version == 0 {
        agreement.version = 1;
    }
    if agreement.sha256.is_empty() {
        agreement.sha256 = Digest::of(b"").to_bytes();
    }
    let key = SigningKey::generate(Algorithm::Ed25519).context("cannot make a key to try with")?;
    Ok(compose(Draft::from_template(header, body), clock::now(), [0; 10], &key).err())
}

fn signed_faults(message: &pb::SignedMessage, key: Option<&PublicKey>) -> Result<(), Faults> {
    let signed = SignedMessage::from_proto(message.clone())?;
    signed.check_body()?;
    key.map_or(Ok(()), |key| signed.check_signature(key))
}

/// What is no fault and somebody should look at.
pub(super) fn warnings(document: &Document) -> Vec<Fault> {
    match document {
        Document::Draft(header, body) => barid_message::warnings(header, body),
        // One that cannot be opened has been told of.
        Document::Signed(message) => document::open(message)
            .map(|(signed, body)| barid_message::warnings(signed.proto_header(), &body))
            .unwrap_or_default(),
    }
}

/// Codes that the tables at hand do not list.
pub(super) fn unlisted(document: &Document, tables: &Tables) -> Vec<Fault> {
    match document {
        Document::Draft(_, body) => tables.unlisted(body),
        // One that cannot be opened has been told of.
        Document::Signed(message) => document::open(message)
            .map_or_else(|_told| Vec::new(), |(_, body)| tables.unlisted(&body)),
    }
}

/// What stands in place of a message in a file that cannot be read as one.
pub(super) fn unreadable(error: &anyhow::Error) -> Fault {
    let field = error.downcast_ref::<Misread>().map_or("", |misread| &misread.field);
    Fault {
        path: if field.is_empty() { "file".to_owned() } else { field.to_owned() },
        reason: Reason::Malformed,
        rule: "JSON",
        description: format!("{error:#}"),
    }
}

/// How far a message without fault was checked.
pub(super) fn how(document: &Document, signature_checked: bool) -> &'static str {
    match (document, signature_checked) {
        (Document::Draft(..), _) => "no fault",
        (Document::Signed(_), true) => "no fault, signature verified",
        (Document::Signed(_), false) => "no fault, signature not checked (see --key)",
    }
}

/// Says what was found in one message.
pub(super) struct Report<'a> {
    pub(super) name: &'a str,
    /// How far it was checked, said where it has no fault.
    pub(super) checked: &'a str,
    pub(super) faults: &'a [Fault],
    pub(super) warnings: &'a [Fault],
}

impl Report<'_> {
    pub(super) fn write(&self, output: &mut Output) -> anyhow::Result<()> {
        let Self { name, checked, faults, warnings } = self;
        if output.wants_json() {
            let object = |fault: &Fault| {
                serde_json::json!({
                    "path": fault.path,
                    "reason": fault.reason,
                    "rule": fault.rule,
                    "description": fault.description,
                })
            };
            let [faults, warnings] =
                [faults, warnings].map(|found| found.iter().map(object).collect::<Vec<_>>());
            let whole = serde_json::json!({"file": name, "faults": faults, "warnings": warnings});
            return Ok(output.json(&whole)?);
        }
        if faults.is_empty() {
            output.line(Line::default().text(*name).good(format!(": {checked}")))?;
        }
        let one = |line: Line, fault: &Fault| {
            line.strong(&*fault.path).text(format!(": {} ", fault.description)).faint(format!(
                "[{}, {}]",
                reason::name(fault.reason),
                fault.rule
            ))
        };
        let begun = || Line::default().text(format!("{name}: "));
        for fault in *faults {
            output.line(one(begun(), fault))?;
        }
        for warning in *warnings {
            output.line(one(begun().caution("warning: "), warning))?;
        }
        Ok(())
    }
}
