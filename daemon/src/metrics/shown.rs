//! The certificate that the daemon shows.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::page::{Kind, Page};

/// Until when it is good.
#[derive(Debug, Default)]
pub(crate) struct Shown(AtomicU64);

impl Shown {
    /// In Unix seconds; 0 where that is not known.
    pub(crate) fn until(&self, seconds: u64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn show(&self, page: &mut Page) {
        page.family(
            "claviger_tls_certificate_expiry_seconds",
            Kind::Gauge,
            "When the certificate that is shown ends, as a Unix time.",
        );
        match self.0.load(Ordering::Relaxed) {
            0 => {}
            until => page.gauge(&[], until),
        }
    }
}
