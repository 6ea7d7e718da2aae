//! Lets a chosen commit fail, for the crash tests.

use std::sync::Mutex;

use super::StoreFault;

/// What happens to a commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mishap {
    /// It is reported as failed, and it did not happen.
    Fail,
    /// It is reported as failed, and it happened.
    FailAfter,
    /// The process stops before it.
    Stop,
    /// The process stops right after it.
    StopAfter,
}

/// Counts commits down to the one that fails.
#[derive(Default)]
pub(crate) struct Trip(Mutex<Option<(usize, Mishap)>>);

impl Trip {
    /// Lets the commit after `good` good ones suffer `mishap`.
    pub(crate) fn set(&self, good: usize, mishap: Mishap) {
        *self.0.lock().unwrap() = Some((good, mishap));
    }

    pub(crate) fn next(&self) -> Option<Mishap> {
        let mut plan = self.0.lock().unwrap();
        match *plan {
            Some((0, mishap)) => {
                *plan = None;
                Some(mishap)
            }
            Some((good, mishap)) => {
                *plan = Some((good - 1, mishap));
                None
            }
            None => None,
        }
    }
}

pub(crate) async fn before(mishap: Option<Mishap>) -> Result<(), StoreFault> {
    match mishap {
        Some(Mishap::Fail) => Err(StoreFault::Database(sqlx::Error::WorkerCrashed)),
        Some(Mishap::Stop) => std::future::pending().await,
        _ => Ok(()),
    }
}

pub(crate) async fn after(mishap: Option<Mishap>) -> Result<(), StoreFault> {
    match mishap {
        Some(Mishap::FailAfter) => Err(StoreFault::Database(sqlx::Error::WorkerCrashed)),
        Some(Mishap::StopAfter) => std::future::pending().await,
        _ => Ok(()),
    }
}
