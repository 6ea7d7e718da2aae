//! Keys of the key service, and the messages that were left for them.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// A key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MailboxRow {
    /// Its name for whoever leaves messages.
    pub(crate) token: [u8; 16],
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
    pub(crate) private: Private,
    /// The SHA-256 of what opens it without a passphrase, where there is that.
    pub(crate) proof: Option<[u8; 32]>,
    /// Unix milliseconds, as the next one.
    pub(crate) created: u64,
    /// Messages can be read from then on.
    pub(crate) release: u64,
}

/// The private half of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Private {
    /// It was never here.
    Absent,
    /// As it came, encrypted elsewhere.
    Brought(String),
    /// Wrapped by the token, under the passphrase.
    Sealed(Vec<u8>),
}

/// A message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LetterRow {
    /// 0 before it was stored.
    pub(crate) id: u64,
    pub(crate) encryption_key: String,
    pub(crate) message: String,
    pub(crate) hash: String,
    pub(crate) is_file: bool,
    /// Unix milliseconds.
    pub(crate) created: u64,
}

/// How much there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Messages of one key.
    pub(crate) messages: u64,
    /// Their bytes.
    pub(crate) key_bytes: u64,
    /// The bytes of all messages.
    pub(crate) total_bytes: u64,
}

impl MailboxRow {
    /// What the row's MAC is computed over: every column but its number.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        let (sealed, brought) = self.private.columns();
        SealText::new("claviger mailbox v1")
            .bytes(&self.token)
            .bytes(&self.modulus)
            .bytes(&self.exponent)
            .optional(sealed)
            .optional(brought.map(str::as_bytes))
            .optional(self.proof.as_ref().map(<[u8; 32]>::as_slice))
            .number(self.created)
            .number(self.release)
            .finish()
    }
}

impl Private {
    fn columns(&self) -> (Option<&[u8]>, Option<&str>) {
        match self {
            Self::Absent => (None, None),
            Self::Brought(text) => (None, Some(text)),
            Self::Sealed(bytes) => (Some(bytes), None),
        }
    }
}

impl Store {
    /// Writes a new key down, durably. Its number; `None` where there are `most` already.
    pub(crate) async fn add_mailbox(
        &self,
        new: &MailboxRow,
        tag: &Tag,
        most: u64,
    ) -> Result<Option<u64>, StoreFault> {
        let (sealed, brought) = new.private.columns();
        let mut work = self.begin().await?;
        let id: Option<i64> = sqlx::query_scalar(ADD_KEY)
            .bind(new.token.as_slice())
            .bind(new.modulus.as_slice())
            .bind(new.exponent.as_slice())
            .bind(sealed)
            .bind(brought)
            .bind(new.proof.as_ref().map(<[u8; 32]>::as_slice))
            .bind(stored(new.created)?)
            .bind(stored(new.release)?)
            .bind(tag.as_slice())
            .bind(stored(most)?)
            .fetch_optional(&mut *work)
            .await?;
        self.commit(work).await?;
        Ok(id.and_then(|id| u64::try_from(id).ok()))
    }

    /// The key of this name, its number and its MAC; `None` where there is none, or where a column holds what
    /// no version of this program writes.
    pub(crate) async fn mailbox(
        &self,
        token: &[u8; 16],
    ) -> Result<Option<(u64, MailboxRow, Tag)>, StoreFault> {
        let row = sqlx::query("SELECT * FROM keyservice_keys WHERE token = $1")
            .bind(token.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().and_then(|row| read_key(row, *token)))
    }

    /// Leaves messages, durably: all of them or none. False where there is no room for them, or the
    /// key is gone.
    pub(crate) async fn add_letters(
        &self,
        mailbox: u64,
        letters: &[LetterRow],
        room: Room,
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        for letter in letters {
            let size = letter.encryption_key.len().saturating_add(letter.message.len());
            let done = sqlx::query(ADD_MESSAGE)
                .bind(stored(mailbox)?)
                .bind(letter.encryption_key.as_str())
                .bind(letter.message.as_str())
                .bind(letter.hash.as_str())
                .bind(letter.is_file)
                .bind(stored(letter.created)?)
                .bind(stored(u64::try_from(size).unwrap_or(u64::MAX))?)
                .bind(stored(room.messages)?)
                .bind(stored(room.key_bytes)?)
                .bind(stored(room.total_bytes)?)
                .execute(&mut *work)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
        }
        self.commit(work).await?;
        Ok(true)
    }

    /// How many bytes the messages of a key have.
    pub(crate) async fn letters_size(&self, mailbox: u64) -> Result<u64, StoreFault> {
        let size: i64 =
            sqlx::query_scalar(SIZE).bind(stored(mailbox)?).fetch_one(&self.pool).await?;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    /// The messages of a key, in the order in which they were left.
    pub(crate) async fn letters(&self, mailbox: u64) -> Result<Vec<LetterRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM keyservice_messages WHERE key_id = $1 ORDER BY id")
            .bind(stored(mailbox)?)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(read_message).collect())
    }

    /// Deletes a key and its messages, durably. Whether it was there.
    pub(crate) async fn delete_mailbox(&self, mailbox: u64) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query("DELETE FROM keyservice_keys WHERE id = $1")
            .bind(stored(mailbox)?)
            .execute(&mut *work)
            .await?;
        self.commit(work).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Number and name of the keys that were made, and released, before then, oldest first.
    pub(crate) async fn outdated_mailboxes(
        &self,
        before: u64,
    ) -> Result<Vec<(u64, [u8; 16])>, StoreFault> {
        let rows = sqlx::query(OUTDATED).bind(stored(before)?).fetch_all(&self.pool).await?;
        let read = |row: &SqliteRow| {
            let id = u64::try_from(row.try_get::<i64, _>("id").ok()?).ok()?;
            let token: Vec<u8> = row.try_get("token").ok()?;
            Some((id, token.try_into().ok()?))
        };
        Ok(rows.iter().filter_map(read).collect())
    }
}

fn read_key(row: &SqliteRow, token: [u8; 16]) -> Option<(u64, MailboxRow, Tag)> {
    let number = |name: &str| u64::try_from(row.try_get::<i64, _>(name).ok()?).ok();
    let sealed: Option<Vec<u8>> = row.try_get("sealed").ok()?;
    let brought: Option<String> = row.try_get("brought").ok()?;
    let proof: Option<Vec<u8>> = row.try_get("proof").ok()?;
    let key = MailboxRow {
        token,
        modulus: row.try_get("modulus").ok()?,
        exponent: row.try_get("exponent").ok()?,
        private: match (sealed, brought) {
            (Some(sealed), _) => Private::Sealed(sealed),
            (None, Some(brought)) => Private::Brought(brought),
            (None, None) => Private::Absent,
        },
        proof: proof.map(TryInto::try_into).transpose().ok()?,
        created: number("created")?,
        release: number("release")?,
    };
    let mac: Vec<u8> = row.try_get("mac").ok()?;
    Some((number("id")?, key, mac.try_into().ok()?))
}

fn read_message(row: &SqliteRow) -> Option<LetterRow> {
    let number = |name: &str| u64::try_from(row.try_get::<i64, _>(name).ok()?).ok();
    Some(LetterRow {
        id: number("id")?,
        encryption_key: row.try_get("encryption_key").ok()?,
        message: row.try_get("message").ok()?,
        hash: row.try_get("hash").ok()?,
        is_file: row.try_get("is_file").ok()?,
        created: number("created")?,
    })
}

const SIZE: &str = "SELECT COALESCE(SUM(size), 0) FROM keyservice_messages WHERE key_id = $1";
const OUTDATED: &str = "SELECT id, token FROM keyservice_keys WHERE max(created, release) < $1 \
    ORDER BY id";
const ADD_KEY: &str = "INSERT INTO keyservice_keys \
    (token, modulus, exponent, sealed, brought, proof, created, release, mac) \
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
    WHERE (SELECT COUNT(*) FROM keyservice_keys) < $10 RETURNING id";
const ADD_MESSAGE: &str = "INSERT INTO keyservice_messages \
    (key_id, encryption_key, message, hash, is_file, created, size) \
    SELECT $1, $2, $3, $4, $5, $6, $7 \
    WHERE EXISTS (SELECT 1 FROM keyservice_keys WHERE id = $1) \
    AND (SELECT COUNT(*) FROM keyservice_messages WHERE key_id = $1) < $8 \
    AND (SELECT COALESCE(SUM(size), 0) FROM keyservice_messages WHERE key_id = $1) + $7 <= $9 \
    AND (SELECT COALESCE(SUM(size), 0) FROM keyservice_messages) + $7 <= $10";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(token: u8, created: u64) -> MailboxRow {
        MailboxRow {
            token: [token; 16],
            modulus: vec![1; 384],
            exponent: vec![1, 0, 1],
            private: Private::Sealed(vec![token; 40]),
            proof: Some([token; 32]),
            created,
            release: created,
        }
    }

    fn letter(message: &str) -> LetterRow {
        LetterRow {
            id: 0,
            encryption_key: "k".repeat(10),
            message: message.to_owned(),
            hash: "h".to_owned(),
            is_file: false,
            created: 5,
        }
    }

    const ROOM: Room = Room { messages: 3, key_bytes: 100, total_bytes: 150 };

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn keys_come_back_as_they_were_and_nobody_makes_too_many() {
        let (_directory, store) = store().await;
        let brought = MailboxRow { private: Private::Brought("text".into()), ..key(2, 7) };
        let public = MailboxRow { private: Private::Absent, proof: None, ..key(3, 7) };
        for key in [key(1, 7), brought, public] {
            let id = store.add_mailbox(&key, &[9; 32], 3).await.unwrap().unwrap();
            assert_eq!(store.mailbox(&key.token).await.unwrap(), Some((id, key, [9; 32])));
        }
        assert_eq!(store.add_mailbox(&key(4, 7), &[9; 32], 3).await.unwrap(), None);
        assert_eq!(store.mailbox(&[4; 16]).await.unwrap(), None);
    }

    #[tokio::test]
    async fn messages_end_with_their_key_and_there_is_so_much_room() {
        let (_directory, store) = store().await;
        let one = store.add_mailbox(&key(1, 7), &[9; 32], 9).await.unwrap().unwrap();
        let two = store.add_mailbox(&key(2, 9), &[9; 32], 9).await.unwrap().unwrap();
        let add = async |key, length: usize| {
            store.add_letters(key, &[letter(&"m".repeat(length))], ROOM).await.unwrap()
        };
        assert!(!add(one, 91).await, "the key's bytes");
        assert!(add(one, 50).await && add(one, 10).await && add(one, 10).await);
        assert!(!add(one, 0).await, "the key's number");
        assert!(!add(two, 41).await, "all bytes");
        let both = [letter(""), letter(&"m".repeat(41))];
        assert!(!store.add_letters(two, &both, ROOM).await.unwrap(), "all or none");
        assert_eq!(store.letters_size(two).await.unwrap(), 0);
        assert!(add(two, 40).await);
        assert!(!add(77, 0).await, "no such key");
        let letters = store.letters(one).await.unwrap();
        let lengths: Vec<_> = letters.iter().map(|letter| letter.message.len()).collect();
        assert_eq!(lengths, [50, 10, 10]);
        assert!(store.delete_mailbox(one).await.unwrap());
        assert!(!store.delete_mailbox(one).await.unwrap());
        assert_eq!(store.letters(one).await.unwrap(), []);
        assert!(!add(two, 60).await && add(two, 20).await);
        assert_eq!(store.outdated_mailboxes(9).await.unwrap(), []);
        assert_eq!(store.outdated_mailboxes(10).await.unwrap(), [(two, [2; 16])]);
    }
}
