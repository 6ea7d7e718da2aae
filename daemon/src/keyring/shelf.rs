//! The records in memory.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use hsm_profiles::{BadPoint, ForeignPoint, KeyType};
use policies::{Kid, Subject};

use super::KeyFault;
use crate::store::Record;

/// All records: by KID, the good ones of the device in the order of their creation, and those of
/// single owners by whose they are and what they are called.
#[derive(Default)]
pub(super) struct Shelf {
    slots: HashMap<Kid, Slot>,
    order: Vec<Arc<Entry>>,
    owned: HashMap<(Subject, String), Vec<Arc<Entry>>>,
}

/// A record, and its public key ready for agreements.
pub(super) struct Entry {
    pub(super) record: Record,
    point: OnceLock<ForeignPoint>,
}

enum Slot {
    Good(Arc<Entry>),
    /// Its MAC did not fit.
    Damaged,
}

impl Shelf {
    /// The good record of a key of the device. A key of a single owner is not there, whoever asks.
    pub(super) fn find(&self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
        match self.entry(kid)? {
            entry if entry.record.owner.is_none() => Ok(entry),
            _ => Err(KeyFault::Absent),
        }
    }

    /// The good record of a key of a single owner.
    pub(super) fn find_owned(&self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
        match self.entry(kid)? {
            entry if entry.record.owner.is_some() => Ok(entry),
            _ => Err(KeyFault::Absent),
        }
    }

    /// The oldest key of this owner that is called so and is of this type.
    pub(super) fn standing(
        &self,
        owner: Subject,
        label: &str,
        kind: KeyType,
    ) -> Option<Arc<Entry>> {
        let mut called = self.called(owner, label).iter();
        called.find(|entry| entry.record.kind == kind).map(Arc::clone)
    }

    /// How many keys this owner has that are called so.
    pub(super) fn holds(&self, owner: Subject, label: &str) -> usize {
        self.called(owner, label).len()
    }

    /// The good record with this KID, whosever it is.
    pub(super) fn entry(&self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
        match self.slots.get(&kid) {
            Some(Slot::Good(entry)) => Ok(Arc::clone(entry)),
            Some(Slot::Damaged) => Err(KeyFault::Damaged),
            None => Err(KeyFault::Absent),
        }
    }

    /// Puts a record in its place, over an older version of it.
    pub(super) fn place(&mut self, record: Record) {
        self.remove(record.kid);
        let entry = Arc::new(Entry { record, point: OnceLock::new() });
        self.slots.insert(entry.record.kid, Slot::Good(Arc::clone(&entry)));
        let row = match entry.holding() {
            None => &mut self.order,
            Some(holding) => self.owned.entry(holding).or_default(),
        };
        let at = row.partition_point(|other| other.rank() < entry.rank());
        row.insert(at, entry);
    }

    /// Has a key refused from now on.
    pub(super) fn mark_damaged(&mut self, kid: Kid) {
        self.remove(kid);
        self.slots.insert(kid, Slot::Damaged);
    }

    /// Takes a good record out, whosever it is. Of several who try, one gets it.
    pub(super) fn take(&mut self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
        let entry = self.entry(kid)?;
        self.remove(kid);
        Ok(entry)
    }

    /// Takes out whatever is known about a key.
    pub(super) fn remove(&mut self, kid: Kid) {
        let Some(Slot::Good(entry)) = self.slots.remove(&kid) else { return };
        let row = match entry.holding() {
            None => Some(&mut self.order),
            Some(holding) => self.owned.get_mut(&holding),
        };
        let Some(row) = row else { return };
        // Ranks are unique: the sequence is, in the state file.
        let at = row.partition_point(|other| other.rank() < entry.rank());
        if at < row.len() {
            row.remove(at);
        }
    }

    /// Every KID, those of damaged records too.
    pub(super) fn names(&self) -> Vec<Kid> {
        self.slots.keys().copied().collect()
    }

    /// The good records of the device's keys, oldest first.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.order
    }

    /// All good records, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.slots.values().filter_map(|slot| match slot {
            Slot::Good(entry) => Some(entry),
            Slot::Damaged => None,
        })
    }

    /// How many records are damaged.
    pub(super) fn damaged(&self) -> usize {
        self.slots.values().filter(|slot| matches!(slot, Slot::Damaged)).count()
    }

    fn called(&self, owner: Subject, label: &str) -> &[Arc<Entry>] {
        self.owned.get(&(owner, label.to_owned())).map_or(&[], Vec::as_slice)
    }
}

impl Entry {
    /// The public half, checked for agreements once and kept.
    pub(super) fn point(&self) -> Result<&ForeignPoint, BadPoint> {
        if let Some(point) = self.point.get() {
            return Ok(point);
        }
        let public = self.record.public.as_deref().ok_or(BadPoint::NotAnAgreementKey)?;
        let point = ForeignPoint::parse(self.record.kind, public)?;
        Ok(self.point.get_or_init(|| point))
    }

    /// Under what a key of a single owner is kept.
    fn holding(&self) -> Option<(Subject, String)> {
        self.record.owner.map(|owner| (owner, self.record.label.clone()))
    }

    fn rank(&self) -> (u64, u64) {
        (self.record.created, self.record.sequence)
    }
}
