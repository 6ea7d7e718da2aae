//! The daemon's state on disk: one SQLite file with key records, intents, settings, and what the
//! log is owed.
//!
//! A write is durable when its function returns (WAL, `synchronous=FULL`). There is one connection,
//! so writes of one process are in a line; another process that holds the file is waited for. The
//! store knows no token: it keeps the MACs that the callers compute and never judges them, but for
//! the [`Settings`].

mod accounts;
mod anchor;
mod columns;
mod intents;
mod limited;
mod logins;
mod mailboxes;
mod nonces;
mod owed;
mod records;
mod seal;
mod sessions;
mod settings;
#[cfg(test)]
pub(crate) mod trip;

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlSafeStr, Sqlite, SqlitePool, Transaction};

use crate::metrics::Transactions;

pub(crate) use accounts::{AccountRow, PasswordRow};
pub(crate) use intents::{Intent, IntentId, IntentKind};
pub(crate) use limited::Issued;
pub(crate) use logins::{LoginRow, StoredLogin};
pub(crate) use mailboxes::{LetterRow, MailboxRow, Private, Room};
pub(crate) use nonces::seal_text as nonce_text;
pub(crate) use owed::Due;
pub use owed::{Fact, Owed};
pub(crate) use records::{Backing, Flags, Inserted, Record, StoredRecord};
pub use seal::{Doing, Mac, Tag};
pub(crate) use seal::{SealText, holds};
pub(crate) use sessions::SessionRow;
pub use settings::{Settings, SettingsFault};

/// The state file. Cloning is shallow.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
    counts: Arc<Transactions>,
    /// Whether the last write failed.
    ailing: Arc<AtomicBool>,
    #[cfg(test)]
    pub(crate) trip: Arc<trip::Trip>,
}

impl Store {
    /// Opens the state file at `path`, made with mode 0600 where there is none, and brings its
    /// tables up to date.
    ///
    /// # Errors
    /// [`StoreFault::File`] where it can't be made or its mode can't be set,
    /// [`StoreFault::Migration`] where it belongs to a newer Claviger, [`StoreFault::Database`]
    /// where it is no SQLite file or the disk fails.
    pub async fn open(path: &Path) -> Result<Self, StoreFault> {
        keep_private(path).map_err(|why| StoreFault::File(path.display().to_string(), why))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted is overwritten: records hold sealed keys.
            .pragma("secure_delete", "ON");
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // Where the disk is full, SQLite ends a transaction by itself, and the connection goes on
            // believing that it is in one: nothing could be written by it any more.
            .before_acquire(|connection, _| {
                let fit = !connection.is_in_transaction();
                Box::pin(std::future::ready(Ok(fit)))
            })
            .connect_with(options)
            .await?;
        Migrator::with_migrations(migrations()).run(&pool).await?;
        Ok(Self {
            pool,
            counts: Arc::default(),
            ailing: Arc::default(),
            #[cfg(test)]
            trip: Arc::default(),
        })
    }

    /// The same, with its writes counted in `counts`.
    pub(crate) fn counted_by(self, counts: Arc<Transactions>) -> Self {
        Self { counts, ..self }
    }

    /// Reads something small and begins a write. Where the last write failed one is made, which
    /// changes nothing: others may follow when the disk has space again.
    ///
    /// # Errors
    /// [`StoreFault::Database`]
    pub(crate) async fn answers(&self) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        let _: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM settings").fetch_one(&mut *work).await?;
        if !self.ailing.load(Ordering::Relaxed) {
            work.rollback().await?;
            return Ok(());
        }
        // Claviger keeps nothing there; that it is written all the same is what counts.
        sqlx::query("PRAGMA user_version = 0").execute(&mut *work).await?;
        self.commit(work).await
    }

    /// Whether nothing was ever kept in it: no settings, no keys, nothing begun.
    ///
    /// # Errors
    /// [`StoreFault::Database`]
    pub async fn is_fresh(&self) -> Result<bool, StoreFault> {
        let kept = "SELECT (SELECT COUNT(*) FROM settings) + (SELECT COUNT(*) FROM keys) \
            + (SELECT COUNT(*) FROM intents)";
        let rows: i64 = sqlx::query_scalar(kept).fetch_one(&self.pool).await?;
        Ok(rows == 0)
    }

    /// Removes everything: keys, what was begun, tokens, settings. What the log is owed stays.
    ///
    /// # Errors
    /// [`StoreFault::Database`]; everything is still there then.
    pub async fn wipe(&self) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        for table in [
            "DELETE FROM keys",
            "DELETE FROM intents",
            "DELETE FROM limited_tokens",
            "DELETE FROM e2e_sessions",
            "DELETE FROM keyservice_keys",
            "DELETE FROM logins",
            "DELETE FROM accounts",
            "DELETE FROM settings",
        ] {
            sqlx::query(table).execute(&mut *work).await?;
        }
        self.commit(work).await
    }

    /// Overwrites what was deleted in every file: deletions zero the pages, and here the journal,
    /// which still has the old ones, is emptied.
    ///
    /// # Errors
    /// [`StoreFault::Database`]; the deletion itself stands.
    pub(crate) async fn scrub(&self) -> Result<(), StoreFault> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool).await?;
        Ok(())
    }

    /// Writes what is left into the main file and closes it. Later uses of any clone fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The file itself, to be tampered with.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a write. It takes the file's lock at once, so that it can't fail half-way for want
    /// of it.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreFault> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Makes a write durable. All writes end here. After an error it is not known whether the
    /// write happened.
    async fn commit(&self, work: Transaction<'static, Sqlite>) -> Result<(), StoreFault> {
        let outcome = self.make_durable(work).await;
        self.ailing.store(outcome.is_err(), Ordering::Relaxed);
        match outcome {
            Ok(()) => self.counts.committed.increase(),
            Err(_) => self.counts.failed.increase(),
        }
        outcome
    }

    async fn make_durable(&self, work: Transaction<'static, Sqlite>) -> Result<(), StoreFault> {
        #[cfg(test)]
        let mishap = self.trip.next();
        #[cfg(test)]
        trip::before(mishap).await?;
        work.commit().await?;
        #[cfg(test)]
        trip::after(mishap).await?;
        Ok(())
    }
}

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// SQLite says no.
    #[error("the state file can't be read or written ({0}): look at the disk's space and health")]
    Database(#[from] sqlx::Error),
    /// The file can't be made or its mode can't be set.
    #[error(
        "the state file {0} can't be opened ({1}): its directory must exist and belong to the daemon's user"
    )]
    File(String, io::Error),
    /// The file holds what this program never writes.
    #[error("the state file holds {0}: restore it from a backup")]
    Malformed(&'static str),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes ({0}): look at the kernel")]
    Randomness(String),
    /// The tables can't be brought up to date.
    #[error(
        "the tables of the state file can't be brought up to date ({0}): use the version of Claviger that wrote it, or a newer one"
    )]
    Migration(#[from] MigrateError),
}

fn keep_private(path: &Path) -> io::Result<()> {
    let is_new = !path.exists();
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // SQLite gives its journal files the mode of this one.
    file.set_permissions(Permissions::from_mode(0o600))?;
    if is_new {
        file.sync_all()?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn migrations() -> Vec<Migration> {
    let migration = |version, name: &'static str, text: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    vec![
        migration(1, "state", include_str!("../../migrations/sqlite/0001_state.sql")),
        migration(2, "sealed", include_str!("../../migrations/sqlite/0002_sealed.sql")),
        migration(3, "nonces", include_str!("../../migrations/sqlite/0003_nonces.sql")),
        migration(4, "anchor", include_str!("../../migrations/sqlite/0004_anchor.sql")),
        migration(5, "pqc", include_str!("../../migrations/sqlite/0005_pqc.sql")),
        migration(6, "owed", include_str!("../../migrations/sqlite/0006_owed.sql")),
        migration(7, "e2e", include_str!("../../migrations/sqlite/0007_e2e.sql")),
        migration(8, "accounts", include_str!("../../migrations/sqlite/0008_accounts.sql")),
        migration(9, "keyservice", include_str!("../../migrations/sqlite/0009_keyservice.sql")),
        migration(10, "heirs", include_str!("../../migrations/sqlite/0010_heirs.sql")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_is_private_durable_and_opens_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let store = Store::open(&path).await.unwrap();
        let pragma = |name| sqlx::query_scalar::<_, i64>(name).fetch_one(&store.pool);
        assert_eq!(pragma("PRAGMA synchronous").await.unwrap(), 2);
        assert_eq!(pragma("PRAGMA foreign_keys").await.unwrap(), 1);
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let mode = directory.path().join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        store.close().await;
        Store::open(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_named() {
        let fault = Store::open(Path::new("/nowhere/state.db")).await.err().unwrap();
        assert!(fault.to_string().contains("/nowhere/state.db"), "{fault}");
    }

    #[tokio::test]
    async fn what_is_no_database_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let mut file = File::create(&path).unwrap();
        io::Write::write_all(&mut file, &[7; 4096]).unwrap();
        assert!(matches!(Store::open(&path).await, Err(StoreFault::Database(_))));
    }
}
