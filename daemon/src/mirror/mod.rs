//! The audit log, mirrored to a collector of syslog: every line, once or more and in its order, from
//! the log files themselves, in a thread of its own that no request waits for.

mod carrier;
mod channel;
mod message;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use audit::Log;

use crate::config::{Collector, Syslog};
use crate::metrics::Mirrored;
use crate::mirror::carrier::Carrier;
use crate::mirror::channel::Route;
use crate::outbound::{self, OutboundFault};

/// A mirror that runs. Dropped, it stops by itself; nobody waits for it then.
pub struct Mirror {
    /// Dropped, it is the wish to stop.
    stop: Sender<()>,
    /// Its other half is dropped at the end of the thread.
    ended: Receiver<()>,
}

impl Mirror {
    /// Begins to send `log` as `config` says, under the name `hostname`. The collector need not be
    /// there.
    ///
    /// # Errors
    /// Which file of `config` can't be used, and why.
    pub(crate) fn start(
        log: &Log,
        config: &Syslog,
        hostname: &str,
        figures: Arc<Mirrored>,
    ) -> Result<Self, OutboundFault> {
        let route = match &config.address {
            Collector::Unix(path) => Route::Unix(path.clone()),
            Collector::Tcp(place) => Route::Tcp(place.clone()),
            Collector::Tls(place) => {
                // The configuration has one wherever the address is of TLS.
                let ca = config.ca.as_deref().unwrap_or(Path::new(""));
                let own = config.certificate.as_ref().zip(config.key.as_ref());
                let tls = outbound::client_config(ca, own)?;
                Route::Tls(place.clone(), outbound::server_name(&place.host)?, tls)
            }
        };
        let sender = message::Sender {
            facility: config.facility,
            hostname: hostname.to_owned(),
            app_name: config.app_name.clone(),
            origin: log.key().origin().to_owned(),
        };
        let (stop, stopped) = mpsc::channel();
        let (ends, ended) = mpsc::channel::<()>();
        let to = (route, config.address.to_string());
        let carrier = Carrier::new(log.clone(), to, sender, stopped, figures);
        let run = move || {
            let _ends = ends;
            carrier.run();
        };
        let spawned = thread::Builder::new().name("syslog".to_owned()).spawn(run);
        spawned.map_err(|error| OutboundFault::new("the thread of the mirror", error))?;
        Ok(Self { stop, ended })
    }

    /// Has the rest of a log that was shut down sent, and waits for that a few seconds at most. What
    /// is not sent by then is sent after the next start. Blocks.
    pub(crate) fn finish(self) {
        let Self { stop, ended } = self;
        drop(stop);
        let _ = ended.recv_timeout(LAST);
    }
}

/// Below what service managers wait.
const LAST: Duration = Duration::from_secs(5);
