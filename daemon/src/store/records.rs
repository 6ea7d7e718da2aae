//! Key records: one row a key.

use hsm_profiles::{Creation, KeyType};
use policies::{Kid, Subject};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::seal::{SealText, Tag};
use super::{Due, IntentId, Store, StoreFault};

/// What is known about a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) kid: Kid,
    /// 1 for a new record, one more with every change.
    pub(crate) version: u64,
    /// Orders the records of one second. Never reused while its record lives.
    pub(crate) sequence: u64,
    pub(crate) kind: KeyType,
    pub(crate) flags: Flags,
    pub(crate) label: String,
    /// At most 128 bytes, empty where there is none.
    pub(crate) descr: Vec<u8>,
    /// Unix seconds.
    pub(crate) created: u64,
    /// Unix seconds, strictly increasing.
    pub(crate) updated: u64,
    /// As the API returns it, SEC1 compressed for the SECP curves; `None` for symmetric keys.
    pub(crate) public: Option<Vec<u8>>,
    pub(crate) backing: Backing,
    /// The attempt that made the key's object; `None` where it was not made here.
    pub(crate) creation: Option<Creation>,
    /// Whose it is, and nobody else's; `None` for the device's keys, which the HEM API serves.
    pub(crate) owner: Option<Subject>,
}

/// What a key is and may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Flags {
    /// Made in the token by this daemon.
    pub(crate) attested: bool,
    /// Its private half is in the token. Never set for symmetric keys.
    pub(crate) private: bool,
    /// May take part in agreements.
    pub(crate) agree: bool,
    /// May sign.
    pub(crate) sign: bool,
}

/// Where the secret part of a key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Backing {
    /// Nowhere here: only the public half is known.
    Public,
    /// In a token object whose `CKA_ID` is the KID.
    Resident,
    /// In this blob, which only the token opens.
    Sealed(Vec<u8>),
}

/// A row as it was found. Its MAC has not been looked at.
pub(crate) struct StoredRecord {
    pub(crate) kid: Kid,
    /// `None` where a column holds what no version of this program writes.
    pub(crate) content: Option<(Record, Tag)>,
}

/// What came of inserting a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Inserted {
    /// There is a record with this KID already; nothing was written.
    Duplicate,
    /// It is in, durably.
    New,
}

impl Record {
    /// What the record's MAC is computed over: every column. That of the blob is there for sealed
    /// keys only, and that of the owner for owned ones, so that records from before there were any
    /// keep their MACs.
    pub(crate) fn seal_text(&self) -> Vec<u8> {
        let text = match &self.owner {
            None => SealText::new("claviger key record v1"),
            Some(owner) => {
                SealText::new("claviger owned key record v1").bytes(owner.claim().as_bytes())
            }
        };
        let text = text
            .bytes(self.kid.as_bytes())
            .number(self.version)
            .number(self.sequence)
            .bytes(self.kind.name().as_bytes())
            .flag(self.flags.attested)
            .flag(self.flags.private)
            .flag(self.flags.agree)
            .flag(self.flags.sign)
            .bytes(self.label.as_bytes())
            .bytes(&self.descr)
            .number(self.created)
            .number(self.updated)
            .optional(self.public.as_deref())
            .bytes(self.backing.name().as_bytes())
            .optional(self.creation.as_ref().map(|creation| creation.0.as_slice()));
        match self.backing.blob() {
            None => text.finish(),
            Some(blob) => text.bytes(blob).finish(),
        }
    }
}

impl Backing {
    fn name(&self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Resident => "resident",
            Self::Sealed(_) => "sealed",
        }
    }

    fn blob(&self) -> Option<&[u8]> {
        match self {
            Self::Public | Self::Resident => None,
            Self::Sealed(blob) => Some(blob),
        }
    }

    /// `None` where a blob is missing, or stands where none belongs.
    fn from_columns(name: &str, blob: Option<Vec<u8>>) -> Option<Self> {
        match (name, blob) {
            ("public", None) => Some(Self::Public),
            ("resident", None) => Some(Self::Resident),
            ("sealed", Some(blob)) => Some(Self::Sealed(blob)),
            _ => None,
        }
    }
}

impl Store {
    /// All records, in the order of their creation.
    pub(crate) async fn records(&self) -> Result<Vec<StoredRecord>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM keys ORDER BY created, sequence")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The record with this KID.
    pub(crate) async fn record(&self, kid: Kid) -> Result<Option<StoredRecord>, StoreFault> {
        let row = sqlx::query("SELECT * FROM keys WHERE kid = $1")
            .bind(kid.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The KID of the record whose object this attempt made.
    pub(crate) async fn made_by(&self, creation: Creation) -> Result<Option<Kid>, StoreFault> {
        let row = sqlx::query("SELECT kid FROM keys WHERE creation = $1")
            .bind(creation.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_kid).transpose()
    }

    /// Whether any record says of itself that its key is sealed.
    pub(crate) async fn has_sealed(&self) -> Result<bool, StoreFault> {
        let found = sqlx::query("SELECT 1 FROM keys WHERE backing = 'sealed' LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.is_some())
    }

    /// The highest sequence number in use, 0 where there is none.
    pub(crate) async fn last_sequence(&self) -> Result<u64, StoreFault> {
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(sequence), 0) FROM keys")
            .fetch_one(&self.pool)
            .await?;
        Ok(u64::try_from(last).unwrap_or(0))
    }

    /// Inserts a record, removes the intent that led to it and writes down what is `due` to the log,
    /// in one transaction: the record is there exactly when the intent is gone. Leaves all as it is
    /// where the KID is taken.
    pub(crate) async fn insert_record(
        &self,
        record: &Record,
        tag: &Tag,
        settles: Option<IntentId>,
        due: &Due,
    ) -> Result<Inserted, StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query(INSERT)
            .bind(record.kid.as_bytes().as_slice())
            .bind(stored(record.version)?)
            .bind(stored(record.sequence)?)
            .bind(record.kind.name())
            .bind(record.flags.attested)
            .bind(record.flags.private)
            .bind(record.flags.agree)
            .bind(record.flags.sign)
            .bind(record.label.as_str())
            .bind(record.descr.as_slice())
            .bind(stored(record.created)?)
            .bind(stored(record.updated)?)
            .bind(record.public.as_deref())
            .bind(record.backing.name())
            .bind(record.creation.as_ref().map(|creation| creation.0.as_slice()))
            .bind(record.backing.blob())
            .bind(record.owner.map(|owner| owner.claim()))
            .bind(tag.as_slice())
            .execute(&mut *work)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(Inserted::Duplicate);
        }
        if let Some(intent) = settles {
            intent.remove(&mut work).await?;
        }
        due.write(&mut work).await?;
        self.commit(work).await?;
        Ok(Inserted::New)
    }

    /// Replaces label, description, time and version of the record that was one version older, and
    /// writes down what is `due` to the log. False where there is no such record any more.
    pub(crate) async fn amend_record(
        &self,
        to: &Record,
        tag: &Tag,
        due: &Due,
    ) -> Result<bool, StoreFault> {
        let mut work = self.begin().await?;
        let done = sqlx::query(AMEND)
            .bind(stored(to.version)?)
            .bind(to.label.as_str())
            .bind(to.descr.as_slice())
            .bind(stored(to.updated)?)
            .bind(tag.as_slice())
            .bind(to.kid.as_bytes().as_slice())
            .execute(&mut *work)
            .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        due.write(&mut work).await?;
        self.commit(work).await?;
        Ok(true)
    }

    /// Removes the record with this KID and the intent to do so, and writes down what is `due` to
    /// the log, in one transaction.
    pub(crate) async fn remove_record(
        &self,
        kid: Kid,
        settles: Option<IntentId>,
        due: &Due,
    ) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        sqlx::query("DELETE FROM keys WHERE kid = $1")
            .bind(kid.as_bytes().as_slice())
            .execute(&mut *work)
            .await?;
        if let Some(intent) = settles {
            intent.remove(&mut work).await?;
        }
        due.write(&mut work).await?;
        self.commit(work).await
    }
}

impl Store {
    /// Removes the records of keys that are destroyed and entered, in one transaction.
    pub(crate) async fn remove_records(&self, kids: &[Kid]) -> Result<(), StoreFault> {
        let mut work = self.begin().await?;
        for kid in kids {
            sqlx::query("DELETE FROM keys WHERE kid = $1")
                .bind(kid.as_bytes().as_slice())
                .execute(&mut *work)
                .await?;
        }
        self.commit(work).await
    }
}

/// A count or time as SQLite keeps it.
pub(super) fn stored(number: u64) -> Result<i64, StoreFault> {
    i64::try_from(number).map_err(|_| StoreFault::Malformed("a number beyond 63 bits"))
}

fn read(row: &SqliteRow) -> Result<StoredRecord, StoreFault> {
    Ok(StoredRecord { kid: read_kid(row)?, content: read_content(row).ok() })
}

fn read_kid(row: &SqliteRow) -> Result<Kid, StoreFault> {
    let bytes: Vec<u8> = row.try_get("kid")?;
    let bytes = bytes.try_into().map_err(|_| StoreFault::Malformed("a key without a KID"))?;
    Ok(Kid::from_bytes(bytes))
}

fn read_content(row: &SqliteRow) -> Result<(Record, Tag), Unreadable> {
    let kind: String = row.try_get("type")?;
    let backing: String = row.try_get("backing")?;
    let creation: Option<Vec<u8>> = row.try_get("creation")?;
    let tag: Vec<u8> = row.try_get("mac")?;
    let record = Record {
        kid: read_kid(row).map_err(|_| Unreadable)?,
        version: read_number(row, "version")?,
        sequence: read_number(row, "sequence")?,
        kind: kind.parse().map_err(|_| Unreadable)?,
        flags: Flags {
            attested: read_flag(row, "attested")?,
            private: read_flag(row, "private")?,
            agree: read_flag(row, "agree")?,
            sign: read_flag(row, "sign")?,
        },
        label: row.try_get("label")?,
        descr: row.try_get("descr")?,
        created: read_number(row, "created")?,
        updated: read_number(row, "updated")?,
        public: row.try_get("public")?,
        backing: Backing::from_columns(&backing, row.try_get("sealed")?).ok_or(Unreadable)?,
        creation: match creation {
            Some(bytes) => Some(Creation(bytes.try_into().map_err(|_| Unreadable)?)),
            None => None,
        },
        owner: match row.try_get::<Option<String>, _>("owner")? {
            Some(claim) => Some(Subject::from_claim(&claim).ok_or(Unreadable)?),
            None => None,
        },
    };
    Ok((record, tag.try_into().map_err(|_| Unreadable)?))
}

fn read_number(row: &SqliteRow, column: &str) -> Result<u64, Unreadable> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| Unreadable)
}

/// Exactly 0 or 1: anything else would read as true and so go past the MAC.
fn read_flag(row: &SqliteRow, column: &str) -> Result<bool, Unreadable> {
    match read_number(row, column)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Unreadable),
    }
}

/// A column holds what this program never writes.
struct Unreadable;

impl From<sqlx::Error> for Unreadable {
    fn from(_: sqlx::Error) -> Self {
        Self
    }
}

const INSERT: &str = "INSERT INTO keys (kid, version, sequence, type, attested, private, agree, \
    sign, label, descr, created, updated, public, backing, creation, sealed, \
    owner, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
    ON CONFLICT (kid) DO NOTHING";

const AMEND: &str = "UPDATE keys SET version = $1, label = $2, descr = $3, updated = $4, mac = $5 \
    WHERE kid = $6 AND version = $1 - 1";
