//! How the other end of a transport is.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::Watch;
use crate::protocol::TokenFault;

/// Whether operations can be done now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// They can. A worker that died and is being replaced for the first time counts as ready:
    /// operations wait for the next one.
    Ready,
    /// They can't, for this reason; it is tried again by itself.
    Down(String),
    /// The PIN was refused: nothing is tried again until a person has mended it.
    PinRefused,
}

/// What can be observed of a transport, from any thread.
#[derive(Debug)]
pub struct Vitals {
    health: watch::Sender<Health>,
    restarts: AtomicU64,
    worker: AtomicU32,
    watch: OnceLock<Arc<dyn Watch>>,
}

impl Vitals {
    /// Of an end that is not there yet.
    pub(crate) fn new(health: Health) -> Self {
        Self {
            health: watch::Sender::new(health),
            restarts: AtomicU64::new(0),
            worker: AtomicU32::new(0),
            watch: OnceLock::new(),
        }
    }

    /// The health, and each change of it.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// How often a worker was replaced.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// The process id of the worker; `None` where there is none, or it is no process.
    pub fn worker(&self) -> Option<u32> {
        Some(self.worker.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    /// Tells `watch` of each operation from now on. The first one to ask is told, no other.
    pub fn tell(&self, watch: Arc<dyn Watch>) {
        let _ = self.watch.set(watch);
    }

    pub(crate) fn watch(&self) -> Option<&dyn Watch> {
        self.watch.get().map(|watch| &**watch)
    }

    /// Lets an operation in only where it can be done.
    pub(crate) fn admit(&self) -> Result<(), TokenFault> {
        match &*self.health.borrow() {
            Health::Ready => Ok(()),
            Health::Down(reason) => Err(TokenFault::Down(reason.clone())),
            Health::PinRefused => Err(TokenFault::PinRefused),
        }
    }

    /// Tells everybody who listens, where it is news.
    pub(crate) fn set_health(&self, health: Health) {
        self.health.send_if_modified(|old| {
            let news = *old != health;
            *old = health;
            news
        });
    }

    pub(crate) fn set_worker(&self, id: Option<u32>) {
        self.worker.store(id.unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
}
