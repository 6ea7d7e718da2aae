//! Destroying all keys at once.

use hsm_profiles::TokenFault;
use policies::{Kid, Permit, WriteConfig};

use super::{Keyring, OpenError};
use crate::store::Backing;

impl Keyring {
    /// Destroys the objects of every key, damaged records included, and takes the keys out of use.
    /// Answers their KIDs. The records stay until [`crate::store::Store::wipe`], so that a wipe
    /// that breaks off can be begun again.
    ///
    /// # Errors
    /// [`OpenError::Token`] where the token does not destroy one; those before it are destroyed.
    pub(crate) async fn destroy_all(
        &self,
        _leave: &Permit<WriteConfig>,
    ) -> Result<Vec<Kid>, OpenError> {
        let keys = &self.0;
        let mut destroyed = Vec::new();
        let names = keys.shelf().names();
        for kid in names {
            let found = keys.shelf().entry(kid);
            if !found.is_ok_and(|entry| entry.record.backing != Backing::Resident) {
                match keys.token.destroy_kid(kid).await {
                    Ok(_) | Err(TokenFault::KeyMissing) => {}
                    Err(fault) => return Err(fault.into()),
                }
            }
            keys.shelf_mut().remove(kid);
            destroyed.push(kid);
        }
        Ok(destroyed)
    }
}
