//! The key service: encrypted messages for whoever holds a passphrase or a private key.
//!
//! [`mod@format`] knows what clients send and get, and nothing of the token, the store or the clock; the
//! rest is what is done about it.

mod create;
mod delete;
pub mod format;
mod outer;
mod proof;
mod read;
mod send;
mod sweep;

use std::net::IpAddr;
use std::sync::Arc;

use audit::Log;
use hsm_profiles::System;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub use create::Brought;
pub use proof::Proof;
pub use send::Parcel;

use self::format::date::Date;
use self::format::{FormatError, Limits};
use self::outer::Outer;
use crate::allowance::Allowance;
use crate::clock::now;
use crate::config::KeyService as Config;
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::pipeline::LargeBodies;
use crate::store::{Room, Store, StoreFault};

/// The key service. Cloning is shallow.
#[derive(Clone)]
pub struct KeyService(Arc<Parts>);

struct Parts {
    store: Store,
    system: System,
    log: Log,
    config: Config,
    outer: Outer,
    creations: Allowance<Origin>,
    readings: Allowance<Origin>,
    sendings: Allowance<Origin>,
    large: LargeBodies,
    /// Whether the token has what wraps keys, once somebody has asked.
    ready: OnceCell<()>,
}

/// A passphrase.
pub type Passphrase = Arc<Zeroizing<String>>;

/// Where a request comes from, as far as it is counted: of IPv6 the network.
type Origin = Option<IpAddr>;

impl KeyService {
    /// The key service over `store` and the token. Keys that are too old are removed within an hour.
    ///
    /// # Errors
    /// [`Fault::Internal`] where the host has no randomness.
    pub(crate) fn new(
        (store, system, log): (&Store, &System, &Log),
        config: Config,
    ) -> Result<Self, Fault> {
        let (store, system, log) = (store.clone(), system.clone(), log.clone());
        if config.enabled && config.days > 0 {
            tokio::spawn(sweep::sweep(store.clone(), log.clone(), config.days));
        }
        let creations = Allowance::per_minute(config.creations);
        let readings = Allowance::per_minute(config.readings);
        let sendings = Allowance::per_minute(config.sendings);
        let (outer, ready) = (Outer::new(&config)?, OnceCell::new());
        let large = LargeBodies::new(&config);
        Ok(Self(Arc::new(Parts {
            store,
            system,
            log,
            config,
            outer,
            creations,
            readings,
            sendings,
            large,
            ready,
        })))
    }

    /// Whether anybody may use it.
    pub fn is_open(&self) -> bool {
        self.0.config.anonymous
    }

    pub(crate) fn large_bodies(&self) -> &LargeBodies {
        &self.0.large
    }

    fn room(&self) -> Room {
        let Config { messages, key_bytes, total_bytes, .. } = self.0.config;
        Room { messages, key_bytes, total_bytes }
    }

    fn limits(&self) -> Limits {
        Limits { bytes: self.0.config.message_bytes, ..Limits::default() }
    }
}

fn today() -> Date {
    Date::from_milliseconds(now().saturating_mul(1000))
}

fn origin(peer: Option<Peer>) -> Origin {
    peer.map(Peer::household)
}

/// Runs what takes long apart from the threads that serve.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Internal)
}

fn broken(fault: StoreFault) -> Fault {
    fault.into()
}

impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Internal => Self::Internal,
            FormatError::Malformed(_) | FormatError::TooLarge | FormatError::Unopened => {
                Self::Invalid(error.to_string().into())
            }
        }
    }
}
