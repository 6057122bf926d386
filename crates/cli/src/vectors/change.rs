//! One change in a message in JSON.

use anyhow::Context as _;
use barid_message::examples::pointer;
use serde_json::{Map, Value};

/// Puts a value where a path leads; takes the field out where there is none.
pub(super) fn put(message: &mut Value, path: &str, value: &str) -> anyhow::Result<()> {
    let fields = message.as_object().context("a message is an object")?;
    let body = fields.keys().find(|name| *name != "header").context("a message has a body")?;
    let pointer = pointer(body, path);
    let (parent, name) = pointer.rsplit_once('/').context("a path has a field")?;
    if message.pointer(parent).is_none() {
        // A row that the example leaves out.
        let (above, row) = parent.rsplit_once('/').context("a row stands in the header")?;
        let header = message.pointer_mut(above).context("no such place")?;
        header[row] = Value::Object(Map::new());
    }
    let parent = message.pointer_mut(parent).context("no such place")?;
    if value.is_empty() {
        parent.as_object_mut().context("only a field can be taken out")?.remove(name);
        return Ok(());
    }
    let value = serde_json::from_str(value)?;
    match (parent, name.parse::<usize>()) {
        (Value::Array(items), Ok(position)) => {
            *items.get_mut(position).context("no such element")? = value;
        }
        (object, _) => object[name] = value,
    }
    Ok(())
}
