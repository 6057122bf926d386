//! What may be sent: the `[[agreement]]` tables that stand in for signed
//! agreements. What a table means is `barid-agreement`'s business; here its
//! words become terms.

use std::collections::BTreeSet;

use barid_agreement::{Agreement, Terms, TermsError};
use barid_message::{Kind, Purpose};

use super::agencies::read_address;
use super::error::{ConfigError, Problem};
use super::raw::{RawAgreement, Text};
use super::source::Source;

/// Reads all `[[agreement]]` tables.
pub(super) fn read_agreements(
    source: &Source<'_>,
    raw: &[RawAgreement],
) -> Result<Vec<Agreement>, ConfigError> {
    let mut ids = BTreeSet::new();
    let mut agreements = Vec::with_capacity(raw.len());
    for raw in raw {
        let id = raw.id.get_ref();
        if !ids.insert(id) {
            return Err(source.refuse(&raw.id, Problem::AgreementTwice(id.clone())));
        }
        agreements.push(read_agreement(source, raw)?);
    }
    Ok(agreements)
}

fn read_agreement(source: &Source<'_>, raw: &RawAgreement) -> Result<Agreement, ConfigError> {
    let RawAgreement { id, version, parties, kinds, purposes } = raw;
    let terms = Terms {
        id: id.get_ref().clone(),
        version: *version.get_ref(),
        parties: read_list(source, parties, |raw| read_address(source, raw))?,
        kinds: read_list(source, kinds, |raw| {
            kind(raw.get_ref()).ok_or_else(|| unknown(source, raw, "kind", known_kinds()))
        })?,
        purposes: read_list(source, purposes, |raw| {
            purpose(raw.get_ref()).ok_or_else(|| unknown(source, raw, "purpose", known_purposes()))
        })?,
    };
    Agreement::new(terms).map_err(|cause| match cause {
        TermsError::Version(_) => source.refuse(version, Problem::Terms { cause }),
        _ => source.refuse(id, Problem::Terms { cause }),
    })
}

/// A list in which nothing stands twice.
fn read_list<T: PartialEq>(
    source: &Source<'_>,
    raw: &[Text],
    read: impl Fn(&Text) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    let mut values = Vec::with_capacity(raw.len());
    for raw in raw {
        let value = read(raw)?;
        if values.contains(&value) {
            return Err(source.refuse(raw, Problem::ValueTwice(raw.get_ref().clone())));
        }
        values.push(value);
    }
    Ok(values)
}

fn kind(code: &str) -> Option<Kind> {
    Kind::from_str_name(&format!("KIND_{code}")).filter(|kind| *kind != Kind::Unspecified)
}

fn purpose(code: &str) -> Option<Purpose> {
    Purpose::from_str_name(&format!("PURPOSE_{code}"))
        .filter(|purpose| *purpose != Purpose::Unspecified)
}

// Both code lists are numbered from 1 without a gap.

fn known_kinds() -> String {
    joined((1..).map_while(|number| Kind::try_from(number).ok()), |kind| kind.as_str_name())
}

fn known_purposes() -> String {
    joined((1..).map_while(|number| Purpose::try_from(number).ok()), |it| it.as_str_name())
}

fn joined<T>(codes: impl Iterator<Item = T>, name: impl Fn(T) -> &'static str) -> String {
    let short = |name: &'static str| name.split_once('_').map_or(name, |(_enum, code)| code);
    let codes: Vec<&str> = codes.map(|code| short(name(code))).collect();
    codes.join(", ")
}

fn unknown(source: &Source<'_>, raw: &Text, what: &'static str, known: String) -> ConfigError {
    source.refuse(raw, Problem::UnknownCode { what, text: raw.get_ref().clone(), known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_lists_is_read_back() {
        assert_eq!(
            known_kinds().split(", ").filter_map(kind).count(),
            known_kinds().split(", ").count()
        );
        assert!(known_kinds().ends_with("NOTE"), "{}", known_kinds());
        assert_eq!(known_purposes().split(", ").filter_map(purpose).count(), 26);
    }
}
