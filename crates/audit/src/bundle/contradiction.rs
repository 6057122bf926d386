//! Two bundles that cannot both be of honest logs.

use super::{Bundle, ShownLog};

/// What one log, or one node, has said twice and differently; with the two heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Whose word it is: a log's origin.
    pub origin: String,
    /// What differs.
    pub what: String,
    /// The heads under which each stands, as they were signed.
    pub heads: [String; 2],
}

/// What two bundles contradict each other in: one log that shows two histories, or one
/// evidence that says two things. `None` is no proof that they agree in what they do not
/// both show.
#[must_use]
pub fn contradiction(one: &Bundle, other: &Bundle) -> Option<Contradiction> {
    let logs = one.logs.iter().flat_map(|log| other.logs.iter().map(move |other| (log, other)));
    let split = logs
        .filter(|(log, other)| log.key == other.key)
        .find_map(|(log, other)| Some(told(log, other, split(log, other)?)));
    split.or_else(|| statements(one, other))
}

/// The leaves about which two heads of a log say different things.
fn split(log: &ShownLog, other: &ShownLog) -> Option<String> {
    let differs =
        |span: &&(u64, u64)| other.spans.get(*span).is_some_and(|hash| *hash != log.spans[*span]);
    // The shortest says best where.
    let (begin, end) = log.spans.keys().filter(differs).min_by_key(|(begin, end)| end - begin)?;
    Some(if end - begin == 1 {
        format!("the entry at position {begin} is two different ones")
    } else {
        format!("the entries from position {begin} to {} are not the same ones", end - 1)
    })
}

fn statements(one: &Bundle, other: &Bundle) -> Option<Contradiction> {
    let pairs = one
        .statements
        .iter()
        .flat_map(|statement| other.statements.iter().map(move |other| (statement, other)));
    let (statement, second) = pairs.into_iter().find(|(one, other)| {
        let (ours, theirs) = (one.evidence(), other.evidence());
        one.key == other.key
            && (&ours.log_origin, ours.position, ours.index)
                == (&theirs.log_origin, theirs.position, theirs.index)
            && one.digest != other.digest
    })?;
    let head = |bundle: &Bundle, statement: &super::Statement| {
        let place = statement.places.first().and_then(|place| bundle.logs.get(place.log));
        place.map_or_else(String::new, head)
    };
    let evidence = statement.evidence();
    Some(Contradiction {
        origin: evidence.log_origin.clone(),
        what: format!(
            "evidence {} of position {} is two different ones, both signed by its node",
            evidence.index, evidence.position
        ),
        heads: [head(one, statement), head(other, second)],
    })
}

fn told(log: &ShownLog, other: &ShownLog, what: String) -> Contradiction {
    Contradiction { origin: log.origin().to_owned(), what, heads: [head(log), head(other)] }
}

fn head(log: &ShownLog) -> String {
    log.head.note().to_string()
}
