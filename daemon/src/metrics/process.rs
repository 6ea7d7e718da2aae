//! The processes themselves: the daemon and the worker that holds its token.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::metrics::page::{Kind, Page};

/// When this process began, as far as it knows itself.
#[derive(Debug)]
pub(crate) struct Birth(f64);

impl Birth {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0.0, |since| since.as_secs_f64()))
    }

    /// `worker` is the process id of the token worker.
    pub(crate) fn show(&self, page: &mut Page, worker: Option<u32>) {
        page.family("claviger_build", Kind::Info, "The version.");
        page.info(&[("version", crate::VERSION)]);
        page.family("process_start_time_seconds", Kind::Gauge, "Unix time of the start.");
        page.gauge(&[], format_args!("{:.3}", self.0));
        page.family("process_resident_memory_bytes", Kind::Gauge, "Memory of the daemon.");
        if let Some(bytes) = resident("self") {
            page.gauge(&[], bytes);
        }
        page.family(
            "claviger_worker_resident_memory_bytes",
            Kind::Gauge,
            "Memory of the token worker.",
        );
        if let Some(bytes) = worker.and_then(|worker| resident(&worker.to_string())) {
            page.gauge(&[], bytes);
        }
    }
}

/// The resident memory of a process in bytes; `None` where `/proc` does not tell.
fn resident(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_no_other_has() {
        assert!(resident("self").unwrap() > 1 << 20);
        assert_eq!(resident("0"), None);
    }
}
