//! The records in memory.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use hsm_profiles::{BadPoint, ForeignPoint};
use policies::Kid;

use super::KeyFault;
use crate::store::Record;

/// All records: by KID, and the good ones in the order of their creation.
#[derive(Default)]
pub(super) struct Shelf {
    slots: HashMap<Kid, Slot>,
    order: Vec<Arc<Entry>>,
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
    /// The good record with this KID.
    pub(super) fn find(&self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
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
        let at = self.order.partition_point(|other| other.rank() < entry.rank());
        self.slots.insert(entry.record.kid, Slot::Good(Arc::clone(&entry)));
        self.order.insert(at, entry);
    }

    /// Has a key refused from now on.
    pub(super) fn mark_damaged(&mut self, kid: Kid) {
        self.remove(kid);
        self.slots.insert(kid, Slot::Damaged);
    }

    /// Takes a good record out. Of several who try, one gets it.
    pub(super) fn take(&mut self, kid: Kid) -> Result<Arc<Entry>, KeyFault> {
        let entry = self.find(kid)?;
        self.remove(kid);
        Ok(entry)
    }

    /// Takes out whatever is known about a key.
    pub(super) fn remove(&mut self, kid: Kid) {
        if let Some(Slot::Good(entry)) = self.slots.remove(&kid) {
            // Ranks are unique: the sequence is, in the state file.
            let at = self.order.partition_point(|other| other.rank() < entry.rank());
            if at < self.order.len() {
                self.order.remove(at);
            }
        }
    }

    /// Every KID, those of damaged records too.
    pub(super) fn names(&self) -> Vec<Kid> {
        self.slots.keys().copied().collect()
    }

    /// The good records, oldest first.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.order
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

    fn rank(&self) -> (u64, u64) {
        (self.record.created, self.record.sequence)
    }
}
