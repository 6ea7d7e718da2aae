//! Destroying keys.
//!
//! A key goes out of use first; the intent is durable before the token is asked; the end of the
//! record and of the intent are one transaction.

use hsm_profiles::TokenFault;
use policies::{DeleteKey, Kid, Permit, Subject};

use super::create::did_not_happen;
use super::mender::Task;
use super::shelf::Entry;
use super::{KeyFault, Keyring, Keys, random};
use crate::store::{Backing, Doing, Fact, Intent, IntentId, IntentKind};

impl Keyring {
    /// Destroys a key for good. Of several that try, one succeeds and the others find it absent.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`]. After [`KeyFault::Token`] and
    /// [`KeyFault::Store`] the key is either in use as before or, where its destruction may have
    /// begun, out of use; it is then destroyed as soon as that can be done.
    pub async fn delete(&self, leave: Permit<DeleteKey>) -> Result<(), KeyFault> {
        let keys = &self.0;
        let own = keys.shelf().find(leave.action().0)?;
        keys.end(&own, leave.subject(), || keys.token.destroy(leave)).await
    }
}

impl Keys {
    /// Destroys a key for `subject`. `destroy` is how the token is asked, where it has something of it.
    pub(super) async fn end<'a>(
        &'a self,
        own: &Entry,
        subject: Subject,
        destroy: impl FnOnce() -> Doing<'a, u32>,
    ) -> Result<(), KeyFault> {
        let kid = own.record.kid;
        match own.record.backing {
            Backing::Public => self.forget(kid, subject).await,
            Backing::Sealed(_) => {
                self.forget(kid, subject).await?;
                // The key is gone with its record; what is left is encrypted.
                if let Err(fault) = self.store.scrub().await {
                    tracing::warn!(%fault, "a deleted sealed key is still in the journal");
                }
                Ok(())
            }
            Backing::Resident => {
                self.token.health()?;
                self.destroy(kid, subject, destroy).await
            }
        }
    }

    /// Deletes a record of which the token holds nothing.
    async fn forget(&self, kid: Kid, subject: Subject) -> Result<(), KeyFault> {
        let due = self.due(Fact::Deleted, kid, subject).await?;
        let attempt = self.mender.unsettled(Task::Change(due.owed.clone()));
        let _turn = self.turn.lock().await;
        let taken = self.shelf_mut().take(kid);
        if let Err(fault) = taken {
            attempt.settled();
            return Err(fault);
        }
        self.store.remove_record(kid, None, &due).await?;
        attempt.done(due);
        Ok(())
    }

    async fn destroy<'a>(
        &'a self,
        kid: Kid,
        subject: Subject,
        destroy: impl FnOnce() -> Doing<'a, u32>,
    ) -> Result<(), KeyFault> {
        let intent = Intent {
            id: IntentId(random()?),
            kind: IntentKind::Delete,
            kid: Some(kid),
            subject,
            started: (self.clock)(),
        };
        let id = intent.id;
        let tag = self.token.mac(&intent.seal_text()).await?;
        let due = self.came_of(&intent, Fact::Deleted, Some(kid)).due(&*self.token).await?;
        self.shelf_mut().take(kid)?;
        let attempt = self.mender.unsettled(Task::Intent(intent.clone()));
        self.store.add_intent(&intent, &tag).await?;
        match destroy().await {
            // None of its objects left is what was asked for.
            Ok(_) | Err(TokenFault::KeyMissing) => {
                let _turn = self.turn.lock().await;
                self.store.remove_record(kid, Some(id), &due).await?;
                self.shelf_mut().remove(kid);
                attempt.done(due);
                Ok(())
            }
            Err(fault) if did_not_happen(&fault) => {
                self.store.remove_intent(id).await?;
                let attempt = attempt.becomes(Task::Row(kid));
                self.refresh(kid).await?;
                attempt.settled();
                Err(fault.into())
            }
            Err(fault) => Err(fault.into()),
        }
    }
}
