//! The device: its identity in the token and its configuration.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use hsm_profiles::{ForeignPoint, KeyType, System, SystemPublic};
use policies::{Subject, decode_base64};
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::changes::{Changes, bounded};
use crate::clock::now;
use crate::fault::Fault;
use crate::store::{Fact, Owed, Settings, SettingsFault, Store, StoreFault};

/// The device. Cloning is shallow.
#[derive(Clone)]
pub struct Device(Arc<Parts>);

struct Parts {
    hostname: String,
    public: SystemPublic,
    settings: ArcSwapOption<Settings>,
    started: Instant,
    store: Store,
    system: System,
    /// Held while the settings change, so that the file and the memory change in the same order.
    turn: tokio::sync::Mutex<()>,
}

/// The `cfg` of an initialisation (hem.md A6).
#[derive(Deserialize)]
pub struct NewSettings {
    allow_keysearch: bool,
    #[serde(default)]
    ctx: i64,
    #[serde(default)]
    dnsd: bool,
    email: String,
    hostname: String,
    #[serde(default)]
    ip: String,
    origin: String,
    #[serde(default)]
    storage_disk0size: u64,
    #[serde(default)]
    storage_mode: u32,
    trusted_backend: bool,
    trusted_ts: bool,
    user: String,
    userkey: String,
}

impl Device {
    /// The device whose token has the keys `public` and whose settings, if it has any, are in
    /// `store`. `hostname` is what a fresh device goes by.
    ///
    /// # Errors
    /// [`SettingsFault`] where the settings were edited or belong to another token.
    pub async fn open(
        store: Store,
        system: System,
        public: SystemPublic,
        hostname: String,
    ) -> Result<Self, SettingsFault> {
        let settings = store.settings(&system).await?;
        if settings.as_ref().is_some_and(|settings| settings.eid != public.identity) {
            return Err(SettingsFault::Forged);
        }
        Ok(Self(Arc::new(Parts {
            hostname,
            public,
            settings: ArcSwapOption::from_pointee(settings),
            started: Instant::now(),
            store,
            system,
            turn: tokio::sync::Mutex::default(),
        })))
    }

    /// Sets a fresh device up: `new`, and `master` as the master key. Of several that try, one
    /// wins.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for values out of bounds, [`Fault::Failed`] when it has been set up.
    pub async fn initialise(
        &self,
        new: NewSettings,
        master: [u8; 32],
    ) -> Result<Arc<Settings>, Fault> {
        let settings = self.settings_from(new, master)?;
        let _turn = self.0.turn.lock().await;
        let stored = self.0.store.initialise(&self.0.system, &settings).await;
        self.keep(stored).await
    }

    /// Changes the settings for `subject`; `else_changed` says that something beside them changed.
    /// Whether anything did: their `uts` is larger then.
    ///
    /// # Errors
    /// [`Fault::Conflict`] before the device was initialised, and where they can't be stored.
    pub async fn change(
        &self,
        changes: Changes,
        else_changed: bool,
        subject: Subject,
    ) -> Result<bool, Fault> {
        let _turn = self.0.turn.lock().await;
        let settings = self.settings();
        let settings = settings.ok_or_else(|| Fault::Conflict("not initialised".into()))?;
        let mut next = settings.as_ref().clone();
        if !changes.apply(&mut next) && !else_changed {
            return Ok(false);
        }
        next.touch(now());
        let stored = self.0.store.save_settings(&self.0.system, &next, subject).await;
        self.keep(stored).await?;
        Ok(true)
    }

    /// Writes down that `subject` is about to have the TLS certificate replaced, for the log. Where it
    /// is never said to be done the next start enters it.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it can't be written down, and those of the token.
    pub(crate) async fn note_certificate(&self, subject: Subject) -> Result<Owed, Fault> {
        let owed = Owed::fresh(Fact::Certificate, None, subject, now()).map_err(unnoted)?;
        let due = owed.due(&self.0.system).await?;
        self.0.store.note(&due).await.map_err(unnoted)?;
        Ok(due.owed)
    }

    /// Has what was stored count. Where that failed the file is read again, as it may have happened.
    async fn keep(&self, stored: Result<Settings, SettingsFault>) -> Result<Arc<Settings>, Fault> {
        let Parts { settings, store, system, .. } = &*self.0;
        match stored {
            Ok(stored) => {
                let stored = Arc::new(stored);
                settings.store(Some(Arc::clone(&stored)));
                Ok(stored)
            }
            Err(fault) => {
                match store.settings(system).await {
                    Ok(found) => settings.store(found.map(Arc::new)),
                    Err(why) => tracing::error!(%why, "the settings can't be read again"),
                }
                Err(unstored(fault))
            }
        }
    }

    /// The secret that the identity key and `peer` share, both X25519.
    ///
    /// # Errors
    /// [`Fault::Invalid`] where `peer` is no key to agree with; those of the token.
    pub(crate) async fn agree(&self, peer: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let peer = ForeignPoint::parse(KeyType::Curve25519, peer)
            .map_err(|bad| Fault::Invalid(bad.to_string().into()))?;
        let secret = self.0.system.agree_identity(&peer).await?;
        let mut copy = Zeroizing::new([0; 32]);
        match secret.expose().len() == copy.len() {
            true => copy.copy_from_slice(secret.expose()),
            false => return Err(Fault::Internal),
        }
        Ok(copy)
    }

    /// The settings; `None` before the device was initialised.
    pub fn settings(&self) -> Option<Arc<Settings>> {
        self.0.settings.load_full()
    }

    /// Whether it was set up.
    pub fn is_initialised(&self) -> bool {
        self.0.settings.load().is_some()
    }

    /// The public halves of its own keys.
    pub fn public(&self) -> &SystemPublic {
        &self.0.public
    }

    /// The name that clients reach it by.
    pub fn hostname(&self) -> String {
        self.settings().map_or_else(|| self.0.hostname.clone(), |set| set.hostname.clone())
    }

    /// Seconds since it started.
    pub fn uptime(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    /// Whether anchored searches are open to everybody.
    pub fn allows_open_search(&self) -> bool {
        self.0.settings.load().as_ref().is_some_and(|settings| settings.allow_keysearch)
    }

    /// Whether pages from `origin` may talk to it: any before it was initialised, then what the
    /// settings name: `*`, an origin, or `*.domain.tld` for a domain's own subdomains over HTTPS.
    pub(crate) fn welcomes(&self, origin: &str) -> bool {
        self.0.settings.load().as_ref().is_none_or(|settings| fits(&settings.origin, origin))
    }

    pub(crate) fn wants_hsts(&self) -> bool {
        self.0.settings.load().as_ref().is_some_and(|settings| settings.http_option_hsts)
    }

    /// How long a request's body may take; `None` where the settings leave that to the
    /// configuration (hem.md A1, slow-request guard: half seconds).
    pub(crate) fn patience(&self) -> Option<Duration> {
        let mode = self.0.settings.load().as_ref().map_or(0, |set| set.http_option_dosprot_mode);
        (mode > 0).then(|| Duration::from_millis(500) * u32::from(mode))
    }

    fn settings_from(&self, new: NewSettings, master: [u8; 32]) -> Result<Settings, Fault> {
        for (name, value) in [
            ("user", &new.user),
            ("email", &new.email),
            ("hostname", &new.hostname),
            ("origin", &new.origin),
            ("ip", &new.ip),
        ] {
            bounded(name, value)?;
        }
        let userkey = decode_base64(&new.userkey).and_then(|key| key.try_into().ok());
        let userkey = userkey
            .ok_or_else(|| Fault::Invalid("cfg: userkey must be base64 of 32 bytes".into()))?;
        if userkey == master {
            return Err(Fault::Invalid("cfg: user and master must not share a key".into()));
        }
        let mut devid = [0; 8];
        getrandom::fill(&mut devid).map_err(|_| Fault::Internal)?;
        let now = now();
        Ok(Settings {
            revision: 0,
            user: new.user,
            email: new.email,
            hostname: new.hostname,
            origin: new.origin,
            trusted_ts: new.trusted_ts,
            trusted_backend: new.trusted_backend,
            allow_keysearch: new.allow_keysearch,
            dnsd: new.dnsd,
            ctx: new.ctx,
            ip: new.ip,
            http_option_hsts: false,
            http_option_dosprot_mode: 0,
            storage_mode: new.storage_mode,
            storage_disk0size: new.storage_disk0size,
            userkey,
            masterkey: master,
            devid: devid.iter().map(|byte| format!("{byte:02x}")).collect(),
            instanceid: Uuid::new_v4().to_string(),
            iat: now,
            uts: now,
            eid: self.0.public.identity,
        })
    }
}

impl NewSettings {
    /// What a development device starts from.
    pub(crate) fn for_development(hostname: &str, userkey: &[u8; 32]) -> Self {
        Self {
            allow_keysearch: true,
            ctx: 0,
            dnsd: false,
            email: "user@localhost".to_owned(),
            hostname: hostname.to_owned(),
            ip: String::new(),
            origin: "*".to_owned(),
            storage_disk0size: 0,
            storage_mode: 0,
            trusted_backend: false,
            trusted_ts: false,
            user: "user".to_owned(),
            userkey: policies::encode_base64(userkey),
        }
    }
}

fn unstored(fault: SettingsFault) -> Fault {
    match fault {
        SettingsFault::Exists => Fault::Failed(fault.to_string().into()),
        SettingsFault::Token(fault) => fault.into(),
        other => {
            tracing::error!(%other, "settings");
            Fault::Conflict("the settings can't be stored".into())
        }
    }
}

fn unnoted(fault: StoreFault) -> Fault {
    unstored(fault.into())
}

fn fits(allowed: &str, origin: &str) -> bool {
    match allowed.strip_prefix("*.") {
        _ if allowed == "*" || allowed == origin => true,
        Some(domain) => {
            let host = origin.strip_prefix("https://").unwrap_or_default();
            let host = host.split(':').next().unwrap_or_default();
            host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use hsm_profiles::transport::Limits;
    use hsm_profiles::{Answer, Operation, TokenFault, Vault};

    use super::*;
    use crate::store::trip::Mishap;

    /// A token that makes one and the same MAC of everything.
    fn system() -> (Vault, System) {
        let answer = |operation| match operation {
            Operation::Mac { .. } => Answer::Public(vec![3; 32]),
            _ => Answer::Failed(TokenFault::Busy),
        };
        Vault::in_process(vec![Box::new(answer)], Limits::default()).unwrap()
    }

    #[tokio::test]
    async fn memory_says_what_the_file_says_whatever_was_answered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).await.unwrap();
        let (_vault, system) = system();
        let public = SystemPublic { identity: [1; 32], logger: [2; 32], other_logger: None };
        let name = || "hem.example.org".to_owned();
        let device = Device::open(store.clone(), system.clone(), public, name()).await.unwrap();
        store.trip.set(0, Mishap::FailAfter);
        let new = NewSettings::for_development("hem.example.org", &[5; 32]);
        assert!(device.initialise(new, [6; 32]).await.is_err());
        assert!(device.is_initialised(), "it is in the file");
        for (mishap, mail) in [
            (Some(Mishap::FailAfter), "happened@example.org"),
            (Some(Mishap::Fail), "failed@example.org"),
            (None, "good@example.org"),
        ] {
            if let Some(mishap) = mishap {
                store.trip.set(0, mishap);
            }
            let text = format!("{{\"email\":\"{mail}\"}}");
            let changes: Changes = serde_json::from_str(&text).unwrap();
            let changed = device.change(changes, false, Subject::User).await;
            assert_eq!(changed.is_ok(), mishap.is_none(), "{mail}");
            let stored = store.settings(&system).await.unwrap().unwrap();
            assert_eq!(*device.settings().unwrap(), stored, "{mail}");
            assert_eq!(stored.email == mail, mishap != Some(Mishap::Fail), "{mail}");
        }
    }

    #[test]
    fn origins_fit_whole_or_by_subdomain() {
        assert!(fits("*", "https://anything"));
        assert!(fits("https://a.example", "https://a.example"));
        assert!(!fits("https://a.example", "https://a.example.evil"));
        assert!(fits("*.ence.do", "https://my.ence.do"));
        assert!(fits("*.ence.do", "https://my.ence.do:8443"));
        for foreign in ["https://ence.do", "https://evilence.do", "http://my.ence.do", "null", ""] {
            assert!(!fits("*.ence.do", foreign), "{foreign}");
        }
    }
}
