//! Code lists: what a code of a body or header means, with its source and version.
//!
//! Each list is one file in `codes/`, typed here: four lines of title, source, version
//! and fields, then a code and its English label a line, with a tab between. Codes of
//! bodies are open: one that its list does not have is carried and shown as it is.

/// One list of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeList {
    name: &'static str,
    text: &'static str,
}

/// One code of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code as it stands in a message.
    pub code: &'static str,
    /// What it means, in English.
    pub label: &'static str,
}

/// Lists by their names, each the name of its file.
macro_rules! lists {
    ($($name:literal),* $(,)?) => {
        /// Every list, by name.
        pub const LISTS: &[CodeList] =
            &[$(CodeList { name: $name, text: include_str!(concat!("codes/", $name, ".tsv")) }),*];
    };
}

lists! {
    "action-to-take", "alert-category", "answer-fit", "answer-result", "assist-need", "assist-status",
    "calendar", "cap-category", "cap-certainty", "cap-response-type", "cap-scope",
    "cap-severity", "cap-urgency", "cise-classification", "consent-answer", "consent-wish",
    "correction-action", "crossing-state", "data-class", "detection-method", "direction",
    "document-class", "document-state", "eurosur-facet", "goods-category",
    "grading-4x4-information", "grading-4x4-source", "grading-6x6-information",
    "grading-6x6-source", "hit-outcome", "icao-special-state", "impact", "incident-type",
    "interpol-notice", "iso-3166-1", "iso-3166-1-alpha-3", "iso-4217", "match-strength",
    "mrz-document-code", "name-origin", "nature", "package-kind", "pap", "purpose",
    "quantity-unit", "refusal-reason", "relation", "request-urgency", "response-taken",
    "risk-level", "role", "sex", "siena-handling", "sitrep-type", "tlp", "transport-mode",
    "unlocode-function", "validation", "zone",
}

impl CodeList {
    /// The list of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        LISTS.iter().find(|list| list.name == name)
    }

    /// Its name, e.g. `cap-urgency`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it lists.
    pub fn title(&self) -> &'static str {
        self.note("title")
    }

    /// The standard that it comes from; `Own` where it is this standard's.
    pub fn source(&self) -> &'static str {
        self.note("source")
    }

    /// Version of its source.
    pub fn version(&self) -> &'static str {
        self.note("version")
    }

    /// The fields that hold its codes, e.g. `Alert.urgency`, with spaces between.
    pub fn fields(&self) -> &'static str {
        self.note("fields")
    }

    /// Its codes, in the order of the source.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        let lines = self.text.lines().filter(|line| !line.starts_with("# "));
        lines.filter_map(|line| line.split_once('\t')).map(|(code, label)| Code { code, label })
    }

    /// What a code means; None for one that the list does not have.
    pub fn label(&self, code: &str) -> Option<&'static str> {
        self.codes().find(|one| one.code == code).map(|one| one.label)
    }

    fn note(&self, name: &str) -> &'static str {
        let notes = self.text.lines().filter_map(|line| line.strip_prefix("# "));
        let mut notes = notes.filter_map(|note| note.split_once('\t'));
        notes.find(|(found, _)| *found == name).map_or("", |(_, text)| text)
    }
}

#[cfg(test)]
mod tests;
