//! From the socket to the request: accept, tell TLS from plain, shake hands, serve, drain.

mod connection;
mod limits;
mod pace;
mod sniff;
mod teapot;
mod tls;
mod validity;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::config::Limits;
use crate::metrics::Connections;
use crate::pipeline::Pipeline;

pub(crate) use limits::{Doorkeeper, Place};
pub use tls::{TlsFault, server_config};
pub(crate) use tls::{fits, fits_together, identity, read_private};
pub(crate) use validity::{Validity, objections};

/// What every connection needs. Cloning is shallow.
#[derive(Clone)]
pub struct Reception {
    pipeline: Pipeline,
    /// The server's side of TLS; a new one when the certificate is renewed.
    tls: watch::Receiver<Arc<ServerConfig>>,
    limits: Limits,
    doorkeeper: Arc<Doorkeeper>,
    connections: Arc<Connections>,
    /// Becomes true when the daemon stops.
    stopping: watch::Receiver<bool>,
}

/// Which of the two listeners a connection came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entrance {
    /// Serves no TLS at all.
    Plain,
    /// Serves TLS; whatever else comes is answered 418.
    Tls,
}

impl Reception {
    /// Connections are served by `pipeline` until `stopping` becomes true.
    pub(crate) fn new(
        pipeline: Pipeline,
        tls: watch::Receiver<Arc<ServerConfig>>,
        (limits, connections): (Limits, Arc<Connections>),
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let doorkeeper =
            Arc::new(Doorkeeper::new(limits.connections, limits.connections_per_address));
        Self { pipeline, tls, limits, doorkeeper, connections, stopping }
    }

    /// Accepts connections until the daemon stops.
    pub async fn receive(self, listener: Arc<TcpListener>, entrance: Entrance) {
        let mut stopping = self.stopping.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => self.clone().welcome(stream, peer, entrance),
                Err(error) => {
                    // Out of descriptors, most likely: waiting beats spinning.
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Waits until every connection is done, for as long as the configuration grants.
    pub async fn drain(&self) {
        let all_gone = self.doorkeeper.wait_until_empty();
        if tokio::time::timeout(self.limits.drain(), all_gone).await.is_err() {
            tracing::warn!("stopped with connections open: they took longer than drain_ms");
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.tls.borrow()))
    }

    fn welcome(self, stream: TcpStream, peer: SocketAddr, entrance: Entrance) {
        let place = match self.doorkeeper.admit(peer.ip()) {
            Ok(place) => place,
            Err(why) => {
                tracing::debug!(%peer, ?why, "turned away: too many connections");
                return self.connections.refuse(why);
            }
        };
        let inside = self.connections.enter();
        // An answer is one small write: it must not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            connection::serve(self, stream, entrance).await;
            drop((place, inside));
        });
    }
}
