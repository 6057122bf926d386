//! Whose data it is: a log has one name from its first entry on.

use barid_audit::entry::Body;
use barid_journal::{DataDir, first_record};

use super::{OpenError, decode};

/// The data belong to a node of another trust domain. Statements of that log would be
/// signed in a name that it does not bear.
#[derive(Debug, thiserror::Error)]
#[error(
    "the data folder belongs to a node of the trust domain {kept}, and the configuration says {configured}: write trust_domain = \"{kept}\" under [node], or name an empty folder for the data of the new node; nothing was changed"
)]
pub struct OtherOrigin {
    /// Of the data.
    pub kept: String,
    /// Of the configuration.
    pub configured: String,
}

/// Holds the name of the log against the first entry of the journal, before anything
/// is opened: an index of another log would be set aside.
pub(super) fn check(data: &DataDir, log_origin: &str) -> Result<(), OpenError> {
    // What cannot be read is for recovery to say.
    let first = first_record(data)?.and_then(|record| decode(record).ok());
    match first.map(|entry| entry.body) {
        Some(Body::Restarted(facts)) if facts.log_origin != log_origin => {
            let [kept, configured] = [&facts.log_origin, log_origin].map(trust_domain);
            Err(OtherOrigin { kept, configured }.into())
        }
        _ => Ok(()),
    }
}

fn trust_domain(log_origin: &str) -> String {
    log_origin.split_once("/log/").map_or(log_origin, |(domain, _epoch)| domain).to_owned()
}
