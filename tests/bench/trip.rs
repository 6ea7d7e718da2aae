//! A request of another surface: what it costs, and what part of that the worker has.

use std::fmt::Write as _;

use serde_json::json;

use crate::errand::Errand;
use crate::load::Cell;
use crate::row::spread;

/// What was measured of an errand, at [`CONNECTIONS`], once a round.
pub(crate) struct Trip {
    pub(crate) errand: Errand,
    pub(crate) cells: Vec<Cell>,
}

impl Trip {
    /// In words.
    pub(crate) fn text(&self) -> String {
        let each = |figure: fn(&Cell) -> f64| spread(self.cells.iter().map(figure));
        let mut text = String::new();
        let (title, rounds) = (self.errand.title(), self.cells.len());
        let _ = writeln!(text, "{title}, {CONNECTIONS} connections, {rounds} rounds:");
        let _ = writeln!(
            text,
            "  {} /s, latency p50 {} us, p99 {} us",
            each(|cell| cell.rate),
            each(|cell| f64::from(cell.p50)),
            each(|cell| f64::from(cell.p99)),
        );
        let _ = writeln!(
            text,
            "  {} us CPU each, {} % of it the worker's, with the token in it",
            each(|cell| cell.cpu),
            each(share),
        );
        text
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let share = spread(self.cells.iter().map(share));
        json!({"errand": self.errand.name(), "rounds": self.cells, "worker_percent": share})
    }
}

/// The worker's, of the CPU time of both processes, in percent.
fn share(cell: &Cell) -> f64 {
    100.0 * cell.worker_cpu / cell.cpu
}

/// At once.
pub(crate) const CONNECTIONS: usize = 64;
