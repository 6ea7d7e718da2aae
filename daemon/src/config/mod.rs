//! The configuration file: parsed whole before anything is opened.

mod e2e;
mod hem;
mod key_agreement;
mod key_service;
mod limits;
mod pqc;
mod syslog;
mod witness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hsm_profiles::Profile;
use serde::Deserialize;

pub use e2e::{CheckDigit, E2e};
pub use hem::{BackendKey, Hem, RawEcdh, TrustedTime};
pub use key_agreement::KeyAgreement;
pub use key_service::KeyService;
pub use limits::Limits;
pub use pqc::Pqc;
pub use syslog::{Collector, Facility, Place, Syslog};
pub use witness::{Prefix, Vkey, Witness};

/// The configuration of a daemon. Relative paths in the file are taken from the file's own folder;
/// [`Config::load`] has made them absolute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The audit log.
    pub audit: Audit,
    /// End-to-end key exchanges.
    #[serde(default)]
    pub e2e: E2e,
    /// The HEM API.
    #[serde(default)]
    pub hem: Hem,
    /// Key agreement and login.
    #[serde(default, rename = "key-agreement", alias = "key_agreement")]
    pub key_agreement: KeyAgreement,
    /// The key service for encrypted messages.
    #[serde(default, rename = "key-service", alias = "key_service")]
    pub key_service: KeyService,
    /// Where it listens.
    pub listen: Listen,
    /// Where it tells how it is.
    #[serde(default)]
    pub metrics: Metrics,
    /// The post-quantum API.
    #[serde(default)]
    pub pqc: Pqc,
    /// The state.
    pub store: Store,
    /// The certificate it shows.
    pub tls: Tls,
    /// The PKCS#11 token.
    pub token: Token,
}

/// `[audit]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// What an answer waits for.
    #[serde(default)]
    pub ack: Ack,
    /// The folder of the log files, mode 0700; made where it lacks.
    pub directory: PathBuf,
    /// Where it is mirrored to; nowhere without.
    pub syslog: Option<Syslog>,
    /// Who cosigns its checkpoints; nobody without.
    pub witness: Option<Witness>,
}

/// What the entry of a request must be before the answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Ack {
    /// On the disk.
    #[default]
    Durable,
    /// Covered by a signed checkpoint.
    Signed,
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The TLS listener; a socket handed over by systemd takes its place.
    pub address: SocketAddr,
    /// The name clients use; it stands in the certificate and in `system/config`.
    #[serde(default = "localhost")]
    pub hostname: String,
    /// Bounds on connections and patience.
    #[serde(default)]
    pub limits: Limits,
    /// A second, plain listener.
    pub plain_address: Option<SocketAddr>,
    /// What plain requests get, on either listener.
    #[serde(default)]
    pub plain_http: PlainHttp,
}

/// What a request without TLS gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum PlainHttp {
    /// The plain listener serves login, system and log endpoints, as the device does, and answers
    /// the rest 418.
    Device,
    /// 418, whatever was asked.
    #[default]
    Refuse,
}

/// `[metrics]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Allows an address that other hosts reach. What is told there is no secret and not protected.
    pub allow_remote: bool,
    /// Serves `/metrics` and `/health` there, in plain HTTP; a socket handed over by systemd takes
    /// its place. Without either they are not served.
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    /// Whether it may be told at `address`.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, address: SocketAddr) -> Result<(), &'static str> {
        match address.ip().to_canonical().is_loopback() || self.allow_remote {
            true => Ok(()),
            false => Err("metrics.listen is an address that other hosts reach: take one of this \
                host (127.0.0.1, [::1]), or say allow_remote = true"),
        }
    }
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM: the server's certificate, then its chain.
    pub certificate: PathBuf,
    /// PEM, PKCS#8, mode 0600; or `credential:NAME`.
    pub key: PathBuf,
}

/// `[token]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Environment of the worker, such as `SOFTHSM2_CONF`. A value that names a file beside the
    /// configuration is made absolute.
    #[serde(default)]
    pub environment: std::collections::BTreeMap<String, String>,
    /// The `CKA_LABEL` of the token.
    pub label: String,
    /// The path of the PKCS#11 module; the profile knows where it is when this is left out.
    pub module: Option<PathBuf>,
    /// The PIN, mode 0600; or `credential:NAME`. Only the worker reads it.
    pub pin_file: PathBuf,
    /// A built-in profile or the path of a TOML file (with a slash or ending in `.toml`).
    pub profile: String,
    /// Worker threads, a PKCS#11 session each; the profile says when it is left out.
    pub sessions: Option<usize>,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the line and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let fault = |why: String| ConfigError { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|error| fault(unreadable(&error)))?;
        let mut config: Self = toml::from_str(&text).map_err(|e| fault(format!("\n{e}")))?;
        let folder = path.canonicalize().map_err(|e| fault(e.to_string()))?;
        let folder = folder.parent().unwrap_or(Path::new("/"));
        config.anchor(folder).map_err(fault)?;
        config.check().map_err(|why| fault(why.to_owned()))?;
        Ok(config)
    }

    /// Whether the surface of this name is served. The HEM API always is.
    pub fn serves(&self, surface: &str) -> bool {
        match surface {
            "e2e" => self.e2e.enabled,
            "hem" => true,
            "key-agreement" => self.key_agreement.enabled,
            "key-service" => self.key_service.enabled,
            "pqc" => self.pqc.enabled,
            _ => false,
        }
    }

    fn anchor(&mut self, folder: &Path) -> Result<(), String> {
        self.audit.directory = folder.join(&self.audit.directory);
        self.audit.syslog.as_mut().map_or(Ok(()), |syslog| syslog.anchor(folder))?;
        self.audit.witness.as_mut().map(|witness| witness.anchor(folder)).unwrap_or_default();
        self.store.path = folder.join(&self.store.path);
        self.tls.certificate = folder.join(&self.tls.certificate);
        self.tls.key = secret_path(folder, &self.tls.key)?;
        self.token.pin_file = secret_path(folder, &self.token.pin_file)?;
        if let Some(module) = &mut self.token.module {
            *module = folder.join(&*module);
        }
        if Profile::is_path(&self.token.profile) {
            let path = folder.join(&self.token.profile);
            self.token.profile = path.to_string_lossy().into_owned();
        }
        for value in self.token.environment.values_mut() {
            let beside = folder.join(&*value);
            if !value.is_empty() && beside.exists() {
                *value = beside.to_string_lossy().into_owned();
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.listen.hostname.is_empty() {
            return Err("listen.hostname is empty: name the host as clients reach it");
        }
        if self.token.sessions == Some(0) {
            return Err("token.sessions is 0: one session at least does the work");
        }
        let limits = &self.listen.limits;
        let connections = limits.connections.min(limits.connections_per_address);
        if connections.min(limits.requests).min(limits.requests_per_address) == 0 {
            return Err("a limit of 0 on connections or requests lets nobody in: give at least 1");
        }
        if limits.refusals.min(limits.refusals_per_minute) == 0 {
            return Err("a limit of 0 on refusals refuses strangers everything: give at least 1");
        }
        if self.listen.plain_http == PlainHttp::Device && self.listen.plain_address.is_none() {
            return Err("plain_http = \"device\" needs listen.plain_address");
        }
        let patience = [limits.body_ms, limits.handshake_ms, limits.header_ms, limits.idle_ms];
        if patience.contains(&0) {
            return Err("a time limit of 0 under [listen.limits] lets no request in: give \
                handshake_ms, header_ms, body_ms and idle_ms time");
        }
        if self.hem.challenge_seconds == 0 {
            return Err("hem.challenge_seconds is 0: nobody could log in");
        }
        if self.hem.demands == 0 {
            return Err("hem.demands is 0: nobody could ask authenticators: give at least 1");
        }
        if self.hem.trusted_time == TrustedTime::Checkin && self.hem.backend_key.is_none() {
            return Err("trusted_time = \"checkin\" needs hem.backend_key: whom to believe");
        }
        self.audit.syslog.as_ref().map_or(Ok(()), Syslog::check)?;
        self.e2e.check()?;
        self.key_agreement.check()?;
        self.key_service.check()?;
        self.pqc.check()?;
        self.metrics.listen.map_or(Ok(()), |address| self.metrics.admits(address))
    }
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct ConfigError {
    path: PathBuf,
    why: String,
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file: name yours with --config; \
            docs/operating.md says what goes into one, and `clavigerd dev` makes one to try out"
            .to_owned(),
        _ => error.to_string(),
    }
}

/// `credential:NAME` is a file that the service manager handed over; anything else is a path.
fn secret_path(folder: &Path, path: &Path) -> Result<PathBuf, String> {
    let Some(name) = path.to_str().and_then(|text| text.strip_prefix("credential:")) else {
        return Ok(folder.join(path));
    };
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(directory) => Ok(Path::new(&directory).join(name)),
        None => Err(format!(
            "credential:{name} needs CREDENTIALS_DIRECTORY: start the daemon by its systemd unit, \
             or name a file"
        )),
    }
}

fn localhost() -> String {
    "localhost".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [listen]
        address = "127.0.0.1:8443"
        [tls]
        certificate = "server.pem"
        key = "server-key.pem"
        [token]
        profile = "softhsm2"
        label = "claviger"
        pin_file = "pin"
        [store]
        path = "state.db"
        [audit]
        directory = "audit"
    "#;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("claviger.toml");
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes())
            .unwrap();
        Config::load(&path)
    }

    #[test]
    fn paths_are_taken_from_the_files_folder() {
        let config = load(GOOD).unwrap();
        assert!(config.store.path.is_absolute());
        assert!(config.token.pin_file.ends_with("pin"));
        assert_eq!(config.token.profile, "softhsm2");
        let own = load(&GOOD.replace("\"softhsm2\"", "\"own.toml\"")).unwrap();
        assert!(own.token.profile.starts_with('/') && own.token.profile.ends_with("/own.toml"));
        let missing = Config::load(Path::new("/nowhere/claviger.toml")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/claviger.toml") && missing.contains("--config"));
        assert_eq!(config.listen.plain_http, PlainHttp::Refuse);
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let error = load(&GOOD.replace("label", "labell")).unwrap_err().to_string();
        assert!(error.contains("labell") && error.contains("line 9"), "{error}");
        let error = load(&GOOD.replace("127.0.0.1:8443", "here")).unwrap_err().to_string();
        assert!(error.contains("address") || error.contains("line 3"), "{error}");
    }

    #[test]
    fn other_surfaces_are_served_where_they_are_enabled() {
        let off = load(GOOD).unwrap();
        for surface in crate::surface::ALL {
            let name = surface.name();
            assert!(!off.serves(name), "{name}");
            for spelling in [name.to_owned(), name.replace('-', "_")] {
                let on = load(&format!("{GOOD}\n[{spelling}]\nenabled = true")).unwrap();
                assert!(on.serves(name), "{spelling}");
            }
        }
        assert!(off.serves("hem"));
    }

    #[test]
    fn contradictions_are_refused() {
        for bad in [
            GOOD.replace("[tls]", "plain_http = \"device\"\n[tls]"),
            GOOD.replace("[store]", "sessions = 0\n[store]"),
            GOOD.replace("[tls]", "hostname = \"\"\n[tls]"),
            GOOD.replace("[tls]", "[listen.limits]\nheader_ms = 0\n[tls]"),
            GOOD.replace("[tls]", "[listen.limits]\nhandshake_ms = 0\n[tls]"),
            GOOD.replace("[tls]", "[listen.limits]\nbody_ms = 0\n[tls]"),
            format!("{GOOD}\n[hem]\nchallenge_seconds = 0"),
            format!("{GOOD}\n[metrics]\nlisten = \"0.0.0.0:9464\""),
            format!("{GOOD}\n[metrics]\nlisten = \"[::]:9464\""),
            format!("{GOOD}\n[e2e]\nrsa_bits = 1024"),
            format!("{GOOD}\n[pqc]\nkeys = 0"),
            format!("{GOOD}\n[key-agreement]\nreferences = 0"),
            format!("{GOOD}\n[key-agreement]\nlogins = 0"),
            format!("{GOOD}\n[key-agreement]\nidentifier = \"\""),
            format!("{GOOD}\n[key_service]\nbodies = 0"),
            format!("{GOOD}\n[key_service]\nargon2_kib = 1024"),
        ] {
            assert!(load(&bad).is_err());
        }
        for good in ["listen = \"[::1]:9464\"", "allow_remote = true\nlisten = \"0.0.0.0:9464\""] {
            load(&format!("{GOOD}\n[metrics]\n{good}")).unwrap();
        }
    }
}
