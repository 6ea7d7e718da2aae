//! What the daemon counts: in numbers that are known by name when it is built, so that no key, no
//! person, no address and no text of a caller ever stands in them, and with nothing on the way of a
//! request but additions.

mod connections;
mod figure;
mod log;
mod mirrored;
mod page;
mod process;
mod requests;
mod shown;
mod token;

use std::sync::Arc;

use audit::Log;
use hsm_profiles::System;

pub(crate) use self::log::Transactions;
pub(crate) use connections::{Connections, Cut, Turned};
pub(crate) use mirrored::Mirrored;
pub(crate) use page::OPENMETRICS;
pub(crate) use requests::Requests;
pub(crate) use shown::Shown;

use crate::metrics::log::Writing;
use crate::metrics::page::Page;
use crate::metrics::process::Birth;
use crate::metrics::token::Operations;
use crate::route::Route;

/// All that is counted, from the start of the process on, reboots included. Cloning is shallow.
#[derive(Clone, Debug)]
pub struct Metrics {
    birth: Arc<Birth>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) mirrored: Arc<Mirrored>,
    pub(crate) operations: Arc<Operations>,
    pub(crate) requests: Arc<Requests>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) transactions: Arc<Transactions>,
    pub(crate) writing: Arc<Writing>,
}

impl Metrics {
    /// Nothing counted yet, with a place for each of `routes`, in their order.
    pub fn new(routes: &[Route]) -> Self {
        Self {
            birth: Arc::new(Birth::now()),
            connections: Arc::default(),
            mirrored: Arc::default(),
            operations: Arc::default(),
            requests: Arc::new(Requests::new(routes)),
            shown: Arc::default(),
            transactions: Arc::default(),
            writing: Arc::default(),
        }
    }

    /// All of it, as OpenMetrics 1.0.
    pub(crate) fn text(&self, log: &Log, system: &System) -> String {
        let mut page = Page::new();
        self.birth.show(&mut page, system.vitals().worker());
        self.connections.show(&mut page, self.requests.plain());
        self.shown.show(&mut page);
        self.requests.show(&mut page);
        self.operations.show(&mut page, system.vitals(), system.load());
        self.writing.show(&mut page, log);
        self.mirrored.show(&mut page, log);
        self.transactions.show(&mut page);
        page.finish()
    }
}
