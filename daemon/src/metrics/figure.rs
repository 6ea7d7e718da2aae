//! What counts: figures that any thread may change without waiting for another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn increase(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things took: a count for each of [`BOUNDS`], one for what took longer, and the sum.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [Counter; BOUNDS.len() + 1],
    nanoseconds: Counter,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let place = BOUNDS.partition_point(|(bound, _)| *bound < took);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.increase();
        }
        self.nanoseconds.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many took no longer than each bound, named in seconds; the last is all of them.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = BOUNDS.iter().map(|(_, name)| *name).chain(["+Inf"]);
        let counts = self.buckets.iter().scan(0u64, |below, bucket| {
            *below = below.saturating_add(bucket.get());
            Some(*below)
        });
        names.zip(counts)
    }

    /// All of it together.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }
}

/// From the fastest computation of a token to the slowest creation of a key, with their names in
/// seconds.
const BOUNDS: [(Duration, &str); 17] = [
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(250), "0.00025"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_micros(2500), "0.0025"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(25), "0.025"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(250), "0.25"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1.0"),
    (Duration::from_millis(2500), "2.5"),
    (Duration::from_secs(5), "5.0"),
    (Duration::from_secs(10), "10.0"),
    (Duration::from_secs(30), "30.0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_grow_and_hold_their_bounds() {
        let names = BOUNDS.iter().map(|(bound, name)| (bound.as_secs_f64(), name.parse().unwrap()));
        let pairs: Vec<(f64, f64)> = names.collect();
        assert!(pairs.iter().all(|(bound, name)| bound == name), "{pairs:?}");
        assert!(pairs.windows(2).all(|two| two[0].0 < two[1].0), "{pairs:?}");
        let histogram = Histogram::default();
        for micros in [100, 101, 40_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counts: Vec<_> = histogram.cumulative().collect();
        assert_eq!(counts[..2], [("0.0001", 1), ("0.00025", 2)]);
        assert_eq!(counts[16..], [("30.0", 2), ("+Inf", 3)]);
        assert_eq!(histogram.sum(), Duration::from_micros(40_000_201));
    }
}
