//! ML-KEM and ML-DSA: by objects of the token, or by sealed keys.

use std::sync::Arc;

use hsm_profiles::{Answer, Family, KeyType, Outcome, SecretBytes, Statement, Task, verify_ml_dsa};
use policies::{Permit, Use};

use super::employ::{misled, public, secret};
use super::shelf::Entry;
use super::{KeyFault, Keyring};
use crate::store::Record;

impl Keyring {
    /// ML-KEM (FIPS 203): a fresh secret of 32 bytes, and the ciphertext of it for the permitted key
    /// itself.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`], and [`KeyFault::Unsuitable`] for a key of
    /// another type or a public half alone.
    pub async fn encapsulate(
        &self,
        leave: Permit<Use>,
    ) -> Result<(KeyType, Vec<u8>, SecretBytes), KeyFault> {
        let own = self.post_quantum(&leave, Family::MlKem)?;
        let kind = own.record.kind;
        let public = own.record.public.clone().unwrap_or_default();
        match self.employ(leave, &own, None, Task::Encapsulate { public }).await? {
            Answer::Done(Outcome::Encapsulated { ciphertext, secret }) => {
                Ok((kind, ciphertext, secret))
            }
            _ => Err(misled("an answer to something else")),
        }
    }

    /// ML-KEM (FIPS 203): the secret in `ciphertext`; one that nobody knows where it was made for
    /// another key.
    ///
    /// # Errors
    /// As for [`Keyring::encapsulate`]; a ciphertext of another length is an argument that the token
    /// refuses.
    pub async fn decapsulate(
        &self,
        leave: Permit<Use>,
        ciphertext: Vec<u8>,
    ) -> Result<(KeyType, SecretBytes), KeyFault> {
        let own = self.post_quantum(&leave, Family::MlKem)?;
        let opened = self.employ(leave, &own, None, Task::Decapsulate { ciphertext }).await?;
        Ok((own.record.kind, secret(opened)?))
    }

    /// An ML-DSA signature (FIPS 204, hedged).
    ///
    /// # Errors
    /// As for [`Keyring::encapsulate`].
    pub async fn sign_ml_dsa(
        &self,
        leave: Permit<Use>,
        statement: Statement,
    ) -> Result<(KeyType, Vec<u8>), KeyFault> {
        let own = self.post_quantum(&leave, Family::MlDsa)?;
        let signed = self.employ(leave, &own, None, Task::SignMlDsa(statement)).await?;
        Ok((own.record.kind, public(signed)?))
    }

    /// Whether `signature` is an ML-DSA signature of `statement` by a stored key, of which the
    /// public half is enough.
    ///
    /// # Errors
    /// [`KeyFault::Refuted`] where it is not, or the key is of another type; [`KeyFault::Absent`],
    /// [`KeyFault::Damaged`].
    pub fn verify_ml_dsa(
        &self,
        leave: &Permit<Use>,
        statement: &Statement,
        signature: &[u8],
    ) -> Result<(), KeyFault> {
        let own = self.own(leave)?;
        let Record { kind, public, .. } = &own.record;
        let good = public
            .as_deref()
            .is_some_and(|public| verify_ml_dsa(*kind, public, statement, signature));
        match good {
            true => Ok(()),
            false => Err(KeyFault::Refuted("this is no signature of the message by this key")),
        }
    }

    /// The permitted key, which has to be of this family.
    fn post_quantum(&self, leave: &Permit<Use>, family: Family) -> Result<Arc<Entry>, KeyFault> {
        let own = self.own(leave)?;
        match own.record.kind.family() == family {
            true => Ok(own),
            false => Err(KeyFault::Unsuitable("keys of this type can't do this")),
        }
    }
}
