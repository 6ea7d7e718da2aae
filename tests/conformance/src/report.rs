//! What the run says in the end: a line a check and a sum, or JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::verdict::{Trouble, Verdict};

/// What came of all checks.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

struct Line {
    id: String,
    says: String,
    verdict: Verdict,
    took: Duration,
}

impl Report {
    /// Takes what came of a check, and how long that took.
    pub(crate) fn add(&mut self, id: &str, says: &str, verdict: Verdict, took: Duration) {
        self.0.push(Line { id: id.to_owned(), says: says.to_owned(), verdict, took });
    }

    /// How many passed, failed, and could not be made.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |name| self.0.iter().filter(|line| line.word() == name).count();
        (count(PASS), count(FAIL), count(NOT_APPLICABLE))
    }

    /// One line of the table.
    pub(crate) fn last_line(&self) -> String {
        self.0.last().map(Line::text).unwrap_or_default()
    }

    /// The failures once more and the sum.
    pub(crate) fn summary(&self) -> String {
        let (passed, failed, not_applicable) = self.counts();
        let bad = self.0.iter().filter(|line| line.word() == FAIL).map(Line::text);
        let mut text: Vec<_> = bad.collect();
        text.insert(0, String::new());
        text.push(format!("{passed} passed, {failed} failed, {not_applicable} not applicable"));
        text.join("\n")
    }

    /// All of it.
    pub(crate) fn json(&self, device: &Value) -> Value {
        let (passed, failed, not_applicable) = self.counts();
        let checks: Vec<_> = self.0.iter().map(Line::json).collect();
        json!({
            "device": device, "passed": passed, "failed": failed,
            "not_applicable": not_applicable, "checks": checks,
        })
    }
}

impl Line {
    fn word(&self) -> &'static str {
        match &self.verdict {
            Ok(()) => PASS,
            Err(Trouble::Fails(_)) => FAIL,
            Err(Trouble::NotApplicable(_)) => NOT_APPLICABLE,
        }
    }

    fn why(&self) -> &str {
        match &self.verdict {
            Ok(()) => "",
            Err(Trouble::Fails(why) | Trouble::NotApplicable(why)) => why,
        }
    }

    fn text(&self) -> String {
        let why = if self.why().is_empty() { String::new() } else { format!(" ({})", self.why()) };
        format!("{:<5} {:<24} {}{why}", self.word(), self.id, self.says)
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "says": self.says, "verdict": self.word(), "why": self.why(),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

const PASS: &str = "pass";
const FAIL: &str = "FAIL";
const NOT_APPLICABLE: &str = "n/a";
