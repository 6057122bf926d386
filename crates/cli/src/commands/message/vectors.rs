//! `barid message vectors`: the conformance set, written into a folder.

use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::durable;
use crate::output::{Line, Output};
use crate::vectors::{self, Vector, World};

/// What stands beside the set, for people.
const README: &str = include_str!("../../vectors/set.md");

/// Writes the set.
pub(super) fn write(folder: &Path, output: &mut Output) -> anyhow::Result<()> {
    if folder.exists() {
        bail!("{} is there already; name a folder that is not", folder.display());
    }
    let world = World::new()?;
    let set = vectors::set(&world)?;
    durable::public_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        let written = durable::write_public(&path, text.as_bytes());
        written.with_context(|| format!("cannot write {}", path.display()))
    };
    put("README.md", README.to_owned())?;
    put("world.json", pretty(&described(&world))?)?;
    let index: Vec<Value> = set.iter().map(entry).collect();
    put("index.json", pretty(&Value::Array(index))?)?;
    for vector in &set {
        put(&format!("{}.json", vector.name), serde_json::to_string(&vector.message)? + "\n")?;
    }
    let refused = set.iter().filter(|vector| vector.refused.is_some()).count();
    let line = format!(
        "{}: {} messages that are taken, {refused} that are refused",
        folder.display(),
        set.len() - refused
    );
    Ok(output.line(Line::default().text(line))?)
}

fn pretty(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn described(world: &World) -> Value {
    json!({
        "now": "2027-01-15T08:00:00Z",
        "sender": world.sender.as_str(),
        "registeredKey": {
            "owner": world.sender.as_str(),
            "algorithm": "Ed25519",
            "spki": STANDARD.encode(world.key.public().spki()),
        },
        "strangersKey": {
            "algorithm": "Ed25519",
            "spki": STANDARD.encode(world.stranger.public().spki()),
        },
    })
}

fn entry(vector: &Vector) -> Value {
    let expected = vector.refused.as_ref().map_or_else(
        || json!("taken"),
        |refused| json!({"reason": refused.reason, "field": refused.field, "rule": refused.rule}),
    );
    json!({"file": format!("{}.json", vector.name), "about": vector.about, "expected": expected})
}
