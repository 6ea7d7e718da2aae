//! The mirror of the audit log, where there is one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use audit::Log;

use crate::metrics::page::{Kind, Page};

/// What the mirror told.
#[derive(Debug, Default)]
pub(crate) struct Mirrored {
    /// Whether there is one.
    is_there: AtomicBool,
    is_up: AtomicBool,
    arrived: AtomicU64,
}

impl Mirrored {
    /// The collector has all lines before this index.
    pub(crate) fn arrived(&self, index: u64) {
        self.is_there.store(true, Ordering::Relaxed);
        self.arrived.store(index, Ordering::Relaxed);
    }

    /// Whether the last attempt to send something was a good one.
    pub(crate) fn up(&self, up: bool) {
        self.is_up.store(up, Ordering::Relaxed);
    }

    pub(crate) fn show(&self, page: &mut Page, log: &Log) {
        if !self.is_there.load(Ordering::Relaxed) {
            return;
        }
        page.family("claviger_syslog_up", Kind::Gauge, "1 while the collector takes lines.");
        page.gauge(&[], u8::from(self.is_up.load(Ordering::Relaxed)));
        page.family(
            "claviger_syslog_lines_behind",
            Kind::Gauge,
            "Lines that the collector is not known to have.",
        );
        page.gauge(&[], log.lines().saturating_sub(self.arrived.load(Ordering::Relaxed)));
    }
}
