//! The audit log's writing, and that of the state.

use std::time::Duration;

use audit::Log;

use crate::metrics::figure::{Counter, Histogram};
use crate::metrics::page::{Kind, Page};

/// What the writer of the log told.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    entries: Counter,
    failures: Counter,
    synced: Histogram,
}

/// What the state file was asked to keep.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    pub(crate) committed: Counter,
    pub(crate) failed: Counter,
}

impl audit::Watch for Writing {
    fn committed(&self, entries: usize, synced: Duration) {
        self.entries.add(u64::try_from(entries).unwrap_or(u64::MAX));
        self.synced.observe(synced);
    }

    fn failed(&self) {
        self.failures.increase();
    }
}

impl Writing {
    pub(crate) fn show(&self, page: &mut Page, log: &Log) {
        page.family("claviger_audit_entries", Kind::Counter, "Entries that are durable.");
        page.total(&[], self.entries.get());
        page.family(
            "claviger_audit_sync_duration_seconds",
            Kind::Histogram,
            "The fdatasync of each batch; its count is that of the batches.",
        );
        page.histogram(&[], &self.synced);
        page.family(
            "claviger_audit_failures",
            Kind::Counter,
            "Times that the log could not be written or mended.",
        );
        page.total(&[], self.failures.get());
        page.family(
            "claviger_audit_open_entries",
            Kind::Gauge,
            "Entries that are open or wait to be written.",
        );
        page.gauge(&[], log.open_entries());
        page.family("claviger_audit_writable", Kind::Gauge, "1 while the log can be written.");
        page.gauge(&[], u8::from(log.healthy()));
    }
}

impl Transactions {
    pub(crate) fn show(&self, page: &mut Page) {
        page.family(
            "claviger_store_transactions",
            Kind::Counter,
            "Writes of the state, by result.",
        );
        page.total(&[("result", "committed")], self.committed.get());
        page.total(&[("result", "failed")], self.failed.get());
    }
}
