//! To whom a replayed record goes: a table of rules over facts.

use std::fmt;

use barid_message::address::Address;
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use crate::{
    decimal,
    source::{GeoBox, RoutingFacts},
};

/// Rules and a default. Every rule that matches adds its agencies; where none does,
/// or all that do would address the sender only, the default desk gets the record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingTable {
    /// Desks for what no rule matches, the first one that is not the sender. At
    /// least one.
    #[serde(deserialize_with = "addresses")]
    default: Vec<Address>,
    /// The rules, in any order: all that match count.
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// One rule. It matches where each criterion that it states does; a criterion
/// matches where one of its values does. A rule without criteria matches all.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// For people.
    #[expect(dead_code, reason = "names the rule for whoever reads the table")]
    name: String,
    /// Who gets what matches. At least one.
    #[serde(deserialize_with = "addresses")]
    agencies: Vec<Address>,
    /// `ALERT`, `INCIDENT`.
    #[serde(default)]
    kinds: Vec<Kind>,
    /// Parts of the region's name, in any case.
    #[serde(default)]
    regions: Vec<String>,
    /// Parts of the route's name, in any case.
    #[serde(default)]
    routes: Vec<String>,
    /// Parts of the incident type, cause, attack type or CAP category, in any case.
    #[serde(default)]
    categories: Vec<String>,
    /// Countries of the place, ISO 3166-1 alpha-2, in any case.
    #[serde(default)]
    countries: Vec<String>,
    /// A box that the place lies in or touches.
    #[serde(default, rename = "box")]
    area: Option<Box4>,
}

/// A kind of message that the gateway makes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Alert,
    Incident,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::Incident => "INCIDENT",
        }
    }
}

/// A box in decimal degrees; `west > east` crosses the date line.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Box4 {
    south: Latitude,
    west: Longitude,
    north: Latitude,
    east: Longitude,
}

/// Every recipient that the table names for a record would be its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the routing table names nobody but the sender for this record")]
pub struct NoRecipient;

impl RoutingTable {
    /// Everybody whom the table names, perhaps more than once.
    pub fn agencies(&self) -> impl Iterator<Item = &Address> {
        self.rules.iter().flat_map(|rule| &rule.agencies).chain(&self.default)
    }
}

/// The recipients of a record: those of every matching rule, without repeats, in
/// the order of the table, without the sender and its units.
///
/// # Errors
/// Nobody but the sender is named.
pub fn route(
    table: &RoutingTable,
    facts: &RoutingFacts,
    sender: &Address,
) -> Result<Vec<Address>, NoRecipient> {
    let mut recipients: Vec<Address> = Vec::new();
    for rule in table.rules.iter().filter(|rule| rule.matches(facts)) {
        for agency in &rule.agencies {
            if !is_same_agency(agency, sender) && !recipients.contains(agency) {
                recipients.push(agency.clone());
            }
        }
    }
    if recipients.is_empty() {
        let desk = table.default.iter().find(|desk| !is_same_agency(desk, sender));
        recipients.extend(desk.cloned());
    }
    if recipients.is_empty() { Err(NoRecipient) } else { Ok(recipients) }
}

fn is_same_agency(one: &Address, other: &Address) -> bool {
    one.agency() == other.agency()
}

impl Rule {
    fn matches(&self, facts: &RoutingFacts) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.name() == facts.kind))
            && part_of_any(&self.regions, facts.region.as_slice())
            && part_of_any(&self.routes, facts.route.as_slice())
            && part_of_any(&self.categories, &facts.categories)
            && (self.countries.is_empty()
                || facts.countries.iter().any(|country| {
                    self.countries.iter().any(|wanted| wanted.eq_ignore_ascii_case(country))
                }))
            && self.area.is_none_or(|area| facts.boxes.iter().any(|fact| area.as_box().meets(fact)))
    }
}

/// Whether a criterion holds: it states nothing, or one of its values is part of
/// one of the facts.
fn part_of_any(wanted: &[String], facts: &[String]) -> bool {
    let is_part = |part: &String| {
        let part = part.to_lowercase();
        facts.iter().any(|fact| fact.to_lowercase().contains(&part))
    };
    wanted.is_empty() || wanted.iter().any(is_part)
}

impl Box4 {
    fn as_box(self) -> GeoBox {
        GeoBox {
            south_e7: self.south.0,
            west_e7: self.west.0,
            north_e7: self.north.0,
            east_e7: self.east.0,
        }
    }
}

/// Degrees in 1e-7, read from a number or a text.
#[derive(Debug, Clone, Copy)]
struct Latitude(i32);

/// Degrees in 1e-7, read from a number or a text.
#[derive(Debug, Clone, Copy)]
struct Longitude(i32);

impl<'de> Deserialize<'de> for Latitude {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = input.deserialize_any(Degrees)?;
        decimal::latitude_e7(&text)
            .map(Self)
            .ok_or_else(|| de::Error::custom("latitude beyond 90 degrees"))
    }
}

impl<'de> Deserialize<'de> for Longitude {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = input.deserialize_any(Degrees)?;
        decimal::longitude_e7(&text)
            .map(Self)
            .ok_or_else(|| de::Error::custom("longitude beyond 180 degrees"))
    }
}

struct Degrees;

impl de::Visitor<'_> for Degrees {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("decimal degrees")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
}

/// At least one address.
fn addresses<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Address>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    if texts.is_empty() {
        return Err(de::Error::custom("names no agency"));
    }
    let parse = |text: &String| {
        Address::parse(text).map_err(|error| de::Error::custom(format_args!("{text:?}: {error}")))
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests;
