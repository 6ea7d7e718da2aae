//! A function's numbers on the board.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::board::{Act, Fault};

/// A function's numbers.
pub(crate) struct Row<'a> {
    /// How many calls there were.
    calls: &'a AtomicU64,
    /// How many of them failed.
    failures: &'a AtomicU64,
    /// The number of the first call that fails, counted from 1.
    first: &'a AtomicU64,
    /// The number of the first call after that which does not fail.
    until: &'a AtomicU64,
    act: &'a AtomicU64,
    /// What is returned.
    value: &'a AtomicU64,
    /// CPU time in the real module, in nanoseconds.
    time: &'a AtomicU64,
}

impl<'a> Row<'a> {
    /// `None` where there are not [`COLUMNS`] numbers.
    pub(crate) fn of(numbers: &'a [AtomicU64]) -> Option<Self> {
        let [calls, failures, first, until, act, value, time] = numbers else { return None };
        Some(Self { calls, failures, first, until, act, value, time })
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many of them failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// CPU time that its calls took in the real module.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_nanos(self.time.load(Ordering::SeqCst))
    }

    /// Does `call` and adds the CPU time that this thread needed for it.
    pub(crate) fn timed<T>(&self, call: impl FnOnce() -> T) -> T {
        let before = thread_time();
        let done = call();
        let spent = thread_time().saturating_sub(before);
        let nanoseconds = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.time.fetch_add(nanoseconds, Ordering::SeqCst);
        done
    }

    /// Counts a call. Answers how it has to fail, if it has to.
    pub(crate) fn count(&self) -> Option<Act> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let (until, first) = (self.until.load(Ordering::SeqCst), self.first.load(Ordering::SeqCst));
        if number < first || number >= until {
            return None;
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        let value = self.value.load(Ordering::SeqCst);
        match self.act.load(Ordering::SeqCst) {
            REFUSE => Some(Act::Refuse(value)),
            BELIE => Some(Act::Belie(value)),
            DIE => Some(Act::Die),
            _ => None,
        }
    }

    /// From now on calls fail like this, and no longer as they were told before.
    pub(crate) fn fail(&self, fault: Fault) {
        let (act, value) = match fault.act {
            Act::Refuse(value) => (REFUSE, value),
            Act::Belie(value) => (BELIE, value),
            Act::Die => (DIE, 0),
        };
        self.lift();
        self.act.store(act, Ordering::SeqCst);
        self.value.store(value, Ordering::SeqCst);
        let first = self.calls().saturating_add(fault.first);
        self.first.store(first, Ordering::SeqCst);
        // The last one: with it the fault begins to count.
        self.until.store(first.saturating_add(fault.times), Ordering::SeqCst);
    }

    /// Calls work again.
    pub(crate) fn lift(&self) {
        self.until.store(0, Ordering::SeqCst);
    }
}

/// CPU time of this thread, in user and in system mode. Zero where the system does not say.
fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// How many numbers a row has.
pub(crate) const COLUMNS: usize = 7;

const REFUSE: u64 = 1;
const BELIE: u64 = 2;
const DIE: u64 = 3;
