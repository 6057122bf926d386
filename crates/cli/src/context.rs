//! Who calls: the context file that `barid init` writes, and how it is found.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use barid_link::identity::Identity;
use barid_message::address::Address;
use barid_message::key::PublicKey;
use serde::Deserialize;

use crate::account::{self, AgencyAccount, OperatorAccount};
use crate::args::Global;
use crate::config_file;
use crate::output::{Line, Output};

/// Name of the context file.
pub(crate) const FILE_NAME: &str = "context.toml";
/// Where `barid init ./barid` puts it.
const USUAL_FOLDER: &str = "barid";
/// The operator that `barid init` makes by default.
const USUAL_OPERATOR: &str = "admin";

/// A command line that cannot be meant: exit code 2.
#[derive(Debug)]
pub(crate) struct WrongUse(pub(crate) String);

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// As whom to call: an agency or unit, or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// `pk/customs`.
    Agency(Address),
    /// `operator`, or `operator/NAME`.
    Operator(Option<String>),
}

impl FromStr for Caller {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "operator" {
            return Ok(Self::Operator(None));
        }
        if let Some(name) = text.strip_prefix("operator/") {
            return Ok(Self::Operator(Some(name.to_owned())));
        }
        Address::parse(text)
            .map(Self::Agency)
            .map_err(|error| format!("{error}; operators are `operator` or `operator/NAME`"))
    }
}

/// The context file: who can be called as, and which keys the node signs evidence
/// with. Paths are relative to the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    /// The node: `spiffe://<trust domain>/node`.
    node: String,
    /// Its evidence keys: base64 of the SubjectPublicKeyInfo.
    #[serde(default)]
    evidence_keys: Vec<String>,
    /// Address to `client.toml`.
    #[serde(default)]
    agencies: BTreeMap<String, PathBuf>,
    /// Name to `operator.toml`.
    #[serde(default)]
    operators: BTreeMap<String, PathBuf>,
}

/// A context that was found and read.
#[derive(Debug)]
pub(crate) struct Context {
    file: PathBuf,
    node: Identity,
    evidence_keys: Vec<PublicKey>,
    agencies: BTreeMap<Address, PathBuf>,
    operators: BTreeMap<String, PathBuf>,
}

impl Context {
    /// Reads a context file.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let unreadable = || format!("cannot read the context {}", file.display());
        let text = fs::read_to_string(file).with_context(unreadable)?;
        let raw: Raw = config_file::parse(&text).with_context(unreadable)?;
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let agency = |(address, path): (String, PathBuf)| -> anyhow::Result<_> {
            Ok((Address::parse(&address)?, folder.join(path)))
        };
        let agencies: anyhow::Result<BTreeMap<_, _>> =
            raw.agencies.into_iter().map(agency).collect();
        let operators = raw.operators.into_iter();
        Ok(Self {
            node: raw.node.parse().with_context(unreadable)?,
            evidence_keys: account::evidence_keys(&raw.evidence_keys).with_context(unreadable)?,
            agencies: agencies.with_context(unreadable)?,
            operators: operators.map(|(name, path)| (name, folder.join(path))).collect(),
            file: file.to_path_buf(),
        })
    }

    /// Gives the evidence keys of a node, if it is this context's, to an account whose
    /// own file has none.
    fn lend(&self, keys: &mut Vec<PublicKey>, node: &Identity) {
        if keys.is_empty() && *node == self.node {
            keys.clone_from(&self.evidence_keys);
        }
    }

    fn agency(&self, address: Option<&Address>) -> anyhow::Result<&Path> {
        let known = || list(self.agencies.keys());
        match address {
            Some(address) => self.agencies.get(address).ok_or_else(|| {
                let file = self.file.display();
                wrong(format!("{file} has no {address}; it has {}", known()))
            }),
            None if self.agencies.len() == 1 => self.agencies.values().next().ok_or_else(nobody),
            None => Err(wrong(format!("as which agency? add --as ADDRESS, one of {}", known()))),
        }
        .map(PathBuf::as_path)
    }

    fn operator(&self, name: Option<&str>) -> anyhow::Result<&Path> {
        let known = || list(self.operators.keys());
        match name {
            Some(name) => self.operators.get(name).ok_or_else(|| {
                let file = self.file.display();
                wrong(format!("{file} has no operator {name}; it has {}", known()))
            }),
            None if self.operators.len() == 1 => self.operators.values().next().ok_or_else(nobody),
            None => self.operators.get(USUAL_OPERATOR).ok_or_else(|| {
                wrong(format!("as which operator? add --as operator/NAME, one of {}", known()))
            }),
        }
        .map(PathBuf::as_path)
    }
}

/// The agency that a command runs as.
pub(crate) fn agency(global: &Global, output: &mut Output) -> anyhow::Result<AgencyAccount> {
    let account = find_agency(global)?;
    warn(&account.exposed, output);
    Ok(account)
}

/// The operator that a command runs as.
pub(crate) fn operator(global: &Global, output: &mut Output) -> anyhow::Result<OperatorAccount> {
    let account = find_operator(global)?;
    warn(&account.exposed, output);
    Ok(account)
}

/// Keys that others can read are used all the same: to refuse them would stop the work
/// of a border post.
fn warn(exposed: &[PathBuf], output: &mut Output) {
    for file in exposed {
        let file = file.display();
        let what = format!("others can read the key {file}; chmod 600 it");
        output.note(Line::default().caution("careless ").text(what));
    }
}

fn find_agency(global: &Global) -> anyhow::Result<AgencyAccount> {
    if let Some(client) = &global.client {
        let mut account = AgencyAccount::load(client)?;
        borrow(&mut account.evidence_keys, &account.connection.node, global)?;
        return match &global.caller {
            Some(caller) if *caller != Caller::Agency(account.address.clone()) => Err(wrong(
                format!("{} is of {}, not of the --as given", client.display(), account.address),
            )),
            _ => Ok(account),
        };
    }
    let context = required(global)?;
    let address = match &global.caller {
        None => None,
        Some(Caller::Agency(address)) => Some(address),
        Some(Caller::Operator(_)) => {
            return Err(wrong("an agency's command; use --as with its address".into()));
        }
    };
    let mut account = AgencyAccount::load(context.agency(address)?)?;
    context.lend(&mut account.evidence_keys, &account.connection.node);
    Ok(account)
}

/// Evidence keys from the context for who calls by a file of its own, if that has none.
/// With keys, it needs no context, and a wrong one does no harm.
fn borrow(keys: &mut Vec<PublicKey>, node: &Identity, global: &Global) -> anyhow::Result<()> {
    if keys.is_empty()
        && let Some(context) = find(global)?
    {
        context.lend(keys, node);
    }
    Ok(())
}

fn find_operator(global: &Global) -> anyhow::Result<OperatorAccount> {
    if let Some(client) = &global.client {
        let mut account = OperatorAccount::load(client)?;
        borrow(&mut account.evidence_keys, &account.connection.node, global)?;
        return Ok(account);
    }
    let context = required(global)?;
    let name = match &global.caller {
        None | Some(Caller::Operator(None)) => None,
        Some(Caller::Operator(Some(name))) => Some(name.as_str()),
        Some(Caller::Agency(address)) => {
            return Err(wrong(format!(
                "an operator's command, which {address} is not; leave --as out, or use \
                 --as operator/NAME"
            )));
        }
    };
    let mut account = OperatorAccount::load(context.operator(name)?)?;
    context.lend(&mut account.evidence_keys, &account.connection.node);
    Ok(account)
}

fn required(global: &Global) -> anyhow::Result<Context> {
    find(global)?.ok_or_else(|| {
        wrong(
            "nobody to call as: no context.toml here or in ./barid; name its folder with \
             --context DIR, or your client.toml or operator.toml with --client FILE"
                .into(),
        )
    })
}

/// The context: the one named, else the one here, else the one in `./barid`.
pub(crate) fn find(global: &Global) -> anyhow::Result<Option<Context>> {
    let found = match &global.context {
        Some(named) if named.is_dir() => Some(named.join(FILE_NAME)),
        Some(named) => Some(named.clone()),
        None => ["", USUAL_FOLDER]
            .into_iter()
            .map(|folder| Path::new(folder).join(FILE_NAME))
            .find(|file| file.is_file()),
    };
    found.map(|file| Context::load(&file)).transpose()
}

fn list(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<_> = names.map(|name| name.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn wrong(text: String) -> anyhow::Error {
    WrongUse(text).into()
}

fn nobody() -> anyhow::Error {
    wrong("the context names nobody".into())
}
