//! One `<alert>` element, read by the schema of its version.

use barid_message::caps;
use barid_message::language::is_language;
use barid_message::text::is_web_address;
use barid_proto::message::v1 as pb;

use super::{
    area::Area,
    schema::{self, ALERT, Checked, INFO, NAMED_VALUE, Version},
    stamp::{self, Stamp},
};
use crate::{
    source::{Reason, quote},
    text,
    xml::Element,
};

/// An alert as its author wrote it.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) version: Version,
    pub(crate) identifier: String,
    pub(crate) sender: String,
    pub(crate) sent: Stamp,
    pub(crate) status: &'static str,
    pub(crate) message_type: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) restriction: Option<String>,
    pub(crate) addresses: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) source: String,
    pub(crate) special_handling: Vec<String>,
    /// The other elements of the envelope, verbatim, as `cap.<name>`.
    pub(crate) others: Vec<pb::NamedValue>,
    pub(crate) signed: bool,
    pub(crate) infos: Vec<Info>,
}

/// One info block: one language, one set of codes, its areas.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    pub(crate) codes: Codes,
    pub(crate) words: Words,
    pub(crate) areas: Vec<Area>,
}

/// What must be equal for blocks to be translations of each other, beside the
/// areas.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Codes {
    pub(crate) categories: Vec<&'static str>,
    pub(crate) response_types: Vec<&'static str>,
    pub(crate) urgency: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) certainty: &'static str,
    pub(crate) event_codes: Vec<pb::NamedValue>,
    pub(crate) effective: Option<Stamp>,
    pub(crate) onset: Option<Stamp>,
    pub(crate) expires: Option<Stamp>,
}

/// What is written in the block's language, or may be.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) language: String,
    pub(crate) event: String,
    pub(crate) audience: String,
    pub(crate) sender_name: String,
    pub(crate) headline: String,
    pub(crate) description: String,
    pub(crate) instruction: String,
    pub(crate) web: String,
    pub(crate) contact: String,
    /// Parameters and resources as `cap.param.*` and `cap.resource.*`.
    pub(crate) values: Vec<pb::NamedValue>,
}

impl Alert {
    pub(crate) fn of(element: &Element) -> Result<Self, Reason> {
        let version = Version::of(&element.namespace)
            .ok_or_else(|| Reason::CapVersion(quote(&element.namespace)))?;
        let alert = ALERT.check(element)?;
        let message_type = alert.code("msgType", schema::MESSAGE_TYPE)?;
        let mut others = Vec::new();
        for name in ["restriction", "addresses", "references", "incidents"] {
            for child in alert.all(name) {
                others.extend(text::named(&format!("cap.{name}"), &child.text)?);
            }
        }
        let source = alert.text("source").unwrap_or_default();
        let codes = alert
            .all("code")
            .map(|code| text::short_line("code", &code.text, caps::LINE_CHARS_MAX));
        let codes = codes.collect::<Result<Vec<_>, _>>()?;
        let line = |name| alert.text(name).map(|value| text::line(name, value)).transpose();
        Ok(Self {
            version,
            identifier: token(alert, "identifier")?,
            sender: token(alert, "sender")?,
            sent: stamp::read("sent", alert.required("sent")?, version)?,
            status: alert.code("status", schema::STATUS)?,
            message_type,
            scope: alert.code("scope", schema::SCOPE)?,
            restriction: line("restriction")?,
            addresses: line("addresses")?,
            note: line("note")?,
            source: text::short_line("source", source, caps::LINE_CHARS_MAX)?,
            special_handling: codes.into_iter().filter(|code| !code.is_empty()).collect(),
            others,
            signed: alert.signed,
            infos: alert
                .all("info")
                .map(|info| Info::of(info, version))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Info {
    fn of(element: &Element, version: Version) -> Result<Self, Reason> {
        let info = INFO.check(element)?;
        Ok(Self {
            codes: Codes::of(info, version)?,
            words: Words::of(info, version)?,
            areas: info.all("area").map(Area::of).collect::<Result<_, _>>()?,
        })
    }
}

impl Codes {
    fn of(info: Checked<'_>, version: Version) -> Result<Self, Reason> {
        let codes = |name, list| -> Result<Vec<_>, Reason> {
            let mut codes = Vec::new();
            for child in info.all(name) {
                let code = schema::code(name, &child.text, list)?;
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            Ok(codes)
        };
        let stamp = |name| info.text(name).map(|text| stamp::read(name, text, version)).transpose();
        let response_types = match version {
            Version::V1_1 => schema::RESPONSE_TYPE_1_1,
            Version::V1_2 => schema::RESPONSE_TYPE_1_2,
        };
        Ok(Self {
            categories: codes("category", schema::CATEGORY)?,
            response_types: codes("responseType", response_types)?,
            urgency: info.code("urgency", schema::URGENCY)?,
            severity: info.code("severity", schema::SEVERITY)?,
            certainty: info.code("certainty", schema::CERTAINTY)?,
            event_codes: named_values(info, "eventCode", "")?,
            effective: stamp("effective")?,
            onset: stamp("onset")?,
            expires: stamp("expires")?,
        })
    }
}

impl Words {
    /// The page, if it is a web address that a message may hold.
    pub(crate) fn web_address(&self) -> Option<&str> {
        let fits = is_web_address(&self.web) && self.web.chars().count() <= caps::URL_CHARS_MAX;
        fits.then_some(&self.web)
    }

    fn of(info: Checked<'_>, version: Version) -> Result<Self, Reason> {
        let line = |name| text::line(name, info.text(name).unwrap_or_default());
        let block = |name| text::block(name, info.text(name).unwrap_or_default());
        let mut values = named_values(info, "parameter", "cap.param.")?;
        for (position, resource) in info.all("resource").enumerate() {
            values.extend(resource_values(resource, position + 1, version)?);
        }
        Ok(Self {
            language: language(info.text("language"))?,
            event: text::block("event", info.required("event")?)?,
            audience: block("audience")?,
            sender_name: line("senderName")?,
            headline: block("headline")?,
            description: block("description")?,
            instruction: block("instruction")?,
            web: line("web")?,
            contact: block("contact")?,
            values,
        })
    }
}

/// A name without blanks, commas, `<` or `&`, as CAP demands of identifiers and
/// senders.
fn token(alert: Checked<'_>, name: &'static str) -> Result<String, Reason> {
    let token = text::line(name, alert.required(name)?)?;
    if token.contains([' ', ',', '<', '&']) {
        let expected = "free of blanks, commas, < and &";
        return Err(Reason::BadValue { field: name.to_owned(), value: quote(&token), expected });
    }
    Ok(token)
}

/// The language, in the case that BCP 47 recommends; the CAP schema's default is
/// en-US.
fn language(text: Option<&str>) -> Result<String, Reason> {
    let stated = text.map_or("en-US", str::trim);
    let cased: Vec<String> = stated
        .split('-')
        .enumerate()
        .map(|(position, subtag)| match (position, subtag.len()) {
            (0, _) => subtag.to_ascii_lowercase(),
            (_, 2) => subtag.to_ascii_uppercase(),
            (_, 4) if subtag.is_ascii() => {
                let (first, rest) = subtag.split_at(1);
                first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
            }
            _ => subtag.to_owned(),
        })
        .collect();
    let language = cased.join("-");
    if is_language(&language) {
        return Ok(language);
    }
    let (field, value) = ("language".to_owned(), quote(stated));
    Err(Reason::BadValue { field, value, expected: "a language, e.g. ur or ps-Arab-AF" })
}

/// Pairs of valueName and value; a pair without value says nothing and is left out.
pub(crate) fn named_values(
    parent: Checked<'_>,
    name: &'static str,
    prefix: &str,
) -> Result<Vec<pb::NamedValue>, Reason> {
    let mut values = Vec::new();
    for child in parent.all(name) {
        let pair = NAMED_VALUE.check(child)?;
        let Some(value) = pair.text("value") else {
            continue;
        };
        let value_name = format!("{prefix}{}", pair.required("valueName")?.trim());
        values.extend(text::named(&value_name, value)?);
    }
    Ok(values)
}

/// A resource is listed and never fetched; one that is embedded is not carried, and
/// that is said.
fn resource_values(
    element: &Element,
    number: usize,
    version: Version,
) -> Result<Vec<pb::NamedValue>, Reason> {
    let sequence = match version {
        Version::V1_1 => schema::RESOURCE_1_1,
        Version::V1_2 => schema::RESOURCE_1_2,
    };
    let resource = sequence.check(element)?;
    let mut values = Vec::new();
    for name in ["resourceDesc", "mimeType", "size", "uri", "digest"] {
        let value = resource.text(name).unwrap_or_default();
        values.extend(text::named(&format!("cap.resource.{number}.{name}"), value)?);
    }
    if let Some(embedded) = resource.text("derefUri") {
        let said = format!("not carried: {} characters of base64", embedded.trim().len());
        values.extend(text::named(&format!("cap.resource.{number}.derefUri"), &said)?);
    }
    Ok(values)
}
