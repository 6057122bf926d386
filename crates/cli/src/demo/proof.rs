//! What the nodes can prove of one message to somebody who has none of them, and what
//! becomes of a log that its own node forges.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use barid_audit::bundle::{Answer, Bundle, Fingerprint, Report, Trust, join};
use barid_audit::checkpoint::Checkpoint;
use barid_audit::note::{KeyName, LogKey, LogSigner, WitnessKey};
use barid_audit::tree::{Frontier, Hash, Subtrees, inclusion};
use barid_link::client::CallError;
use barid_message::digest::Digest;
use barid_message::key::SigningKey;
use barid_node::config::Config;
use barid_proto::audit::v1::EvidenceBundle;
use barid_proto::journal::v1::Leaf;
use barid_proto::operations::v1::ExportEvidenceRequest;
use bytes::Bytes;
use prost::Message as _;
use std::collections::BTreeMap;
use std::convert::Infallible;
use tokio::time::{Instant, sleep};

use super::ledger::Key;
use super::narrator::Narrator;
use super::stage::Site;
use crate::durable;

/// A node that dies may take the answer with it, and is started again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// Tells it, and leaves the bundle and its trust file where they were asked for.
pub(super) async fn prove(
    sites: &[Site],
    key: &Key,
    export: Option<&Path>,
    say: &mut Narrator<'_>,
) -> anyhow::Result<()> {
    say.scene("09:02", "Evidence that stands alone").await?;
    say.tell(
        "Each node exports what its log has of the alert: the signed message, all evidence, and \
         proofs that its log has kept it. The three go into one file, which somebody checks who \
         has no node and no network, and knows the keys of the logs, the witnesses and the \
         agency alone.",
    )
    .await?;
    let mut bundles = Vec::new();
    for site in sites {
        bundles.push(exported(site, key).await?);
    }
    let whole = join(&bundles).context("what the nodes exported does not go together")?;
    let (signers, trust_file) = trusted(sites, key)?;
    let trust = Trust::parse(trust_file.as_bytes()).context("the trust file is wrong")?;
    let size = whole.len();
    let report = Report::of(vec![("the bundle".to_owned(), whole.clone())], Some(&trust));
    anyhow::ensure!(report.answer() == Answer::Proven, "{}", report.lines().join("; "));
    say.result(&format!("PROVEN from {size} bytes, whatever becomes of the nodes.")).await?;
    let statements = Bundle::open(&whole).map(|bundle| bundle.statements().len()).unwrap_or(0);
    say.result(&format!(
        "{statements} signed statements, each in a log whose head another node has cosigned."
    ))
    .await?;
    let mut changed = whole.to_vec();
    changed[size / 2] ^= 1;
    let report = Report::of(vec![("changed".to_owned(), changed.into())], Some(&trust));
    anyhow::ensure!(report.answer() == Answer::Refused, "one bit was changed, and nobody saw it");
    say.result("One bit of it changed: REFUSED.").await?;
    say.tell(
        "Now the node of pk lies: it rewrites its log in front of the alert, and signs the \
         forged head with its own key. No other node cosigns that. Beside the other bundle:",
    )
    .await?;
    let pk = sites.iter().position(|site| site.country == "pk").context("no node of pk")?;
    let forged = forged(&bundles[pk], &signers[pk])?;
    let files = vec![("the first".to_owned(), whole.clone()), ("the second".to_owned(), forged)];
    let report = Report::of(files, Some(&trust));
    let (_, found) = report.contradictions.first().context("a forged log was not caught")?;
    say.result(&format!(
        "CONTRADICTION: by {}, {}; it signed both heads.",
        found.origin, found.what
    ))
    .await?;
    if let Some(path) = export {
        let mut trust_path = path.as_os_str().to_owned();
        trust_path.push(".trust");
        let trust_path = PathBuf::from(trust_path);
        durable::write(path, &whole)?;
        durable::write(&trust_path, trust_file.as_bytes())?;
        say.result(&format!(
            "The bundle stays: barid audit verify {} --trust {}",
            path.display(),
            trust_path.display()
        ))
        .await?;
    }
    Ok(())
}

/// What one node's log has of the message.
async fn exported(site: &Site, key: &Key) -> anyhow::Result<Bytes> {
    let request = ExportEvidenceRequest {
        message_id: key.id.to_string(),
        origin_agency: key.origin.to_string(),
        purpose: "demo".to_owned(),
        without_body: false,
    };
    let client = site.operator.client()?;
    let begun = Instant::now();
    loop {
        match client.export_evidence(request.clone()).await {
            Ok(bundle) => {
                let bundle = Bytes::from(bundle);
                let is_cosigned =
                    |bundle: &Bundle| bundle.logs().iter().all(|log| !log.cosigned().is_empty());
                let opened = Bundle::open(&bundle).context("what a node exported does not hold")?;
                // The others cosign again a moment after they are back.
                if is_cosigned(&opened) || begun.elapsed() > PATIENCE {
                    return Ok(bundle);
                }
                sleep(AGAIN).await;
            }
            Err(error) if error.is_passing() && begun.elapsed() < PATIENCE => sleep(AGAIN).await,
            Err(error) => return Err(cannot(site, error)),
        }
    }
}

fn cannot(site: &Site, error: CallError) -> anyhow::Error {
    anyhow::Error::from(error).context(format!("the node of {} exports nothing", site.country))
}

/// What signs each node's log, and a trust file with the keys of all and of the agency, as
/// their owners would tell them: from each one's own folder.
fn trusted(sites: &[Site], key: &Key) -> anyhow::Result<(Vec<Arc<SigningKey>>, String)> {
    let mut signers = Vec::new();
    let mut lines = vec!["barid-trust 1".to_owned(), "quorum 1".to_owned()];
    for site in sites {
        let config = Config::load(&site.config).context("cannot read back what was made")?;
        let keys = config.audit.read_keys().context("cannot read a key back")?;
        let signer = keys.log;
        let name = KeyName::parse(&format!("{}/log/1", config.node.trust_domain))?;
        let log = LogKey::new(name, signer.public().clone())?;
        lines.push(Fingerprint::Log(log.to_vkey()).to_string());
        let name = KeyName::parse(&format!("{}/witness", config.node.trust_domain))?;
        let witness = WitnessKey::new(name, keys.witness.public().clone())?;
        lines.push(Fingerprint::Witness(witness.to_vkey()).to_string());
        for agency in config.agencies.iter().filter(|agency| agency.address == key.origin) {
            let keys = agency.keys.iter().map(|key| Digest::of(key.key.spki()));
            let lines_of = keys.map(|digest| Fingerprint::Agency(key.origin.to_string(), digest));
            lines.extend(lines_of.map(|line| line.to_string()));
        }
        signers.push(signer);
    }
    lines.push(String::new());
    Ok((signers, lines.join("\n")))
}

/// The bundle as the log's own node would forge it: the entries that it shows are where
/// they were, and all others are what nobody ever wrote.
fn forged(bundle: &Bytes, signer: &Arc<SigningKey>) -> anyhow::Result<Bytes> {
    let mut bundle = EvidenceBundle::decode(bundle.clone())?;
    let log = bundle.logs.first_mut().context("the bundle has no log")?;
    let key = LogKey::from_vkey(&log.key)?;
    let signer = LogSigner::new(key.name().clone(), Arc::clone(signer))?;
    let mut leaves = BTreeMap::new();
    for record in &log.records {
        leaves.insert(Leaf::decode(record.leaf.clone())?.position, record.leaf.clone());
    }
    let last = leaves.keys().last().copied().unwrap_or_default();
    let (mut frontier, mut tree) = (Frontier::default(), Forged::default());
    for position in 0..=last {
        let invented = Bytes::from(Leaf { position, ..Leaf::default() }.encode_to_vec());
        let leaf = Hash::of_leaf(leaves.get(&position).unwrap_or(&invented));
        tree.0.extend(frontier.push(leaf).map(|(level, index, hash)| ((level, index), hash)));
    }
    let size = frontier.size();
    for record in &mut log.records {
        let position = Leaf::decode(record.leaf.clone())?.position;
        let Ok(path) = inclusion(&tree, position, size);
        record.path = path.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect();
    }
    let head = Checkpoint { origin: key.name().clone(), size, root: frontier.root() };
    log.checkpoint = head.sign(&signer)?.to_bytes().into();
    log.witnesses.clear();
    Ok(bundle.encode_to_vec().into())
}

#[derive(Default)]
struct Forged(BTreeMap<(u32, u64), Hash>);

impl Subtrees for Forged {
    type Error = Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0.get(&(level, index)).copied().unwrap_or_else(Hash::of_nothing))
    }
}
