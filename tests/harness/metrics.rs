//! The daemon's metrics, read as strictly as OpenMetrics 1.0 is written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::daemon::Daemon;
use crate::wire::{Raw, connect, read_all};

/// All samples of one scrape, by name and labels as they are written.
#[derive(Debug)]
pub struct Samples {
    /// The text.
    pub text: String,
    values: BTreeMap<String, f64>,
}

/// Asks the listener for metrics and health.
pub fn ask(daemon: &Daemon, method: &str, path: &str) -> Raw {
    let mut stream = connect(daemon.metrics_address());
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    Raw::parse(&read_all(&mut stream).unwrap())
}

/// What `/metrics` says now.
///
/// # Panics
/// Where it is no OpenMetrics.
pub fn scrape(daemon: &Daemon) -> Samples {
    let answer = ask(daemon, "GET", "/metrics");
    assert_eq!(answer.status(), 200, "{answer:?}");
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(answer.has(&format!("content-type: {media_type}")), "{answer:?}");
    let text = String::from_utf8(answer.body).unwrap();
    Samples { values: parse(&text), text }
}

impl Samples {
    /// The value of a sample, such as `claviger_logins_total{way="passphrase",result="failed"}`; 0
    /// where there is none yet.
    pub fn get(&self, sample: &str) -> f64 {
        self.values.get(sample).copied().unwrap_or(0.0)
    }

    /// The sum of all samples whose name and labels begin with `start`.
    pub fn sum(&self, start: &str) -> f64 {
        self.values.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, value)| value).sum()
    }

    /// The names of the labels, and the values of each.
    pub fn labels(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, value) in self.values.keys().flat_map(|sample| labels_of(sample)) {
            all.entry(name).or_default().insert(value);
        }
        all
    }
}

/// A family that is being read.
struct Family {
    name: String,
    kind: String,
    /// The buckets of the histogram that is being read: its labels, the last count.
    bucket: Option<(String, f64)>,
}

fn parse(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").expect("it ends in # EOF");
    let (mut values, mut known) = (BTreeMap::new(), BTreeSet::new());
    let mut family: Option<Family> = None;
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            family = Some(begin(comment, family, &mut known));
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect(line);
        let value: f64 = value.parse().expect(line);
        judge(family.as_mut().expect("a sample without a family"), sample, value);
        assert_eq!(values.insert(sample.to_owned(), value), None, "twice: {line}");
    }
    values
}

/// A line about a family: TYPE first, then what else there is, and each family once.
fn begin(comment: &str, family: Option<Family>, known: &mut BTreeSet<String>) -> Family {
    let mut words = comment.splitn(3, ' ');
    let mut next = || words.next().expect(comment);
    let (what, name, rest) = (next(), next(), next());
    if what == "TYPE" {
        assert!(known.insert(name.to_owned()), "{name} twice");
        assert!(["counter", "gauge", "histogram", "info", "stateset"].contains(&rest), "{comment}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{comment}");
        return Family { name: name.to_owned(), kind: rest.to_owned(), bucket: None };
    }
    let family = family.expect(comment);
    assert_eq!(family.name, name, "{comment}");
    match what {
        "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{comment}"),
        "HELP" => assert!(!rest.is_empty()),
        _ => panic!("{comment}"),
    }
    family
}

/// Whether a sample may stand in its family.
fn judge(family: &mut Family, sample: &str, value: f64) {
    let suffix = sample.strip_prefix(&family.name).expect(sample);
    let suffix = suffix.split('{').next().unwrap_or_default();
    let labels = labels_of(sample);
    let names: BTreeSet<_> = labels.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), labels.len(), "a label twice: {sample}");
    assert!(value >= 0.0 && value.is_finite(), "{sample} {value}");
    match (family.kind.as_str(), suffix) {
        ("counter", "_total") | ("gauge", "") => {}
        ("info", "_info") => assert_eq!(value, 1.0),
        ("stateset", "") => {
            assert!(value == 0.0 || value == 1.0);
            assert!(names.contains(&family.name), "{sample}");
        }
        ("histogram", "_bucket") => {
            let (rest, bound) = sample.rsplit_once("le=").expect(sample);
            let before = match family.bucket.take() {
                Some((same, count)) if same == rest => count,
                _ => 0.0,
            };
            assert!(value >= before, "{sample} {value}");
            let is_last = bound == "\"+Inf\"}";
            family.bucket =
                Some((if is_last { "last".to_owned() } else { rest.to_owned() }, value));
        }
        ("histogram", "_count") => {
            assert_eq!(family.bucket.take(), Some(("last".to_owned(), value)), "{sample}");
        }
        ("histogram", "_sum") => {}
        other => panic!("{sample}: {other:?}"),
    }
}

/// The labels of a sample. None of the daemon's values needs an escape, so none may have one.
fn labels_of(sample: &str) -> Vec<(String, String)> {
    let Some((_, labels)) = sample.split_once('{') else { return Vec::new() };
    let labels = labels.strip_suffix("\"}").expect(sample);
    labels
        .split("\",")
        .map(|label| {
            let (name, value) = label.split_once("=\"").expect(sample);
            assert!(!value.contains(['"', '\\', '\n']), "{sample}");
            (name.to_owned(), value.to_owned())
        })
        .collect()
}
