//! Operations of the token, as their callers saw them end.

use std::time::Duration;

use hsm_profiles::transport::{Health, Vitals};
use hsm_profiles::{Load, Operation, TokenFault, Watch};

use crate::metrics::figure::{Counter, Histogram};
use crate::metrics::page::{Kind, Page};

/// The tallies of all operations.
#[derive(Debug, Default)]
pub(crate) struct Operations([Tally; Operation::NAMES.len()]);

#[derive(Debug, Default)]
struct Tally {
    done: Counter,
    /// By [`TokenFault::NAMES`].
    failed: [Counter; TokenFault::NAMES.len()],
    took: Histogram,
}

impl Watch for Operations {
    fn ended(&self, operation: &'static str, fault: Option<&TokenFault>, took: Duration) {
        let Some(tally) = find(&Operation::NAMES, &self.0, operation) else { return };
        match fault {
            None => tally.done.increase(),
            Some(fault) => {
                if let Some(failed) = find(&TokenFault::NAMES, &tally.failed, fault.name()) {
                    failed.increase();
                }
            }
        }
        tally.took.observe(took);
    }
}

impl Operations {
    pub(crate) fn show(&self, page: &mut Page, vitals: &Vitals, load: Load) {
        page.family("claviger_token_operations", Kind::Counter, "Operations, by kind and result.");
        for (operation, tally) in Operation::NAMES.iter().zip(&self.0) {
            tally.show_results(page, operation);
        }
        page.family(
            "claviger_token_operation_duration_seconds",
            Kind::Histogram,
            "From asking to the answer of the token, waiting included.",
        );
        for (operation, tally) in Operation::NAMES.iter().zip(&self.0) {
            if tally.is_used() {
                page.histogram(&[("operation", operation)], &tally.took);
            }
        }
        page.family(
            "claviger_token_queue_depth",
            Kind::Gauge,
            "Operations that wait or are under way; slow ones have a queue of their own.",
        );
        page.gauge(&[("queue", "fast")], load.fast);
        page.gauge(&[("queue", "slow")], load.slow);
        page.family(
            "claviger_token_worker_restarts",
            Kind::Counter,
            "Workers that were replaced, since the start or the last reboot.",
        );
        page.total(&[], vitals.restarts());
        page.family(
            "claviger_token_state",
            Kind::StateSet,
            "The circuit breaker: ready, down while starts are tried again, or the PIN refused.",
        );
        let health = vitals.health();
        let health = health.borrow();
        page.state("ready", *health == Health::Ready);
        page.state("down", matches!(*health, Health::Down(_)));
        page.state("pin_refused", *health == Health::PinRefused);
    }
}

impl Tally {
    fn is_used(&self) -> bool {
        self.done.get() > 0 || self.failed.iter().any(|failed| failed.get() > 0)
    }

    /// The results that came at least once.
    fn show_results(&self, page: &mut Page, operation: &str) {
        let names = ["ok"].iter().chain(&TokenFault::NAMES);
        for (result, counter) in names.zip([&self.done].into_iter().chain(&self.failed)) {
            if counter.get() > 0 {
                page.total(&[("operation", operation), ("result", result)], counter.get());
            }
        }
    }
}

fn find<'a, T>(names: &[&str], values: &'a [T], name: &str) -> Option<&'a T> {
    values.get(names.iter().position(|known| *known == name)?)
}
