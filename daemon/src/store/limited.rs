//! Tokens that are good for a number of calls: what each opens, and how many it has left.

use policies::limited::Limited;
use policies::{Subject, TokenName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// A token as it was issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Issued {
    pub(crate) name: TokenName,
    pub(crate) limited: Limited,
    /// For how many calls.
    pub(crate) uses: u64,
}

impl Issued {
    /// What the row's MAC is computed over: every column but what is left, which changes with every
    /// call. The table itself allows no more of that than were issued.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        SealText::new("claviger limited token v2")
            .bytes(&self.name)
            .bytes(self.limited.subject.claim().as_bytes())
            .bytes(self.limited.scope.as_bytes())
            .number(self.limited.expires)
            .bytes(&self.limited.parent)
            .bytes(self.limited.login.as_ref().map_or(&[], <[u8; 16]>::as_slice))
            .number(self.uses)
            .finish()
    }
}

impl Store {
    /// Writes a new token down, durably, and removes those that have ended. False where its owner has
    /// `most` already that have not.
    pub(crate) async fn add_limited(
        &self,
        issued: &Issued,
        tag: &Tag,
        (now, most): (u64, u64),
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query("DELETE FROM limited_tokens WHERE expires <= $1")
            .bind(stored(now)?)
            .execute(&mut *work)
            .await?;
        let done = sqlx::query(INSERT)
            .bind(issued.name.as_slice())
            .bind(issued.limited.subject.claim())
            .bind(issued.limited.scope.as_str())
            .bind(stored(issued.limited.expires)?)
            .bind(issued.limited.parent.as_slice())
            .bind(issued.limited.login.as_ref().map(<[u8; 16]>::as_slice))
            .bind(stored(issued.uses)?)
            .bind(tag.as_slice())
            .bind(stored(most)?)
            .execute(&mut *work)
            .await?;
        self.commit(work).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The token of this name that is good for a call, with the MAC of its row and how many calls are
    /// left. `None`, after the same work, where there is none, where it has ended or has none left; also
    /// where a column holds what no version of this program writes.
    pub(crate) async fn limited(
        &self,
        name: &TokenName,
        now: u64,
    ) -> Result<Option<(Issued, Tag, u64)>, StoreFault> {
        let row = sqlx::query(GOOD)
            .bind(name.as_slice())
            .bind(stored(now)?)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().and_then(|row| read(row, *name)))
    }

    /// How many calls a token is good for yet; `None` where it has ended or is not known.
    pub(crate) async fn uses_left(
        &self,
        name: &TokenName,
        now: u64,
    ) -> Result<Option<u64>, StoreFault> {
        let text = "SELECT uses_left FROM limited_tokens WHERE name = $1 AND expires > $2";
        let left: Option<i64> = sqlx::query_scalar(text)
            .bind(name.as_slice())
            .bind(stored(now)?)
            .fetch_optional(&self.pool)
            .await?;
        Ok(left.and_then(|left| u64::try_from(left).ok()))
    }

    /// Takes one use, durably, and answers how many are left. `None` where there was none to take.
    /// Of several who try at once, as many succeed as there are uses.
    pub(crate) async fn spend_limited(
        &self,
        name: &TokenName,
        now: u64,
    ) -> Result<Option<u64>, StoreFault> {
        let mut work = self.begin().await?;
        let left: Option<i64> = sqlx::query_scalar(SPEND)
            .bind(name.as_slice())
            .bind(stored(now)?)
            .fetch_optional(&mut *work)
            .await?;
        let Some(left) = left else { return Ok(None) };
        self.commit(work).await?;
        Ok(u64::try_from(left).ok())
    }

    /// Gives one use back.
    pub(crate) async fn refund_limited(&self, name: &TokenName) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(REFUND).bind(name.as_slice()).execute(&mut *work).await?;
        self.commit(work).await
    }
}

fn read(row: &SqliteRow, name: TokenName) -> Option<(Issued, Tag, u64)> {
    let subject: String = row.try_get("subject").ok()?;
    let number = |column| u64::try_from(row.try_get::<i64, _>(column).ok()?).ok();
    let bytes = |column| row.try_get::<Vec<u8>, _>(column).ok()?.try_into().ok();
    let limited = Limited {
        subject: Subject::from_claim(&subject)?,
        scope: row.try_get("scope").ok()?,
        expires: number("expires")?,
        parent: bytes("parent")?,
        login: match row.try_get::<Option<Vec<u8>>, _>("login").ok()? {
            Some(login) => Some(login.try_into().ok()?),
            None => None,
        },
    };
    let issued = Issued { name, limited, uses: number("uses")? };
    Some((issued, bytes("mac")?, number("uses_left")?))
}

const INSERT: &str = "INSERT INTO limited_tokens \
    (name, subject, scope, expires, parent, login, uses, uses_left, mac) \
    SELECT $1, $2, $3, $4, $5, $6, $7, $7, $8 \
    WHERE (SELECT COUNT(*) FROM limited_tokens WHERE subject = $2) < $9";
const GOOD: &str =
    "SELECT * FROM limited_tokens WHERE name = $1 AND uses_left > 0 AND expires > $2";
const SPEND: &str = "UPDATE limited_tokens SET uses_left = uses_left - 1 \
    WHERE name = $1 AND uses_left > 0 AND expires > $2 RETURNING uses_left";
const REFUND: &str = "UPDATE limited_tokens SET uses_left = uses_left + 1 \
    WHERE name = $1 AND uses_left < uses";

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(name: u8, uses: u64) -> Issued {
        let limited = Limited {
            subject: Subject::User,
            scope: "pqc:kem".to_owned(),
            expires: 100,
            parent: [9; 32],
            login: (name == 1).then_some([8; 16]),
        };
        Issued { name: [name; 32], limited, uses }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn a_token_has_as_many_uses_as_were_issued() {
        let (_directory, store) = store().await;
        let token = issued(1, 2);
        assert!(store.add_limited(&token, &[5; 32], (10, 9)).await.unwrap());
        let found = async |now| store.limited(&token.name, now).await.unwrap();
        assert_eq!(found(99).await, Some((token.clone(), [5; 32], 2)));
        assert_eq!(found(100).await, None);
        let spend = async |now| store.spend_limited(&token.name, now).await.unwrap();
        assert_eq!((spend(10).await, spend(100).await, spend(99).await), (Some(1), None, Some(0)));
        assert_eq!((spend(10).await, found(10).await), (None, None));
        assert_eq!(store.uses_left(&token.name, 10).await.unwrap(), Some(0));
        for _ in 0..3 {
            store.refund_limited(&token.name).await.unwrap();
        }
        assert_eq!(store.uses_left(&token.name, 10).await.unwrap(), Some(2));
        assert_eq!(store.spend_limited(&[2; 32], 10).await.unwrap(), None);
    }

    #[tokio::test]
    async fn nobody_has_more_than_the_most_and_what_has_ended_goes() {
        let (_directory, store) = store().await;
        for (name, now, added) in [(1, 10, true), (2, 10, true), (3, 10, false), (4, 100, true)] {
            let done = store.add_limited(&issued(name, 1), &[0; 32], (now, 2)).await.unwrap();
            assert_eq!(done, added, "{name}");
        }
        assert_eq!(store.limited(&[1; 32], 10).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_row_with_more_left_than_issued_can_not_be_written() {
        let (_directory, store) = store().await;
        store.add_limited(&issued(1, 2), &[0; 32], (10, 9)).await.unwrap();
        let edit = sqlx::query("UPDATE limited_tokens SET uses_left = 3").execute(store.raw());
        assert!(edit.await.is_err());
    }
}
