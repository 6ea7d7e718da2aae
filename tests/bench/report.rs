//! The figures of a run, for people and as JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::deed::Deed;
use crate::row::{Row, spread};
use crate::subject::Footprint;
use crate::trip::Trip;
use crate::trouble::Trouble;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) keys: usize,
    /// From the start of the process to its first answer.
    pub(crate) starts: Vec<Duration>,
    pub(crate) memory: Footprint,
    pub(crate) rows: Vec<Row>,
    pub(crate) trips: Vec<Trip>,
}

impl Report {
    /// The report in words.
    pub(crate) fn text(&self) -> String {
        let mut text: String = self.rows.iter().map(Row::text).collect();
        text.extend(self.trips.iter().map(Trip::text));
        let _ = writeln!(text, "bars, with {} keys in the token:", self.keys);
        for (what, value, bar, unit) in self.bars() {
            let met = if value <= bar { "met" } else { "NOT met" };
            let _ = writeln!(text, "  {what}: {value:.2} of at most {bar} {unit}: {met}");
        }
        text
    }

    /// Writes everything to `path` as JSON.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Trouble> {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let trips: Vec<_> = self.trips.iter().map(Trip::json).collect();
        let bars: Vec<_> = self
            .bars()
            .into_iter()
            .map(|(what, value, bar, unit)| {
                json!({"what": what, "value": value, "bar": bar, "unit": unit, "met": value <= bar})
            })
            .collect();
        let starts: Vec<_> = self.starts.iter().map(|start| start.as_secs_f64() * 1e3).collect();
        let whole = json!({"keys": self.keys, "rows": rows, "errands": trips, "bars": bars, "start_ms": starts,
            "memory_kib": self.memory});
        let mut file = std::fs::File::create(path)?;
        Ok(writeln!(file, "{whole:#}")?)
    }

    /// What is promised: of operations that of agreements, where they were measured.
    fn bars(&self) -> Vec<(&'static str, f64, f64, &'static str)> {
        let agreement = self.rows.iter().find(|row| row.deed == Deed::Agree);
        let cpu = "CPU of an agreement at 64 connections, durable log included";
        let mut bars: Vec<_> = agreement
            .map(|row| (cpu, row.busiest().median, 1.35, "x raw CPU"))
            .into_iter()
            .collect();
        let starts = spread(self.starts.iter().map(|start| start.as_secs_f64() * 1e3));
        let resident = self.memory.resident();
        bars.push(("resident memory of daemon and worker, idle", resident, 40.0, "MiB"));
        bars.push(("from the start to the first answer", starts.median, 300.0, "ms"));
        bars
    }
}
