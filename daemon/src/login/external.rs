//! What is remembered of exchanges with external authenticators (hem.md A7): nothing but which
//! nonces were used.

use std::net::IpAddr;

use tokio::time::Instant;

use super::Throttle;
use super::challenge::Nonces;
use crate::allowance::Allowance;
use crate::fault::Fault;
use crate::inbound::Peer;

/// The nonces of pairings and of requests for a scope, and the delay against guessing.
pub struct External {
    demands: Allowance<Option<IpAddr>>,
    pairings: Nonces,
    requests: Nonces,
    throttle: Throttle,
    uses: Nonces,
}

/// What a nonce is for. None is good for anything else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Errand {
    /// Pairing an authenticator.
    Pairing,
    /// Asking for the use of one key.
    Use,
    /// Asking for another scope.
    Scope,
}

impl Errand {
    /// How long it may take, in seconds.
    pub fn patience(self) -> u64 {
        match self {
            Self::Pairing => 86_400,
            Self::Use => 900,
            Self::Scope => 3600,
        }
    }
}

impl External {
    /// One where each address may ask for a scope `demands` times a minute.
    pub(super) fn new(demands: u32) -> Result<Self, Fault> {
        Ok(Self {
            demands: Allowance::per_minute(demands),
            pairings: Nonces::new(Errand::Pairing.patience())?,
            requests: Nonces::new(Errand::Scope.patience())?,
            throttle: Throttle::default(),
            uses: Nonces::new(Errand::Use.patience())?,
        })
    }

    /// Lets somebody at `peer` ask for a scope once more: it costs the token an agreement with each
    /// authenticator.
    ///
    /// # Errors
    /// [`Fault::Throttled`]
    pub fn demand(&self, peer: Option<Peer>) -> Result<(), Fault> {
        Ok(self.demands.take(peer.map(Peer::household))?)
    }

    /// A fresh nonce.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the host has no randomness.
    pub fn issue(&self, errand: Errand, now: u64) -> Result<[u8; 32], Fault> {
        self.nonces(errand).issue(now)
    }

    /// Whether `nonce` could still be answered.
    pub fn is_open(&self, errand: Errand, nonce: &[u8; 32], now: u64) -> bool {
        self.nonces(errand).is_open(nonce, now)
    }

    /// Uses `nonce`; of any number of callers exactly one gets `true`.
    pub fn spend(&self, errand: Errand, nonce: &[u8; 32], now: u64) -> bool {
        self.nonces(errand).spend(nonce, now)
    }

    /// When an answer of an authenticator that arrived at `arrival` may be answered.
    pub fn answer_at(&self, arrival: Instant, good: bool) -> Instant {
        self.throttle.answer_at(arrival, good)
    }

    fn nonces(&self, errand: Errand) -> &Nonces {
        match errand {
            Errand::Pairing => &self.pairings,
            Errand::Use => &self.uses,
            Errand::Scope => &self.requests,
        }
    }
}
