//! What strangers may leave in the log: so many refusals of one address, and then they are turned away
//! without a trace, before an entry is opened.

use std::net::{IpAddr, Ipv4Addr};

use policies::Caller;

use crate::allowance::Allowance;
use crate::config::Limits;
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::route::Route;

/// The refusals of late, by address.
pub(super) struct Strangers(Allowance<IpAddr>);

/// Somebody without a token, and where he is.
#[derive(Clone, Copy)]
pub(super) struct Stranger(IpAddr);

impl Stranger {
    /// The caller, where he is a stranger and is refused with an entry if at all.
    pub(super) fn of(caller: &Caller, peer: Option<Peer>, route: &Route) -> Option<Self> {
        let address = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), Peer::household);
        (caller.is_anonymous() && route.log.tells_refusals()).then_some(Self(address))
    }
}

impl Strangers {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Allowance::new(limits.refusals, limits.refusals_per_minute))
    }

    /// # Errors
    /// [`Fault::Throttled`] where too much of this address was refused.
    pub(super) fn admit(&self, stranger: Option<Stranger>) -> Result<(), Fault> {
        match stranger {
            Some(Stranger(address)) => Ok(self.0.look(&address)?),
            None => Ok(()),
        }
    }

    /// He was refused, and has left an entry.
    pub(super) fn refused(&self, stranger: Stranger) {
        self.0.charge(stranger.0);
    }
}
