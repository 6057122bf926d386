//! Any message as an outline, its fields in the order of the standard.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::output::{Line, Output, OutputError};

/// A value of JSON whose objects keep their order.
pub(crate) enum Tree {
    /// A string, number, truth value or null.
    Leaf(String),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

impl Tree {
    /// The tree of a value.
    pub(crate) fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(value)?)
    }

    /// Writes it as an outline.
    pub(crate) fn write(&self, output: &mut Output) -> Result<(), OutputError> {
        self.write_at("", 0, output)
    }

    fn write_at(&self, name: &str, depth: usize, output: &mut Output) -> Result<(), OutputError> {
        let indent = "  ".repeat(depth);
        match self {
            Self::Leaf(text) => write_leaf(name, text, &indent, output),
            Self::List(items) => {
                for item in items {
                    item.write_at(name, depth, output)?;
                }
                Ok(())
            }
            Self::Object(fields) => {
                let depth = if name.is_empty() { depth } else { depth + 1 };
                if !name.is_empty() {
                    output.line(Line::default().text(indent).strong(name))?;
                }
                for (name, value) in fields {
                    value.write_at(name, depth, output)?;
                }
                Ok(())
            }
        }
    }
}

/// A text of several lines stands below its name.
fn write_leaf(
    name: &str,
    text: &str,
    indent: &str,
    output: &mut Output,
) -> Result<(), OutputError> {
    let title = Line::default().text(indent).faint(format!("{name}: "));
    if !text.contains('\n') {
        return output.line(title.text(text));
    }
    output.line(title)?;
    for line in text.lines() {
        output.line(Line::default().text(format!("{indent}  ")).text(line))?;
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf("null".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Tree::Object(fields))
    }
}
