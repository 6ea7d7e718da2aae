//! Keys that belong to one identity. The HEM API does not know them: they are in no list, and nobody
//! but their owner finds them by name.

use std::sync::Arc;

use hsm_profiles::{Family, KeyType, SecretBytes, Statement, Task, Usage};
use policies::{Denied, Kid, OwnKeys, Permit, Subject, UseOwn};
use subtle::ConstantTimeEq;

use super::employ::{public, secret};
use super::shelf::Entry;
use super::{KeyFault, Keyring, NewKey};

/// What a key of one's own is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Decapsulation. There may be many.
    Exchange,
    /// Signatures of texts. There is one of each type.
    Signature,
    /// Signatures of one's own keys for exchanges. There is one.
    Verification,
}

impl Purpose {
    /// What such keys are called in their records.
    fn label(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Signature => "signature",
            Self::Verification => "verification",
        }
    }
}

/// A key of one's own.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name.
    pub kid: Kid,
    /// Its raw public half.
    pub public: Vec<u8>,
}

impl Keyring {
    /// Makes one more key for exchanges.
    ///
    /// # Errors
    /// [`KeyFault::Unsuitable`] where the caller has `most` already; as for [`Keyring::create`].
    pub async fn create_exchange(
        &self,
        leave: &Permit<impl OwnKeys>,
        kind: KeyType,
        most: usize,
    ) -> Result<Standing, KeyFault> {
        if self.0.shelf().holds(leave.subject(), Purpose::Exchange.label()) >= most {
            return Err(KeyFault::Unsuitable(
                "you have as many keys as one may have here: the operator can allow more",
            ));
        }
        self.create_own(leave, kind, Purpose::Exchange).await
    }

    /// The caller's key of this type for a purpose of which there is one. It is made at its first use.
    ///
    /// # Errors
    /// As for [`Keyring::create`].
    pub async fn standing(
        &self,
        leave: &Permit<impl OwnKeys>,
        kind: KeyType,
        purpose: Purpose,
    ) -> Result<Standing, KeyFault> {
        if let Some(found) = self.holding(leave, kind, purpose) {
            return Ok(found);
        }
        let _one_at_a_time = self.0.standing.lock().await;
        match self.holding(leave, kind, purpose) {
            Some(found) => Ok(found),
            None => self.create_own(leave, kind, purpose).await,
        }
    }

    /// The same key, where it was made already.
    pub fn holding(
        &self,
        leave: &Permit<impl OwnKeys>,
        kind: KeyType,
        purpose: Purpose,
    ) -> Option<Standing> {
        let found = self.0.shelf().standing(leave.subject(), purpose.label(), kind);
        found.map(|entry| Standing::of(&entry))
    }

    /// The keys for exchanges, whosever they are, that were made before this Unix time.
    pub(crate) fn outdated(&self, before: u64) -> Vec<Kid> {
        let shelf = self.0.shelf();
        let records = shelf.all().map(|entry| &entry.record);
        let outdated = records.filter(|record| {
            record.owner.is_some()
                && record.label == Purpose::Exchange.label()
                && record.created < before
        });
        outdated.map(|record| record.kid).collect()
    }

    /// Destroys such a key: nobody asks for it, its time is over.
    ///
    /// # Errors
    /// As for [`Keyring::delete`].
    pub(crate) async fn expire(&self, kid: Kid) -> Result<(), KeyFault> {
        let own = self.0.shelf().find_owned(kid)?;
        self.0.end(&own, Subject::Anonymous, || self.0.token.destroy_kid(kid)).await
    }

    /// Leave to use the key with this public half, where it is the caller's. One that is not there is
    /// refused as somebody else's is.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn claim<A: OwnKeys>(
        &self,
        leave: &Permit<A>,
        public: &[u8],
    ) -> Result<Permit<UseOwn>, Denied> {
        let kid = Kid::of_public_key(public);
        let owner = self.0.shelf().find_owned(kid).ok().and_then(|entry| {
            // A KID is half a SHA-1: the whole key has to be the same.
            let known = entry.record.public.as_deref().unwrap_or_default();
            let same = bool::from(known.ct_eq(public));
            entry.record.owner.filter(|_| same)
        });
        leave.own(kid, owner)
    }

    /// ML-KEM (FIPS 203): the secret in `ciphertext`; one that nobody knows where it was made for
    /// another key.
    ///
    /// # Errors
    /// [`KeyFault::Unsuitable`] for a key of another type; as for [`Keyring::decapsulate`].
    pub async fn decapsulate_own(
        &self,
        leave: Permit<UseOwn>,
        ciphertext: Vec<u8>,
    ) -> Result<SecretBytes, KeyFault> {
        let own = self.find_own(&leave, Family::MlKem)?;
        let task = Task::Decapsulate { ciphertext };
        secret(self.employ(leave.into_use(), &own, None, task).await?)
    }

    /// An ML-DSA signature (FIPS 204, hedged, without a context) by the caller's key for a purpose,
    /// and that key.
    ///
    /// # Errors
    /// As for [`Keyring::create`] and [`Keyring::sign_ml_dsa`].
    pub async fn sign_own(
        &self,
        leave: &Permit<impl OwnKeys>,
        (kind, purpose): (KeyType, Purpose),
        message: SecretBytes,
    ) -> Result<(Standing, Vec<u8>), KeyFault> {
        let key = self.standing(leave, kind, purpose).await?;
        let leave = self.claim(leave, &key.public).map_err(|_| KeyFault::Absent)?;
        let own = self.find_own(&leave, Family::MlDsa)?;
        let statement = Statement { message, context: Vec::new() };
        let task = Task::SignMlDsa(statement);
        let signature = public(self.employ(leave.into_use(), &own, None, task).await?)?;
        Ok((key, signature))
    }

    async fn create_own(
        &self,
        leave: &Permit<impl OwnKeys>,
        kind: KeyType,
        purpose: Purpose,
    ) -> Result<Standing, KeyFault> {
        let ask = NewKey {
            label: purpose.label().to_owned(),
            kind,
            usage: Usage { agree: false, sign: false },
            descr: Vec::new(),
            owner: Some(leave.subject()),
        };
        let kid = self.create(leave.making(), ask).await?;
        let made = self.0.shelf().find_owned(kid)?;
        Ok(Standing::of(&made))
    }

    fn find_own(&self, leave: &Permit<UseOwn>, family: Family) -> Result<Arc<Entry>, KeyFault> {
        let own = self.0.shelf().find_owned(leave.kid())?;
        match own.record.kind.family() == family {
            true => Ok(own),
            false => Err(KeyFault::Unsuitable("keys of this type can't do this")),
        }
    }
}

impl Standing {
    fn of(entry: &Entry) -> Self {
        Self { kid: entry.record.kid, public: entry.record.public.clone().unwrap_or_default() }
    }
}
