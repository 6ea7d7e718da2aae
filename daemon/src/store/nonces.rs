//! How many messages each key may have enciphered with AES-GCM so far.

use policies::Kid;
use sqlx::Row;

use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// What the MAC of such a count is computed over.
pub(crate) fn seal_text(kid: Kid, reserved: u64) -> Vec<u8> {
    SealText::new("claviger nonces v1").bytes(kid.as_bytes()).number(reserved).finish()
}

impl Store {
    /// How many messages a key may have enciphered, with the MAC of that; `None` where it never
    /// did.
    pub(crate) async fn nonces(&self, kid: Kid) -> Result<Option<(u64, Tag)>, StoreFault> {
        let row = sqlx::query("SELECT reserved, mac FROM nonces WHERE kid = $1")
            .bind(kid.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (reserved, mac): (i64, Vec<u8>) = (row.try_get("reserved")?, row.try_get("mac")?);
        // A count that never was written fails its MAC, and so does a MAC of another length.
        let reserved = u64::try_from(reserved).unwrap_or(u64::MAX);
        Ok(Some((reserved, mac.try_into().unwrap_or_default())))
    }

    /// Writes down, durably, how many it may be from now on.
    pub(crate) async fn reserve_nonces(
        &self,
        kid: Kid,
        reserved: u64,
        tag: &Tag,
    ) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(RESERVE)
            .bind(kid.as_bytes().as_slice())
            .bind(stored(reserved)?)
            .bind(tag.as_slice())
            .execute(&mut *work)
            .await?;
        self.commit(work).await
    }
}

const RESERVE: &str = "INSERT INTO nonces (kid, reserved, mac) VALUES ($1, $2, $3) \
    ON CONFLICT (kid) DO UPDATE SET reserved = excluded.reserved, mac = excluded.mac";
