//! `barid message`: messages without a node.

#[cfg(test)]
mod broken_tests;
mod check;
mod codes;
#[cfg(test)]
mod tests;
mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use barid_message::key::PublicKey;
use barid_message::tables::Tables;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};

use crate::args::Global;
use crate::document::{self, Document, Form, Input, KindName};
use crate::output::{Line, Output};
use crate::show;
use crate::words;

const EXAMPLES: &str = "\
EXAMPLES
  barid message new alert > alert.json      fill in what stands between < and >
  barid message check alert.json            every fault, with its field and rule
  barid message show in/01a3185c-5000-7001-8000-000000000002.json
  barid message codes cap-urgency           what may stand in a field";

/// Write, check and read messages, without a node
///
/// Prints what to fill in, finds every fault before a node does, and shows what came.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct MessageArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a message to fill in: what is required, with comments
    #[command(after_help = NEW_EXAMPLES)]
    New {
        /// Which kind
        kind: KindName,
        /// Without the comment lines
        #[arg(long)]
        plain: bool,
    },
    /// Check messages by every rule that needs no node; exit code 1 if one has faults
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Files, folders (their *.json in order of name), or - for stdin
        #[arg(required = true, value_name = "FILE|DIR|-")]
        inputs: Vec<String>,
        /// The sender's public key, to check the signature of signed messages: a file
        /// (PEM), or base64 as `spki` in node.toml
        #[arg(long, value_name = "FILE|SPKI")]
        key: Option<String>,
        /// The input is a bare body of this kind, without {"header":…}
        #[arg(long, value_name = "KIND")]
        kind: Option<KindName>,
        #[command(flatten)]
        tables: TableFiles,
    },
    /// Show messages in full, for people
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Files, folders (their *.json in order of name), or - for stdin
        #[arg(required = true, value_name = "FILE|DIR|-")]
        inputs: Vec<String>,
    },
    /// List the code lists of the standard, or one of them with its source
    #[command(after_help = CODES_HELP)]
    Codes {
        /// Name of a list; absent = all lists
        list: Option<String>,
    },
    /// Write the conformance set: messages of every kind, right and wrong, signed with
    /// test keys, with what is expected of each
    #[command(after_help = VECTORS_EXAMPLES)]
    Vectors {
        /// A folder that is not there yet
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

const VECTORS_EXAMPLES: &str = "\
EXAMPLES
  barid message vectors conformance
  barid message check conformance/valid-alert.json";

/// Tables that codes are looked up in.
#[derive(Args, Debug, Default)]
struct TableFiles {
    /// Look places up in this table: UN/LOCODE, the CSV that UNECE publishes
    #[arg(long, value_name = "CSV")]
    unlocode: Option<PathBuf>,
    /// Look goods up in this table: a CSV of the Harmonized System
    #[arg(long, value_name = "CSV")]
    hs: Option<PathBuf>,
}

impl TableFiles {
    fn read(&self) -> anyhow::Result<Tables> {
        let mut tables = Tables::default();
        if let Some(file) = &self.unlocode {
            let cannot = || format!("cannot use the table {}", file.display());
            let text = std::fs::read(file).with_context(cannot)?;
            tables.unlocode(&text).with_context(cannot)?;
        }
        if let Some(file) = &self.hs {
            let cannot = || format!("cannot use the table {}", file.display());
            let text = std::fs::read(file).with_context(cannot)?;
            tables.hs(&text).with_context(cannot)?;
        }
        Ok(tables)
    }
}

/// What messages are held against beside the rules.
struct Against<'a> {
    key: Option<&'a PublicKey>,
    tables: &'a Tables,
}

const CODES_HELP: &str = "\
EXAMPLES
  barid message codes                       every list, with its source and version
  barid --json message codes refusal-reason

Codes in bodies are open: one that a list does not have is carried and shown as it is.";

const NEW_EXAMPLES: &str = "\
EXAMPLES
  barid message new note > note.json
  barid message new crossing-status --plain";

const SHOW_EXAMPLES: &str = "\
EXAMPLES
  barid message show in/                    every message in a folder
  barid --json message show note.signed.json";

const CHECK_HELP: &str = "\
EXAMPLES
  barid message check note.json alert.json
  barid message check in/ --key customs.pem
  barid message check in/ --unlocode 2024-2_UNLOCODE_CodeListPart1.csv

What `barid send` fills in may be missing: id, times, originator, recipients given with
--to, agreement, languages, digest, signature. Whether an agreement covers the message,
and whether the key is registered, only the node knows.

A warning is no fault: nothing is refused for it, and the exit code stays 0.";

/// Runs the command.
pub(crate) fn run(
    args: &MessageArgs,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::New { kind, plain: false } => output.text(document::template(*kind))?,
        Action::New { kind, plain: true } => {
            let lines = document::template(*kind).lines();
            for line in lines.filter(|line| !line.trim_start().starts_with("//")) {
                output.line(line)?;
            }
        }
        Action::Check { inputs, key, kind, tables } => {
            let key = key.as_deref().map(public_key).transpose()?;
            let form = kind.map_or(Form::Message, Form::Body);
            let against = Against { key: key.as_ref(), tables: &tables.read()? };
            check_all(inputs, form, &against, global, output)?;
        }
        Action::Codes { list } => codes::show(list.as_deref(), output)?,
        Action::Vectors { folder } => vectors::write(folder, output)?,
        Action::Show { inputs } => {
            for input in inputs {
                for (name, document) in document::read(&Input::from(input.as_str()), Form::Message)?
                {
                    show_one(&document, output).with_context(|| format!("cannot show {name}"))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn public_key(key: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::from_spki(&STANDARD.decode(key).unwrap_or_default()) {
        return Ok(key);
    }
    let (file, cannot) = (key, || format!("cannot use the key {key}"));
    let text = std::fs::read_to_string(file).with_context(cannot)?;
    PublicKey::from_pem(&text).with_context(cannot)
}

fn check_all(
    inputs: &[String],
    form: Form,
    against: &Against<'_>,
    global: &Global,
    output: &mut Output,
) -> anyhow::Result<()> {
    let sender = check::sender(global, output);
    let mut wrong = 0_usize;
    let mut count = 0_usize;
    for input in inputs {
        for (name, documents) in document::read_each(&Input::from(input.as_str()), form)? {
            let documents = match documents {
                Ok(documents) => documents,
                Err(error) => {
                    (count, wrong) = (count + 1, wrong + 1);
                    let faults = &[check::unreadable(&error)];
                    let (checked, warnings) = ("", &[][..]);
                    check::Report { name: &name, checked, faults, warnings }.write(output)?;
                    continue;
                }
            };
            for document in &documents {
                let mut faults = check::faults(document, sender.as_ref(), against.key)?;
                faults.extend(check::unlisted(document, against.tables));
                count += 1;
                wrong += usize::from(!faults.is_empty());
                let checked = check::how(document, against.key.is_some());
                let (faults, warnings) = (&faults[..], &check::warnings(document)[..]);
                check::Report { name: &name, checked, faults, warnings }.write(output)?;
            }
        }
    }
    if wrong > 0 {
        let messages = words::count(count, "message", "messages");
        bail!("faults in {wrong} of {messages}; mend the fields named above");
    }
    Ok(())
}

fn show_one(document: &Document, output: &mut Output) -> anyhow::Result<()> {
    match document {
        Document::Draft(header, body) if output.wants_json() => {
            Ok(output.json(&document::Readable::of(header, body))?)
        }
        Document::Draft(header, body) => show::whole(header, body, output),
        Document::Signed(message) => {
            let (signed, body) = document::open(message)?;
            let header = signed.proto_header();
            if output.wants_json() {
                return Ok(output.json(&document::Readable::of(header, &body))?);
            }
            show::whole(header, &body, output)?;
            let note = "the body is the header's; for the signature, `barid message check --key`";
            output.note(Line::default().faint(note));
            Ok(())
        }
    }
}
