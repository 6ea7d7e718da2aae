//! Destroying all keys at once.

use hsm_profiles::TokenFault;
use policies::{Kid, Permit, Subject, WriteConfig};

use super::{KeyFault, Keyring, OpenError, random};
use crate::store::{Backing, Intent, IntentId, IntentKind};

/// An order to destroy everything. It is written down, so that it is carried out wherever the process
/// stops: [`crate::store::Store::wipe`] is its end.
#[derive(Debug)]
pub struct Wipe {
    subject: Subject,
}

impl Wipe {
    /// The order that was found in the state file.
    pub(super) fn of(intent: &Intent) -> Self {
        Self { subject: intent.subject }
    }

    /// Who gave it.
    pub(crate) fn subject(&self) -> Subject {
        self.subject
    }
}

impl Keyring {
    /// Writes down that everything is to be destroyed.
    ///
    /// # Errors
    /// [`KeyFault::Token`], [`KeyFault::Store`]: nothing is destroyed then.
    pub(crate) async fn order_wipe(&self, leave: Permit<WriteConfig>) -> Result<Wipe, KeyFault> {
        let keys = &self.0;
        let intent = Intent {
            id: IntentId(random()?),
            kind: IntentKind::Wipe,
            kid: None,
            subject: leave.subject(),
            started: (keys.clock)(),
        };
        let tag = keys.token.mac(&intent.seal_text()).await?;
        if let Err(fault) = keys.store.add_intent(&intent, &tag).await {
            // It may be in the file all the same, and nobody was told that everything goes.
            keys.store.remove_intent(intent.id).await?;
            return Err(fault.into());
        }
        Ok(Wipe::of(&intent))
    }

    /// Ends what was begun with single keys, and answers all that are left, damaged ones included.
    ///
    /// # Errors
    /// [`OpenError`] where state file or token fail; it can be done again then.
    pub(crate) async fn condemned(&self, _order: &Wipe) -> Result<Vec<Kid>, OpenError> {
        self.0.end_what_was_begun().await?;
        let names = self.0.shelf().names();
        Ok(names)
    }

    /// Takes a key out of use and destroys its objects; that there are none any more is fine. The
    /// record stays.
    ///
    /// # Errors
    /// [`TokenFault`] where the token does not destroy it; it can be done again then.
    pub(crate) async fn destroy_by(&self, _order: &Wipe, kid: Kid) -> Result<(), TokenFault> {
        let keys = &self.0;
        let found = keys.shelf().entry(kid);
        if !found.is_ok_and(|entry| entry.record.backing != Backing::Resident) {
            match keys.token.destroy_kid(kid).await {
                Ok(_) | Err(TokenFault::KeyMissing) => {}
                Err(fault) => return Err(fault),
            }
        }
        keys.shelf_mut().remove(kid);
        Ok(())
    }
}
