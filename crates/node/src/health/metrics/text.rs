//! The text format of Prometheus, version 0.0.4
//! (prometheus.io/docs/instrumenting/exposition_formats).

use std::fmt::{Display, Write as _};

use barid_broker::figures::Histogram;

/// What it is, for the header of an answer.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics of one name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind: "gauge", labels, help }
}

pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind: "counter", labels, help }
}

pub(super) const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "histogram", labels: &[], help }
}

/// What is exported, as text.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// The samples of one family, in the order of its labels.
pub(super) struct Samples<'a> {
    text: &'a mut String,
    family: &'a Family,
}

impl Text {
    /// Begins a family.
    pub(super) fn family<'a>(&'a mut self, family: &'a Family) -> Samples<'a> {
        self.head(family);
        Samples { text: &mut self.0, family }
    }

    fn head(&mut self, family: &Family) {
        let Family { name, kind, help, .. } = family;
        self.line(format_args!(
            "# HELP {name} {}",
            help.replace('\\', "\\\\").replace('\n', "\\n")
        ));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A family with one value and no labels.
    pub(super) fn value(&mut self, family: &Family, value: impl Display) {
        self.family(family).sample([], value);
    }

    /// A histogram whose values are `1 / scale` of the unit of its name.
    pub(super) fn histogram<const N: usize>(
        &mut self,
        family: &Family,
        histogram: &Histogram<N>,
        scale: f64,
    ) {
        self.head(family);
        let name = family.name;
        let mut count = 0;
        for (bound, in_it) in histogram.bounds.iter().zip(&histogram.counts) {
            count += in_it;
            let bound = in_units(*bound, scale);
            self.line(format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"));
        }
        count += histogram.beyond;
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        self.line(format_args!("{name}_sum {}", in_units(histogram.sum, scale)));
        self.line(format_args!("{name}_count {count}"));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a String cannot fail");
    }
}

impl Samples<'_> {
    /// One value, with a value for each label of the family.
    pub(super) fn sample<const N: usize>(&mut self, values: [&str; N], value: impl Display) {
        debug_assert_eq!(N, self.family.labels.len(), "{}", self.family.name);
        self.text.push_str(self.family.name);
        for (place, (label, text)) in self.family.labels.iter().zip(values).enumerate() {
            self.text.push_str(if place == 0 { "{" } else { "," });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(self.text, "{label}=\"{text}\"").expect("writing to a String cannot fail");
        }
        let end = if N == 0 { "" } else { "}" };
        writeln!(self.text, "{end} {value}").expect("writing to a String cannot fail");
    }
}

/// A whole number of small units in units of which there are `1 / scale` in it.
#[expect(clippy::cast_precision_loss, reason = "a measure; 52 bits of it are plenty")]
fn in_units(value: u64, scale: f64) -> f64 {
    value as f64 / scale
}
