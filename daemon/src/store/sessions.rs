//! Sessions of end-to-end key exchanges: their keys, sealed, and the one event that is due.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::records::stored;
use super::{Store, StoreFault};

/// A session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SessionRow {
    /// The SHA-256 of whose it is.
    pub(crate) name: [u8; 32],
    /// The claim of its subject.
    pub(crate) subject: String,
    /// 1, 2 or 3.
    pub(crate) form: u8,
    /// Sealed.
    pub(crate) keys: Vec<u8>,
    /// The SHA-256 of the event that the next frame has to name.
    pub(crate) event: [u8; 32],
    /// Unix seconds.
    pub(crate) expires: u64,
}

impl Store {
    /// Writes a session down, durably, in the place of the one of the same name. False where its
    /// subject has `most` others that have not ended.
    pub(crate) async fn put_session(
        &self,
        session: &SessionRow,
        (now, most): (u64, u64),
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(SWEEP).bind(stored(now)?).execute(&mut *work).await?;
        let done = sqlx::query(PUT)
            .bind(session.name.as_slice())
            .bind(session.subject.as_str())
            .bind(i64::from(session.form))
            .bind(session.keys.as_slice())
            .bind(session.event.as_slice())
            .bind(stored(session.expires)?)
            .bind(stored(most)?)
            .execute(&mut *work)
            .await?;
        self.commit(work).await?;
        Ok(done.rows_affected() == 1)
    }

    /// The session of this name; `None` where there is none, where it has ended, or where a column
    /// holds what no version of this program writes.
    pub(crate) async fn session(
        &self,
        name: &[u8; 32],
        now: u64,
    ) -> Result<Option<SessionRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM e2e_sessions WHERE name = $1 AND expires > $2")
            .bind(name.as_slice())
            .bind(stored(now)?)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().and_then(|row| read(row, *name)))
    }

    /// Puts the event `next` in the place of `due`, durably. Of several who try at once with the
    /// same one that is due, exactly one succeeds.
    pub(crate) async fn turn_event(
        &self,
        (name, now): (&[u8; 32], u64),
        due: &[u8; 32],
        next: &[u8; 32],
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query(TURN)
            .bind(name.as_slice())
            .bind(due.as_slice())
            .bind(next.as_slice())
            .bind(stored(now)?)
            .execute(&mut *work)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(work).await?;
        Ok(true)
    }

    /// Removes the sessions that have ended.
    pub(crate) async fn sweep_sessions(&self, now: u64) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query(SWEEP).bind(stored(now)?).execute(&mut *work).await?;
        match done.rows_affected() {
            0 => Ok(()),
            _ => self.commit(work).await,
        }
    }
}

fn read(row: &SqliteRow, name: [u8; 32]) -> Option<SessionRow> {
    Some(SessionRow {
        name,
        subject: row.try_get("subject").ok()?,
        form: u8::try_from(row.try_get::<i64, _>("form").ok()?).ok()?,
        keys: row.try_get("keys").ok()?,
        event: row.try_get::<Vec<u8>, _>("event").ok()?.try_into().ok()?,
        expires: u64::try_from(row.try_get::<i64, _>("expires").ok()?).ok()?,
    })
}

const SWEEP: &str = "DELETE FROM e2e_sessions WHERE expires <= $1";
const PUT: &str = "INSERT INTO e2e_sessions (name, subject, form, keys, event, expires) \
    SELECT $1, $2, $3, $4, $5, $6 \
    WHERE (SELECT COUNT(*) FROM e2e_sessions WHERE subject = $2 AND name <> $1) < $7 \
    ON CONFLICT (name) DO UPDATE SET subject = excluded.subject, form = excluded.form, \
    keys = excluded.keys, event = excluded.event, expires = excluded.expires";
const TURN: &str = "UPDATE e2e_sessions SET event = $3 \
    WHERE name = $1 AND event = $2 AND expires > $4";

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: u8, event: u8) -> SessionRow {
        let (name, event) = ([name; 32], [event; 32]);
        SessionRow { name, subject: "U".into(), form: 1, keys: vec![9; 60], event, expires: 100 }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn an_event_turns_once() {
        let (_directory, store) = store().await;
        let first = session(1, 7);
        assert!(store.put_session(&first, (10, 5)).await.unwrap());
        assert_eq!(store.session(&first.name, 99).await.unwrap(), Some(first.clone()));
        assert_eq!(store.session(&first.name, 100).await.unwrap(), None, "it has ended");
        let turn = async |now, due, next| {
            store.turn_event((&first.name, now), &[due; 32], &[next; 32]).await.unwrap()
        };
        assert!(!turn(10, 8, 9).await && !turn(100, 7, 8).await);
        assert!(turn(10, 7, 8).await);
        assert!(!turn(10, 7, 9).await);
        assert!(turn(10, 8, 9).await);
    }

    #[tokio::test]
    async fn a_session_takes_the_place_of_the_older_one_and_nobody_has_too_many() {
        let (_directory, store) = store().await;
        for (name, event, now, put) in [
            (1, 1, 10, true),
            (2, 1, 10, true),
            (3, 1, 10, false),
            (2, 5, 10, true),
            (3, 1, 100, true),
        ] {
            let done = store.put_session(&session(name, event), (now, 2)).await.unwrap();
            assert_eq!(done, put, "{name} {event} {now}");
        }
        assert_eq!(store.session(&[1; 32], 10).await.unwrap(), None, "swept");
        store.sweep_sessions(100).await.unwrap();
        assert_eq!(store.session(&[3; 32], 10).await.unwrap(), None);
    }
}
