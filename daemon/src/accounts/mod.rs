//! Accounts of people and programs (docs/key-agreement.md): a name, a password, the scopes of their
//! tokens. They are served from memory; the state file has them, sealed by the token.

mod attempts;
mod envelope;
mod known;
mod logins;
mod manage;
mod secret;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use policies::{AccountId, LoginId};

use self::attempts::Attempts;
use self::known::Known;
pub use self::logins::{Attempt, Granted};
pub use self::manage::{Change, NewAccount, Shown};
use self::secret::Hasher;
use crate::agreement::Agreements;
use crate::clock::now;
use crate::config::KeyAgreement;
use crate::fault::Fault;
use crate::login::Desk;
use crate::store::{Mac, Store, StoreFault, holds};

/// The accounts. Cloning is shallow.
#[derive(Clone)]
pub struct Accounts(Arc<Parts>);

struct Parts {
    store: Store,
    mac: Arc<dyn Mac>,
    desk: Desk,
    agreements: Agreements,
    /// Whether anybody logs in here.
    is_served: bool,
    /// How many logins of one account may stand.
    most: u64,
    attempts: Attempts,
    hasher: Hasher,
    known: RwLock<Known>,
    /// Held while an account changes, so that file and memory change in the same order.
    turn: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// The accounts in `store`, and how many were changed outside the daemon: those are refused.
    /// Logins that have ended by themselves are removed within a minute.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where state file or token fail, [`Fault::Internal`] where the host has no
    /// randomness.
    pub(crate) async fn open(
        (store, mac): (Store, Arc<dyn Mac>),
        (desk, agreements): (Desk, Agreements),
        config: &KeyAgreement,
    ) -> Result<(Self, usize), Fault> {
        let accounts = Self(Arc::new(Parts {
            hasher: Hasher::new(Arc::clone(&mac))?,
            store,
            mac,
            desk,
            agreements,
            is_served: config.enabled,
            most: config.logins,
            attempts: Attempts::default(),
            known: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        }));
        let damaged = accounts.load().await?;
        if config.enabled {
            tokio::spawn(sweep(accounts.clone()));
        }
        Ok((accounts, damaged))
    }

    /// Whether a token opens anything that this account got by this login, or, without one, by
    /// another token of its own.
    pub(crate) fn admit(&self, account: AccountId, login: Option<LoginId>) -> bool {
        self.known().admits(account, login, now())
    }

    /// The name of the account that `username` means, if there is one.
    pub(crate) fn named(&self, username: &str) -> Option<String> {
        self.known().by_name(&canonical(username)).map(|account| account.name.clone())
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.known().is_empty()
    }

    /// Reads the state file, and answers how many accounts are not as this daemon has written them.
    async fn load(&self) -> Result<usize, Fault> {
        let mut damaged = 0;
        let mut sound = Vec::new();
        for row in self.0.store.accounts().await.map_err(broken)? {
            match row {
                Some((account, tag)) if holds(&*self.0.mac, &account.seal_text(), &tag).await? => {
                    sound.push(account);
                }
                _ => damaged += 1,
            }
        }
        let logins = self.0.store.logins(now()).await.map_err(broken)?;
        *self.known_mut() = Known::new(sound, logins);
        Ok(damaged)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as accounts have it: people type capitals or not.
fn canonical(username: &str) -> String {
    username.to_ascii_lowercase()
}

/// Removes the logins that have ended by themselves, until the state file is closed.
async fn sweep(accounts: Accounts) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        accounts.known_mut().sweep(now());
        match accounts.0.store.sweep_logins(now()).await {
            Ok(()) => {}
            Err(StoreFault::Database(sqlx::Error::PoolClosed)) => return,
            Err(fault) => tracing::warn!(%fault, "logins that have ended can't be removed now"),
        }
    }
}

fn broken(fault: StoreFault) -> Fault {
    fault.into()
}
