//! What is in memory of accounts and logins.

use std::collections::HashMap;

use policies::{AccountId, LoginId};
use sha2::{Digest, Sha256};

use crate::store::{AccountRow, LoginRow, StoredLogin, Tag};

/// Accounts whose seals were verified, and their logins.
#[derive(Default)]
pub(super) struct Known {
    accounts: HashMap<AccountId, AccountRow>,
    names: HashMap<String, AccountId>,
    logins: HashMap<LoginId, Standing>,
}

/// A login, until it ends by itself.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) row: LoginRow,
    /// Its seal, as long as nobody has looked at it.
    pub(super) unverified: Option<Tag>,
    pub(super) ended: bool,
}

impl Known {
    pub(super) fn new(accounts: Vec<AccountRow>, logins: Vec<StoredLogin>) -> Self {
        let mut known = Self::default();
        accounts.into_iter().for_each(|account| known.put(account));
        for (row, tag, ended) in logins {
            let standing = Standing { row, unverified: Some(tag), ended };
            known.logins.insert(id(&standing.row.name), standing);
        }
        known
    }

    /// Takes an account in, in the place of its version before.
    pub(super) fn put(&mut self, account: AccountRow) {
        self.names.insert(account.name.clone(), account.id);
        self.accounts.insert(account.id, account);
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&AccountRow> {
        self.accounts.get(self.names.get(name)?)
    }

    pub(super) fn by_id(&self, id: AccountId) -> Option<&AccountRow> {
        self.accounts.get(&id)
    }

    /// All of them, by name.
    pub(super) fn all(&self) -> Vec<&AccountRow> {
        let mut all: Vec<_> = self.accounts.values().collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Takes in a login that was just made with this version of its account. False where the account
    /// was changed meanwhile, which may have ended it already.
    pub(super) fn begin(&mut self, row: LoginRow, version: u64) -> bool {
        let is_current = self.by_id(row.account).is_some_and(|now| now.version == version);
        let standing = Standing { unverified: None, ended: !is_current, row };
        self.logins.insert(id(&standing.row.name), standing);
        is_current
    }

    /// The login of a refresh token, whether it stands or was ended.
    pub(super) fn login(&self, token: &str) -> Option<&Standing> {
        let name: [u8; 32] = Sha256::digest(token).into();
        self.logins.get(&id(&name)).filter(|standing| standing.row.name == name)
    }

    /// Its seal was looked at, and holds.
    pub(super) fn verified(&mut self, name: &[u8; 32]) {
        if let Some(standing) = self.logins.get_mut(&id(name)) {
            standing.unverified = None;
        }
    }

    pub(super) fn end(&mut self, name: &[u8; 32]) {
        if let Some(standing) = self.logins.get_mut(&id(name)) {
            standing.ended = true;
        }
    }

    /// Ends all logins of an account.
    pub(super) fn end_all(&mut self, account: AccountId) {
        let all = self.logins.values_mut().filter(|standing| standing.row.account == account);
        all.for_each(|standing| standing.ended = true);
    }

    pub(super) fn sweep(&mut self, now: u64) {
        self.logins.retain(|_, standing| standing.row.expires > now);
    }

    /// Whether an account may work, by this login where it names one.
    pub(super) fn admits(&self, account: AccountId, login: Option<LoginId>, now: u64) -> bool {
        let stands = |login: LoginId| {
            self.logins.get(&login).is_some_and(|standing| {
                standing.row.account == account && !standing.ended && standing.row.expires > now
            })
        };
        self.accounts.get(&account).is_some_and(|row| !row.locked) && login.is_none_or(stands)
    }
}

/// How a login is called: the first half of the SHA-256 of its refresh token.
pub(super) fn id(name: &[u8; 32]) -> LoginId {
    name.first_chunk().copied().unwrap_or_default()
}
