//! Whether the time of an answer tells what the answer does not.

use std::cmp::Ordering;
use std::fmt;
use std::time::{Duration, Instant};

/// Two kinds of requests, asked by turns, and how long their answers took.
#[derive(Debug)]
pub struct Comparison {
    /// The median of the first kind.
    pub first: Duration,
    /// The median of the second kind.
    pub second: Duration,
    /// Mann and Whitney's statistic as a normal deviate: beyond 4 or so the two are told apart.
    pub deviate: f64,
}

impl Comparison {
    /// Asks both `times` times, by turns, so that what else goes on befalls both.
    pub fn of(times: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> Self {
        let mut took = [Vec::new(), Vec::new()];
        for turn in 0..2 * times {
            let began = Instant::now();
            if turn % 2 == 0 {
                first()
            } else {
                second()
            }
            took[turn % 2].push(began.elapsed());
        }
        let deviate = rank_sum(&took[0], &took[1]);
        let [first, second] = took.map(median);
        Self { first, second, deviate }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, deviate } = self;
        write!(f, "medians {first:?} and {second:?}, z = {deviate:.2}")
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Mann and Whitney's statistic as a normal deviate: how far the number of pairs in which the first
/// takes longer is from what chance gives.
pub fn rank_sum(first: &[Duration], second: &[Duration]) -> f64 {
    let pairs = first.iter().flat_map(|one| second.iter().map(move |other| one.cmp(other)));
    let won: f64 = pairs
        .map(|order| match order {
            Ordering::Less => 0.0,
            Ordering::Equal => 0.5,
            Ordering::Greater => 1.0,
        })
        .sum();
    let [n, m] = [first, second].map(|times| f64::from(u32::try_from(times.len()).unwrap()));
    (won - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_always_takes_longer_is_told_apart() {
        let times = |from: u64| (from..from + 40).map(Duration::from_millis).collect::<Vec<_>>();
        assert!(rank_sum(&times(0), &times(0)).abs() < 0.01);
        assert!(rank_sum(&times(0), &times(100)) < -7.0);
        assert!(rank_sum(&times(100), &times(0)) > 7.0);
        assert_eq!(median(times(0)), Duration::from_millis(20));
    }
}
