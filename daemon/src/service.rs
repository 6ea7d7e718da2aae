//! The running daemon: sockets, signals, the way down and, after a reboot, up again.

use std::sync::Arc;
use std::time::Duration;

use audit::{Ext, LogResult, LogType, Subject};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::certificate::settle;
use crate::claim::Claim;
use crate::clock;
use crate::config::{Config, PlainHttp};
use crate::device::Device;
use crate::listen::{Entrance, Reception, TlsFault, Validity, objections, server_config};
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::monitor::Monitor;
use crate::pipeline::Pipeline;
use crate::power::End;
use crate::route::Route;
use crate::routes::routes;
pub use crate::sockets::Addresses;
use crate::sockets::Sockets;
use crate::startup::{self, Opened, StartFault};
use crate::wipe::wipe;

/// A daemon whose sockets are bound and which does not answer yet.
pub struct Service {
    claim: Claim,
    config: Config,
    opened: Opened,
    metrics: Metrics,
    sockets: Sockets,
}

impl Service {
    /// Claims the state, binds the sockets and opens everything.
    ///
    /// # Errors
    /// [`StartFault`] says what failed and how to mend it.
    pub async fn open(config: Config) -> Result<Self, StartFault> {
        let claim = Claim::on(&config.store.path)?;
        let sockets = Sockets::open(&config).await?;
        // A certificate that can't be used is found before the log has begun.
        end_exchange(&config);
        server_config(&config.tls.certificate, &config.tls.key)?;
        let metrics = Metrics::new(&served(&config));
        let opened = startup::open(&config, &metrics, &claim).await?;
        Ok(Self { claim, config, opened, metrics, sockets })
    }

    /// The device behind it.
    pub fn device(&self) -> &Device {
        &self.opened.device
    }

    /// The audit log.
    pub fn log(&self) -> &audit::Log {
        &self.opened.log
    }

    /// Closes it without having served, after something else has failed.
    pub(crate) async fn close(self) {
        close(self.opened, End::Stop).await;
    }

    pub(crate) fn accounts(&self) -> &crate::accounts::Accounts {
        self.opened.appliance.accounts()
    }

    pub(crate) fn clerk(&self) -> &crate::clerk::Clerk {
        self.opened.appliance.clerk()
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`StartFault::Listen`]
    pub fn addresses(&self) -> Result<Addresses, StartFault> {
        self.sockets.addresses()
    }

    /// Serves until SIGTERM, SIGINT or a caller's request, then lets requests under way finish. A
    /// caller's reboot opens everything anew behind the same sockets, and goes on.
    ///
    /// # Errors
    /// [`StartFault`] where the certificate can't be used, or something does not open again.
    pub async fn run(self, ready: impl FnOnce() + Send) -> Result<Ended, StartFault> {
        let Self { claim, config, mut opened, metrics, sockets } = self;
        let world = World { claim, config, metrics, sockets };
        let mut signals = Signals::new()?;
        tokio::spawn(keep_watchdog_quiet());
        let mut ready = Some(ready);
        loop {
            let announce = || ready.take().map(|ready| ready()).unwrap_or_default();
            let end = match serve(&world, &mut opened, &mut signals, announce).await {
                Ok(end) => end,
                Err(fault) => {
                    close(opened, End::Stop).await;
                    return Err(fault);
                }
            };
            match close(opened, end).await {
                Some(ended) => {
                    let _ = sd_notify::notify(&[NotifyState::Stopping]);
                    return Ok(ended);
                }
                None => {
                    opened = startup::open(&world.config, &world.metrics, &world.claim).await?;
                }
            }
            tracing::info!("started anew");
        }
    }
}

/// What ended the daemon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// A caller, so it shall stay down.
    ByCaller,
    /// The service manager.
    BySignal,
}

/// What outlives a reboot.
struct World {
    claim: Claim,
    config: Config,
    metrics: Metrics,
    sockets: Sockets,
}

/// One run, from the first connection to the last.
async fn serve(
    world: &World,
    opened: &mut Opened,
    signals: &mut Signals,
    ready: impl FnOnce(),
) -> Result<End, StartFault> {
    let World { config, metrics, sockets, .. } = world;
    let limits = config.listen.limits;
    let serves_plain = config.listen.plain_http == PlainHttp::Device;
    let appliance = opened.appliance.clone();
    let pipeline = Pipeline::new(appliance, served(config), &limits, serves_plain)
        .map_err(StartFault::Routes)?;
    let (stop, stopping) = watch::channel(false);
    end_exchange(config);
    let shown = Shown { config, device: &opened.device, metrics };
    let (renew, certificate) = watch::channel(shown.read()?);
    let monitor = Monitor::new(opened, metrics.clone());
    let watched = sockets.metrics.clone().map(|socket| monitor.receive(socket, stopping.clone()));
    let connections = Arc::clone(&metrics.connections);
    let reception = Reception::new(pipeline, certificate, (limits, connections), stopping);
    let mut entrances = tokio::task::JoinSet::new();
    entrances.spawn(reception.clone().receive(Arc::clone(&sockets.tls), Entrance::Tls));
    if let Some(plain) = &sockets.plain {
        entrances.spawn(reception.clone().receive(Arc::clone(plain), Entrance::Plain));
    }
    if let Some(watched) = watched {
        entrances.spawn(watched);
    }
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    ready();
    let end = tokio::select! {
        end = opened.ends.recv() => end.unwrap_or(End::Stop),
        () = signals.wait_for_the_end(&shown, &renew) => End::Stop,
    };
    tracing::info!("stopping: requests under way may finish");
    stop.send_replace(true);
    while entrances.join_next().await.is_some() {}
    reception.drain().await;
    Ok(end)
}

fn end_exchange(config: &Config) {
    if let Err(error) = settle(&config.tls) {
        tracing::error!(%error, "an exchange of the TLS key that broke off can't be ended");
    }
}

/// The certificate that is shown.
struct Shown<'a> {
    config: &'a Config,
    device: &'a Device,
    metrics: &'a Metrics,
}

impl Shown<'_> {
    /// Reads it, and warns of what clients will not like.
    fn read(&self) -> Result<Arc<rustls::ServerConfig>, TlsFault> {
        let tls = &self.config.tls;
        let (server, own) = server_config(&tls.certificate, &tls.key)?;
        for why in objections(&own, &self.device.hostname(), clock::host()) {
            tracing::warn!("the certificate {}: {why}", tls.certificate.display());
        }
        self.metrics.shown.until(Validity::of(&own).map_or(0, |validity| validity.until));
        Ok(server)
    }
}

/// The rows of the surfaces that the configuration enables.
fn served(config: &Config) -> Vec<Route> {
    routes().into_iter().filter(|row| config.serves(row.surface.name())).collect()
}

/// What the service manager says. It is listened to without a gap, reboots included.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, StartFault> {
        let listen = |kind| {
            signal(kind).map_err(|error| StartFault::Listen("a signal handler".to_owned(), error))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT. SIGHUP reads the certificate anew; one that can't be used
    /// changes nothing.
    async fn wait_for_the_end(
        &mut self,
        shown: &Shown<'_>,
        renew: &watch::Sender<Arc<rustls::ServerConfig>>,
    ) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {}
            }
            match shown.read() {
                Ok(server) => {
                    renew.send_replace(server);
                    tracing::info!("the certificate was read anew");
                }
                Err(error) => tracing::error!(%error, "the old certificate stays in use"),
            }
        }
    }
}

/// Tells the service manager that the runtime still turns, as often as it wants to hear it.
async fn keep_watchdog_quiet() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut beat = tokio::time::interval(patience.max(Duration::from_secs(2)) / 2);
    loop {
        beat.tick().await;
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }
}

/// Does what the end of the run asks for and closes everything. `None` where it goes on anew.
async fn close(opened: Opened, end: End) -> Option<Ended> {
    let Opened { appliance, log, mirror, store, vault, witness, .. } = opened;
    appliance.clerk().flush().await;
    let ended = match end {
        End::Halt => Some(Ended::ByCaller),
        End::Reboot => None,
        End::Stop => Some(Ended::BySignal),
        End::Wipe(order) => {
            match wipe(appliance.keyring(), &store, &log, &order).await {
                Ok(()) => tracing::warn!("everything was destroyed, as the caller asked"),
                Err(error) => {
                    tracing::error!(%error, "not everything is destroyed yet: trying again")
                }
            }
            None
        }
    };
    let closed = tokio::task::spawn_blocking(move || {
        // A caller's request has left an entry of its own.
        let entered = match ended {
            Some(Ended::BySignal) => {
                let (kind, ok) = (LogType::LOG_TYPE_SHUTDOWN, LogResult::LOG_RESULT_OK);
                log.append(kind, ok, Subject::None, Ext::None).map(|_| ())
            }
            _ => Ok(()),
        };
        log.shutdown();
        mirror.map(Mirror::finish).unwrap_or_default();
        entered
    });
    if !matches!(closed.await, Ok(Ok(()))) {
        tracing::error!("the shutdown could not be entered in the audit log");
    }
    if let Some(witness) = witness {
        witness.finish().await;
    }
    // What still runs on its own must not change the token, or the state, beside the next run.
    vault.close().await;
    store.close().await;
    ended
}
