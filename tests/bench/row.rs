//! One operation: what it costs over REST beside what it costs alone.

use std::fmt::Write as _;

use serde_json::json;

use crate::deed::Deed;
use crate::load::Cell;
use crate::raw::Sample;
use crate::subject::SESSIONS;

/// What was measured of an operation.
pub(crate) struct Row {
    pub(crate) deed: Deed,
    pub(crate) rounds: Vec<Round>,
}

/// What was measured side by side.
pub(crate) struct Round {
    pub(crate) raw: Sample,
    pub(crate) cells: Vec<Cell>,
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    min: f64,
    max: f64,
}

impl Row {
    /// The row in words.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let rounds = self.rounds.len();
        let _ = writeln!(text, "{}, {rounds} rounds: median (min..max)", self.deed.title());
        let raw = spread(self.rounds.iter().map(Round::raw_cpu));
        let rate = spread(self.rounds.iter().map(Round::raw_rate));
        let who = self.who();
        let _ = writeln!(text, "{who}, {SESSIONS} threads: {rate} /s, {raw} us CPU each");
        for at in 0..self.cells() {
            let each = |figure: fn(&Cell) -> f64| {
                spread(self.rounds.iter().filter_map(|round| round.cells.get(at)).map(figure))
            };
            let _ = writeln!(
                text,
                "{} connections: {} /s, latency p50 {} us, p99 {} us",
                self.connections(at),
                each(|cell| cell.rate),
                each(|cell| f64::from(cell.p50)),
                each(|cell| f64::from(cell.p99)),
            );
            let _ = writeln!(
                text,
                "  {} us CPU each, the worker's part of it {}; to the {who}: {}",
                each(|cell| cell.cpu),
                each(|cell| cell.worker_cpu),
                self.ratio(at).fine(),
            );
        }
        text
    }

    /// The row as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let rounds: Vec<_> = self.rounds.iter().map(Round::json).collect();
        let ratios: Vec<_> = (0..self.cells())
            .map(|at| json!({"connections": self.connections(at), "ratio": self.ratio(at)}))
            .collect();
        let raw = if self.deed.is_native() { "token" } else { "worker" };
        json!({"operation": self.deed.name(), "raw": raw, "rounds": rounds, "ratios": ratios})
    }

    /// CPU time at the largest number of connections, by that of what is raw.
    pub(crate) fn busiest(&self) -> Spread {
        self.ratio(self.cells().saturating_sub(1))
    }

    fn who(&self) -> &'static str {
        if self.deed.is_native() { "raw token" } else { "raw worker" }
    }

    fn cells(&self) -> usize {
        self.rounds.first().map_or(0, |round| round.cells.len())
    }

    fn connections(&self, at: usize) -> usize {
        let first = self.rounds.first().and_then(|round| round.cells.get(at));
        first.map_or(0, |cell| cell.connections)
    }

    fn ratio(&self, at: usize) -> Spread {
        spread(
            self.rounds.iter().filter_map(|round| Some(round.cells.get(at)?.cpu / round.raw_cpu())),
        )
    }
}

impl Round {
    /// Microseconds of CPU time of one.
    fn raw_cpu(&self) -> f64 {
        self.raw.cpu.as_secs_f64() * 1e6 / f64::from(self.raw.operations)
    }

    fn raw_rate(&self) -> f64 {
        f64::from(self.raw.operations) / self.raw.wall.as_secs_f64()
    }

    fn json(&self) -> serde_json::Value {
        json!({"raw": {"cpu_us": self.raw_cpu(), "rate": self.raw_rate()}, "rest": self.cells})
    }
}

impl Spread {
    fn fine(self) -> String {
        format!("{:.2} ({:.2}..{:.2})", self.median, self.min, self.max)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} ({:.0}..{:.0})", self.median, self.min, self.max)
    }
}

/// Of any number of figures.
pub(crate) fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        1 => at(middle),
        _ => f64::midpoint(at(middle.saturating_sub(1)), at(middle)),
    };
    Spread { median, min: at(0), max: at(sorted.len().saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let four = spread([4.0, 1.0, 3.0, 2.0].into_iter());
        assert_eq!(four, Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(spread([7.0, 5.0, 6.0].into_iter()).median, 6.0);
        assert_eq!(four.fine(), "2.50 (1.00..4.00)");
    }
}
