//! The sockets: those that the service manager hands over, and those that the daemon opens.

use std::net::SocketAddr;
use std::sync::Arc;

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::startup::StartFault;

/// Where a daemon is reached. They stay open through reboots.
pub(crate) struct Sockets {
    /// For metrics and health.
    pub(crate) metrics: Option<Arc<TcpListener>>,
    /// For plain requests.
    pub(crate) plain: Option<Arc<TcpListener>>,
    /// For TLS.
    pub(crate) tls: Arc<TcpListener>,
}

/// Where a daemon listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The listener for metrics and health.
    pub metrics: Option<SocketAddr>,
    /// The plain listener.
    pub plain: Option<SocketAddr>,
    /// The TLS listener.
    pub tls: SocketAddr,
}

impl Sockets {
    /// Takes what was handed over and opens the others that `config` names.
    ///
    /// # Errors
    /// [`StartFault::Listen`]
    pub(crate) async fn open(config: &Config) -> Result<Self, StartFault> {
        // The names are gone once the sockets are taken.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<_> = names.split(':').collect();
        let mut inherited = ListenFd::from_env();
        let mut take = |name: &'static str, place| match whereabouts(&names, name, place) {
            Some(index) => adopt(&mut inherited, index, name),
            None => Ok(None),
        };
        let tls = take("tls", Some(0))?;
        let plain = take("plain", Some(1))?;
        let metrics = take("metrics", None)?;
        let metrics = or_bound(metrics, config.metrics.listen).await?;
        if let Some(listener) = &metrics {
            let address = of(listener)?;
            config.metrics.admits(address).map_err(|why| {
                StartFault::Listen(address.to_string(), std::io::Error::other(why))
            })?;
        }
        let tls = match tls {
            Some(socket) => socket,
            None => bind(config.listen.address).await?,
        };
        let plain = or_bound(plain, config.listen.plain_address).await?;
        Ok(Self { metrics: metrics.map(Arc::new), plain: plain.map(Arc::new), tls: Arc::new(tls) })
    }

    /// Where they are.
    ///
    /// # Errors
    /// [`StartFault::Listen`]
    pub(crate) fn addresses(&self) -> Result<Addresses, StartFault> {
        Ok(Addresses {
            metrics: self.metrics.as_deref().map(of).transpose()?,
            plain: self.plain.as_deref().map(of).transpose()?,
            tls: of(&self.tls)?,
        })
    }
}

fn of(listener: &TcpListener) -> Result<SocketAddr, StartFault> {
    listener.local_addr().map_err(|error| StartFault::Listen("a listener".to_owned(), error))
}

/// Which of the sockets that were handed over is called `name`. The units of a host may leave the
/// names away: then `place` counts, among those without a name of ours.
fn whereabouts(names: &[&str], name: &str, place: Option<usize>) -> Option<usize> {
    let named = names.iter().position(|one| *one == name);
    let mut others = (0..).filter(|index| {
        !names.get(*index).is_some_and(|one| ["tls", "plain", "metrics"].contains(one))
    });
    let unnamed = !names.contains(&"tls") && !names.contains(&"plain");
    named.or_else(|| place.filter(|_| unnamed).and_then(|place| others.nth(place)))
}

fn adopt(
    inherited: &mut ListenFd,
    index: usize,
    name: &str,
) -> Result<Option<TcpListener>, StartFault> {
    let fault = |error| StartFault::Listen(format!("the inherited {name} socket"), error);
    let Some(socket) = inherited.take_tcp_listener(index).map_err(fault)? else { return Ok(None) };
    socket.set_nonblocking(true).map_err(fault)?;
    TcpListener::from_std(socket).map(Some).map_err(fault)
}

async fn or_bound(
    inherited: Option<TcpListener>,
    address: Option<SocketAddr>,
) -> Result<Option<TcpListener>, StartFault> {
    match (inherited, address) {
        (Some(socket), _) => Ok(Some(socket)),
        (None, Some(address)) => bind(address).await.map(Some),
        (None, None) => Ok(None),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartFault> {
    TcpListener::bind(address).await.map_err(|e| StartFault::Listen(address.to_string(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_apart_by_name_and_else_by_place() {
        let find = |names: &[&str]| {
            [("tls", Some(0)), ("plain", Some(1)), ("metrics", None)]
                .map(|(name, place)| whereabouts(names, name, place))
        };
        assert_eq!(find(&["tls"]), [Some(0), None, None]);
        assert_eq!(find(&["metrics", "tls"]), [Some(1), None, Some(0)]);
        assert_eq!(find(&["plain", "metrics", "tls"]), [Some(2), Some(0), Some(1)]);
        assert_eq!(find(&["clavigerd.socket", "metrics"]), [Some(0), Some(2), Some(1)]);
        assert_eq!(find(&[""]), [Some(0), Some(1), None], "no names at all");
    }
}
