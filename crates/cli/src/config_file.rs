//! Files in TOML that people write: what is wrong with one, in one line.

use anyhow::anyhow;
use serde::de::DeserializeOwned;

/// Reads a text. An error names the line and what is wrong there.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    toml::from_str(text).map_err(|error| {
        let what = error.message().trim().replace('\n', ", ");
        let before = error.span().and_then(|span| text.get(..span.start));
        match before {
            Some(before) => anyhow!("line {}: {what}", before.matches('\n').count() + 1),
            None => anyhow!(what),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[expect(dead_code, reason = "only the errors are looked at")]
        node: String,
    }

    #[test]
    fn an_error_is_one_line_with_its_place() {
        let said = |text| super::parse::<File>(text).unwrap_err().to_string();
        let unknown = said("node = \"a\"\nkeys = 1\n");
        assert!(unknown.starts_with("line 2: unknown field `keys`"), "{unknown}");
        let wrong = said("node = \"a\"\nnode = \n");
        assert!(wrong.starts_with("line 2: ") && !wrong.contains('\n'), "{wrong}");
    }
}
