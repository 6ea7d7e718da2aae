//! What an operator does to the audit log as a whole, while the daemon does not run.

use std::path::PathBuf;

use audit::{LogKey, Options};
use hsm_profiles::{System, SystemPublic, Vault};

use crate::anchors::anchors;
use crate::claim::Claim;
use crate::config::Config;
use crate::logger_key::LoggerKey;
use crate::startup::{StartFault, open_token, system_keys};
use crate::store::Store;

/// Sets the audit log aside and begins another one. Answers where the old one is now.
///
/// # Errors
/// [`StartFault`]; it can be done again then.
pub(crate) async fn begin_log_anew(config: &Config, reason: String) -> Result<PathBuf, StartFault> {
    let Opened { _claim, _vault, system, store, public } = open(config).await?;
    let (signer, anchors) = (LoggerKey::of(&system, &public), anchors(&system, &store));
    let options = options(config);
    let begun = tokio::task::spawn_blocking(move || {
        audit::begin_anew(options, Box::new(signer), anchors, &reason)
    });
    let aside = begun.await.map_err(|_| StartFault::Unprovisioned)??;
    store.close().await;
    Ok(aside)
}

/// Makes a new logger key in the token, which signs the log from now on, and the one before along with
/// it. Answers the new one. Where two keys sign already nothing is changed.
///
/// # Errors
/// [`StartFault`]; it can be done again then.
pub(crate) async fn rotate_logger_key(config: &Config) -> Result<LogKey, StartFault> {
    let Opened { _claim, _vault, system, store, public } = open(config).await?;
    let public = match public.other_logger {
        Some(_) => public,
        None => system.make_logger().await?.system.ok_or(StartFault::Unprovisioned)?,
    };
    let (signer, anchors) = (LoggerKey::of(&system, &public), anchors(&system, &store));
    let options = options(config);
    let begun = tokio::task::spawn_blocking(move || {
        audit::begin_rotation(options, Box::new(signer), anchors)
    });
    let key = begun.await.map_err(|_| StartFault::Unprovisioned)??;
    store.close().await;
    Ok(key)
}

/// Destroys the older one of two logger keys that sign the log. Answers the one that stays.
///
/// # Errors
/// [`StartFault`]; it can be done again then.
pub(crate) async fn retire_logger_key(config: &Config) -> Result<LogKey, StartFault> {
    let Opened { _claim, _vault, system, store, public } = open(config).await?;
    let signer = LoggerKey::of(&system, &public);
    let (options, places) = (options(config), (system.clone(), store.clone()));
    let ended = tokio::task::spawn_blocking(move || {
        let (system, store) = places;
        audit::end_rotation(options, Box::new(signer), &|| anchors(&system, &store))
    });
    let key = ended.await.map_err(|_| StartFault::Unprovisioned)??;
    system.retire_logger(key.key().to_bytes()).await?;
    store.close().await;
    Ok(key)
}

/// What all of this works with.
struct Opened {
    /// Keeps the daemon from starting.
    _claim: Claim,
    /// Keeps the token open.
    _vault: Vault,
    system: System,
    store: Store,
    public: SystemPublic,
}

async fn open(config: &Config) -> Result<Opened, StartFault> {
    let claim = Claim::on(&config.store.path)?;
    let (vault, system, status) = open_token(config).await?;
    let store = Store::open(&config.store.path).await?;
    let (public, _) = system_keys(&store, &system, status).await?;
    Ok(Opened { _claim: claim, _vault: vault, system, store, public })
}

fn options(config: &Config) -> Options {
    Options::new(config.audit.directory.clone(), crate::NAME_AND_VERSION)
}
