//! The device's settings: one row, bound to the token.

use hsm_profiles::TokenFault;
use policies::Subject;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::records::stored;
use super::seal::{Mac, SealText, Tag, holds};
use super::{Fact, Owed, Store, StoreFault};
use crate::owing::owe;

/// What the device is set to (hem.md A6 and A8, `config`). Times are Unix seconds; the keys are
/// raw X25519 public keys, kept in standard base64.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The version of the row, counted by the store; 0 before it was ever stored.
    #[serde(skip)]
    pub revision: u64,
    /// The local user's name.
    pub user: String,
    /// The local user's mail address.
    pub email: String,
    /// The name that clients reach the device by.
    pub hostname: String,
    /// The web origins that may talk to it: `*`, an origin, or `*.domain.tld`.
    pub origin: String,
    /// Whether only a trusted time source counts.
    pub trusted_ts: bool,
    /// Whether only a trusted backend counts.
    pub trusted_backend: bool,
    /// Whether anchored searches need no token.
    pub allow_keysearch: bool,
    /// Whether the device answers name queries.
    pub dnsd: bool,
    /// The context number.
    pub ctx: i64,
    /// The address, such as `192.168.7.1/24`.
    pub ip: String,
    /// Whether HSTS is sent.
    pub http_option_hsts: bool,
    /// The slow-request guard, 0 (off) to 4, in half seconds.
    pub http_option_dosprot_mode: u8,
    /// The storage mode.
    pub storage_mode: u32,
    /// The size of disk 0, in sectors.
    pub storage_disk0size: u64,
    /// Whose logins become `U`.
    #[serde(with = "key_text")]
    pub userkey: [u8; 32],
    /// Whose logins become `M`.
    #[serde(with = "key_text")]
    pub masterkey: [u8; 32],
    /// The device's number: 16 hexadecimal digits.
    pub devid: String,
    /// The name of this initialisation: a UUID.
    pub instanceid: String,
    /// When the device was initialised.
    pub iat: u64,
    /// When the settings last changed; strictly increasing.
    pub uts: u64,
    /// The public half of the token's identity key, which these settings belong to.
    #[serde(with = "key_text")]
    pub eid: [u8; 32],
}

impl Settings {
    /// Marks the settings as changed at `now`: `uts` is that, or one more than before where the
    /// clock has not moved on.
    pub fn touch(&mut self, now: u64) {
        self.uts = now.max(self.uts.saturating_add(1));
    }
}

/// Why the settings could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// There are settings already.
    #[error("the device is initialised already")]
    Exists,
    /// The MAC does not fit.
    #[error(
        "the settings do not carry this token's seal: either the state file was edited, or it \
         belongs to another token; restore the file, or give back the token it was made with"
    )]
    Forged,
    /// Somebody else changed them since they were read.
    #[error("the settings were changed by somebody else meanwhile: read them again")]
    Stale,
    /// The state file fails.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The token can't compute the MAC.
    #[error(transparent)]
    Token(#[from] TokenFault),
}

impl Store {
    /// The settings, `None` before the device was initialised.
    ///
    /// # Errors
    /// [`SettingsFault::Forged`] where they are not what this daemon wrote with this token: an
    /// edited `userkey` must let nobody in, so the daemon must not go on.
    pub async fn settings(&self, mac: &dyn Mac) -> Result<Option<Settings>, SettingsFault> {
        let row = sqlx::query("SELECT version, document, mac FROM settings")
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreFault::from)?;
        let Some(row) = row else { return Ok(None) };
        let (version, document, tag) = read(&row).ok_or(SettingsFault::Forged)?;
        if !holds(mac, &seal_text(version, &document), &tag).await? {
            return Err(SettingsFault::Forged);
        }
        let settings: Settings = serde_json::from_str(&document)
            .map_err(|_| StoreFault::Malformed("settings of another version of Claviger"))?;
        Ok(Some(Settings { revision: version, ..settings }))
    }

    /// Initialises the device. Of several that try, one wins. Answers the settings as stored, and
    /// owes an entry.
    ///
    /// # Errors
    /// [`SettingsFault::Exists`] where there are settings already.
    pub async fn initialise(
        &self,
        mac: &dyn Mac,
        settings: &Settings,
    ) -> Result<Settings, SettingsFault> {
        let owed = Owed::fresh(Fact::Initialised, None, Subject::Master, settings.uts)?;
        self.write(mac, settings, owed, INSERT).await?.ok_or(SettingsFault::Exists)
    }

    /// Replaces the settings that `settings` were read from and answers them with their new
    /// revision. Owes an entry that `subject` did so.
    ///
    /// # Errors
    /// [`SettingsFault::Stale`] where they have changed since, and nothing is written then.
    pub async fn save_settings(
        &self,
        mac: &dyn Mac,
        settings: &Settings,
        subject: Subject,
    ) -> Result<Settings, SettingsFault> {
        let owed = Owed::fresh(Fact::Configured, None, subject, settings.uts)?;
        self.write(mac, settings, owed, REPLACE).await?.ok_or(SettingsFault::Stale)
    }

    /// `None` where the row is not as `sql` needs it.
    async fn write(
        &self,
        mac: &dyn Mac,
        settings: &Settings,
        owed: Owed,
        sql: &'static str,
    ) -> Result<Option<Settings>, SettingsFault> {
        let version = settings.revision.saturating_add(1);
        let document = serde_json::to_string(settings)
            .map_err(|_| StoreFault::Malformed("settings that are no JSON"))?;
        let tag = mac.mac(&seal_text(version, &document)).await?;
        let due = owed.due(mac).await?;
        let mut work = self.begin().await?;
        let done = sqlx::query(sql)
            .bind(stored(version)?)
            .bind(document)
            .bind(tag.as_slice())
            .execute(&mut *work)
            .await
            .map_err(StoreFault::from)?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        due.write(&mut work).await?;
        if let Err(fault) = self.commit(work).await {
            // Where it happened all the same it is entered, as what the log has refused is.
            if matches!(self.owes(&due.owed.id).await, Ok(true)) {
                owe(due.owed);
            }
            return Err(fault.into());
        }
        owe(due.owed);
        Ok(Some(Settings { revision: version, ..settings.clone() }))
    }
}

/// A 32-byte key as standard base64.
mod key_text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(key: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&policies::encode_base64(key))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = policies::decode_base64(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| de::Error::custom("a key is the base64 of 32 bytes"))
    }
}

fn seal_text(version: u64, document: &str) -> Vec<u8> {
    SealText::new("claviger settings v1").number(version).bytes(document.as_bytes()).finish()
}

fn read(row: &SqliteRow) -> Option<(u64, String, Tag)> {
    let version: i64 = row.try_get("version").ok()?;
    let tag: Vec<u8> = row.try_get("mac").ok()?;
    Some((u64::try_from(version).ok()?, row.try_get("document").ok()?, tag.try_into().ok()?))
}

const INSERT: &str = "INSERT INTO settings (one, version, document, mac) VALUES (1, $1, $2, $3) \
    ON CONFLICT (one) DO NOTHING";

const REPLACE: &str =
    "UPDATE settings SET version = $1, document = $2, mac = $3 WHERE version = $1 - 1";

#[cfg(test)]
mod tests {
    use sqlx::Executor;

    use super::*;
    use crate::keyring::token::faulty::Faulty;

    fn settings() -> Settings {
        Settings {
            revision: 0,
            user: "Ada".into(),
            email: "ada@example.org".into(),
            hostname: "hem.example.org".into(),
            origin: "*".into(),
            trusted_ts: false,
            trusted_backend: false,
            allow_keysearch: true,
            dnsd: false,
            ctx: -1,
            ip: "192.168.7.1/24".into(),
            http_option_hsts: true,
            http_option_dosprot_mode: 4,
            storage_mode: 81,
            storage_disk0size: 8_388_608,
            userkey: [1; 32],
            masterkey: [2; 32],
            devid: "0011223344556677".into(),
            instanceid: "67e55044-10b1-426f-9247-bb680e5fe0c8".into(),
            iat: 1000,
            uts: 1000,
            eid: [3; 32],
        }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).await.unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn one_initialisation_wins_and_changes_are_seen() {
        let (_directory, store) = store().await;
        let token = Faulty::default();
        assert_eq!(store.settings(&token).await.unwrap(), None);
        let first = store.initialise(&token, &settings()).await.unwrap();
        assert!(matches!(store.initialise(&token, &settings()).await, Err(SettingsFault::Exists)));
        let mut next = store.settings(&token).await.unwrap().unwrap();
        assert_eq!(next, first);
        next.user = "Grace".into();
        next.touch(999);
        assert_eq!(next.uts, 1001);
        let next = store.save_settings(&token, &next, Subject::User).await.unwrap();
        assert_eq!(store.settings(&token).await.unwrap(), Some(next));
        assert!(matches!(
            store.save_settings(&token, &first, Subject::User).await,
            Err(SettingsFault::Stale)
        ));
    }

    #[tokio::test]
    async fn edited_settings_open_nothing() {
        for edit in [
            "UPDATE settings SET document = replace(document, 'Ada', 'Eve')",
            "UPDATE settings SET version = version + 1",
            "UPDATE settings SET mac = zeroblob(32)",
            "UPDATE settings SET mac = x''",
            "UPDATE settings SET version = -1",
        ] {
            let (_directory, store) = store().await;
            let token = Faulty::default();
            store.initialise(&token, &settings()).await.unwrap();
            store.pool.execute(edit).await.unwrap();
            let read = store.settings(&token).await;
            assert!(matches!(read, Err(SettingsFault::Forged)), "{edit}: {read:?}");
        }
    }

    #[tokio::test]
    async fn settings_of_another_token_open_nothing() {
        let (_directory, store) = store().await;
        store.initialise(&Faulty::default(), &settings()).await.unwrap();
        let other = Faulty::with_mac_key([9; 32]);
        assert!(matches!(store.settings(&other).await, Err(SettingsFault::Forged)));
    }
}
