//! Looking at keys.

use policies::{ListKeys, Permit, ReadKey, SearchKeys};

use super::shelf::Entry;
use super::{KeyFault, KeyView, Keyring, Needle};

/// A part of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// How many come before this part.
    pub offset: usize,
    /// How many there are in all parts: exactly those that can be listed.
    pub total: usize,
    /// This part, oldest first.
    pub keys: Vec<KeyView>,
}

impl Keyring {
    /// One key.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`].
    #[expect(clippy::needless_pass_by_value, reason = "a permit is spent by what it allows")]
    pub fn read(&self, leave: Permit<ReadKey>) -> Result<KeyView, KeyFault> {
        let entry = self.0.shelf().find(leave.action().0)?;
        Ok(KeyView::of(&entry.record))
    }

    /// How many keys there are, those of single owners too, and of how many the records are damaged.
    pub fn count(&self) -> (usize, usize) {
        let shelf = self.0.shelf();
        (shelf.all().count(), shelf.damaged())
    }

    /// The keys from the `offset`-th on, at most `count` and never more than 15 of them.
    pub fn list(&self, _leave: &Permit<ListKeys>, offset: usize, count: usize) -> Page {
        let shelf = self.0.shelf();
        let keys = shelf.entries().iter().skip(offset).take(count.min(LONGEST_PAGE));
        Page {
            offset,
            total: shelf.entries().len(),
            keys: keys.map(|entry| KeyView::of(&entry.record)).collect(),
        }
    }

    /// The keys whose description fits, from the `offset`-th on, at most `limit` and never more
    /// than 15 of them.
    pub fn search(
        &self,
        _leave: &Permit<SearchKeys>,
        needle: &Needle,
        offset: usize,
        limit: usize,
    ) -> Page {
        let shelf = self.0.shelf();
        let fits = |entry: &&std::sync::Arc<Entry>| needle.fits(&entry.record.descr);
        let keys = shelf.entries().iter().filter(fits).skip(offset).take(limit.min(LONGEST_PAGE));
        Page {
            offset,
            total: shelf.entries().iter().filter(fits).count(),
            keys: keys.map(|entry| KeyView::of(&entry.record)).collect(),
        }
    }
}

/// hem.md A9: clients that ask for more get this many.
const LONGEST_PAGE: usize = 15;
