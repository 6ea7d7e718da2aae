//! Operations, done in one attempt.

use policies::Kid;

use super::digest::digest;
use super::token::Seat;
use crate::key_type::KeyType;
use crate::pkcs11::{self, Failure, ObjectHandle, SystemKeys};
use crate::protocol::{Answer, Object, Operation, SecretBytes};

impl Seat {
    /// Does `operation`, as if nothing could go wrong.
    pub(super) fn attempt(&self, operation: &Operation) -> Result<Answer, Failure> {
        if !operation.is_repeatable() {
            drop(self.token.take_seen());
        }
        match operation {
            Operation::Agree { .. } => self.agree(operation),
            Operation::AgreeIdentity { peer } => self.agree_identity(peer),
            Operation::AgreeOnce { group, peer } => {
                let (public, secret) = pkcs11::agree_once(&self.session, *group, peer)?;
                Ok(Answer::AgreedOnce { public, secret })
            }
            Operation::SelfTest => self.self_test().map(Answer::Tested),
            Operation::SignLog { key, message } => {
                let key = self.system_keys()?.logger(key)?;
                pkcs11::sign_log(&self.session, key, message).map(Answer::Public)
            }
            Operation::Attest { message } => {
                pkcs11::attest(&self.session, self.attesting()?, message).map(Answer::Public)
            }
            Operation::ReadAnchors => pkcs11::read_anchors(&self.session).map(Answer::Anchors),
            Operation::WriteAnchor { value } => {
                pkcs11::write_anchor(&self.session, value).map(|()| Answer::Count(1))
            }
            Operation::Mac { message } => {
                let key = self.system_keys()?.record_mac;
                pkcs11::mac(&self.session, key, message).map(Answer::Public)
            }
            Operation::Status => self.token.status().map(|status| Answer::Status(Box::new(status))),
            Operation::List => self.list().map(Answer::Objects),
            Operation::GeneratePair { creation, kind, usage } => {
                pkcs11::generate_pair(&self.session, creation, *kind, *usage).map(Answer::Public)
            }
            Operation::GenerateSecret { creation, kind, kid } => {
                pkcs11::generate_secret(&self.session, creation, *kind, kid)
                    .map(|()| Answer::Count(1))
            }
            Operation::Derive { key, peer, target } => self.derive_key(key, peer, *target),
            Operation::Employ { key, counterpart, task } => {
                self.employ(key, counterpart.as_ref(), task)
            }
            Operation::Exchange(what) => self.exchange(what),
            Operation::Mailbox(what) => self.mailbox(what),
            Operation::GenerateSealed { kind, kid } => {
                self.generate_sealed(*kind, *kid).map(Answer::Sealed)
            }
            Operation::Sealed { kid, key, task } => {
                self.perform_sealed(kid, key, task).map(Answer::Done)
            }
            Operation::Destroy { kid } => {
                self.token.forget(kid);
                pkcs11::destroy(&self.session, kid).map(Answer::Count)
            }
            Operation::DestroyCreation { creation } => {
                pkcs11::destroy_labelled(&self.session, &creation.label()).map(Answer::Count)
            }
            Operation::Provision => self.changed(pkcs11::provision(&self.session)?),
            Operation::MakeLogger => self.changed(pkcs11::make_logger(&self.session)?),
            Operation::RetireLogger { keep } => {
                self.changed(pkcs11::retire_logger(&self.session, keep)?)
            }
        }
    }

    /// The token with other system keys.
    fn changed(&self, keys: SystemKeys) -> Result<Answer, Failure> {
        self.token.set_system(Some(keys));
        self.token.status().map(|status| Answer::Status(Box::new(status)))
    }

    fn list(&self) -> Result<Vec<Object>, Failure> {
        match self.token.take_seen() {
            Some(seen) => Ok(seen),
            None => pkcs11::sweep(&self.session).map(|contents| contents.objects),
        }
    }

    fn agree(&self, operation: &Operation) -> Result<Answer, Failure> {
        let Operation::Agree { kid, kind, peer, digest: how } = operation else {
            return Err(Failure::Argument("not an agreement"));
        };
        let key = self.private_key(kid)?;
        let secret = pkcs11::agree(&self.session, key, *kind, peer)?;
        Ok(Answer::Secret(match how {
            Some(how) => digest(*how, secret.expose()),
            None => SecretBytes::new(secret.expose().to_vec()),
        }))
    }

    fn agree_identity(&self, peer: &[u8]) -> Result<Answer, Failure> {
        let key = self.system_keys()?.identity;
        let secret = pkcs11::agree(&self.session, key, KeyType::Curve25519, peer)?;
        Ok(Answer::Secret(SecretBytes::new(secret.expose().to_vec())))
    }

    /// From the cache, or from the token and then into the cache.
    pub(super) fn private_key(&self, kid: &Kid) -> Result<ObjectHandle, Failure> {
        let slot = (*kid, None);
        if let Some(handle) = self.token.handle(&slot) {
            return Ok(handle);
        }
        let handle = pkcs11::find_private(&self.session, kid)?;
        self.token.remember(slot, handle);
        Ok(handle)
    }

    fn attesting(&self) -> Result<ObjectHandle, Failure> {
        let key = self.system_keys()?.attestation;
        key.map(|key| key.private).ok_or(Failure::Argument("the token has no attestation key"))
    }

    pub(super) fn system_keys(&self) -> Result<SystemKeys, Failure> {
        self.token.system().ok_or(Failure::Argument("the token was not provisioned yet"))
    }
}
