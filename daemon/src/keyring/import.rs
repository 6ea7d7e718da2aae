//! Keeping public keys of others.

use hsm_profiles::{KeyType, Usage, public_key};
use policies::{ImportKey, Kid, Permit, Subject};

use super::mender::Task;
use super::pairing::refuse_reserved;
use super::{KeyFault, Keyring, Keys, usage};
use crate::store::{Backing, Fact, Flags, Inserted, Record};

/// A public key to be kept. The caller has checked the lengths of label and description.
#[derive(Clone, Debug)]
pub struct NewPublic {
    /// What its owner calls it.
    pub label: String,
    /// Its type.
    pub kind: KeyType,
    /// The raw public key, SEC1 compressed for the SECP curves.
    pub public: Vec<u8>,
    /// What it is for. Counts for the SECP curves only; nothing set means agreements.
    pub usage: Usage,
    /// What its owner writes down with it, raw; empty for nothing.
    pub descr: Vec<u8>,
}

impl Keyring {
    /// Keeps a public key and answers its KID. The token is asked for nothing but the record's MAC.
    ///
    /// # Errors
    /// [`KeyFault::BadPeer`] for what is no public key of its type, [`KeyFault::Duplicate`] for one
    /// that is here already, [`KeyFault::Unsuitable`] for a reserved description; of several that bring the same, one succeeds.
    pub async fn import(&self, leave: Permit<ImportKey>, ask: NewPublic) -> Result<Kid, KeyFault> {
        refuse_reserved(&ask.descr)?;
        let record = self.public_record(ask)?;
        self.0.insert(record, Fact::Imported, leave.subject()).await
    }

    /// The record of a public key that is to be kept.
    pub(super) fn public_record(&self, ask: NewPublic) -> Result<Record, KeyFault> {
        public_key::validate(ask.kind, &ask.public)
            .map_err(|why| KeyFault::BadPeer(why.to_string().into()))?;
        let usage = usage::fitting(ask.kind, ask.usage);
        let now = (self.0.clock)();
        Ok(Record {
            kid: Kid::of_public_key(&ask.public),
            version: 1,
            sequence: self.0.next(),
            kind: ask.kind,
            flags: Flags { attested: false, private: false, agree: usage.agree, sign: usage.sign },
            label: ask.label,
            descr: ask.descr,
            created: now,
            updated: now,
            public: Some(ask.public),
            backing: Backing::Public,
            creation: None,
            owner: None,
        })
    }
}

impl Keys {
    /// Puts a record in that no intent led to: what it is to the log, and who asked for it.
    pub(super) async fn insert(
        &self,
        record: Record,
        fact: Fact,
        subject: Subject,
    ) -> Result<Kid, KeyFault> {
        let kid = record.kid;
        let tag = self.seal(&record).await?;
        let due = self.due(fact, kid, subject).await?;
        let attempt = self.mender.unsettled(Task::Change(due.owed.clone()));
        let _turn = self.turn.lock().await;
        match self.store.insert_record(&record, &tag, None, &due).await? {
            Inserted::New => {
                attempt.done(due);
                self.shelf_mut().place(record);
                Ok(kid)
            }
            Inserted::Duplicate => {
                attempt.settled();
                Err(KeyFault::Duplicate)
            }
        }
    }
}
