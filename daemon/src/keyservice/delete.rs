//! The end of a key.

use policies::{DeleteMailbox, Permit};

use super::proof::{Proof, unknown};
use super::{KeyService, broken};
use crate::fault::Fault;
use crate::inbound::Peer;

impl KeyService {
    /// Deletes a key and its messages.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for whatever is wrong with what is shown; [`Fault::Throttled`],
    /// [`Fault::Busy`], [`Fault::Conflict`].
    pub async fn delete(
        &self,
        _: Permit<DeleteMailbox>,
        peer: Option<Peer>,
        token: Option<[u8; 16]>,
        proof: &Proof,
    ) -> Result<(), Fault> {
        let proven = self.prove(peer, token, proof).await?;
        match self.0.store.delete_mailbox(proven.id).await.map_err(broken)? {
            true => Ok(()),
            false => Err(unknown()),
        }
    }
}
