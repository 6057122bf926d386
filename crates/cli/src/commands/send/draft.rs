//! From what a person wrote to a signed message: fills in what can be known, guesses
//! nothing.

use anyhow::{Context as _, anyhow, bail};
use aws_lc_rs::rand;
use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::compose::{Draft, compose};
use barid_message::header::{Precedence, Purpose, RecipientRole};
use barid_message::id::MessageId;
use barid_message::key::SigningKey;
use barid_message::time::Millis;
use barid_node::clock;
use barid_proto::exchange::v1::Agreement;
use barid_proto::message::v1 as pb;
use pb::recipient::Target;

use super::{DeskArgs, PrecedenceName};
use crate::context::WrongUse;
use crate::document;
use crate::words;

/// Length of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Where an agency's drafts are made ready.
pub(super) struct Desk<'a> {
    address: Address,
    args: &'a DeskArgs,
    purposes: Vec<Purpose>,
    agreements: Option<Vec<Agreement>>,
}

impl<'a> Desk<'a> {
    /// The desk of this agency.
    pub(super) fn new(address: Address, args: &'a DeskArgs) -> Result<Self, WrongUse> {
        let purpose = |typed: &String| {
            let known = Purpose::from_str_name(&words::code("PURPOSE_", typed));
            known.filter(|purpose| *purpose != Purpose::Unspecified).ok_or_else(|| {
                WrongUse(format!(
                    "--purpose {typed} is none; use for example border-operation, customs-operation, \
                     security or trade-facilitation"
                ))
            })
        };
        Ok(Self {
            address,
            purposes: args.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
            args,
            agreements: None,
        })
    }

    /// Whether the node was asked for its agreements.
    pub(super) fn knows_agreements(&self) -> bool {
        self.agreements.is_some()
    }

    /// Whether a header leaves its agreement open.
    pub(super) fn needs_agreement(header: &pb::Header) -> bool {
        let named = header.legal.as_ref().and_then(|row| row.agreement.as_ref());
        named.is_none_or(|agreement| agreement.sha256.len() != DIGEST_BYTES)
    }

    /// Takes the agreements in force.
    pub(super) fn learn(&mut self, agreements: Vec<Agreement>) {
        self.agreements = Some(agreements);
    }

    /// Makes the signed message; gives its id too. Without `id`, a new one.
    pub(super) fn compose(
        &self,
        mut header: pb::Header,
        body: Body,
        id: Option<MessageId>,
        key: &SigningKey,
    ) -> anyhow::Result<(pb::SignedMessage, String)> {
        let now = clock::now();
        let mut random = [0; 10];
        rand::fill(&mut random).ok().context("the system gives no random numbers")?;
        let id = identify(&mut header, id, now, random)?;
        self.amend(&mut header);
        let unfilled = document::unfilled(&header, &body)?;
        if !unfilled.is_empty() {
            let paths: Vec<_> = unfilled.iter().map(|fault| &*fault.path).collect();
            bail!(
                "what the template left to be filled in still stands in {}; write what it is, or \
                 take it out",
                paths.join(", ")
            );
        }
        self.agree(&mut header, &body)?;
        let draft = Draft::from_template(header, body);
        let message = compose(draft, now, random, key)
            .context("not a valid message (see `barid message check`)")?;
        Ok((message, id))
    }

    /// What the command line says goes before what the file says. Recipients are added,
    /// and take the place of those that a template left to be filled in.
    fn amend(&self, header: &mut pb::Header) {
        let originator = header.originator.get_or_insert_default();
        if originator.address.is_empty() {
            originator.address = self.address.to_string();
        }
        if !(self.args.to.is_empty() && self.args.info.is_empty()) {
            header.recipients.retain(|recipient| !is_left_open(recipient));
        }
        let to = self.args.to.iter().map(|address| (address, RecipientRole::Action));
        let info = self.args.info.iter().map(|address| (address, RecipientRole::Info));
        for (address, role) in to.chain(info) {
            header.recipients.push(pb::Recipient {
                target: Some(Target::Address(address.to_string())),
                role: role.into(),
            });
        }
        if let Some(precedence) = self.args.precedence {
            header.precedence.get_or_insert_default().level = level(precedence).into();
        }
        if let Some(reason) = &self.args.reason {
            header.precedence.get_or_insert_default().reason.clone_from(reason);
        }
        if let Some(thread) = self.args.thread {
            header.identity.get_or_insert_default().thread_id = thread.to_string();
        }
        if !self.purposes.is_empty() {
            let codes = self.purposes.iter().map(|purpose| i32::from(*purpose));
            header.legal.get_or_insert_default().purposes = codes.collect();
        }
    }

    /// Names the one agreement in force that covers the message; where there is not
    /// exactly one, says what to do.
    fn agree(&self, header: &mut pb::Header, body: &Body) -> anyhow::Result<()> {
        if !Self::needs_agreement(header) {
            return Ok(());
        }
        let legal = header.legal.clone().unwrap_or_default();
        let named = legal.agreement.unwrap_or_default();
        let wanted = self.args.agreement.as_deref().or(Some(&*named.id));
        let wanted = wanted.filter(|id| !id.is_empty());
        let agreements = self.agreements.as_deref().unwrap_or_default();
        let known =
            agreements.iter().filter(|agreement| wanted.is_none_or(|id| id == id_of(agreement)));
        let covering: Vec<_> = known
            .filter(|agreement| covers(agreement, &self.address, header, body, &legal.purposes))
            .collect();
        let agreement = match covering.as_slice() {
            [only] => *only,
            [] => return Err(none_covers(agreements, wanted, body)),
            several => {
                let ids: Vec<_> = several.iter().map(|agreement| id_of(agreement)).collect();
                bail!(
                    "several agreements cover this message; name one with --agreement: {}",
                    ids.join(", ")
                );
            }
        };
        let legal = header.legal.get_or_insert_default();
        if legal.purposes.is_empty() {
            let [only] = agreement.purposes.as_slice() else {
                return Err(purpose_missing(agreement));
            };
            legal.purposes.push(*only);
        }
        let clause = named.clause;
        legal.agreement =
            agreement.reference.clone().map(|reference| pb::AgreementRef { clause, ..reference });
        Ok(())
    }
}

/// Sets id and time. A given id's time is the time of creation, so that the same file
/// with the same id gives the same header, whenever it is sent.
fn identify(
    header: &mut pb::Header,
    given: Option<MessageId>,
    now: Millis,
    random: [u8; 10],
) -> anyhow::Result<String> {
    let identity = header.identity.get_or_insert_default();
    let written = match &*identity.message_id {
        "" => None,
        text => Some(MessageId::parse(text).context("header.identity.messageId is wrong")?),
    };
    let times = header.times.get_or_insert_default();
    let stated = times.created_at.map(|time| Millis::from_proto(&time)).transpose();
    let stated = stated.context("header.times.createdAt is wrong")?;
    let id = match (given, written) {
        (Some(given), Some(written)) if given != written => {
            return Err(WrongUse(format!("--id {given}, but the file has the id {written}")).into());
        }
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => MessageId::new(stated.unwrap_or(now), random),
    };
    identity.message_id = id.to_string();
    times.created_at.get_or_insert_with(|| Millis(id.unix_ms()).to_proto());
    Ok(id.to_string())
}

/// Whether a recipient is a template's `<cc/agency>`.
fn is_left_open(recipient: &pb::Recipient) -> bool {
    matches!(&recipient.target, Some(Target::Address(address)) if document::is_placeholder(address))
}

fn level(name: PrecedenceName) -> Precedence {
    match name {
        PrecedenceName::Flash => Precedence::Flash,
        PrecedenceName::Immediate => Precedence::Immediate,
        PrecedenceName::Priority => Precedence::Priority,
        PrecedenceName::Routine => Precedence::Routine,
    }
}

fn id_of(agreement: &Agreement) -> &str {
    agreement.reference.as_ref().map_or("", |reference| &reference.id)
}

/// Whether an agreement covers sender, recipients, kind and the purposes that are named.
fn covers(
    agreement: &Agreement,
    sender: &Address,
    header: &pb::Header,
    body: &Body,
    purposes: &[i32],
) -> bool {
    let is_party = |address: &Address| {
        let agency = address.agency();
        let parties = agreement.parties.iter();
        parties.into_iter().any(|party| party == address.as_str() || party == agency.as_str())
    };
    let mut recipients = header.recipients.iter().filter_map(|recipient| match &recipient.target {
        Some(Target::Address(address)) => Address::parse(address).ok(),
        _ => None,
    });
    is_party(sender)
        && recipients.all(|recipient| is_party(&recipient))
        && agreement.kinds.contains(&body.kind().into())
        && purposes.iter().all(|purpose| agreement.purposes.contains(purpose))
}

fn none_covers(agreements: &[Agreement], wanted: Option<&str>, body: &Body) -> anyhow::Error {
    let known: Vec<_> = agreements.iter().map(id_of).collect();
    let covers = match wanted {
        None => "no agreement covers".to_owned(),
        Some(id) => format!("agreement {id} is not in force or does not cover"),
    };
    let kind = words::kind(body.kind().into());
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    anyhow!(
        "{covers} this {kind} from you to these recipients for these purposes; in force for \
         you: {known}; change recipients or --purpose, or ask the node's operator"
    )
}

fn purpose_missing(agreement: &Agreement) -> anyhow::Error {
    let names = agreement.purposes().map(|purpose| {
        let name = words::bare(purpose.as_str_name(), "PURPOSE_");
        name.to_ascii_lowercase().replace('_', "-")
    });
    anyhow!(
        "what is it sent for? add --purpose, one of those of {}: {}",
        id_of(agreement),
        names.collect::<Vec<_>>().join(", ")
    )
}
