//! ML-KEM and ML-DSA, by a key of the token or by a sealed one.

use super::token::Seat;
use crate::key_type::Family;
use crate::pkcs11::{self, Failure};
use crate::protocol::Answer;
use crate::sealed::{Outcome, SealedKey, SealedTask};
use crate::task::{Held, Key, Task};

impl Seat {
    /// Does `task`, which has to be one for post-quantum keys.
    pub(super) fn post_quantum(&self, key: &Key, task: &Task) -> Result<Answer, Failure> {
        let fits = match task {
            Task::Decapsulate { .. } | Task::Encapsulate { .. } => Family::MlKem,
            _ => Family::MlDsa,
        };
        if key.kind.family() != fits {
            return Err(Failure::Argument("keys of this type can't do this"));
        }
        match &key.held {
            Held::Resident => self.post_quantum_resident(key, task),
            Held::Sealed(blob) => self.post_quantum_sealed(key, blob, task),
        }
    }

    fn post_quantum_resident(&self, key: &Key, task: &Task) -> Result<Answer, Failure> {
        let session = &self.session;
        match task {
            Task::Encapsulate { public } => {
                let (ciphertext, secret) = pkcs11::encapsulate(session, key.kind, public)?;
                Ok(Answer::Done(Outcome::Encapsulated { ciphertext, secret }))
            }
            Task::Decapsulate { ciphertext } => {
                let handle = self.private_key(&key.kid)?;
                let own = (handle, key.kind);
                pkcs11::decapsulate(session, own, ciphertext).map(Answer::Secret)
            }
            Task::SignMlDsa(statement) => {
                let handle = self.private_key(&key.kid)?;
                pkcs11::sign_ml_dsa(session, handle, statement).map(Answer::Public)
            }
            _ => Err(Failure::Argument("this is nothing for post-quantum keys")),
        }
    }

    fn post_quantum_sealed(&self, key: &Key, blob: &[u8], task: &Task) -> Result<Answer, Failure> {
        let task = match task {
            Task::Encapsulate { .. } => SealedTask::Encapsulate,
            Task::Decapsulate { ciphertext } => {
                SealedTask::Decapsulate { ciphertext: ciphertext.clone() }
            }
            Task::SignMlDsa(statement) => SealedTask::SignMlDsa(statement.clone()),
            _ => return Err(Failure::Argument("this is nothing for post-quantum keys")),
        };
        let sealed = SealedKey { kind: key.kind, blob: blob.to_vec() };
        Ok(match self.perform_sealed(&key.kid, &sealed, &task)? {
            Outcome::Public(signature) => Answer::Public(signature),
            Outcome::Secret(secret) => Answer::Secret(secret),
            encapsulated @ Outcome::Encapsulated { .. } => Answer::Done(encapsulated),
        })
    }
}
