//! What is damaged on the disk, and whose messages fill what they may have.

use barid_proto::operations::v1::{ProblemKind, Severity};

use super::{INBOX_FILLED, Problem};
use crate::health::facts::{Facts, Quota, Whose};

/// All of it.
pub(super) fn problems(facts: &Facts) -> Vec<Problem> {
    let quotas = facts.quotas.iter().filter_map(quota);
    damaged(facts).into_iter().chain(quotas).collect()
}

fn damaged(facts: &Facts) -> Option<Problem> {
    let places = match facts.damages {
        0 => return None,
        1 => "one place".to_owned(),
        several => format!("{several} places"),
    };
    let text = format!(
        "what the node has kept is damaged in {places}: it delivers what is sound, and takes \
         nothing new"
    );
    let advice = "stop it, copy the data folder, then `barid audit fsck` says what and where; put \
                  back an undamaged disk, or `barid audit take-for-lost`";
    Some(Problem::new(Severity::Critical, ProblemKind::StorageDamaged, text, advice))
}

fn quota(quota: &Quota) -> Option<Problem> {
    let Quota { whose, used, max } = quota;
    if used.saturating_mul(100) < max.saturating_mul(INBOX_FILLED) {
        return None;
    }
    let (severity, state) = if used >= max {
        (Severity::Critical, "all of it; only IMMEDIATE and FLASH are taken, for a while")
    } else {
        (Severity::Warning, "nearly all")
    };
    let (subject, text, advice) = match whose {
        Whose::Agency(agency) => (
            agency.as_str(),
            format!("{used} of its messages have not ended, of {max} that may: {state}"),
            "`barid queues` shows where they wait; have the recipients' systems receive",
        ),
        Whose::Peer(name) => (
            name.as_str(),
            format!("{used} messages from it have not ended, of {max} that may: {state}"),
            "`barid queues` shows where they wait; have the recipients' systems receive",
        ),
        Whose::Bodies => (
            "",
            format!(
                "bodies of messages take {} of {} MiB that they may: {state}",
                used >> 20,
                max >> 20
            ),
            "`barid queues --disk` shows what would free how much; else raise `bodies_mib_max`",
        ),
    };
    Some(Problem::new(severity, ProblemKind::QuotaFull, text, advice).about(subject))
}
