//! What is said about files of evidence, whoever says it.

use bytes::Bytes;

use barid_message::shown::safe;

use super::{Bundle, Contradiction, Fingerprint, Line, Trust, Verdict, contradiction};

/// What some files are worth, each alone and all together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each file, in order.
    pub findings: Vec<Finding>,
    /// What two of them contradict each other in, with the names of both.
    pub contradictions: Vec<([String; 2], Contradiction)>,
}

/// What one file is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub name: String,
    /// What it is worth.
    pub verdict: Verdict,
    /// What it tells; nothing where it is refused.
    pub story: Vec<Line>,
}

/// The answer in one word, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Every file is proven.
    Proven,
    /// Every file agrees with itself, and with the others as far as that can be seen.
    ConsistentOnly,
    /// One at least proves nothing.
    Refused,
    /// Two cannot both be of honest logs.
    Contradiction,
}

impl Answer {
    /// As it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "PROVEN",
            Self::ConsistentOnly => "CONSISTENT ONLY",
            Self::Refused => "REFUSED",
            Self::Contradiction => "CONTRADICTION",
        }
    }

    /// The exit code of a program that gives it.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Proven => 0,
            Self::ConsistentOnly => 3,
            Self::Refused | Self::Contradiction => 1,
        }
    }
}

impl Finding {
    /// The answer for this file alone.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        match self.verdict {
            Verdict::Proven => Answer::Proven,
            Verdict::ConsistentOnly(_) => Answer::ConsistentOnly,
            Verdict::Refused(_) => Answer::Refused,
        }
    }
}

impl Report {
    /// Looks at files, by name and bytes.
    #[must_use]
    pub fn of(files: Vec<(String, Bytes)>, trust: Option<&Trust>) -> Self {
        let mut findings = Vec::new();
        let mut bundles: Vec<(String, Bundle)> = Vec::new();
        let mut contradictions = Vec::new();
        for (name, bytes) in files {
            let bundle = Bundle::open(&bytes);
            let verdict = match &bundle {
                Ok(bundle) => bundle.judge(trust),
                Err(why) => Verdict::Refused(why.clone()),
            };
            let is_refused = matches!(verdict, Verdict::Refused(_));
            let told = bundle.as_ref().ok().filter(|_| !is_refused);
            let story = told.map(Bundle::story).unwrap_or_default();
            findings.push(Finding { name: name.clone(), verdict, story });
            let Ok(bundle) = bundle else {
                continue;
            };
            for (earlier, other) in &bundles {
                let found = contradiction(other, &bundle);
                contradictions.extend(found.map(|found| ([earlier.clone(), name.clone()], found)));
            }
            bundles.push((name, bundle));
        }
        Self { findings, contradictions }
    }

    /// The answer for all of them together. No file at all proves nothing.
    #[must_use]
    pub fn answer(&self) -> Answer {
        if !self.contradictions.is_empty() {
            return Answer::Contradiction;
        }
        self.findings.iter().map(Finding::answer).max().unwrap_or(Answer::Refused)
    }

    /// The report as lines for a terminal, harmless in each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for finding in &self.findings {
            let name = safe(&finding.name);
            match &finding.verdict {
                Verdict::Refused(why) => lines.push(format!("REFUSED {name}: {why}")),
                _ => lines.push(format!("{} {name}", finding.answer().as_str())),
            }
            for Line { label, text } in &finding.story {
                lines.push(format!("  {label:<10}  {text}"));
            }
            if let Verdict::ConsistentOnly(keys) = &finding.verdict {
                lines.push("  Whose keys these are it cannot say itself. Compare each with its owner, then".into());
                lines.push("  verify again with --trust and a file that begins with `barid-trust 1` and has:".into());
                lines.extend(keys.iter().map(|key: &Fingerprint| format!("    {key}")));
            }
        }
        for ([one, other], found) in &self.contradictions {
            let Contradiction { origin, what, heads } = found;
            let [one, other] = [safe(one), safe(other)];
            lines.push(format!(
                "CONTRADICTION {one} and {other}: by {origin}, {what}. It signed both heads:"
            ));
            for head in heads {
                lines.extend(head.lines().map(|line| format!("    {line}")));
            }
        }
        lines.iter().map(|line| safe(line).into_owned()).collect()
    }
}
