//! The token behind the worker.

use std::pin::Pin;

use hsm_profiles::transport::Health;
use hsm_profiles::{
    Answer, Creation, ForeignPoint, Held, KeyType, NewSealed, Object, Outcome, SealedKey,
    SealedTask, SecretBytes, SecretDigest, System, Task, TokenFault, TokenStatus, Usage, Vault,
};
use policies::{CreateKey, DeleteKey, DeriveKey, Kid, Permit, Use};

use super::{Serving, Token};
use crate::store::{Doing, Mac, Tag};

/// The two handles to the worker as one token.
pub(in crate::keyring) struct Slot {
    vault: Vault,
    system: System,
    status: TokenStatus,
}

impl Slot {
    /// `status` is what the token said at the start.
    pub(in crate::keyring) fn new(vault: Vault, system: System, status: TokenStatus) -> Self {
        Self { vault, system, status }
    }
}

impl Mac for Slot {
    fn mac<'a>(&'a self, text: &'a [u8]) -> Doing<'a, Tag> {
        Box::pin(self.system.mac(text))
    }
}

impl Token for Slot {
    fn agree<'a>(
        &'a self,
        key: Permit<Use>,
        kind: KeyType,
        peer: &'a ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Doing<'a, SecretBytes> {
        Box::pin(self.vault.agree(key, kind, peer, digest))
    }

    fn employ<'a>(
        &'a self,
        key: Permit<Use>,
        own: (KeyType, Held),
        counterpart: Option<(&'a ForeignPoint, Vec<u8>)>,
        task: Task,
    ) -> Doing<'a, Answer> {
        Box::pin(self.vault.employ(key, own, counterpart, task))
    }

    fn generate_pair<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        usage: Usage,
    ) -> Doing<'a, Vec<u8>> {
        Box::pin(self.vault.generate_pair(leave, creation, kind, usage))
    }

    fn serves(&self, kind: KeyType) -> Serving {
        if self.status.native.contains(&kind) {
            Serving::Resident
        } else if self.status.sealed.contains(&kind) {
            Serving::Sealed
        } else {
            Serving::Not
        }
    }

    fn opens_sealed(&self) -> bool {
        self.status.has_kek
    }

    fn generate_sealed<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        kind: KeyType,
        kid: Kid,
    ) -> Doing<'a, NewSealed> {
        Box::pin(self.vault.generate_sealed(leave, kind, kid))
    }

    fn derive<'a>(
        &'a self,
        key: Permit<DeriveKey>,
        own: (KeyType, Held),
        peer: &'a ForeignPoint,
        target: KeyType,
    ) -> Doing<'a, (Kid, NewSealed)> {
        Box::pin(self.vault.derive(key, own, peer, target))
    }

    fn perform_sealed(
        &self,
        key: Permit<Use>,
        sealed: SealedKey,
        task: SealedTask,
    ) -> Doing<'_, Outcome> {
        Box::pin(self.vault.perform_sealed(key, sealed, task))
    }

    fn generate_secret<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        kid: Kid,
    ) -> Doing<'a, ()> {
        Box::pin(self.vault.generate_secret(leave, creation, kind, kid))
    }

    fn destroy(&self, leave: Permit<DeleteKey>) -> Doing<'_, u32> {
        Box::pin(self.vault.destroy(leave))
    }

    fn destroy_creation(&self, creation: Creation) -> Doing<'_, u32> {
        Box::pin(self.system.destroy_creation(creation))
    }

    fn destroy_kid(&self, kid: Kid) -> Doing<'_, u32> {
        Box::pin(self.system.destroy_kid(kid))
    }

    fn list(&self) -> Doing<'_, Vec<Object>> {
        Box::pin(self.system.list())
    }

    fn health(&self) -> Result<(), TokenFault> {
        match &*self.vault.health().borrow() {
            Health::Ready => Ok(()),
            Health::Down(why) => Err(TokenFault::Down(why.clone())),
            Health::PinRefused => Err(TokenFault::PinRefused),
        }
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let mut health = self.vault.health();
            // An error means that nobody watches the worker any more: then asking it says why.
            let _ = health.wait_for(|health| *health == Health::Ready).await;
        })
    }
}
