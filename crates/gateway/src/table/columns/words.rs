//! The words of a header, in one form each.

/// Words that add nothing to a meaning.
const FILLERS: &[&str] = &[
    "a",
    "an",
    "and",
    "at",
    "for",
    "in",
    "of",
    "on",
    "or",
    "the",
    "no",
    "nr",
    "num",
    "number",
    "count",
    "total",
    "minimum",
    "min",
    "estimated",
    "estimate",
    "approximate",
    "s",
];

/// Words of other form and same meaning; plurals in `s` are cut beforehand.
const FORMS: &[(&str, &str)] = &[
    ("dead", "death"),
    ("fatalitie", "fatality"),
    ("bodie", "body"),
    ("countrie", "country"),
    ("injurie", "injury"),
    ("women", "woman"),
    ("men", "man"),
    ("children", "child"),
    ("kid", "child"),
    ("juvenile", "child"),
    ("survivng", "survivor"),
    ("surviving", "survivor"),
    ("rescue", "rescued"),
    ("reporting", "reported"),
    ("report", "reported"),
    ("yr", "year"),
];

/// The words of a header, in one form each, without fillers.
pub(super) fn words(header: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(header.len() + 8);
    let mut lower_before = false;
    for c in header.chars() {
        if c.is_uppercase() && lower_before {
            spaced.push(' ');
        }
        lower_before = c.is_lowercase();
        spaced.extend(if c.is_alphanumeric() { c } else { ' ' }.to_lowercase());
    }
    spaced
        .split_whitespace()
        .filter(|word| !FILLERS.contains(word))
        .map(|word| {
            let keep = word.len() <= 3 || word.ends_with("ss") || word.ends_with("us");
            let stem = if keep { word } else { word.strip_suffix('s').unwrap_or(word) };
            FORMS.iter().find(|(form, _)| *form == stem).map_or(stem, |(_, same)| same).to_owned()
        })
        .collect()
}
