//! Making accounts, and changing them.

use policies::{AccountId, ManageAccounts, Permit, Scope, Subject};
use zeroize::Zeroizing;

use super::attempts::Key;
use super::{Accounts, broken, canonical};
use crate::clock::now;
use crate::fault::Fault;
use crate::owing::owe;
use crate::store::{AccountRow, Fact, Owed};

/// An account to be.
pub struct NewAccount {
    /// 1 to 64 of `a-z`, `0-9` and `.`, `_`, `-`, `@`; capitals are made small.
    pub username: String,
    /// The scopes of its tokens, with spaces between.
    pub scope: String,
    /// 8 to 1024 bytes.
    pub password: Zeroizing<String>,
}

/// What becomes different.
pub enum Change {
    /// Nobody logs in any more, and all logins end.
    Lock,
    /// Another password, 8 to 1024 bytes; all logins end.
    Password(Zeroizing<String>),
    /// Somebody logs in again, and failures are forgotten.
    Unlock,
}

/// What of an account may be shown.
pub struct Shown {
    /// Its name.
    pub username: String,
    /// What stands as subject in the log.
    pub id: AccountId,
    /// The scopes of its tokens.
    pub scope: String,
    /// Whether it may not log in.
    pub locked: bool,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds.
    pub updated: u64,
}

impl Accounts {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where something about it can't be, or the name is taken;
    /// [`Fault::Conflict`] where state file or token fail.
    pub async fn create(
        &self,
        leave: &Permit<ManageAccounts>,
        new: NewAccount,
    ) -> Result<Shown, Fault> {
        self.make(leave.subject(), new).await
    }

    /// Changes the account of a name.
    ///
    /// # Errors
    /// [`Fault::NotFound`] where there is none; as for [`Self::create`].
    pub async fn change(
        &self,
        leave: &Permit<ManageAccounts>,
        username: &str,
        change: Change,
    ) -> Result<Shown, Fault> {
        let _turn = self.0.turn.lock().await;
        let found = self.known().by_name(&canonical(username)).cloned();
        let before = found.ok_or(Fault::NotFound("there is no account of this name".into()))?;
        let ends_logins = !matches!(change, Change::Unlock);
        let mut account = AccountRow {
            version: before.version.saturating_add(1),
            updated: now().max(before.updated.saturating_add(1)),
            ..before
        };
        match change {
            Change::Lock => account.locked = true,
            Change::Unlock => account.locked = false,
            Change::Password(password) => {
                account.secret = self.secret(account.id, password).await?;
            }
        }
        self.write(&account, leave.subject(), Some(ends_logins)).await?;
        let mut known = self.known_mut();
        if ends_logins {
            known.end_all(account.id);
        } else {
            self.0.attempts.forget(Key::of(&account.name));
        }
        known.put(account.clone());
        Ok(account.into())
    }

    /// All accounts, by name.
    pub fn list(&self, _: &Permit<ManageAccounts>) -> Vec<Shown> {
        self.known().all().into_iter().cloned().map(Shown::from).collect()
    }

    /// Makes an account for `subject`.
    pub(crate) async fn make(&self, subject: Subject, new: NewAccount) -> Result<Shown, Fault> {
        let scope =
            Scope::parse(&new.scope).map_err(|bad| Fault::Invalid(bad.to_string().into()))?;
        let name = named(&new.username)?;
        let _turn = self.0.turn.lock().await;
        if self.known().by_name(&name).is_some() {
            return Err(taken());
        }
        let mut id = AccountId([0; 16]);
        getrandom::fill(&mut id.0).map_err(|_| Fault::Internal)?;
        let secret = self.secret(id, new.password).await?;
        let now = now();
        let account = AccountRow {
            id,
            version: 1,
            name,
            scope: scope.as_str().to_owned(),
            locked: false,
            secret,
            created: now,
            updated: now,
        };
        self.write(&account, subject, None).await?;
        self.known_mut().put(account.clone());
        Ok(account.into())
    }

    async fn secret(
        &self,
        account: AccountId,
        password: Zeroizing<String>,
    ) -> Result<crate::store::PasswordRow, Fault> {
        if !PASSWORD.contains(&password.len()) {
            let (least, most) = (PASSWORD.start(), PASSWORD.end());
            let why = format!("a password has {least} to {most} bytes of UTF-8");
            return Err(Fault::Invalid(why.into()));
        }
        let _place = self.0.hasher.place()?;
        let turn = self.0.hasher.turn().await?;
        self.0.hasher.seal(&turn, account, password).await
    }

    /// Writes a version down; `ends_logins` where it is not the first. Where that fails the file is
    /// read again, as it may have happened.
    async fn write(
        &self,
        account: &AccountRow,
        subject: Subject,
        ends_logins: Option<bool>,
    ) -> Result<(), Fault> {
        let tag = self.0.mac.mac(&account.seal_text()).await?;
        let owed = Owed::fresh(Fact::AccountChanged, None, subject, account.updated);
        let due = owed.map_err(broken)?.due(&*self.0.mac).await?;
        let store = &self.0.store;
        let written = match ends_logins {
            None => store.add_account(account, &tag, &due).await,
            Some(end) => store.change_account(account, (&tag, &due), end).await,
        };
        if let Ok(true) = written {
            owe(due.owed);
            return Ok(());
        }
        self.load().await?;
        match written.map_err(broken)? || ends_logins.is_none() {
            true => Err(taken()),
            false => Err(Fault::Conflict("the account was changed meanwhile: try again".into())),
        }
    }
}

impl From<AccountRow> for Shown {
    fn from(row: AccountRow) -> Self {
        let AccountRow { id, name, scope, locked, created, updated, .. } = row;
        Self { username: name, id, scope, locked, created, updated }
    }
}

/// The name of an account, as it is kept.
fn named(username: &str) -> Result<String, Fault> {
    let name = canonical(username);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    match (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(name),
        false => Err(Fault::Invalid(BAD_NAME.into())),
    }
}

fn taken() -> Fault {
    Fault::Invalid("there is an account of this name: take another".into())
}

const BAD_NAME: &str =
    "username has 1 to 64 letters and digits of ASCII, full stops, hyphens, low lines and at signs";
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=1024;
