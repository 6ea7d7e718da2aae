//! Failures that may be guesses at what is inside a ciphertext. The answer to one tells nothing, nor how
//! long it takes; but whoever is wrong so often as it takes to learn something from less is stopped.

use std::net::IpAddr;

use policies::Subject;

use super::Owner;
use crate::allowance::{Allowance, Spent};
use crate::config::E2e;
use crate::fault::{Alarm, Fault};

/// How many failures there may be: of one caller, and ten times as many from one address, so that one
/// caller stops nobody else there. All failures count alike, or the count would tell them apart.
pub(super) struct Guesses {
    callers: Allowance<Subject>,
    addresses: Allowance<IpAddr>,
}

impl Guesses {
    pub(super) fn new(config: &E2e) -> Self {
        let (at_once, per_minute) = (config.failures, config.failures_per_minute);
        let more = |number: u32| number.saturating_mul(CALLERS_AT_ONE_ADDRESS);
        Self {
            callers: Allowance::new(at_once, per_minute),
            addresses: Allowance::new(more(at_once), more(per_minute)),
        }
    }

    /// Whether anything of this caller is looked into, to be asked before that.
    ///
    /// # Errors
    /// [`Fault::Throttled`], the first time as an alarm.
    pub(super) fn admit(&self, owner: &Owner) -> Result<(), Fault> {
        self.callers.look(&owner.subject).map_err(|spent| stopped(spent, "caller", owner))?;
        let address = owner.visitor.origin;
        let looked = address.map_or(Ok(()), |address| self.addresses.look(&address));
        looked.map_err(|spent| stopped(spent, "address", owner))
    }

    /// It was wrong.
    pub(super) fn charge(&self, owner: &Owner) {
        self.callers.charge(owner.subject);
        if let Some(address) = owner.visitor.origin {
            self.addresses.charge(address);
        }
    }
}

fn stopped(spent: Spent, what: &str, owner: &Owner) -> Fault {
    let is_news = spent.is_news;
    let fault = Fault::from(spent);
    if !is_news {
        return fault;
    }
    let address = owner.visitor.origin.map(|address| address.to_string()).unwrap_or_default();
    let whose = format!("e2e {what} {address} {}", owner.visitor.name());
    tracing::warn!(%what, %address, "so many failures at e2e that they may be guesses");
    Fault::Alarm(Alarm { fault: Box::new(fault), whose })
}

const CALLERS_AT_ONE_ADDRESS: u32 = 10;
