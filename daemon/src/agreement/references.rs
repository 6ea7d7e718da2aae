//! The keys that wait for their login: in memory alone, so that none outlives the process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hsm_profiles::SecretBytes;
use uuid::Uuid;

use crate::fault::Fault;

/// Keys by their references. Each serves once, within two minutes.
pub(super) struct References {
    table: Mutex<Table>,
    limit: usize,
}

#[derive(Default)]
struct Table {
    keys: HashMap<Uuid, (Instant, SecretBytes)>,
    /// The same, by their end.
    ends: BTreeSet<(Instant, Uuid)>,
}

impl References {
    /// At most `limit` keys at once.
    pub(super) fn new(limit: usize) -> Self {
        Self { table: Mutex::default(), limit }
    }

    /// Whether another key can be kept now, to be asked before the work that it takes.
    ///
    /// # Errors
    /// [`Fault::Throttled`] says when the next of them ends.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Fault> {
        self.table().admit(now, self.limit)
    }

    /// Keeps `key` for two minutes.
    ///
    /// # Errors
    /// As [`References::admit`], where others came first meanwhile.
    pub(super) fn keep(&self, name: Uuid, key: SecretBytes, now: Instant) -> Result<(), Fault> {
        let mut table = self.table();
        table.admit(now, self.limit)?;
        let end = now + LIFETIME;
        table.keys.insert(name, (end, key));
        table.ends.insert((end, name));
        Ok(())
    }

    /// Takes the key out.
    pub(super) fn take(&self, name: &Uuid, now: Instant) -> Option<SecretBytes> {
        let mut table = self.table();
        let (end, key) = table.keys.remove(name)?;
        table.ends.remove(&(end, *name));
        (now < end).then_some(key)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn admit(&mut self, now: Instant, limit: usize) -> Result<(), Fault> {
        while let Some((end, name)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.ends.remove(&(end, name));
            self.keys.remove(&name);
        }
        match self.ends.first() {
            Some((end, _)) if self.keys.len() >= limit => {
                Err(Fault::Throttled(end.saturating_duration_since(now)))
            }
            _ => Ok(()),
        }
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
        let (references, now) = (References::new(4), Instant::now());
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        references.keep(one, key(1), now).unwrap();
        references.keep(two, key(2), now).unwrap();
        let before = now + LIFETIME - Duration::from_millis(1);
        assert_eq!(references.take(&one, before).unwrap().expose(), [1; 16]);
        assert!(references.take(&one, before).is_none());
        assert!(references.take(&two, now + LIFETIME).is_none());
        assert!(references.take(&two, now).is_none());
        assert!(references.take(&Uuid::from_u128(3), now).is_none());
        assert!(references.table().ends.is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_swept() {
        let (references, now) = (References::new(2), Instant::now());
        let later = now + Duration::from_secs(50);
        references.keep(Uuid::from_u128(1), key(1), now).unwrap();
        references.keep(Uuid::from_u128(2), key(2), later).unwrap();
        let full = |at| match references.admit(at) {
            Err(Fault::Throttled(wait)) => Some(wait),
            _ => None,
        };
        assert_eq!(full(later), Some(Duration::from_secs(70)));
        assert!(references.keep(Uuid::from_u128(3), key(3), later).is_err());
        assert!(references.take(&Uuid::from_u128(3), later).is_none());
        assert_eq!(full(now + LIFETIME), None);
        assert_eq!(references.table().keys.len(), 1);
        references.take(&Uuid::from_u128(2), later).unwrap();
        assert_eq!(full(later), None);
    }

    #[test]
    fn of_many_at_once_one_gets_the_key() {
        let (references, now) = (References::new(1), Instant::now());
        let name = Uuid::from_u128(7);
        references.keep(name, key(7), now).unwrap();
        let taken: usize = std::thread::scope(|scope| {
            let take = || scope.spawn(|| usize::from(references.take(&name, now).is_some()));
            let threads: Vec<_> = (0..64).map(|_| take()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
    }
}
