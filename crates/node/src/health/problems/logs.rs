//! What is wrong with the node's own audit log.

use std::time::Duration;

use barid_proto::operations::v1::{ProblemKind, Severity};

use super::{Problem, STARTS_WITHIN, minutes};
use crate::health::facts::Facts;

/// How long heads may go without the cosignatures that they need.
const UNTRUSTED: Duration = minutes(10);
/// From then on nobody could tell a changed log from a true one for too long.
const UNTRUSTED_LONG: Duration = minutes(60);

/// All of it.
pub(super) fn problems(facts: &Facts) -> Vec<Problem> {
    let audit = &facts.audit;
    let mut found = Vec::new();
    if audit.is_contradicted {
        let text = "this node's audit log is not what was signed in its name: the data were \
                    rewritten, put back or copied, or its log key is in other hands";
        let advice = "stop the node and keep its data; compare with a copy; `barid audit fsck`; \
                      call the operators of linked nodes";
        found.push(Problem::new(Severity::Critical, ProblemKind::LogContradicted, text, advice));
    } else if !audit.is_up && facts.now.since(facts.started_at) >= STARTS_WITHIN {
        let text = "no head of the audit log can be signed; messages are taken and delivered";
        let advice = "look at the disk and at the node's own log; it is tried again by itself";
        found.push(Problem::new(Severity::Warning, ProblemKind::AuditLogDown, text, advice));
    }
    let since = audit.cosigned_at.unwrap_or(facts.started_at);
    let waits = facts.now.since(since);
    if audit.is_uncosigned && audit.needed > 0 && waits >= UNTRUSTED {
        let is_long = waits >= UNTRUSTED_LONG;
        let severity = if is_long { Severity::Critical } else { Severity::Warning };
        let text = format!(
            "heads of the audit log get fewer than {} cosignatures; nothing later is vouched for",
            audit.needed
        );
        let advice = "`barid peers`: are the links up, and do those nodes cosign? Messages flow \
                      meanwhile";
        let problem = Problem::new(severity, ProblemKind::HeadsUntrusted, text, advice);
        found.push(problem.since(Some(since)));
    }
    found
}
