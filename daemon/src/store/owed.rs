//! Changes that the audit log owes an entry. Each is written down in the transaction that is the
//! change, and struck off when its entry is durable: so none goes without one, wherever the process
//! stops.

use policies::{Kid, Subject};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::columns;
use super::intents::IntentId;
use super::records::stored;
use super::seal::{Mac, SealText, Tag};
use super::{Store, StoreFault};

/// A change that happened.
#[derive(Clone, Eq, PartialEq)]
pub struct Owed {
    /// 16 random bytes; those of the intent where there was one.
    pub id: [u8; 16],
    /// What happened.
    pub fact: Fact,
    /// The key; `None` for the settings, and for a key pair that never got its name.
    pub kid: Option<Kid>,
    /// Who had asked for it.
    pub subject: Subject,
    /// Unix seconds.
    pub at: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    /// An account was made, or something about it was changed.
    AccountChanged,
    /// A key that was in the token already was registered.
    Adopted,
    /// The TLS certificate, alone or with its key, was about to be replaced.
    Certificate,
    /// The settings were changed.
    Configured,
    /// A key was made.
    Created,
    /// A creation broke off; whatever the token had made is destroyed.
    CreationUndone,
    /// A key was deleted.
    Deleted,
    /// A deletion broke off and was brought to its end.
    DeletionFinished,
    /// A deletion broke off before it began, or the token refuses it; the key is in use.
    DeletionUndone,
    /// A key was derived.
    Derived,
    /// A public key was taken in.
    Imported,
    /// The device was initialised.
    Initialised,
    /// An authenticator was paired.
    Paired,
    /// Label or description of a key were changed.
    Updated,
}

/// A change to be written down, with its MAC.
pub(crate) struct Due {
    pub(crate) owed: Owed,
    tag: Tag,
}

/// A row as it was found. Its MAC has not been looked at; `None` where a column holds what no
/// version of this program writes.
pub(crate) type StoredOwed = Option<(Owed, Tag)>;

impl std::fmt::Debug for Owed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, fact, kid, subject, at } = self;
        let mut shown = f.debug_struct("Owed");
        shown.field("id", &format_args!("{}", base16ct::lower::encode_string(id)));
        shown.field("fact", fact).field("kid", kid).field("subject", subject).field("at", at);
        shown.finish()
    }
}

impl Owed {
    /// With a name of its own.
    ///
    /// # Errors
    /// [`StoreFault::Randomness`].
    pub(crate) fn fresh(
        fact: Fact,
        kid: Option<Kid>,
        subject: Subject,
        at: u64,
    ) -> Result<Self, StoreFault> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|why| StoreFault::Randomness(why.to_string()))?;
        Ok(Self { id, fact, kid, subject, at })
    }

    /// With its MAC.
    pub(crate) async fn due(self, mac: &dyn Mac) -> Result<Due, hsm_profiles::TokenFault> {
        let tag = mac.mac(&self.seal_text()).await?;
        Ok(Due { owed: self, tag })
    }

    /// What the MAC is computed over: every column. Without it, whoever can write to the file could
    /// have the log say what never happened.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        SealText::new("claviger owed entry v1")
            .bytes(&self.id)
            .bytes(self.fact.name().as_bytes())
            .optional(self.kid.as_ref().map(|kid| kid.as_bytes().as_slice()))
            .bytes(self.subject.claim().as_bytes())
            .number(self.at)
            .finish()
    }
}

impl Fact {
    const ALL: [Self; 14] = [
        Self::AccountChanged,
        Self::Adopted,
        Self::Certificate,
        Self::Configured,
        Self::Created,
        Self::CreationUndone,
        Self::Deleted,
        Self::DeletionFinished,
        Self::DeletionUndone,
        Self::Derived,
        Self::Imported,
        Self::Initialised,
        Self::Paired,
        Self::Updated,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AccountChanged => "account changed",
            Self::Adopted => "adopted",
            Self::Certificate => "certificate",
            Self::Configured => "configured",
            Self::Created => "created",
            Self::CreationUndone => "creation undone",
            Self::Deleted => "deleted",
            Self::DeletionFinished => "deletion finished",
            Self::DeletionUndone => "deletion undone",
            Self::Derived => "derived",
            Self::Imported => "imported",
            Self::Initialised => "initialised",
            Self::Paired => "paired",
            Self::Updated => "updated",
        }
    }
}

impl Due {
    /// Writes it down as a part of `work`.
    pub(super) async fn write(
        &self,
        work: &mut Transaction<'static, Sqlite>,
    ) -> Result<(), StoreFault> {
        let Owed { id, fact, kid, subject, at } = &self.owed;
        sqlx::query(INSERT)
            .bind(id.as_slice())
            .bind(fact.name())
            .bind(kid.as_ref().map(|kid| kid.as_bytes().as_slice()))
            .bind(subject.claim())
            .bind(stored(*at)?)
            .bind(self.tag.as_slice())
            .execute(&mut **work)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Everything that is owed, oldest first.
    pub(crate) async fn owed(&self) -> Result<Vec<StoredOwed>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM owed ORDER BY at, id").fetch_all(&self.pool).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Whether this is owed.
    pub(crate) async fn owes(&self, id: &[u8; 16]) -> Result<bool, StoreFault> {
        let row = sqlx::query("SELECT 1 FROM owed WHERE id = $1")
            .bind(id.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Ends an intent and writes down what came of it, in one transaction.
    pub(crate) async fn settle_intent(&self, id: IntentId, due: &Due) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        id.remove(&mut work).await?;
        due.write(&mut work).await?;
        self.commit(work).await
    }

    /// Writes down alone what is about to be done outside the file.
    pub(crate) async fn note(&self, due: &Due) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        due.write(&mut work).await?;
        self.commit(work).await
    }

    /// Strikes off what is entered; that one is not there is fine.
    pub(crate) async fn strike(&self, ids: &[[u8; 16]]) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        for id in ids {
            sqlx::query("DELETE FROM owed WHERE id = $1")
                .bind(id.as_slice())
                .execute(&mut *work)
                .await?;
        }
        self.commit(work).await
    }
}

fn read(row: &SqliteRow) -> StoredOwed {
    let id: Vec<u8> = row.try_get("id").ok()?;
    let fact: String = row.try_get("fact").ok()?;
    let at: i64 = row.try_get("at").ok()?;
    let tag: Vec<u8> = row.try_get("mac").ok()?;
    let owed = Owed {
        id: id.try_into().ok()?,
        fact: Fact::ALL.into_iter().find(|known| known.name() == fact)?,
        kid: columns::kid(row)?,
        subject: columns::subject(row)?,
        at: u64::try_from(at).ok()?,
    };
    Some((owed, tag.try_into().ok()?))
}

const INSERT: &str = "INSERT INTO owed (id, fact, kid, subject, at, mac) \
    VALUES ($1, $2, $3, $4, $5, $6)";
