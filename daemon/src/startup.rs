//! From a configuration to a daemon that could serve: token, state, log, in that order.

mod recovery;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use audit::{
    Acknowledge, Anchor, Ext, Log, LogResult, LogType, Options, StartError, Subject, Unwritten,
};
use hsm_profiles::transport::Limits;
use hsm_profiles::transport::process::{REFUSALS_FD, WorkerCommand};
use hsm_profiles::{System, SystemPublic, TokenFault, TokenStatus, Vault};
use tokio::sync::mpsc;

use crate::accounts::Accounts;
use crate::agreement::Agreements;
use crate::anchors::anchors;
use crate::appliance::{Appliance, Parts};
use crate::attestation::Attestor;
use crate::certificate::Certificate;
use crate::claim::Claim;
use crate::clerk::Clerk;
use crate::config::{Ack, Config, TrustedTime};
use crate::device::Device;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::keyring::{Keyring, OpenError};
use crate::keyservice::KeyService;
use crate::logbook::Logbook;
use crate::logger_key::LoggerKey;
use crate::login::{Asks, CheckIn, Desk, Tickets};
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::outbound::OutboundFault;
use crate::power::{End, Switch};
use crate::selftest::Examiner;
use crate::startup::recovery::{enter_flaws, recover};
use crate::store::{Mac, SettingsFault, Store, StoreFault};
use crate::wipe::WipeFault;
use crate::witness::Witness;

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
    let mut device = Device::open(store.clone(), system.clone(), public, hostname.clone()).await?;
    let (keyring, recovery) = Keyring::open(store.clone(), vault.clone(), system.clone()).await?;
    let signer = LoggerKey::of(&system, &public);
    let anchors = anchors(&system, &store);
    let log = start_log(config, (signer, anchors), metrics).await?;
    let examiner = Examiner::new(system.clone(), log.clone());
    examiner.examine(Subject::None, 0).await.map_err(StartFault::SelfTest)?;
    let clerk = Clerk::start(store.clone(), log.clone());
    if recover((&keyring, &store), (&log, &clerk), recovery).await? {
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
    let exchange = Exchange::new(store.clone(), system.clone(), config.e2e);
    let key_service = KeyService::new(store.clone(), system.clone(), config.key_service);
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
        requests: Arc::clone(&metrics.requests),
        switch,
        tickets,
    });
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
    Vault::open(worker(config), Limits::default()).await.map_err(|fault| match fault {
        TokenFault::PinRefused => StartFault::PinRefused(refusals(config)),
        other => other.into(),
    })
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

fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Why the daemon did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The accounts can't be read.
    #[error("the accounts can't be read: {}", .0.detail())]
    Accounts(Fault),
    /// The state can't be claimed.
    #[error("{0} can't be locked ({1}): its directory must exist and belong to the daemon's user")]
    Claim(String, std::io::Error),
    /// The state belongs to another token.
    #[error(
        "the token {0} has no system keys, and the state file was made with some: give the token \
         that belongs to it, or move the state file away to start afresh"
    )]
    ForeignToken(String),
    /// Another process works with the state.
    #[error("another clavigerd uses this state: stop it first ({0})")]
    InUse(String),
    /// The keys can't be opened.
    #[error(transparent)]
    Keys(#[from] OpenError),
    /// A socket can't be had.
    #[error("{0}: {1}")]
    Listen(String, std::io::Error),
    /// The log does not begin.
    #[error(transparent)]
    Log(#[from] StartError),
    /// The log's first entries can't be written.
    #[error(transparent)]
    LogEntries(#[from] Unwritten),
    /// The folder of the log can't be made.
    #[error("audit.directory: {0}")]
    LogFolder(std::io::Error),
    /// The collector or the witness of the log can't be reached as configured.
    #[error("audit.syslog or audit.witness: {0}")]
    Outbound(#[from] OutboundFault),
    /// The host has no randomness.
    #[error("the host gives no random bytes ({0:?})")]
    Randomness(Fault),
    /// The token refused the PIN, now or at an earlier start.
    #[error(
        "the token refuses its PIN, which is not tried again: mend the PIN and start the daemon; \
         where the PIN is right and the token was locked, unlock the token and remove {}",
        .0.display()
    )]
    PinRefused(PathBuf),
    /// Two rows of the route table contradict each other: a defect.
    #[error("the route table: {0}")]
    Routes(String),
    /// The self-test could not be done. One that fails does not end up here.
    #[error("the self-test can't be done: {}", .0.detail())]
    SelfTest(Fault),
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    /// The state can't be opened.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] crate::listen::TlsFault),
    /// The token can't be opened.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// A wipe can't be carried out.
    #[error(
        "everything is to be destroyed, as a caller of the last run asked, and not everything is: {0}; \
         the next start goes on with it"
    )]
    Wipe(#[from] WipeFault),
    /// The token did not make its system keys.
    #[error("the token did not make the system keys: see what it logs")]
    Unprovisioned,
}
