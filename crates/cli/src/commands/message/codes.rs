//! `barid message codes`: the code lists of the standard.

use anyhow::bail;
use barid_message::codes::{CodeList, LISTS};
use serde_json::json;

use crate::output::{Line, Output, Table};

/// Shows all lists, or one with its codes.
pub(super) fn show(name: Option<&str>, output: &mut Output) -> anyhow::Result<()> {
    let Some(name) = name else {
        return all(output);
    };
    let Some(list) = CodeList::find(name) else {
        bail!("there is no code list of this name; `barid message codes` lists them");
    };
    if output.wants_json() {
        for one in list.codes() {
            output.json(&json!({"list": name, "code": one.code, "label": one.label}))?;
        }
        return Ok(());
    }
    output.note(Line::default().strong(list.title()));
    output.note(Line::default().faint(format!("{}, version {}", list.source(), list.version())));
    let mut table = Table::new(["CODE", "MEANING"]);
    for one in list.codes() {
        table.row().text(one.code).text(one.label);
    }
    Ok(output.table(&table)?)
}

fn all(output: &mut Output) -> anyhow::Result<()> {
    if output.wants_json() {
        for list in LISTS {
            output.json(&json!({
                "list": list.name(),
                "title": list.title(),
                "source": list.source(),
                "version": list.version(),
                "fields": list.fields(),
                "codes": list.codes().count(),
            }))?;
        }
        return Ok(());
    }
    let mut table = Table::new(["LIST", "CODES", "VERSION", "TITLE", "SOURCE"]);
    for list in LISTS {
        let count = u64::try_from(list.codes().count()).unwrap_or(u64::MAX);
        let row = table.row().text(list.name()).number(count);
        row.text(list.version()).text(list.title()).text(list.source());
    }
    Ok(output.table(&table)?)
}
