//! Changing what is written down about a key.

use policies::{Permit, UpdateKey};

use super::mender::Task;
use super::pairing::refuse_turncoat;
use super::{KeyFault, Keyring};
use crate::store::{Fact, Record};

impl Keyring {
    /// Replaces label and description. The caller has checked their lengths; an empty description
    /// clears it (hem.md A15, 9).
    ///
    /// # Errors
    /// [`KeyFault::Absent`], also where the key is deleted meanwhile, [`KeyFault::Damaged`], and
    /// [`KeyFault::Unsuitable`] where the key would become or cease to be an authenticator's.
    pub async fn update(
        &self,
        leave: Permit<UpdateKey>,
        label: String,
        descr: Vec<u8>,
    ) -> Result<(), KeyFault> {
        let keys = &self.0;
        let kid = leave.action().0;
        let _turn = keys.turn.lock().await;
        let old = keys.shelf().find(kid)?;
        refuse_turncoat(&old.record.descr, &descr)?;
        let record = Record {
            version: old.record.version.saturating_add(1),
            label,
            descr,
            // Two changes within a second still differ (hem.md A9, update).
            updated: (keys.clock)().max(old.record.updated.saturating_add(1)),
            ..old.record.clone()
        };
        let tag = keys.seal(&record).await?;
        let due = keys.due(Fact::Updated, kid, leave.subject()).await?;
        let attempt = keys.mender.unsettled(Task::Change(due.owed.clone()));
        let amended = keys.store.amend_record(&record, &tag, &due).await?;
        match amended {
            true => attempt.done(due),
            false => attempt.settled(),
        }
        let mut shelf = keys.shelf_mut();
        // A deletion that has begun meanwhile has taken it off the shelf, and off it stays.
        shelf.find(kid)?;
        match amended {
            true => shelf.place(record),
            false => shelf.mark_damaged(kid),
        }
        shelf.find(kid).map(drop)
    }
}
