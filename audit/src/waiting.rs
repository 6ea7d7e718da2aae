//! Entries that are durable and wait for a signed checkpoint before they are answered.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::closing::{Receipt, Unwritten};
use crate::job::Job;

/// In the order of their lines.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<VecDeque<(Job, Receipt)>>);

impl Waiting {
    /// Takes in an entry that is durable. Its place in the queue stays taken.
    pub(crate) fn hold(&self, job: Job, receipt: Receipt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back((job, receipt));
    }

    /// Answers those that a checkpoint over `size` lines covers.
    pub(crate) fn release(&self, size: u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let covered = |(_, receipt): &mut (Job, Receipt)| receipt.index() < Some(size);
        while let Some((job, receipt)) = waiting.pop_front_if(covered) {
            job.answer(Ok(receipt));
        }
    }

    /// Refuses all: no checkpoint covers them now. They are in the log, and nobody is told so.
    pub(crate) fn refuse(&self) {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (job, _) in waiting {
            job.answer(Err(Unwritten));
        }
    }
}
