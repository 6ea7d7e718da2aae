//! Whether the log can be written, as every handle sees it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Written by the writer's thread, read by all.
#[derive(Debug)]
pub(crate) struct Health {
    current: AtomicU32,
    fault: Mutex<Option<String>>,
    unsigned: Mutex<Option<String>>,
    failed: AtomicBool,
    shut: AtomicBool,
}

impl Health {
    pub(crate) fn new(current: u32) -> Self {
        Self {
            current: AtomicU32::new(current),
            fault: Mutex::new(None),
            unsigned: Mutex::new(None),
            failed: AtomicBool::new(false),
            shut: AtomicBool::new(false),
        }
    }

    pub(crate) fn good(&self) -> bool {
        !self.failed.load(Ordering::Acquire) && !self.shut.load(Ordering::Acquire)
    }

    /// The id of the file being written.
    pub(crate) fn current(&self) -> u32 {
        self.current.load(Ordering::Acquire)
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn fail(&self, why: String) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.failed.store(true, Ordering::Release);
    }

    /// The log goes on, in the file `current`.
    pub(crate) fn mend(&self, current: u32) {
        self.current.store(current, Ordering::Release);
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.failed.store(false, Ordering::Release);
    }

    /// Why the last checkpoint was not made, if it was not.
    pub(crate) fn unsigned(&self) -> Option<String> {
        self.unsigned.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn tell_unsigned(&self, why: Option<String>) {
        *self.unsigned.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// For good.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Ordering::Release);
    }
}

/// Places in the queue. An entry takes one when it is opened and keeps it until
/// it is written, so that closing an entry never finds the queue full.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<AtomicUsize>,
    count: usize,
}

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(count)), count }
    }

    /// How many entries are open or wait to be written.
    pub(crate) fn taken(&self) -> usize {
        self.count.saturating_sub(self.free.load(Ordering::Acquire))
    }

    pub(crate) fn take(&self) -> Option<Place> {
        let less = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).ok()?;
        Some(Place(self.clone()))
    }
}

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Places);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_and_come_back() {
        let places = Places::new(2);
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some() && places.take().is_none());
        assert_eq!(places.taken(), 2);
        drop(first);
        assert_eq!(places.taken(), 1);
        assert!(places.take().is_some());
    }
}
