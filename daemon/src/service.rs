//! The running daemon: sockets, signals, the way down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use audit::{Ext, LogResult, LogType, Subject};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, PlainHttp};
use crate::device::Device;
use crate::listen::{Entrance, Reception, server_config};
use crate::pipeline::Pipeline;
use crate::routes::routes;
use crate::startup::{self, Opened, StartFault};

/// A daemon whose sockets are bound and which does not answer yet.
pub struct Service {
    config: Config,
    opened: Opened,
    tls: TcpListener,
    plain: Option<TcpListener>,
}

/// Where a daemon listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The TLS listener.
    pub tls: SocketAddr,
    /// The plain listener.
    pub plain: Option<SocketAddr>,
}

impl Service {
    /// Opens everything and binds the sockets.
    ///
    /// # Errors
    /// [`StartFault`] says what failed and how to mend it.
    pub async fn open(config: Config) -> Result<Self, StartFault> {
        let (tls, plain) = listeners(&config).await?;
        let opened = startup::open(&config).await?;
        Ok(Self { config, opened, tls, plain })
    }

    /// The device behind it.
    pub fn device(&self) -> &Device {
        &self.opened.device
    }

    /// The audit log.
    pub fn log(&self) -> &audit::Log {
        &self.opened.log
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`StartFault::Listen`]
    pub fn addresses(&self) -> Result<Addresses, StartFault> {
        let of = |listener: &TcpListener| {
            listener.local_addr().map_err(|e| StartFault::Listen("a listener".to_owned(), e))
        };
        Ok(Addresses { tls: of(&self.tls)?, plain: self.plain.as_ref().map(of).transpose()? })
    }

    /// Serves until SIGTERM or SIGINT, then lets requests under way finish.
    ///
    /// # Errors
    /// [`StartFault`] where the certificate can't be used.
    pub async fn run(self, ready: impl FnOnce() + Send) -> Result<(), StartFault> {
        let Self { config, opened, tls, plain } = self;
        let limits = config.listen.limits;
        let serves_plain = config.listen.plain_http == PlainHttp::Device;
        let appliance = opened.appliance.clone();
        let pipeline = Pipeline::new(appliance, routes(), limits.body(), serves_plain)
            .map_err(StartFault::Routes)?;
        let (stop, stopping) = watch::channel(false);
        let server = server_config(&config.tls.certificate, &config.tls.key)?;
        let (renew, certificate) = watch::channel(server);
        let reception = Reception::new(pipeline, certificate, limits, stopping);
        let mut entrances = tokio::task::JoinSet::new();
        entrances.spawn(reception.clone().receive(tls, Entrance::Tls));
        if let Some(plain) = plain {
            entrances.spawn(reception.clone().receive(plain, Entrance::Plain));
        }
        tokio::spawn(keep_watchdog_quiet());
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        ready();
        wait_for_the_end(&config, &renew).await?;
        tracing::info!("stopping: requests under way may finish");
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        stop.send_replace(true);
        while entrances.join_next().await.is_some() {}
        reception.drain().await;
        close(opened).await;
        Ok(())
    }
}

/// The sockets that systemd hands over, by their order, or else those of the configuration.
async fn listeners(config: &Config) -> Result<(TcpListener, Option<TcpListener>), StartFault> {
    let mut inherited = ListenFd::from_env();
    let mut inherit = |index, what: &str| {
        let socket = inherited.take_tcp_listener(index);
        let socket = socket.map_err(|e| StartFault::Listen(format!("the inherited {what}"), e))?;
        socket
            .map(|socket| {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket)
            })
            .transpose()
            .map_err(|e| StartFault::Listen(format!("the inherited {what}"), e))
    };
    let (tls, plain) = (inherit(0, "TLS socket")?, inherit(1, "plain socket")?);
    let tls = match tls {
        Some(socket) => socket,
        None => bind(config.listen.address).await?,
    };
    let plain = match (plain, config.listen.plain_address) {
        (Some(socket), _) => Some(socket),
        (None, Some(address)) => Some(bind(address).await?),
        (None, None) => None,
    };
    Ok((tls, plain))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartFault> {
    TcpListener::bind(address).await.map_err(|e| StartFault::Listen(address.to_string(), e))
}

/// Waits for SIGTERM or SIGINT. SIGHUP reads the certificate anew; one that can't be used changes
/// nothing.
async fn wait_for_the_end(
    config: &Config,
    renew: &watch::Sender<Arc<rustls::ServerConfig>>,
) -> Result<(), StartFault> {
    let handler = |kind| {
        signal(kind).map_err(|error| StartFault::Listen("a signal handler".to_owned(), error))
    };
    let mut terminate = handler(SignalKind::terminate())?;
    let mut interrupt = handler(SignalKind::interrupt())?;
    let mut hang_up = handler(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => {}
        }
        match server_config(&config.tls.certificate, &config.tls.key) {
            Ok(server) => {
                renew.send_replace(server);
                tracing::info!("the certificate was read anew");
            }
            Err(error) => tracing::error!(%error, "the old certificate stays in use"),
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

/// The last entry, then everything closed behind it.
async fn close(opened: Opened) {
    let log = opened.log.clone();
    let closed = tokio::task::spawn_blocking(move || {
        let (kind, ok) = (LogType::LOG_TYPE_SHUTDOWN, LogResult::LOG_RESULT_OK);
        let entered = log.append(kind, ok, Subject::None, Ext::None);
        log.shutdown();
        entered.map(|_| ())
    });
    if !matches!(closed.await, Ok(Ok(()))) {
        tracing::error!("the shutdown could not be entered in the audit log");
    }
    opened.store.close().await;
}
