//! The circuit breaker: when to wait before another worker is started.

use std::time::Duration;

/// Counts what went wrong in a row.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failed_starts: u32,
    quick_deaths: u32,
}

impl Breaker {
    /// A start failed. How long to wait before the next one: 100 ms, doubled each time up to 1 s.
    pub(crate) fn failed_start(&mut self) -> Duration {
        let pause = pause(self.failed_starts);
        self.failed_starts = self.failed_starts.saturating_add(1);
        pause
    }

    /// A worker came up.
    pub(crate) fn started(&mut self) {
        self.failed_starts = 0;
    }

    /// A worker that had come up died after `life`. How long to wait before the next start; `None`
    /// for a single death, after which the next worker is started at once. A worker that keeps dying
    /// right after its start is as good as none.
    pub(crate) fn died(&mut self, life: Duration) -> Option<Duration> {
        if life >= LONG_LIFE {
            self.quick_deaths = 0;
            return None;
        }
        self.quick_deaths = self.quick_deaths.saturating_add(1);
        self.quick_deaths.checked_sub(TOLERATED_DEATHS + 1).map(pause)
    }
}

fn pause(before: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A worker that lived as long as this did not die of its start.
const LONG_LIFE: Duration = Duration::from_secs(1);
const TOLERATED_DEATHS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_second_and_start_anew() {
        let mut breaker = Breaker::default();
        let pauses: Vec<u128> = (0..40).map(|_| breaker.failed_start().as_millis()).collect();
        assert_eq!(pauses[..6], [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pauses[39], 1000);
        breaker.started();
        assert_eq!(breaker.failed_start().as_millis(), 100);
    }

    #[test]
    fn only_a_loop_of_deaths_opens_it() {
        let (short, long) = (Duration::from_millis(3), Duration::from_secs(60));
        let mut breaker = Breaker::default();
        assert_eq!([short, short].map(|life| breaker.died(life)), [None, None]);
        assert_eq!(breaker.died(short), Some(FIRST_PAUSE));
        breaker.started();
        assert_eq!(breaker.died(short), Some(FIRST_PAUSE * 2), "a start alone is no recovery");
        assert_eq!(breaker.died(long), None);
        assert_eq!(breaker.died(short), None);
    }
}
