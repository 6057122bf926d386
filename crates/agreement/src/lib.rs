//! What agencies have agreed: load, check, explain, compare, decide (returns a permit or the refusing clause).
//!
//! Until agreements have a language of their own, an agreement is a table of
//! parties, kinds and purposes (SPINE §1.5). What is inside will change; that a
//! message can only go on with a [`Permit`], and that a permit can only come from
//! here, will not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barid_message::Reason;
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::{Kind, Purpose};

#[cfg(test)]
mod tests;

/// One agreement in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    id: String,
    version: u32,
    parties: BTreeSet<Address>,
    kinds: BTreeSet<Kind>,
    purposes: BTreeSet<Purpose>,
    text: String,
    sha256: Digest,
}

/// What an agreement says, before it is checked.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Id: 1 to 64 characters of `[a-z0-9:._-]`.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// At least one; an agency stands for its units too.
    pub parties: Vec<Address>,
    /// At least one.
    pub kinds: Vec<Kind>,
    /// At least one.
    pub purposes: Vec<Purpose>,
}

/// Why terms are no agreement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The id is empty, too long or holds other characters.
    #[error("an agreement's id is 1 to 64 characters of a-z, 0-9, ':', '.', '_' and '-'")]
    Id,
    /// The version is 0.
    #[error("agreement {0}: versions begin at 1")]
    Version(String),
    /// Nobody, nothing or no purpose is named.
    #[error("agreement {0}: name at least one party, one kind and one purpose")]
    Empty(String),
    /// Two agreements have one id.
    #[error("agreement {0} stands there twice; only one version of it can be in force")]
    Twice(String),
    /// A text that no agreement renders to.
    #[error("the agreement's text is not one that this version writes")]
    Text,
}

impl Agreement {
    /// Makes an agreement of terms.
    ///
    /// # Errors
    /// [`TermsError`] says which term is missing or malformed.
    pub fn new(terms: Terms) -> Result<Self, TermsError> {
        let Terms { id, version, parties, kinds, purposes } = terms;
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b":._-".contains(&c);
        if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
            return Err(TermsError::Id);
        }
        if version == 0 {
            return Err(TermsError::Version(id));
        }
        if parties.is_empty() || kinds.is_empty() || purposes.is_empty() {
            return Err(TermsError::Empty(id));
        }
        let parties: BTreeSet<_> = parties.into_iter().collect();
        let kinds: BTreeSet<_> = kinds.into_iter().collect();
        let purposes: BTreeSet<_> = purposes.into_iter().collect();
        let text = text(&id, version, &parties, &kinds, &purposes);
        let sha256 = Digest::of(text.as_bytes());
        Ok(Self { id, version, parties, kinds, purposes, text, sha256 })
    }

    /// Reads an agreement back from its text.
    ///
    /// # Errors
    /// [`TermsError::Text`] where the text is not exactly what [`Agreement::text`]
    /// gives for its own terms: two texts of one meaning would have two hashes.
    pub fn parse(text: &[u8]) -> Result<Self, TermsError> {
        let text = std::str::from_utf8(text).map_err(|_why| TermsError::Text)?;
        let agreement = terms_of(text).ok_or(TermsError::Text).and_then(Self::new)?;
        if agreement.text == text { Ok(agreement) } else { Err(TermsError::Text) }
    }

    /// The text that parties hash and messages name: one line a term, sorted.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a message's header must name.
    #[must_use]
    pub fn reference(&self) -> AgreementRef {
        AgreementRef {
            id: self.id.clone(),
            version: self.version,
            sha256: self.sha256,
            clause: String::new(),
        }
    }

    /// Its parties.
    pub fn parties(&self) -> impl Iterator<Item = &Address> {
        self.parties.iter()
    }

    /// The kinds it covers.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().copied()
    }

    /// The purposes it covers.
    pub fn purposes(&self) -> impl Iterator<Item = Purpose> {
        self.purposes.iter().copied()
    }

    /// Whether `address`, or the agency whose unit it is, is a party.
    #[must_use]
    pub fn has_party(&self, address: &Address) -> bool {
        self.parties.contains(address) || self.parties.contains(&address.agency())
    }
}

fn text(
    id: &str,
    version: u32,
    parties: &BTreeSet<Address>,
    kinds: &BTreeSet<Kind>,
    purposes: &BTreeSet<Purpose>,
) -> String {
    let join = |words: Vec<&str>| words.join(" ");
    format!(
        "barid agreement v0\nid {id}\nversion {version}\nparties {}\nkinds {}\npurposes {}\n",
        join(parties.iter().map(Address::as_str).collect()),
        join(kinds.iter().map(Kind::as_str_name).collect()),
        join(purposes.iter().map(Purpose::as_str_name).collect()),
    )
}

fn terms_of(text: &str) -> Option<Terms> {
    let mut lines = text.lines().skip(1);
    let mut words = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    Some(Terms {
        id: words("id")?.into(),
        version: words("version")?.parse().ok()?,
        parties: words("parties")?
            .split(' ')
            .map(|party| Address::parse(party).ok())
            .collect::<Option<_>>()?,
        kinds: words("kinds")?.split(' ').map(Kind::from_str_name).collect::<Option<_>>()?,
        purposes: words("purposes")?
            .split(' ')
            .map(Purpose::from_str_name)
            .collect::<Option<_>>()?,
    })
}

/// The agreements in force, as of one position of the registry.
#[derive(Clone, Debug, Default)]
pub struct Agreements {
    by_id: BTreeMap<String, Arc<Agreement>>,
    registry_position: u64,
}

/// What is asked: may this message go to these recipients?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who sends.
    pub origin: &'a Address,
    /// Kind of the message.
    pub kind: Kind,
    /// Its purposes.
    pub purposes: &'a [Purpose],
    /// The agreement its header relies on.
    pub agreement: &'a AgreementRef,
}

/// Leave to send one message to the recipients asked about: only
/// [`Agreements::permit`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    agreement: AgreementRef,
    registry_position: u64,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The agreement is not in force in this text, or does not cover sender, kind
    /// or purposes.
    NotCovering,
    /// The recipient at this index is no party.
    Recipient(usize),
}

impl Refusal {
    /// The reason told to the sender.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::NotCovering => Reason::AgreementNotCovering,
            Self::Recipient(_) => Reason::RecipientNotPermitted,
        }
    }
}

impl Agreements {
    /// Puts agreements into force.
    ///
    /// # Errors
    /// [`TermsError::Twice`] where two have one id.
    pub fn new(agreements: Vec<Agreement>, registry_position: u64) -> Result<Self, TermsError> {
        let mut by_id = BTreeMap::new();
        for agreement in agreements {
            let id = agreement.id.clone();
            if by_id.insert(id.clone(), Arc::new(agreement)).is_some() {
                return Err(TermsError::Twice(id));
            }
        }
        Ok(Self { by_id, registry_position })
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Agreement> {
        self.by_id.values().map(AsRef::as_ref)
    }

    /// Decides. Default: no. Neither what sender and recipients say of themselves
    /// nor the clause named in the header enters the decision.
    ///
    /// # Errors
    /// The [`Refusal`], with the first recipient that is not covered.
    pub fn permit<'r>(
        &self,
        question: &Question<'_>,
        recipients: impl IntoIterator<Item = &'r Address>,
    ) -> Result<Permit, Refusal> {
        let named = question.agreement;
        let agreement = self
            .by_id
            .get(&named.id)
            .filter(|held| held.version == named.version && held.sha256 == named.sha256)
            .filter(|held| held.has_party(question.origin))
            .filter(|held| held.kinds.contains(&question.kind))
            .filter(|_| !question.purposes.is_empty())
            .filter(|held| question.purposes.iter().all(|purpose| held.purposes.contains(purpose)))
            .ok_or(Refusal::NotCovering)?;
        for (index, recipient) in recipients.into_iter().enumerate() {
            if !agreement.has_party(recipient) {
                return Err(Refusal::Recipient(index));
            }
        }
        Ok(Permit { agreement: agreement.reference(), registry_position: self.registry_position })
    }
}

impl Permit {
    /// The agreement that allowed it.
    #[must_use]
    pub const fn agreement(&self) -> &AgreementRef {
        &self.agreement
    }

    /// Position of the registry it was decided on: a permit of an older registry
    /// must be asked for again (SPINE §1.6).
    #[must_use]
    pub const fn registry_position(&self) -> u64 {
        self.registry_position
    }
}
