//! How often an address may have something done that costs: so many times a minute, one after the
//! other or at once.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

use crate::fault::Fault;
use crate::inbound::Peer;

/// How often each may.
pub(super) struct PerMinute<K = Peer> {
    times: u32,
    known: Cache<K, Arc<Mutex<Bucket>>>,
}

/// What one has left.
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash + Send + Sync + 'static> PerMinute<K> {
    /// So many times a minute.
    pub(super) fn new(times: u32) -> Self {
        let minute = Duration::from_secs(60);
        let known = Cache::builder().max_capacity(MOST).time_to_idle(minute).build();
        Self { times, known }
    }

    /// Once more, by `who`.
    ///
    /// # Errors
    /// [`Fault::Throttled`]
    pub(super) fn take(&self, who: K) -> Result<(), Fault> {
        let most = f64::from(self.times);
        let now = Instant::now();
        let fresh = || Arc::new(Mutex::new(Bucket { left: most, at: now }));
        let bucket = self.known.get_with(who, fresh);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * most / 60.0).min(most);
        bucket.at = now;
        if bucket.left < 1.0 {
            let wait = (1.0 - bucket.left) * 60.0 / most;
            return Err(Fault::Throttled(Duration::from_secs_f64(wait.ceil())));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

/// More addresses than these are forgotten, those seen longest ago first.
const MOST: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_then_one_after_the_other() {
        let pace = PerMinute::new(6);
        for who in ["one", "other"] {
            assert!((0..6).all(|_| pace.take(who).is_ok()), "{who}");
            assert!(matches!(pace.take(who), Err(Fault::Throttled(wait)) if wait.as_secs() == 10));
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(pace.take("one").is_ok());
        assert!(pace.take("one").is_err());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!((0..6).all(|_| pace.take("one").is_ok()));
        assert!(pace.take("one").is_err());
    }
}
