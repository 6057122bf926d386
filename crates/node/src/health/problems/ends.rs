//! Certificates and cards that end.

use std::time::Duration;

use barid_message::time::Millis;
use barid_proto::operations::v1::{ProblemKind, Severity};

use super::Problem;
use crate::health::facts::{Bearer, Ending};

const DAY: Duration = Duration::from_secs(86_400);
/// Days before the end at which it is told, the last time first.
const STAGES: [u8; 3] = [1, 7, 30];

impl Bearer {
    /// What people call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::OwnCertificate => "the node's certificate".to_owned(),
            Self::ClientCa => "the CA of this node's agencies and operators".to_owned(),
            Self::OwnCard => "the node's card".to_owned(),
            Self::PeerCard(name) => format!("the card of {name}"),
            Self::PeerCertificate(name) => format!("the certificate of {name}"),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::OwnCertificate => {
                "have a new one made (config/README.md, \"another certificate\"), \
                                     `barid card export`, then start the node again"
                    .to_owned()
            }
            Self::ClientCa => {
                "have a new CA made, and new certificates by it, before it ends".to_owned()
            }
            Self::OwnCard => "`barid card export`, then start the node again".to_owned(),
            Self::PeerCard(name) => {
                format!("have the operator of {name} make a new one: `barid card export` there")
            }
            Self::PeerCertificate(name) => {
                format!("have the operator of {name} renew it, and its card with it")
            }
        }
    }
}

/// What is wrong with it, if it ends within 30 days.
pub(super) fn problem(now: Millis, ending: &Ending) -> Option<Problem> {
    let Ending { what, at } = ending;
    let left = at.since(now);
    let stage = if *at <= now {
        0
    } else {
        STAGES.into_iter().find(|days| left <= DAY * u32::from(*days))?
    };
    let severity = if stage <= 1 { Severity::Critical } else { Severity::Warning };
    let (text, since) = match stage {
        0 => ("has ended".to_owned(), *at),
        _ if left < DAY => (format!("ends in {} h", left.as_secs() / 3_600), *at - DAY),
        _ => {
            let days = left.as_secs() / DAY.as_secs();
            (format!("ends in {days} days"), *at - DAY * u32::from(stage))
        }
    };
    let kind = ProblemKind::EndsSoon;
    let problem = Problem::new(severity, kind, format!("{text} ({at})"), what.advice());
    Some(Problem { stage, ..problem.about(what.name()).since(Some(since)) })
}
