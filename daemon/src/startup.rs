//! From a configuration to a daemon that could serve: token, state, log, in that order.

mod fault;
mod recovery;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Acknowledge, Anchor, Ext, Log, LogResult, LogType, Options, Subject};
use hsm_profiles::transport::Limits;
use hsm_profiles::transport::process::{REFUSALS_FD, WorkerCommand};
use hsm_profiles::{
    Group, Profile, System, SystemPublic, TokenFault, TokenStatus, Vault, open_private,
};
use tokio::sync::mpsc;

use crate::accounts::Accounts;
use crate::agreement::Agreements;
use crate::anchors::anchors;
use crate::appliance::{Appliance, Parts};
use crate::attestation::Attestor;
use crate::certificate::Certificate;
use crate::claim::Claim;
use crate::clerk::Clerk;
use crate::config::{self, Ack, Config, TrustedTime};
use crate::device::Device;
use crate::exchange::Exchange;
use crate::holdings;
use crate::keyring::{Keyring, Recovery};
use crate::keyservice::KeyService;
use crate::logbook::Logbook;
use crate::logger_key::LoggerKey;
use crate::login::{Asks, CheckIn, Desk, Tickets};
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::power::{End, Switch};
use crate::selftest::Examiner;
use crate::startup::recovery::{enter_flaws, recover};
use crate::store::{Mac, Store};
use crate::witness::Witness;

pub use fault::StartFault;

/// Everything behind the sockets.
pub struct Opened {
    /// What the handlers work with.
    pub appliance: Appliance,
    /// The device.
    pub device: Device,
    /// Says when a caller ends this run.
    pub ends: mpsc::Receiver<End>,
    /// The audit log.
    pub log: Log,
    /// What sends the log to a collector, if it shall be.
    pub mirror: Option<Mirror>,
    /// The state file.
    pub store: Store,
    /// The keys in the token.
    pub vault: Vault,
    /// The daemon's own keys in the token.
    pub system: System,
    /// What has the log's checkpoints cosigned, if they shall be.
    pub witness: Option<Witness>,
}

/// Opens everything that `config` names, whose state is claimed, and has it counted. A token that has
/// never been used gets its system keys.
///
/// # Errors
/// [`StartFault`] says what failed and how to mend it. Nothing was served then.
pub async fn open(
    config: &Config,
    metrics: &Metrics,
    _claim: &Claim,
) -> Result<Opened, StartFault> {
    crate::clock::forget();
    // The state file opens while the token does, which takes longer.
    let (token, store) = tokio::join!(open_token(config), Store::open(&config.store.path));
    let (vault, system, status) = token?;
    let store = store?.counted_by(Arc::clone(&metrics.transactions));
    system.vitals().tell(metrics.operations.clone());
    tell_withdrawn(&status);
    let groups = status.groups.clone();
    let (public, attestation) = system_keys(&store, &system, status).await?;
    let hostname = config.listen.hostname.clone();
    let device = Device::open(store.clone(), system.clone(), public, hostname).await?;
    let (keyring, recovery) = Keyring::open(store.clone(), vault.clone(), system.clone()).await?;
    let signer = LoggerKey::of(&system, &public);
    let anchors = anchors(&system, &store);
    let log = start_log(config, (signer, anchors), metrics).await?;
    let begun = Begun {
        attestation,
        device,
        groups,
        keyring,
        log: log.clone(),
        public,
        store,
        system,
        vault,
    };
    let furnished = furnish(config, metrics, begun, recovery).await;
    if furnished.is_err() {
        // The log needs the runtime for its last signature.
        let ended = tokio::task::spawn_blocking(move || {
            let (kind, ok) = (LogType::LOG_TYPE_SHUTDOWN, LogResult::LOG_RESULT_OK);
            let entered = log.append(kind, ok, Subject::None, Ext::None);
            log.shutdown();
            entered.is_ok()
        });
        if !matches!(ended.await, Ok(true)) {
            tracing::error!("that the start failed could not be entered in the audit log");
        }
    }
    furnished
}

/// What there is when the log has begun.
struct Begun {
    attestation: Option<Vec<u8>>,
    device: Device,
    groups: Vec<Group>,
    keyring: Keyring,
    log: Log,
    public: SystemPublic,
    store: Store,
    system: System,
    vault: Vault,
}

/// The rest of a start.
async fn furnish(
    config: &Config,
    metrics: &Metrics,
    begun: Begun,
    recovery: Recovery,
) -> Result<Opened, StartFault> {
    let Begun { attestation, mut device, groups, keyring, log, .. } = begun;
    let Begun { public, store, system, vault, .. } = begun;
    let examiner = Examiner::new(system.clone(), log.clone());
    examiner.examine(Subject::None, 0).await.map_err(StartFault::SelfTest)?;
    let clerk = Clerk::start(store.clone(), log.clone());
    if recover((&keyring, &store), (&log, &clerk), recovery).await? {
        let hostname = config.listen.hostname.clone();
        device = Device::open(store.clone(), system.clone(), public, hostname).await?;
    }
    let (switch, ends) = Switch::new();
    let desk = Desk::open(&config.hem).map_err(StartFault::Randomness)?;
    let asks = Asks {
        backend: config.hem.backend_key.map(|key| key.0),
        identity: public.identity,
        relies_on_it: config.hem.trusted_time == TrustedTime::Checkin,
    };
    let tickets =
        Tickets::new(store.clone(), Arc::new(system.clone()), log.clone(), config.pqc.tokens);
    let exchange = Exchange::new((&store, &system, &log), config.e2e);
    let key_service = KeyService::new((&store, &system, &log), config.key_service);
    let agreements = Agreements::new(vault.clone(), groups, &config.key_agreement);
    let accounts = open_accounts(config, (&store, &system), (&desk, &agreements), &log).await?;
    let checkin = CheckIn::new(asks, desk.clone(), examiner.clone(), log.clone());
    let appliance = Appliance::new(Parts {
        accounts,
        agreements,
        attestor: Attestor::new(system.clone(), attestation, &config.store.path),
        certificate: Certificate::new(config.tls.clone()),
        checkin: checkin.map_err(StartFault::Randomness)?,
        clerk,
        desk,
        device: device.clone(),
        examiner,
        exchange: exchange.map_err(StartFault::Randomness)?,
        key_service: key_service.map_err(StartFault::Randomness)?,
        keyring,
        log: log.clone(),
        logbook: Logbook::new(log.clone(), system.clone()),
        pqc: config.pqc,
        raw_ecdh: config.hem.raw_ecdh,
        requests: Arc::clone(&metrics.requests),
        switch,
        tickets,
    });
    holdings::sweep(&appliance, config.pqc);
    let (mirror, witness) = elsewhere(config, &log, metrics)?;
    Ok(Opened { appliance, device, ends, log, mirror, store, vault, system, witness })
}

fn tell_withdrawn(status: &TokenStatus) {
    for (kind, why) in &status.withdrawn {
        tracing::warn!(%kind, "the profile says that the token has keys of this type: {why}");
    }
}

/// What sends the log elsewhere, where that is configured.
fn elsewhere(
    config: &Config,
    log: &Log,
    metrics: &Metrics,
) -> Result<(Option<Mirror>, Option<Witness>), StartFault> {
    let syslog = config.audit.syslog.as_ref();
    let mirror = syslog.map(|syslog| {
        Mirror::start(log, syslog, &config.listen.hostname, Arc::clone(&metrics.mirrored))
    });
    let mirror = mirror.transpose()?;
    let witness = config.audit.witness.as_ref();
    let witness = witness.map(|witness| Witness::start(log, witness)).transpose()?;
    Ok((mirror, witness))
}

/// Opens the keys alone, for commands that work while the daemon does not run: the claim on the state
/// says that it does not.
///
/// # Errors
/// [`StartFault`], as for [`open`].
pub async fn open_keyring(config: &Config, _claim: &Claim) -> Result<Keyring, StartFault> {
    let (vault, system, status) = open_token(config).await?;
    let store = Store::open(&config.store.path).await?;
    system_keys(&store, &system, status).await?;
    let (keyring, _) = Keyring::open(store, vault, system).await?;
    Ok(keyring)
}

pub(crate) async fn open_token(
    config: &Config,
) -> Result<(Vault, System, TokenStatus), StartFault> {
    look_at_token(&config.token)?;
    Vault::open(worker(config), Limits::default()).await.map_err(|fault| match fault {
        TokenFault::PinRefused => StartFault::PinRefused(refusals(config)),
        TokenFault::Down(why) => StartFault::TokenClosed(why),
        other => other.into(),
    })
}

/// Looks at what `[token]` names, which another start would not find either.
fn look_at_token(token: &config::Token) -> Result<(), StartFault> {
    let fault = |key, path: &Path, error| StartFault::TokenFile(key, path.to_owned(), error);
    let profile = Profile::load(&token.profile)?;
    match token.module.as_deref().or_else(|| profile.module()) {
        Some(module) => File::open(module).map_err(|error| fault("module", module, error))?,
        None => return Err(StartFault::NoModule(profile.title)),
    };
    let pin = &token.pin_file;
    open_private(pin).map_err(|error| fault("pin_file", pin, error)).map(drop)
}

/// The file that remembers a refused PIN.
fn refusals(config: &Config) -> PathBuf {
    config.store.path.with_file_name("pin-refused")
}

/// How the token worker is started: this program again, with nothing in its environment but what
/// the configuration says.
fn worker(config: &Config) -> WorkerCommand {
    let token = &config.token;
    let mut arguments: Vec<OsString> = vec![
        "hsm-worker".into(),
        "--profile".into(),
        token.profile.clone().into(),
        "--label".into(),
        token.label.clone().into(),
    ];
    if let Some(module) = &token.module {
        arguments.extend(["--module".into(), module.clone().into()]);
    }
    if let Some(sessions) = token.sessions {
        arguments.extend(["--sessions".into(), sessions.to_string().into()]);
    }
    arguments.extend(["--refusals".into(), REFUSALS_FD.to_string().into()]);
    let mut command = WorkerCommand::this_program(arguments, token.pin_file.clone());
    command.refusals = Some(refusals(config));
    let environment = token.environment.iter();
    command.environment.extend(environment.map(|(name, value)| (name.into(), value.into())));
    command
}

/// The public halves of the system keys, and the point of the attestation key. They are made where
/// neither the token nor the state knows any. A token without them beside a state that was made with some is the wrong token.
pub(crate) async fn system_keys(
    store: &Store,
    system: &System,
    status: TokenStatus,
) -> Result<(SystemPublic, Option<Vec<u8>>), StartFault> {
    if let Some(public) = status.system {
        // A token of an earlier version gets the keys that it lacks. Where sealed keys are known
        // already it has lost the one that opens them, which another would only cover up.
        let whole = status.has_kek && status.attestation.is_some();
        if !whole && (status.has_kek || !store.has_sealed().await?) {
            tracing::info!(token = %status.label, "making the system keys that the token lacks");
            return Ok((public, system.provision().await?.attestation));
        }
        return Ok((public, status.attestation));
    }
    if !store.is_fresh().await? {
        return Err(StartFault::ForeignToken(status.label));
    }
    tracing::info!(token = %status.label, "the token is new: making the system keys");
    let status = system.provision().await?;
    Ok((status.system.ok_or(StartFault::Unprovisioned)?, status.attestation))
}

async fn start_log(
    config: &Config,
    (signer, anchors): (LoggerKey, Vec<Box<dyn Anchor>>),
    metrics: &Metrics,
) -> Result<Log, StartFault> {
    let directory = config.audit.directory.clone();
    let mut options = Options::new(&directory, crate::NAME_AND_VERSION);
    options.watch = Some(metrics.writing.clone());
    options.acknowledge = match config.audit.ack {
        Ack::Durable => Acknowledge::Durable,
        Ack::Signed => Acknowledge::Signed,
    };
    let started = tokio::task::spawn_blocking(move || {
        make_private(&directory).map_err(StartFault::LogFolder)?;
        let log = Log::start_anchored(options, Box::new(signer), anchors)?;
        let ok = LogResult::LOG_RESULT_OK;
        let _ = log.append(LogType::LOG_TYPE_STARTUP, ok, Subject::None, Ext::None)?;
        Ok(log)
    });
    started.await.map_err(|_| StartFault::Unprovisioned)?
}

/// The accounts; those that were changed outside the daemon are entered and refused.
async fn open_accounts(
    config: &Config,
    (store, system): (&Store, &System),
    (desk, agreements): (&Desk, &Agreements),
    log: &Log,
) -> Result<Accounts, StartFault> {
    let mac: Arc<dyn Mac> = Arc::new(system.clone());
    let behind = (desk.clone(), agreements.clone());
    let opened = Accounts::open((store.clone(), mac), behind, &config.key_agreement).await;
    let (accounts, damaged) = opened.map_err(StartFault::Accounts)?;
    if damaged > 0 {
        tracing::error!(damaged, "accounts were changed outside the daemon: they are refused");
    }
    enter_flaws(log, vec![Ext::Text("account".to_owned()); damaged]).await;
    Ok(accounts)
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
