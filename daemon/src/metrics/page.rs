//! The text that a scraper reads: OpenMetrics 1.0.

use std::fmt::{Display, Write};

use crate::metrics::figure::Histogram;

/// What `/metrics` answers, as it is being written.
pub(crate) struct Page {
    text: String,
    family: &'static str,
}

/// The kind of a family, which says what its samples are called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
    StateSet,
}

/// The labels of a sample. Every value is one of a set that is known when the daemon is built:
/// nothing that a caller sends ever becomes one.
pub(crate) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Page {
    pub(crate) fn new() -> Self {
        Self { text: String::with_capacity(32 << 10), family: "" }
    }

    /// Begins a family; the samples that follow belong to it.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) {
        self.family = name;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
            Kind::StateSet => "stateset",
        };
        self.push(format_args!("# TYPE {name} {kind}\n"));
        for unit in ["seconds", "bytes"] {
            if name.ends_with(unit) {
                self.push(format_args!("# UNIT {name} {unit}\n"));
            }
        }
        self.push(format_args!("# HELP {name} {help}\n"));
    }

    /// A sample of a gauge.
    pub(crate) fn gauge(&mut self, labels: Labels<'_>, value: impl Display) {
        self.sample("", labels, value);
    }

    /// A sample of a counter.
    pub(crate) fn total(&mut self, labels: Labels<'_>, value: u64) {
        self.sample("_total", labels, value);
    }

    /// What is true as long as the process lives.
    pub(crate) fn info(&mut self, labels: Labels<'_>) {
        self.sample("_info", labels, 1);
    }

    /// One of the states of a set.
    pub(crate) fn state(&mut self, state: &'static str, is_it: bool) {
        self.sample("", &[(self.family, state)], u8::from(is_it));
    }

    /// The samples of a histogram.
    pub(crate) fn histogram(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let mut all = 0;
        for (bound, count) in histogram.cumulative() {
            let with_bound: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
            self.sample("_bucket", &with_bound, count);
            all = count;
        }
        self.sample("_count", labels, all);
        self.sample("_sum", labels, histogram.sum().as_secs_f64());
    }

    /// The text, complete.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }

    fn sample(&mut self, suffix: &str, labels: Labels<'_>, value: impl Display) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        for (place, (name, value)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            self.push(format_args!("{before}{name}=\"{value}\""));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.push(format_args!(" {value}\n"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }
}

/// The media type of the text.
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
