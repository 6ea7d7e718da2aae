//! The self-test of the token, and the latch that it closes (hem.md A8).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use audit::{Ext, Log, LogResult, LogType, Subject};
use hsm_profiles::{SelfTest, System};

use crate::clock::now;
use crate::fault::Fault;

/// Has the token tested, and knows what came of it. Cloning is shallow.
#[derive(Clone)]
pub struct Examiner(Arc<Parts>);

struct Parts {
    latch: Latch,
    log: Log,
    system: System,
}

/// One self-test.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Examination {
    /// Unix seconds; 0 before the first.
    pub at: u64,
    /// What was known to be wrong then: 01 known answers, 02 random generator.
    pub flaws: u8,
}

/// A self-test and the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Report {
    /// The one before.
    pub last: Examination,
    /// This one.
    pub this: Examination,
}

impl Examiner {
    /// Nothing was tested yet.
    pub fn new(system: System, log: Log) -> Self {
        Self(Arc::new(Parts { latch: Latch::default(), log, system }))
    }

    /// What was ever found wrong since the start (`fls_state`). What is set stays set: a token that
    /// computed wrongly once is not trusted again before the next start.
    pub fn flaws(&self) -> u8 {
        self.0.latch.flaws.load(Ordering::Acquire)
    }

    /// Shuts the device until the next start, for another reason than a test: [`LOCKED`] or
    /// [`SHUT_DOWN`].
    pub(crate) fn shut(&self, flaw: u8) {
        self.0.latch.flaws.fetch_or(flaw, Ordering::AcqRel);
        tracing::error!(flaw, "the backend shut the device: nothing is done until the next start");
    }

    /// Tests the token and enters the outcome in the log.
    ///
    /// # Errors
    /// [`Fault::Conflict`] and [`Fault::Busy`] where the token could not be tested,
    /// [`Fault::Unlogged`] where the outcome can't be entered; what was found counts all the same.
    pub async fn examine(&self, subject: Subject, damaged_keys: usize) -> Result<Report, Fault> {
        let found = self.0.system.self_test().await?;
        let report = self.0.latch.take(found, now());
        for (kind, result) in entries(found, damaged_keys) {
            let entry = self.0.log.open(Some(kind), subject.clone());
            let entry = entry.map_err(|_| Fault::Unlogged)?;
            let closed = entry.close_as(kind, result, Ext::None).await;
            drop(closed.map_err(|_| Fault::Unlogged)?);
        }
        Ok(report)
    }
}

/// What was found, never to be forgotten by a running daemon.
#[derive(Default)]
struct Latch {
    flaws: AtomicU8,
    last: Mutex<Examination>,
}

impl Latch {
    fn take(&self, found: SelfTest, now: u64) -> Report {
        let known_answers = if found.known_answers { 0 } else { KNOWN_ANSWERS };
        let randomness = if found.randomness { 0 } else { RANDOMNESS };
        let new = known_answers | randomness;
        let flaws = self.flaws.fetch_or(new, Ordering::AcqRel) | new;
        if new != 0 {
            tracing::error!(flaws, "the self-test failed: nothing is done until the next start");
        }
        let this = Examination { at: now, flaws };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Report { last: std::mem::replace(&mut last, this), this }
    }
}

/// The entries for an outcome, as the specification lists them.
fn entries(found: SelfTest, damaged_keys: usize) -> Vec<(LogType, LogResult)> {
    let (ok, failed) = (LogResult::LOG_RESULT_OK, LogResult::LOG_RESULT_FAILED);
    let passed = found.known_answers && found.randomness;
    let entries = [
        (!found.randomness, (LogType::LOG_TYPE_TRNG_FAILED, ok)),
        (damaged_keys > 0, (LogType::LOG_TYPE_KEY_INTEGRITY_ERROR, failed)),
        (!passed, (LogType::LOG_TYPE_NON_SECURE_STATE, ok)),
        (!passed, (LogType::LOG_TYPE_SELFTEST_PASSED, failed)),
        (passed, (LogType::LOG_TYPE_SELFTEST_PASSED, ok)),
    ];
    entries.into_iter().filter_map(|(applies, entry)| applies.then_some(entry)).collect()
}

/// The bits of `fls_state`.
const KNOWN_ANSWERS: u8 = 0x01;
const RANDOMNESS: u8 = 0x02;
/// The backend locked the device at a check-in.
pub(crate) const LOCKED: u8 = 0x40;
/// The backend shut the device down at a check-in.
pub(crate) const SHUT_DOWN: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: SelfTest = SelfTest { known_answers: true, randomness: true };

    #[test]
    fn what_was_found_once_stays_found() {
        let latch = Latch::default();
        let report = latch.take(GOOD, 10);
        assert_eq!(report.last, Examination::default());
        assert_eq!(report.this, Examination { at: 10, flaws: 0 });
        let report = latch.take(SelfTest { randomness: false, ..GOOD }, 20);
        assert_eq!(report.last, Examination { at: 10, flaws: 0 });
        assert_eq!(report.this, Examination { at: 20, flaws: 2 });
        let report = latch.take(SelfTest { known_answers: false, ..GOOD }, 30);
        assert_eq!(report.this.flaws, 3);
        assert_eq!(latch.take(GOOD, 40).this, Examination { at: 40, flaws: 3 });
        assert_eq!(latch.flaws.load(Ordering::Acquire), 3);
    }

    #[test]
    fn each_outcome_has_its_entries() {
        let names = |found, damaged| -> Vec<_> {
            let entries = entries(found, damaged).into_iter();
            entries.map(|(kind, result)| (kind.code(), result.code())).collect()
        };
        assert_eq!(names(GOOD, 0), [(7, 0)]);
        assert_eq!(names(GOOD, 2), [(24, 1), (7, 0)]);
        assert_eq!(names(SelfTest { randomness: false, ..GOOD }, 0), [(5, 0), (8, 0), (7, 1)]);
        assert_eq!(names(SelfTest { known_answers: false, ..GOOD }, 0), [(8, 0), (7, 1)]);
    }
}
