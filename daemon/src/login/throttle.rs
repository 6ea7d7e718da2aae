//! The delay against guessing (hem.md A4).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Says when a login may be answered. Every answer waits half a second from its arrival; after
/// three failures in a row they wait three times that, until 15 seconds after the last failure.
/// Good logins wait too, and get in.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<Option<Failures>>,
}

struct Failures {
    count: u32,
    last: Instant,
}

impl Throttle {
    /// When a login that arrived at `arrival` may be answered.
    pub fn answer_at(&self, arrival: Instant, good: bool) -> Instant {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if failures.as_ref().is_some_and(|f| now.duration_since(f.last) > FORGIVEN_AFTER) {
            *failures = None;
        }
        let before = failures.as_ref().map_or(0, |f| f.count);
        if !good {
            *failures = Some(Failures { count: before.saturating_add(1), last: now });
        }
        arrival + if before >= TOLERATED { SLOW } else { USUAL }
    }
}

const FORGIVEN_AFTER: Duration = Duration::from_secs(15);
const SLOW: Duration = Duration::from_millis(1520);
const TOLERATED: u32 = 3;
const USUAL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn slows_down_after_three_failures_and_forgives() {
        let throttle = Throttle::default();
        let wait = |good| {
            let now = Instant::now();
            throttle.answer_at(now, good) - now
        };
        assert_eq!(wait(true), USUAL);
        for _ in 0..3 {
            assert_eq!(wait(false), USUAL);
        }
        assert_eq!(wait(false), SLOW);
        assert_eq!(wait(true), SLOW);
        tokio::time::advance(Duration::from_secs(14)).await;
        assert_eq!(wait(true), SLOW);
        tokio::time::advance(Duration::from_millis(1100)).await;
        assert_eq!(wait(true), USUAL);
        assert_eq!(wait(false), USUAL);
    }
}
