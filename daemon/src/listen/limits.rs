//! How many connections there may be, in all and from one address; the same of requests with a body.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::inbound::Peer;
use crate::metrics::Turned;

/// Counts who is inside and turns away those above the bounds.
pub(crate) struct Doorkeeper {
    in_all: usize,
    each: usize,
    inside: Mutex<Inside>,
    emptied: Notify,
}

#[derive(Default)]
struct Inside {
    total: usize,
    each: HashMap<IpAddr, usize>,
}

/// Somebody who was let in; he leaves when this is dropped.
pub(crate) struct Place {
    doorkeeper: Arc<Doorkeeper>,
    address: IpAddr,
}

impl Doorkeeper {
    pub(crate) fn new(in_all: usize, each: usize) -> Self {
        Self { in_all, each, inside: Mutex::default(), emptied: Notify::new() }
    }

    /// A place for somebody at `address`, or why there is none.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Turned> {
        let address = Peer(address).household();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let here = inside.each.get(&address).copied().unwrap_or(0);
        if inside.total >= self.in_all {
            return Err(Turned::Full);
        }
        if here >= self.each {
            return Err(Turned::Address);
        }
        inside.total += 1;
        inside.each.insert(address, here + 1);
        Ok(Place { doorkeeper: Arc::clone(self), address })
    }

    /// Returns when nobody is inside.
    pub(super) async fn wait_until_empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.inside.lock().unwrap_or_else(PoisonError::into_inner).total == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.doorkeeper.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.total = inside.total.saturating_sub(1);
        match inside.each.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                inside.each.remove(&self.address);
            }
        }
        if inside.total == 0 {
            self.doorkeeper.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bounds_hold_and_places_come_back() {
        let doorkeeper = Arc::new(Doorkeeper::new(3, 2));
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = doorkeeper.admit(one).unwrap();
        let second = doorkeeper.admit(one).unwrap();
        assert_eq!(doorkeeper.admit(one).err(), Some(Turned::Address));
        let third = doorkeeper.admit(two).unwrap();
        assert_eq!(doorkeeper.admit(two).err(), Some(Turned::Full));
        drop(first);
        let fourth = doorkeeper.admit(two).unwrap();
        drop((second, third, fourth));
        doorkeeper.wait_until_empty().await;
        assert!(doorkeeper.inside.lock().unwrap().each.is_empty());
    }
}
