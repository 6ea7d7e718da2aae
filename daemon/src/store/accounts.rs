//! Accounts: who they are, what their tokens open, and what shows that a password is theirs.

use policies::AccountId;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::owed::Due;
use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// An account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AccountRow {
    pub(crate) id: AccountId,
    /// Counts the changes, from 1 on.
    pub(crate) version: u64,
    /// As people type it, in small letters.
    pub(crate) name: String,
    /// The scopes of its tokens, with spaces between.
    pub(crate) scope: String,
    /// Whether it may not log in, because an operator said so.
    pub(crate) locked: bool,
    pub(crate) secret: PasswordRow,
    /// Unix seconds.
    pub(crate) created: u64,
    /// Unix seconds.
    pub(crate) updated: u64,
}

/// What shows that a password is the right one, and of no use without the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PasswordRow {
    pub(crate) salt: [u8; 16],
    /// Of Argon2id, in KiB.
    pub(crate) memory: u32,
    /// Of Argon2id.
    pub(crate) passes: u32,
    /// A MAC of the hash under a key of the token.
    pub(crate) verifier: [u8; 32],
}

/// A row as it was found: its MAC has not been looked at. `None` where a column holds what no version
/// of this program writes.
pub(crate) type StoredAccount = Option<(AccountRow, Tag)>;

impl AccountRow {
    /// What the row's MAC is computed over: every column.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        SealText::new("claviger account v1")
            .bytes(&self.id.0)
            .number(self.version)
            .bytes(self.name.as_bytes())
            .bytes(self.scope.as_bytes())
            .flag(self.locked)
            .bytes(&self.secret.salt)
            .number(self.secret.memory.into())
            .number(self.secret.passes.into())
            .bytes(&self.secret.verifier)
            .number(self.created)
            .number(self.updated)
            .finish()
    }
}

impl Store {
    /// Every account.
    pub(crate) async fn accounts(&self) -> Result<Vec<StoredAccount>, StoreFault> {
        let rows =
            sqlx::query("SELECT * FROM accounts ORDER BY name").fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Writes a new account down, durably. False where there is one of its name.
    pub(crate) async fn add_account(
        &self,
        account: &AccountRow,
        tag: &Tag,
        due: &Due,
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done = bound(INSERT, account, tag)?.execute(&mut *work).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        due.write(&mut work).await?;
        self.commit(work).await?;
        Ok(true)
    }

    /// Puts the account in the place of its version before, durably, and ends its logins where it
    /// says so. False where it was changed meanwhile.
    pub(crate) async fn change_account(
        &self,
        account: &AccountRow,
        (tag, due): (&Tag, &Due),
        end_logins: bool,
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done = bound(REPLACE, account, tag)?.execute(&mut *work).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        if end_logins {
            let end = "UPDATE logins SET ended = 1 WHERE account = $1";
            sqlx::query(end).bind(account.id.0.as_slice()).execute(&mut *work).await?;
        }
        due.write(&mut work).await?;
        self.commit(work).await?;
        Ok(true)
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bound<'q>(
    sql: &'static str,
    account: &'q AccountRow,
    tag: &'q Tag,
) -> Result<Query<'q>, StoreFault> {
    Ok(sqlx::query(sql)
        .bind(account.id.0.as_slice())
        .bind(stored(account.version)?)
        .bind(account.name.as_str())
        .bind(account.scope.as_str())
        .bind(i64::from(account.locked))
        .bind(account.secret.salt.as_slice())
        .bind(i64::from(account.secret.memory))
        .bind(i64::from(account.secret.passes))
        .bind(account.secret.verifier.as_slice())
        .bind(stored(account.created)?)
        .bind(stored(account.updated)?)
        .bind(tag.as_slice()))
}

fn read(row: &SqliteRow) -> StoredAccount {
    let number = |column| row.try_get::<i64, _>(column).ok();
    let bytes = |column| row.try_get::<Vec<u8>, _>(column).ok();
    let account = AccountRow {
        id: AccountId(bytes("id")?.try_into().ok()?),
        version: number("version")?.try_into().ok()?,
        name: row.try_get("name").ok()?,
        scope: row.try_get("scope").ok()?,
        locked: number("locked")? != 0,
        secret: PasswordRow {
            salt: bytes("salt")?.try_into().ok()?,
            memory: number("memory")?.try_into().ok()?,
            passes: number("passes")?.try_into().ok()?,
            verifier: bytes("verifier")?.try_into().ok()?,
        },
        created: number("created")?.try_into().ok()?,
        updated: number("updated")?.try_into().ok()?,
    };
    Some((account, bytes("mac")?.try_into().ok()?))
}

const INSERT: &str = "INSERT INTO accounts (id, version, name, scope, locked, salt, memory, passes, \
    verifier, created, updated, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (name) DO NOTHING";
const REPLACE: &str = "UPDATE accounts SET version = $2, name = $3, scope = $4, locked = $5, \
    salt = $6, memory = $7, passes = $8, verifier = $9, created = $10, updated = $11, mac = $12 \
    WHERE id = $1 AND version = $2 - 1";

#[cfg(test)]
mod tests {
    use super::super::{Fact, Owed};
    use super::*;
    use crate::store::seal::{Doing, Mac};

    struct Zero;

    impl Mac for Zero {
        fn mac<'a>(&'a self, _: &'a [u8]) -> Doing<'a, Tag> {
            Box::pin(async { Ok([0; 32]) })
        }
    }

    fn account(id: u8, name: &str) -> AccountRow {
        AccountRow {
            id: AccountId([id; 16]),
            version: 1,
            name: name.into(),
            scope: "pqc:kem".into(),
            locked: false,
            secret: PasswordRow { salt: [1; 16], memory: 64, passes: 2, verifier: [2; 32] },
            created: 5,
            updated: 5,
        }
    }

    async fn due() -> Due {
        let owed = Owed::fresh(Fact::AccountChanged, None, policies::Subject::User, 5).unwrap();
        owed.due(&Zero).await.unwrap()
    }

    #[tokio::test]
    async fn a_name_is_taken_once_and_a_version_replaced_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        let first = account(1, "a");
        assert!(store.add_account(&first, &[3; 32], &due().await).await.unwrap());
        assert!(!store.add_account(&account(2, "a"), &[3; 32], &due().await).await.unwrap());
        let next = AccountRow { version: 2, locked: true, ..first };
        let change =
            async |row| store.change_account(row, (&[4; 32], &due().await), true).await.unwrap();
        assert!(change(&next).await);
        assert!(!change(&next).await, "the version before is gone");
        assert_eq!(store.accounts().await.unwrap(), [Some((next, [4; 32]))]);
        assert_eq!(store.owed().await.unwrap().len(), 2, "each change is owed an entry");
    }

    #[test]
    fn no_two_accounts_give_the_same_text() {
        let texts = [
            account(1, "a"),
            account(1, "b"),
            AccountRow { locked: true, ..account(1, "a") },
            AccountRow { version: 2, ..account(1, "a") },
            AccountRow { scope: String::new(), ..account(1, "a") },
        ]
        .map(|row| row.seal_text());
        for (at, text) in texts.iter().enumerate() {
            assert!(!texts[..at].contains(text), "{at}");
        }
    }
}
