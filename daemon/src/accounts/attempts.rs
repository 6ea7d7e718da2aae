//! What guessing costs: failures with a name make its next answers slow, then nobody logs in by it for
//! a while. It makes no difference whether there is an account of the name.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::fault::Fault;

/// The failures of late, by name.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Table>);

/// A name, hashed: it may be of any length.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Key([u8; 32]);

#[derive(Default)]
struct Table {
    failures: HashMap<Key, Failures>,
    /// The same, by the last failure.
    order: BTreeSet<(Instant, Key)>,
}

struct Failures {
    count: u32,
    last: Instant,
}

impl Key {
    pub(super) fn of(name: &str) -> Self {
        Self(Sha256::digest(name).into())
    }
}

impl Attempts {
    /// Whether somebody may try to log in by this name now.
    ///
    /// # Errors
    /// [`Fault::Throttled`] says when.
    pub(super) fn admit(&self, key: Key) -> Result<(), Fault> {
        let now = Instant::now();
        let mut table = self.table();
        table.forgive(now);
        let Some(failures) = table.failures.get(&key) else { return Ok(()) };
        let end = failures.last + LOCKED_FOR;
        match failures.count >= LOCKED_AT && now < end {
            true => Err(Fault::Throttled(end.duration_since(now))),
            false => Ok(()),
        }
    }

    /// A password was wrong, or there is nobody of that name.
    pub(super) fn failed(&self, key: Key) {
        let now = Instant::now();
        let mut table = self.table();
        let count = table.remove(key).saturating_add(1);
        if table.failures.len() >= MOST
            && let Some((_, oldest)) = table.order.first().copied()
        {
            table.remove(oldest);
        }
        table.failures.insert(key, Failures { count, last: now });
        table.order.insert((now, key));
    }

    /// The password was right.
    pub(super) fn forget(&self, key: Key) {
        self.table().remove(key);
    }

    /// When a login that arrived at `arrival` may be answered: not before the slowest of them would be
    /// done, and later after failures, of which `more` are yet to be counted.
    pub(super) fn answer_at(&self, key: Key, more: u32, arrival: Instant) -> Instant {
        let count = self.table().failures.get(&key).map_or(0, |failures| failures.count);
        arrival + if count.saturating_add(more) > TOLERATED { SLOW } else { USUAL }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Forgets what was long ago.
    fn forgive(&mut self, now: Instant) {
        let old = |(last, _): &(Instant, Key)| now.duration_since(*last) > FORGIVEN_AFTER;
        while let Some((_, key)) = self.order.first().copied().filter(old) {
            self.remove(key);
        }
    }

    /// Removes the failures of a name, and answers how many there were.
    fn remove(&mut self, key: Key) -> u32 {
        let Some(Failures { count, last }) = self.failures.remove(&key) else { return 0 };
        self.order.remove(&(last, key));
        count
    }
}

const FORGIVEN_AFTER: Duration = Duration::from_secs(15 * 60);
const LOCKED_AT: u32 = 10;
const LOCKED_FOR: Duration = Duration::from_secs(5 * 60);
/// More names than can be tried before the first of them is forgiven.
const MOST: usize = 100_000;
const SLOW: Duration = Duration::from_millis(1500);
const TOLERATED: u32 = 3;
const USUAL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(attempts: &Attempts, key: Key) -> Duration {
        let now = Instant::now();
        attempts.answer_at(key, 0, now) - now
    }

    #[tokio::test(start_paused = true)]
    async fn failures_slow_a_name_down_then_lock_it_and_are_forgiven() {
        let (attempts, name, other) = (Attempts::default(), Key::of("a"), Key::of("b"));
        for count in 1..=LOCKED_AT {
            attempts.admit(name).unwrap();
            attempts.failed(name);
            let expected = if count > TOLERATED { SLOW } else { USUAL };
            assert_eq!(wait(&attempts, name), expected, "{count}");
        }
        let locked = |key| match attempts.admit(key) {
            Err(Fault::Throttled(wait)) => Some(wait),
            _ => None,
        };
        assert_eq!((locked(name), locked(other)), (Some(LOCKED_FOR), None));
        assert_eq!(wait(&attempts, other), USUAL);
        tokio::time::advance(LOCKED_FOR).await;
        assert_eq!(locked(name), None);
        attempts.failed(name);
        assert_eq!(locked(name), Some(LOCKED_FOR), "one more try, no new start");
        tokio::time::advance(FORGIVEN_AFTER + Duration::from_secs(1)).await;
        assert_eq!((locked(name), wait(&attempts, name)), (None, USUAL));
        assert!(attempts.table().order.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_login_forgives() {
        let (attempts, name) = (Attempts::default(), Key::of("a"));
        for _ in 0..LOCKED_AT - 1 {
            attempts.failed(name);
        }
        attempts.forget(name);
        attempts.failed(name);
        assert_eq!(wait(&attempts, name), USUAL);
        attempts.admit(name).unwrap();
    }
}
