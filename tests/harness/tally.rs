//! Counts of published vectors: how many came out as they should, and how many say nothing about
//! this daemon, and why. Nothing is left out in silence: the counts are compared to the last one.
//!
//! The tests of `hsm-profiles` include this file, as they can't depend on this crate.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The counts of several sets, by set and outcome.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, BTreeMap<String, usize>>);

/// What is expected of one set: its name, its cases, and how many of them ended how.
pub type Expected<'a> = (&'a str, usize, &'a [(&'a str, usize)]);

impl Tally {
    /// Counts one case of `set` that ended in `outcome`. The outcome of a case that does not apply
    /// here begins with [`NOT_APPLICABLE`] and says why.
    pub fn count(&mut self, set: &str, outcome: &str) {
        let outcomes = self.0.entry(set.to_owned()).or_default();
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// A line a set, with its cases, how many ran and were right, and why the others did not run.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (set, outcomes) in &self.0 {
            let (mut ran, mut others) = (0, 0);
            let mut details = String::new();
            for (outcome, count) in outcomes {
                if outcome.starts_with(NOT_APPLICABLE) {
                    others += count
                } else {
                    ran += count
                }
                let _ = write!(details, "\n    {count:>5} {outcome}");
            }
            let total = ran + others;
            let _ = writeln!(
                table,
                "{set}: {total} cases, {ran} ran and passed, {others} not applicable{details}"
            );
        }
        table
    }

    /// Prints the table, and compares it with what is expected.
    ///
    /// # Panics
    /// When a count is another one, or the counts don't add up to the cases of their set.
    pub fn settle(&self, expected: &[Expected<'_>]) {
        print!("{}", self.table());
        let mut told = Self::default();
        for (set, cases, outcomes) in expected {
            let sum: usize = outcomes.iter().map(|(_, count)| count).sum();
            assert_eq!(sum, *cases, "{set}: what is expected is not all of it");
            let outcomes = outcomes.iter().map(|(outcome, count)| ((*outcome).to_owned(), *count));
            told.0.insert((*set).to_owned(), outcomes.collect());
        }
        assert!(self.0 == told.0, "expected was\n{}but it came to\n{}", told.table(), self.table());
    }
}

/// The beginning of the outcome of a case that does not apply.
pub const NOT_APPLICABLE: &str = "n/a: ";
