//! How often somebody may do what costs, or fail: so many times at once, and after that so many a minute.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use crate::fault::Fault;

/// How often each may.
pub(crate) struct Allowance<K> {
    at_once: f64,
    per_minute: f64,
    known: Cache<K, Arc<Mutex<Bucket>>>,
}

/// Nothing is left.
#[derive(Debug)]
pub(crate) struct Spent {
    /// When there is something again.
    pub(crate) wait: Duration,
    /// Whether nobody was told so since half of it was there.
    pub(crate) is_news: bool,
}

/// What one has left.
struct Bucket {
    left: f64,
    at: Instant,
    told: bool,
}

impl<K: Eq + Hash + Send + Sync + 'static> Allowance<K> {
    /// So many times a minute, one after the other or at once.
    pub(crate) fn per_minute(times: u32) -> Self {
        Self::new(times, times)
    }

    /// So many times at once, and so many a minute after that. Neither is 0.
    pub(crate) fn new(at_once: u32, per_minute: u32) -> Self {
        let (at_once, per_minute) = (f64::from(at_once), f64::from(per_minute));
        // After this time of doing nothing one has as much as a stranger.
        let idle = Duration::from_secs_f64((60.0 * at_once / per_minute).max(60.0));
        let known = Cache::builder().max_capacity(MOST).time_to_idle(idle).build();
        Self { at_once, per_minute, known }
    }

    /// Once more, by `who`.
    ///
    /// # Errors
    /// [`Spent`]
    pub(crate) fn take(&self, who: K) -> Result<(), Spent> {
        let bucket = self.bucket(who);
        let mut bucket = self.filled(&bucket);
        self.judge(&mut bucket)?;
        bucket.left -= 1.0;
        Ok(())
    }

    /// Whether `who` may once more, without taking it.
    ///
    /// # Errors
    /// [`Spent`]
    pub(crate) fn look(&self, who: &K) -> Result<(), Spent> {
        match self.known.get(who) {
            Some(bucket) => self.judge(&mut self.filled(&bucket)),
            None => Ok(()),
        }
    }

    /// Takes it, whether or not it is there: several may have looked at once.
    pub(crate) fn charge(&self, who: K) {
        let bucket = self.bucket(who);
        self.filled(&bucket).left -= 1.0;
    }

    fn bucket(&self, who: K) -> Arc<Mutex<Bucket>> {
        let fresh =
            || Arc::new(Mutex::new(Bucket { left: self.at_once, at: Instant::now(), told: false }));
        self.known.get_with(who, fresh)
    }

    /// The bucket with what has come back meanwhile.
    fn filled<'a>(&self, bucket: &'a Mutex<Bucket>) -> MutexGuard<'a, Bucket> {
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * self.per_minute / 60.0).min(self.at_once);
        bucket.at = now;
        bucket.told &= bucket.left < self.at_once / 2.0;
        bucket
    }

    fn judge(&self, bucket: &mut Bucket) -> Result<(), Spent> {
        if bucket.left >= 1.0 {
            return Ok(());
        }
        let wait = (1.0 - bucket.left) * 60.0 / self.per_minute;
        let is_news = !std::mem::replace(&mut bucket.told, true);
        Err(Spent { wait: Duration::from_secs_f64(wait.ceil()), is_news })
    }
}

impl From<Spent> for Fault {
    fn from(spent: Spent) -> Self {
        Self::Throttled(spent.wait)
    }
}

/// More than these are forgotten, those seen longest ago first.
const MOST: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_then_one_after_the_other() {
        let pace = Allowance::per_minute(6);
        for who in ["one", "other"] {
            assert!((0..6).all(|_| pace.take(who).is_ok()), "{who}");
            assert_eq!(pace.take(who).unwrap_err().wait.as_secs(), 10);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(pace.take("one").is_ok());
        assert!(pace.take("one").is_err());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!((0..6).all(|_| pace.take("one").is_ok()));
        assert!(pace.take("one").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_there_is_owed_and_the_news_come_once() {
        let failures = Allowance::new(4, 2);
        let spent = || {
            let spent = failures.look(&"one").unwrap_err();
            (spent.wait.as_secs(), spent.is_news)
        };
        failures.look(&"one").unwrap();
        // Five had looked at the same time.
        (0..5).for_each(|_| failures.charge("one"));
        assert_eq!((spent(), spent()), ((60, true), (60, false)));
        failures.look(&"other").unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        failures.look(&"one").unwrap();
        failures.charge("one");
        assert_eq!(spent(), (30, false), "half of it was not there meanwhile");
        tokio::time::advance(Duration::from_secs(90)).await;
        (0..3).for_each(|_| failures.charge("one"));
        assert_eq!(spent(), (30, true));
    }
}
