//! Intents: what was about to be done to the token, so that a start after a crash can end it.

use policies::{Kid, Subject};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::columns;
use super::records::stored;
use super::seal::{SealText, Tag};
use super::{Store, StoreFault};

/// The name of an intent: 16 random bytes. For a creation they are those of
/// [`hsm_profiles::Creation`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct IntentId(pub(crate) [u8; 16]);

/// Something that was begun and has not ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Intent {
    pub(crate) id: IntentId,
    pub(crate) kind: IntentKind,
    /// `None` for a key pair that is not made yet, and for everything.
    pub(crate) kid: Option<Kid>,
    /// Who asked.
    pub(crate) subject: Subject,
    /// Unix seconds.
    pub(crate) started: u64,
}

/// What was begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum IntentKind {
    /// The creation of a key.
    Create,
    /// The deletion of a key.
    Delete,
    /// The destruction of everything.
    Wipe,
}

/// A row as it was found. Its MAC has not been looked at.
pub(crate) struct StoredIntent {
    pub(crate) id: IntentId,
    /// `None` where a column holds what no version of this program writes.
    pub(crate) content: Option<(Intent, Tag)>,
}

impl std::fmt::Debug for IntentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl IntentId {
    /// Removes the intent as a part of `work`.
    pub(super) async fn remove(
        self,
        work: &mut Transaction<'static, Sqlite>,
    ) -> Result<(), StoreFault> {
        sqlx::query("DELETE FROM intents WHERE id = $1")
            .bind(self.0.as_slice())
            .execute(&mut **work)
            .await?;
        Ok(())
    }
}

impl Intent {
    /// What the intent's MAC is computed over: every column. Without it, whoever can write to the
    /// file could have the next start destroy a key.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        SealText::new("claviger intent v1")
            .bytes(&self.id.0)
            .bytes(self.kind.name().as_bytes())
            .optional(self.kid.as_ref().map(|kid| kid.as_bytes().as_slice()))
            .bytes(self.subject.claim().as_bytes())
            .number(self.started)
            .finish()
    }
}

impl IntentKind {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Wipe => "wipe",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Create, Self::Delete, Self::Wipe].into_iter().find(|kind| kind.name() == name)
    }
}

impl Store {
    /// Writes an intent down, durably.
    pub(crate) async fn add_intent(&self, intent: &Intent, tag: &Tag) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query(INSERT)
            .bind(intent.id.0.as_slice())
            .bind(intent.kind.name())
            .bind(intent.kid.as_ref().map(|kid| kid.as_bytes().as_slice()))
            .bind(intent.subject.claim())
            .bind(stored(intent.started)?)
            .bind(tag.as_slice())
            .execute(&mut *work)
            .await?;
        self.commit(work).await
    }

    /// Whether an intent is written down.
    pub(crate) async fn has_intent(&self, id: IntentId) -> Result<bool, StoreFault> {
        let row = sqlx::query("SELECT 1 FROM intents WHERE id = $1")
            .bind(id.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Removes an intent; that it is not there is fine.
    pub(crate) async fn remove_intent(&self, id: IntentId) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        id.remove(&mut work).await?;
        self.commit(work).await
    }

    /// All intents, oldest first.
    pub(crate) async fn intents(&self) -> Result<Vec<StoredIntent>, StoreFault> {
        let rows =
            sqlx::query("SELECT * FROM intents ORDER BY started, id").fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<StoredIntent, StoreFault> {
    let id: Vec<u8> = row.try_get("id")?;
    let id = id.try_into().map_err(|_| StoreFault::Malformed("an intent without a name"))?;
    let id = IntentId(id);
    Ok(StoredIntent { id, content: read_content(row, id) })
}

fn read_content(row: &SqliteRow, id: IntentId) -> Option<(Intent, Tag)> {
    let kind: String = row.try_get("kind").ok()?;
    let started: i64 = row.try_get("started").ok()?;
    let tag: Vec<u8> = row.try_get("mac").ok()?;
    let intent = Intent {
        id,
        kind: IntentKind::from_name(&kind)?,
        kid: columns::kid(row)?,
        subject: columns::subject(row)?,
        started: u64::try_from(started).ok()?,
    };
    Some((intent, tag.try_into().ok()?))
}

const INSERT: &str = "INSERT INTO intents (id, kind, kid, subject, started, mac) \
    VALUES ($1, $2, $3, $4, $5, $6)";
