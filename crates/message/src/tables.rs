//! Tables of places and goods that a checker may have at hand: whether a code of the
//! right form is one that is listed (V13). They change twice a year and every five
//! years, so that they come from a file and are not part of the program.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::body::Body;
use crate::fault::Fault;
use crate::identifier::{HsCode, Unlocode};
use crate::reason::Reason;
use crate::rules::body::AT;
use crate::text::Layout;

/// The tables at hand; what is absent is not asked.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    places: Option<BTreeSet<String>>,
    goods: Option<BTreeSet<String>>,
}

/// Not the table expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableError {
    /// No line holds a country and a place.
    #[error("no place of UN/LOCODE in it; the CSV that UNECE publishes is expected")]
    NoPlaces,
    /// No line holds a subheading.
    #[error("no code of six digits in it; a CSV of the Harmonized System is expected")]
    NoGoods,
}

impl Tables {
    /// Adds the places of UN/LOCODE in the CSV form that UNECE publishes: change,
    /// country, place, ... The file is in Latin-1; its codes are ASCII.
    ///
    /// # Errors
    /// [`TableError::NoPlaces`].
    pub fn unlocode(&mut self, csv: &[u8]) -> Result<(), TableError> {
        let text = String::from_utf8_lossy(csv);
        let places: BTreeSet<String> = text.lines().filter_map(place).collect();
        if places.is_empty() {
            return Err(TableError::NoPlaces);
        }
        self.places = Some(places);
        Ok(())
    }

    /// Adds the subheadings of the Harmonized System: any CSV of which a field is the
    /// six digits.
    ///
    /// # Errors
    /// [`TableError::NoGoods`].
    pub fn hs(&mut self, csv: &[u8]) -> Result<(), TableError> {
        let text = String::from_utf8_lossy(csv);
        let fields = text.lines().flat_map(|line| line.split(','));
        let codes = fields.map(|field| field.trim().trim_matches('"'));
        let goods: BTreeSet<String> =
            codes.filter(|code| HsCode::parse(code).is_ok()).map(str::to_owned).collect();
        if goods.is_empty() {
            return Err(TableError::NoGoods);
        }
        self.goods = Some(goods);
        Ok(())
    }

    /// The codes of a body that have the right form and are not listed.
    pub fn unlisted(&self, body: &Body) -> Vec<Fault> {
        let mut found = Vec::new();
        body.strings().visit(AT, Layout::Lines, &mut |at, _, code| {
            let path = at.to_string();
            let missing = |table: &Option<BTreeSet<String>>| {
                table.as_ref().is_some_and(|table| !table.contains(code))
            };
            let description = if path.ends_with(".unlocode")
                && Unlocode::parse(code).is_ok()
                && missing(&self.places)
            {
                "no place of the UN/LOCODE table given"
            } else if path.ends_with(".hs_code")
                && HsCode::parse(code).is_ok()
                && missing(&self.goods)
            {
                "no subheading of the Harmonized System table given"
            } else {
                return;
            };
            let (reason, description) = (Reason::FieldInvalid, description.to_owned());
            found.push(Fault { path, reason, rule: "V13", description });
        });
        found
    }
}

/// The code of a line, if it lists a place.
fn place(line: &str) -> Option<String> {
    let mut fields = line.split(',').skip(1).map(|field| field.trim().trim_matches('"'));
    let code = format!("{}{}", fields.next()?, fields.next()?);
    Unlocode::parse(&code).is_ok().then_some(code)
}

#[cfg(test)]
mod tests {
    use super::{TableError, Tables};
    use crate::body::Body;
    use crate::sample::{alert, incident};
    use barid_proto::message::v1 as pb;
    use pb::subject::Item;

    /// An incident at Torkham with goods.
    fn body(hs_code: &str) -> Body {
        let mut incident = incident();
        let goods = pb::Goods { hs_code: hs_code.into(), ..Default::default() };
        incident.objects =
            vec![pb::Subject { item: Some(Item::Goods(goods)), ..Default::default() }];
        incident.into()
    }

    fn paths(tables: &Tables, body: &Body) -> Vec<String> {
        tables.unlisted(body).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn what_is_not_listed_is_named_and_no_table_asks_nothing() {
        let mut tables = Tables::default();
        assert!(tables.unlisted(&body("130219")).is_empty());
        tables.unlocode(b",\"PK\",\"\",\".PAKISTAN\"\n,\"PK\",\"KHI\",\"Karachi\"\n").unwrap();
        tables.hs(b"section,hscode,description\nII,130219,\"Saps, other\"\n").unwrap();
        assert_eq!(paths(&tables, &body("130219")), ["body.place.unlocode"]);
        let both = ["body.place.unlocode", "body.objects[0].goods.hs_code"];
        let mut found = paths(&tables, &body("130211"));
        found.sort();
        let mut both = both.map(str::to_owned);
        both.sort();
        assert_eq!(found, both);
        // A code of another form is the rules' business.
        assert_eq!(paths(&tables, &body("13")), ["body.place.unlocode"]);
        tables.unlocode(b"+,\"PK\",\"TKM\",\"Torkham\"\n").unwrap();
        assert!(paths(&tables, &body("130219")).is_empty());
        assert!(paths(&tables, &alert().into()).is_empty());
    }

    #[test]
    fn a_file_that_is_no_table_is_refused() {
        let mut tables = Tables::default();
        assert_eq!(tables.unlocode(b"a,b\n"), Err(TableError::NoPlaces));
        assert_eq!(tables.hs(&[0xff, b'\n']), Err(TableError::NoGoods));
    }
}
