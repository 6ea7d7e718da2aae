//! The anchor of the audit log: its latest checkpoint. It carries the signature of the logger key,
//! so that the row needs no seal of its own.

use super::{Store, StoreFault};

impl Store {
    /// The checkpoint that is kept, a signed note; `None` before the first.
    ///
    /// # Errors
    /// [`StoreFault::Database`]
    pub async fn log_anchor(&self) -> Result<Option<String>, StoreFault> {
        Ok(sqlx::query_scalar("SELECT note FROM anchor").fetch_optional(&self.pool).await?)
    }

    /// Keeps `note` in place of the one before.
    ///
    /// # Errors
    /// [`StoreFault::Database`]; it is not known then which of both is kept.
    pub async fn keep_log_anchor(&self, note: &str) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(REPLACE).bind(note).execute(&mut *work).await?;
        self.commit(work).await
    }
}

const REPLACE: &str = "INSERT INTO anchor (one, note) VALUES (1, $1) \
    ON CONFLICT (one) DO UPDATE SET note = excluded.note";
