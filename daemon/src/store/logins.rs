//! Logins of accounts: one row for each refresh token, until it would end by itself, so that one that
//! is shown after its login was ended is known for what it is.

use policies::AccountId;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// A login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LoginRow {
    /// The SHA-256 of the refresh token.
    pub(crate) name: [u8; 32],
    pub(crate) account: AccountId,
    /// Unix seconds.
    pub(crate) expires: u64,
}

impl LoginRow {
    /// What the row's MAC is computed over: every column but whether it was ended.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        SealText::new("claviger login v1")
            .bytes(&self.name)
            .bytes(&self.account.0)
            .number(self.expires)
            .finish()
    }
}

/// A login as it was found, with its MAC, and whether it was ended. The MAC has not been looked at.
pub(crate) type StoredLogin = (LoginRow, Tag, bool);

impl Store {
    /// Every login that would not have ended by itself; but for rows with a column that holds what no
    /// version of this program writes.
    pub(crate) async fn logins(&self, now: u64) -> Result<Vec<StoredLogin>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM logins WHERE expires > $1")
            .bind(stored(now)?)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Writes a login down, durably, and removes those that have ended by themselves. False where its
    /// account has `most` that have not, is locked, or has another version by now than this one.
    pub(crate) async fn add_login(
        &self,
        (login, version): (&LoginRow, u64),
        tag: &Tag,
        (now, most): (u64, u64),
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(SWEEP).bind(stored(now)?).execute(&mut *work).await?;
        let done = sqlx::query(INSERT)
            .bind(login.name.as_slice())
            .bind(login.account.0.as_slice())
            .bind(stored(login.expires)?)
            .bind(tag.as_slice())
            .bind(stored(most)?)
            .bind(stored(version)?)
            .execute(&mut *work)
            .await?;
        self.commit(work).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a login, durably. Of several who try, one succeeds.
    pub(crate) async fn end_login(&self, name: &[u8; 32], now: u64) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done =
            sqlx::query(END).bind(name.as_slice()).bind(stored(now)?).execute(&mut *work).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(work).await?;
        Ok(true)
    }

    /// Removes the logins that have ended by themselves.
    pub(crate) async fn sweep_logins(&self, now: u64) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query(SWEEP).bind(stored(now)?).execute(&mut *work).await?;
        match done.rows_affected() {
            0 => Ok(()),
            _ => self.commit(work).await,
        }
    }
}

fn read(row: &SqliteRow) -> Option<StoredLogin> {
    let number = |column| row.try_get::<i64, _>(column).ok();
    let bytes = |column| row.try_get::<Vec<u8>, _>(column).ok();
    let login = LoginRow {
        name: bytes("name")?.try_into().ok()?,
        account: AccountId(bytes("account")?.try_into().ok()?),
        expires: number("expires")?.try_into().ok()?,
    };
    Some((login, bytes("mac")?.try_into().ok()?, number("ended")? != 0))
}

const SWEEP: &str = "DELETE FROM logins WHERE expires <= $1";
const INSERT: &str = "INSERT INTO logins (name, account, expires, ended, mac) \
    SELECT $1, $2, $3, 0, $4 WHERE EXISTS \
    (SELECT 1 FROM accounts WHERE id = $2 AND locked = 0 AND version = $6) \
    AND (SELECT COUNT(*) FROM logins WHERE account = $2 AND ended = 0) < $5";
const END: &str = "UPDATE logins SET ended = 1 WHERE name = $1 AND ended = 0 AND expires > $2";

#[cfg(test)]
mod tests {
    use super::*;

    fn login(name: u8) -> LoginRow {
        LoginRow { name: [name; 32], account: AccountId([1; 16]), expires: 100 }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        let account = "INSERT INTO accounts VALUES (x'01010101010101010101010101010101', 1, 'a', \
            's', 0, zeroblob(16), 1, 1, zeroblob(32), 0, 0, x'')";
        sqlx::query(account).execute(store.raw()).await.unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn a_login_ends_once() {
        let (_directory, store) = store().await;
        assert!(store.add_login((&login(1), 1), &[5; 32], (10, 9)).await.unwrap());
        assert_eq!(store.logins(99).await.unwrap(), [(login(1), [5; 32], false)]);
        let end = async |now| store.end_login(&[1; 32], now).await.unwrap();
        assert!(!end(100).await, "it has ended by itself");
        assert!(end(10).await);
        assert!(!end(10).await);
        assert_eq!(store.logins(10).await.unwrap(), [(login(1), [5; 32], true)], "it is known yet");
        assert!(store.logins(100).await.unwrap().is_empty());
        store.sweep_logins(100).await.unwrap();
        assert!(store.logins(10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_account_has_so_many_and_none_while_it_is_locked() {
        let (_directory, store) = store().await;
        let add =
            async |name, now| store.add_login((&login(name), 1), &[0; 32], (now, 2)).await.unwrap();
        assert!(add(1, 10).await && add(2, 10).await);
        assert!(!add(3, 10).await);
        assert!(store.end_login(&[1; 32], 10).await.unwrap());
        assert!(add(3, 10).await);
        assert!(!store.add_login((&login(4), 2), &[0; 32], (100, 9)).await.unwrap(), "changed");
        sqlx::query("UPDATE accounts SET locked = 1").execute(store.raw()).await.unwrap();
        assert!(!add(4, 100).await);
        let stranger = LoginRow { account: AccountId([2; 16]), ..login(5) };
        assert!(!store.add_login((&stranger, 1), &[0; 32], (10, 9)).await.unwrap());
    }
}
