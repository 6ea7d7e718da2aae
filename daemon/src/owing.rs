//! What a request has changed, until its entry is durable.
//!
//! Whoever changes state says so with [`owe`]; the pipeline, which closes the entry, pays. What is
//! dropped unpaid (a refused entry, a panic) goes to the [`Clerk`], who enters it.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clerk::Clerk;
use crate::store::Owed;

/// The changes of one request.
#[derive(Clone)]
pub(crate) struct Account(Arc<Open>);

struct Open {
    owed: Mutex<Vec<Owed>>,
    clerk: Clerk,
}

impl Account {
    pub(crate) fn new(clerk: Clerk) -> Self {
        Self(Arc::new(Open { owed: Mutex::default(), clerk }))
    }

    /// Does `work`, whose changes go on this account.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        ACCOUNT.scope(self.clone(), work).await
    }

    /// Whether something was changed on it that no entry tells of yet.
    pub(crate) fn is_owing(&self) -> bool {
        !self.0.owed().is_empty()
    }

    /// The entry that tells of the changes is durable.
    pub(crate) fn pay(&self) {
        let paid = mem::take(&mut *self.0.owed());
        if !paid.is_empty() {
            self.0.clerk.strike(paid.into_iter().map(|owed| owed.id).collect());
        }
    }
}

/// Says that something was changed and is written down as owed. Outside of any account (a command
/// that works while the daemon does not run) the next start enters it.
pub(crate) fn owe(owed: Owed) {
    // Without an account there is nobody to pay.
    let _ = ACCOUNT.try_with(|account| account.0.owed().push(owed));
}

impl Open {
    fn owed(&self) -> MutexGuard<'_, Vec<Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for owed in mem::take(&mut *self.owed()) {
            self.clerk.enter(owed);
        }
    }
}

tokio::task_local! {
    static ACCOUNT: Account;
}
