//! A request of another surface: what it costs, and what part of that the worker and the token have.

use std::fmt::Write as _;

use serde_json::json;

use crate::errand::Errand;
use crate::load::{Cell, Inside};
use crate::row::{Spread, spread};

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
            "  {} us CPU each: the worker's part {} %, the token's {} %, in {:.1} calls",
            each(|cell| cell.cpu),
            self.worker(),
            self.token(),
            spread(self.inside().map(|(_, inside)| inside.calls)).median,
        );
        if self.errand.is_sealed() {
            let _ = writeln!(text, "  its key is sealed: the token opens it, the worker computes");
        }
        text
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({
            "errand": self.errand.name(),
            "sealed": self.errand.is_sealed(),
            "rounds": self.cells,
            "worker_percent": self.worker(),
            "token_percent": self.token(),
        })
    }

    /// The worker's part of the CPU time of both processes, the token's in it, in percent.
    fn worker(&self) -> Spread {
        spread(self.cells.iter().map(|cell| 100.0 * cell.worker_cpu / cell.cpu))
    }

    /// The token's part of the CPU time of both processes, in percent.
    fn token(&self) -> Spread {
        spread(self.inside().map(|(cell, inside)| 100.0 * inside.cpu / cell.cpu))
    }

    fn inside(&self) -> impl Iterator<Item = (&Cell, Inside)> {
        self.cells.iter().filter_map(|cell| Some((cell, cell.token?)))
    }
}

/// At once.
pub(crate) const CONNECTIONS: usize = 64;
