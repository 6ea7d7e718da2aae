//! Requests, by the row of the table that served them and never by what the caller wrote.

use std::time::Duration;

use audit::LogType;
use policies::Door;

use crate::metrics::figure::{Counter, Histogram};
use crate::metrics::page::{Kind, Page};
use crate::route::Route;

/// The tallies of all rows.
#[derive(Debug)]
pub(crate) struct Requests {
    /// In the order of the table.
    rows: Vec<Row>,
    /// Paths that no row has, and what was turned away before a row was looked for.
    unmatched: Row,
}

#[derive(Debug)]
struct Row {
    method: String,
    path: &'static str,
    /// Whether a token is asked for.
    is_protected: bool,
    /// How the caller logs in by it, if that is what it is for.
    login: Option<&'static str>,
    statuses: [Counter; STATUSES.len() + 1],
    took: Histogram,
}

impl Requests {
    pub(crate) fn new(routes: &[Route]) -> Self {
        let unmatched = Row::new("any".to_owned(), "unmatched", false, None);
        Self { rows: routes.iter().map(Row::of).collect(), unmatched }
    }

    /// A request of the row at `place` in the table was answered.
    pub(crate) fn answered(&self, place: Option<usize>, status: u16, took: Duration) {
        let row = place.and_then(|place| self.rows.get(place)).unwrap_or(&self.unmatched);
        let slot = STATUSES.iter().position(|(known, _)| *known == status);
        if let Some(counter) = row.statuses.get(slot.unwrap_or(STATUSES.len())) {
            counter.increase();
        }
        row.took.observe(took);
    }

    /// How many were answered with `status`, of those rows that `which` picks.
    fn sum(&self, status: u16, which: impl Fn(&Row) -> bool) -> u64 {
        let rows = self.rows.iter().chain([&self.unmatched]).filter(|row| which(row));
        rows.map(|row| row.count(status)).sum()
    }

    /// How many a handler or the pipeline refused for being plain.
    pub(crate) fn plain(&self) -> u64 {
        self.sum(418, |_| true)
    }

    pub(crate) fn show(&self, page: &mut Page) {
        let rows = || self.rows.iter().chain([&self.unmatched]);
        page.family("claviger_requests", Kind::Counter, "Requests answered, by route and status.");
        for row in rows() {
            row.show_statuses(page);
        }
        page.family(
            "claviger_request_duration_seconds",
            Kind::Histogram,
            "From a request's head to its answer, the log's write included.",
        );
        for row in rows().filter(|row| row.is_used()) {
            page.histogram(&[("route", row.path), ("method", &row.method)], &row.took);
        }
        page.family(
            "claviger_unauthenticated_requests",
            Kind::Counter,
            "Requests without a good token to endpoints that need one (401); not in the log.",
        );
        page.total(&[], self.sum(401, |row| row.is_protected));
        page.family("claviger_logins", Kind::Counter, "Logins, by way and result.");
        for way in [ACCOUNT, AUTHENTICATOR, PASSPHRASE] {
            for (status, result) in [(200, "succeeded"), (401, "failed")] {
                let count = self.sum(status, |row| row.login == Some(way));
                page.total(&[("way", way), ("result", result)], count);
            }
        }
    }
}

impl Row {
    fn of(route: &Route) -> Self {
        let login = match route.log.kind() {
            Some(LogType::LOG_TYPE_LOGIN) => Some(ACCOUNT),
            Some(LogType::LOG_TYPE_AUTH_SUCCESS_INTERNAL) => Some(PASSPHRASE),
            Some(LogType::LOG_TYPE_AUTH_SUCCESS_EXTERNAL) => Some(AUTHENTICATOR),
            _ => None,
        };
        Self::new(route.method.to_string(), route.path, route.door != Door::Open, login)
    }

    fn new(
        method: String,
        path: &'static str,
        is_protected: bool,
        login: Option<&'static str>,
    ) -> Self {
        let (statuses, took) = Default::default();
        Self { method, path, is_protected, login, statuses, took }
    }

    fn count(&self, status: u16) -> u64 {
        let slot = STATUSES.iter().position(|(known, _)| *known == status);
        slot.and_then(|slot| self.statuses.get(slot)).map_or(0, Counter::get)
    }

    fn is_used(&self) -> bool {
        self.statuses.iter().any(|counter| counter.get() > 0)
    }

    /// The statuses that were answered at least once.
    fn show_statuses(&self, page: &mut Page) {
        let names = STATUSES.iter().map(|(_, name)| *name).chain(["other"]);
        for (name, counter) in names.zip(&self.statuses) {
            let (count, method) = (counter.get(), self.method.as_str());
            if count > 0 {
                page.total(&[("route", self.path), ("method", method), ("status", name)], count);
            }
        }
    }
}

const ACCOUNT: &str = "account";
const AUTHENTICATOR: &str = "authenticator";
const PASSPHRASE: &str = "passphrase";

/// The statuses that the daemon answers.
const STATUSES: [(u16, &str); 20] = [
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (411, "411"),
    (412, "412"),
    (413, "413"),
    (418, "418"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
];
