//! The keys that wait for their login: in memory alone, so that none outlives the process.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hsm_profiles::SecretBytes;
use uuid::Uuid;

use crate::fault::Fault;

/// Keys by their references. Each serves once, within two minutes.
pub(super) struct References {
    table: Mutex<Table>,
    limits: Limits,
}

/// How many there may be.
#[derive(Clone, Copy)]
struct Limits {
    in_all: usize,
    each: usize,
}

#[derive(Default)]
struct Table {
    keys: HashMap<Uuid, Waiting>,
    /// The same, by their end.
    ends: BTreeSet<(Instant, Uuid)>,
    /// The same, by where they are for.
    origins: HashMap<Origin, BTreeSet<(Instant, Uuid)>>,
}

struct Waiting {
    end: Instant,
    key: SecretBytes,
    origin: Origin,
}

/// Where a client is, as far as that is counted.
type Origin = Option<IpAddr>;

impl References {
    /// At most `in_all` keys at once, and `each` of those for one address.
    pub(super) fn new(in_all: usize, each: usize) -> Self {
        Self { table: Mutex::default(), limits: Limits { in_all, each } }
    }

    /// Whether another key can be kept now, to be asked before the work that it takes.
    ///
    /// # Errors
    /// [`Fault::Throttled`] says when the next of them ends.
    pub(super) fn admit(&self, origin: Origin, now: Instant) -> Result<(), Fault> {
        self.table().admit(origin, now, self.limits)
    }

    /// Keeps a key by its name for two minutes.
    ///
    /// # Errors
    /// As [`References::admit`], where others came first meanwhile.
    pub(super) fn keep(
        &self,
        (name, key): (Uuid, SecretBytes),
        origin: Origin,
        now: Instant,
    ) -> Result<(), Fault> {
        let mut table = self.table();
        table.admit(origin, now, self.limits)?;
        let end = now + LIFETIME;
        table.keys.insert(name, Waiting { end, key, origin });
        table.ends.insert((end, name));
        table.origins.entry(origin).or_default().insert((end, name));
        Ok(())
    }

    /// Takes the key out.
    pub(super) fn take(&self, name: &Uuid, now: Instant) -> Option<SecretBytes> {
        let Waiting { end, key, .. } = self.table().remove(name)?;
        (now < end).then_some(key)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn admit(&mut self, origin: Origin, now: Instant, limits: Limits) -> Result<(), Fault> {
        while let Some((_, name)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.remove(&name);
        }
        let none = BTreeSet::new();
        let here = self.origins.get(&origin).unwrap_or(&none);
        let full = [(&self.ends, limits.in_all), (here, limits.each)]
            .into_iter()
            .find(|(waiting, most)| waiting.len() >= *most);
        match full.and_then(|(waiting, _)| waiting.first()) {
            Some((end, _)) => Err(Fault::Throttled(end.saturating_duration_since(now))),
            None => Ok(()),
        }
    }

    fn remove(&mut self, name: &Uuid) -> Option<Waiting> {
        let waiting = self.keys.remove(name)?;
        let place = (waiting.end, *name);
        self.ends.remove(&place);
        if let Some(here) = self.origins.get_mut(&waiting.origin) {
            here.remove(&place);
            if here.is_empty() {
                self.origins.remove(&waiting.origin);
            }
        }
        Some(waiting)
    }
}

const LIFETIME: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::new(vec![byte; 16])
    }

    #[test]
    fn a_key_serves_once_and_in_time() {
        let (references, now) = (References::new(4, 4), Instant::now());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        references.keep((one, key(1)), None, now).unwrap();
        references.keep((two, key(2)), None, now).unwrap();
        let before = now + LIFETIME - Duration::from_millis(1);
        assert_eq!(references.take(&one, before).unwrap().expose(), [1; 16]);
        assert!(references.take(&one, before).is_none());
        assert!(references.take(&two, now + LIFETIME).is_none());
        assert!(references.take(&two, now).is_none());
        assert!(references.take(&Uuid::from_u128(3), now).is_none());
        let table = references.table();
        assert!(table.ends.is_empty() && table.origins.is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_swept() {
        let (references, now) = (References::new(2, 2), Instant::now());
        let later = now + Duration::from_secs(50);
        references.keep((Uuid::from_u128(1), key(1)), None, now).unwrap();
        references.keep((Uuid::from_u128(2), key(2)), None, later).unwrap();
        assert_eq!(full(&references, None, later), Some(70));
        assert!(references.keep((Uuid::from_u128(3), key(3)), None, later).is_err());
        assert!(references.take(&Uuid::from_u128(3), later).is_none());
        assert_eq!(full(&references, None, now + LIFETIME), None);
        assert_eq!(references.table().keys.len(), 1);
        references.take(&Uuid::from_u128(2), later).unwrap();
        assert_eq!(full(&references, None, later), None);
    }

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let (references, now) = (References::new(4, 2), Instant::now());
        let [one, other] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
        let later = now + Duration::from_secs(20);
        references.keep((Uuid::from_u128(1), key(1)), other, now).unwrap();
        references.keep((Uuid::from_u128(2), key(2)), one, later).unwrap();
        references.keep((Uuid::from_u128(3), key(3)), one, later).unwrap();
        assert_eq!(full(&references, one, later), Some(120), "when one of its own ends");
        assert!(references.keep((Uuid::from_u128(4), key(4)), one, later).is_err());
        assert_eq!((full(&references, other, later), full(&references, None, later)), (None, None));
        references.take(&Uuid::from_u128(2), later).unwrap();
        references.keep((Uuid::from_u128(4), key(4)), one, later).unwrap();
        references.keep((Uuid::from_u128(5), key(5)), other, later).unwrap();
        assert_eq!(full(&references, None, later), Some(100), "when the first of all ends");
        assert_eq!(full(&references, one, later + LIFETIME), None);
    }

    #[test]
    fn of_many_at_once_one_gets_the_key() {
        let (references, now) = (References::new(1, 1), Instant::now());
        let name = Uuid::from_u128(7);
        references.keep((name, key(7)), None, now).unwrap();
        let taken: usize = std::thread::scope(|scope| {
            let take = || scope.spawn(|| usize::from(references.take(&name, now).is_some()));
            let threads: Vec<_> = (0..64).map(|_| take()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
    }

    /// In how many seconds there is room.
    fn full(references: &References, origin: Origin, at: Instant) -> Option<u64> {
        match references.admit(origin, at) {
            Err(Fault::Throttled(wait)) => Some(wait.as_secs()),
            _ => None,
        }
    }
}
