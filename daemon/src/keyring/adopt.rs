//! Taking over private keys that are in the token already.

use std::collections::HashSet;

use hsm_profiles::{KeyType, Usage, public_key};
use policies::{Kid, Subject};

use super::{KeyFault, Keyring, usage};
use crate::store::{Backing, Fact, Flags, Record};

/// A private key that another tool has put into the token.
#[derive(Clone, Debug)]
pub struct Adoptable {
    /// Its type, an asymmetric one.
    pub kind: KeyType,
    /// Its raw public key, SEC1 compressed for the SECP curves.
    pub public: Vec<u8>,
    /// What it is for. Counts for the SECP curves only; nothing set means agreements.
    pub usage: Usage,
    /// What its owner calls it.
    pub label: String,
}

/// A run of [`Keyring::adopt`] over many keys, with one look at the token.
pub struct Adoption<'a> {
    keyring: &'a Keyring,
    /// The `CKA_ID`s in the token.
    present: HashSet<Vec<u8>>,
}

impl Keyring {
    /// Looks at what the token has, for adopting many of it.
    ///
    /// # Errors
    /// [`KeyFault::Token`].
    pub async fn adoption(&self) -> Result<Adoption<'_>, KeyFault> {
        let objects = self.0.token.list().await?;
        let present = objects.into_iter().map(|object| object.id).collect();
        Ok(Adoption { keyring: self, present })
    }

    /// Registers a private key whose object is in the token already, with its KID as `CKA_ID`. For
    /// the offline command only: no permit is asked for. Such a key is not shown as attested, as
    /// nobody knows where else it is. The next start enters it in the log.
    ///
    /// # Errors
    /// [`KeyFault::BadPeer`] for what is no public key of its type, [`KeyFault::Unsuitable`] where
    /// the token has no such object, [`KeyFault::Duplicate`] where it is registered already.
    pub async fn adopt(&self, candidate: Adoptable) -> Result<Kid, KeyFault> {
        self.adoption().await?.adopt(candidate).await
    }
}

impl Adoption<'_> {
    /// [`Keyring::adopt`], by what the token had when the run began.
    ///
    /// # Errors
    /// As there.
    pub async fn adopt(&self, candidate: Adoptable) -> Result<Kid, KeyFault> {
        public_key::validate(candidate.kind, &candidate.public)
            .map_err(|why| KeyFault::BadPeer(why.to_string().into()))?;
        let kid = Kid::of_public_key(&candidate.public);
        if !self.present.contains(kid.as_bytes().as_slice()) {
            return Err(KeyFault::Unsuitable(
                "the token has no private key with the KID of this public key as its CKA_ID: set \
                 its CKA_ID first",
            ));
        }
        let usage = usage::fitting(candidate.kind, candidate.usage);
        let keys = &self.keyring.0;
        let now = (keys.clock)();
        let record = Record {
            kid,
            version: 1,
            sequence: keys.next(),
            kind: candidate.kind,
            flags: Flags { attested: false, private: true, agree: usage.agree, sign: usage.sign },
            label: candidate.label,
            descr: Vec::new(),
            created: now,
            updated: now,
            public: Some(candidate.public),
            backing: Backing::Resident,
            creation: None,
            owner: None,
        };
        keys.insert(record, Fact::Adopted, Subject::Anonymous).await
    }
}
