//! Making keys in the token.
//!
//! The intent is durable before the token is asked; the record and the end of the intent are one
//! transaction, which is the commit. An attempt that ends anywhere in between goes to the mender.

use hsm_profiles::{Creation, KeyType, TokenFault, Usage, public_key};
use policies::{CreateKey, Kid, Permit, Subject};

use super::mender::{Task, Unsettled};
use super::pairing::refuse_reserved;
use super::token::Serving;
use super::{KeyFault, Keyring, Keys, random, usage};
use crate::store::{Backing, Fact, Flags, Inserted, Intent, IntentId, IntentKind, Record};

/// A key to be made. The caller has checked the lengths of label and description.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What its owner calls it.
    pub label: String,
    /// Its type.
    pub kind: KeyType,
    /// What it is for. Counts for the SECP curves only; nothing set means agreements.
    pub usage: Usage,
    /// What its owner writes down with it, raw; empty for nothing.
    pub descr: Vec<u8>,
    /// Whose it is alone; `None` for a key of the device.
    pub owner: Option<Subject>,
}

impl Keyring {
    /// Makes a key in the token, or one that the token seals, and answers its KID.
    ///
    /// # Errors
    /// [`KeyFault::Unsuitable`] for a type that is served in neither way; [`KeyFault::Token`] and
    /// [`KeyFault::Store`]. Where it is not known whether the key was made, whatever was made is
    /// destroyed as soon as that can be done.
    pub async fn create(&self, leave: Permit<CreateKey>, ask: NewKey) -> Result<Kid, KeyFault> {
        let keys = &self.0;
        refuse_reserved(&ask.descr)?;
        // Not worth an intent while the token is known to be away.
        keys.token.health()?;
        match keys.token.serves(ask.kind) {
            Serving::Resident => {}
            Serving::Sealed => return keys.create_sealed(&leave, ask).await,
            Serving::Not => {
                return Err(KeyFault::Unsuitable(
                    "the token in use makes no keys of this type, and they are not sealed either",
                ));
            }
        }
        let creation = Creation(random()?);
        let kid = match ask.kind.is_asymmetric() {
            true => None,
            false => Some(Kid::from_bytes(random()?)),
        };
        let intent = Intent {
            id: IntentId(creation.0),
            kind: IntentKind::Create,
            kid,
            subject: leave.subject(),
            started: (keys.clock)(),
        };
        let attempt = keys.begin(intent.clone()).await?;
        let made = match kid {
            None => keys.make_pair(&leave, creation, &ask).await,
            Some(kid) => keys.make_secret(&leave, creation, ask.kind, kid).await,
        };
        match made {
            Ok((kid, public)) => keys.keep((attempt, &intent), ask, (kid, public)).await,
            Err(KeyFault::Token(fault)) if did_not_happen(&fault) => {
                keys.store.remove_intent(IntentId(creation.0)).await?;
                attempt.settled();
                Err(fault.into())
            }
            Err(fault) => Err(fault),
        }
    }
}

/// Whether `fault` says that the token was not even asked. What was refused on its way through the
/// token may have left something behind, and what is late may still happen.
pub(super) fn did_not_happen(fault: &TokenFault) -> bool {
    matches!(fault, TokenFault::Busy)
}

impl Keys {
    /// Writes an intent down. Until the answer is settled, dropping it has the mender look.
    pub(super) async fn begin(&self, intent: Intent) -> Result<Unsettled, KeyFault> {
        let tag = self.token.mac(&intent.seal_text()).await?;
        let attempt = self.mender.unsettled(Task::Intent(intent.clone()));
        self.store.add_intent(&intent, &tag).await?;
        Ok(attempt)
    }

    async fn make_pair(
        &self,
        leave: &Permit<CreateKey>,
        creation: Creation,
        ask: &NewKey,
    ) -> Result<(Kid, Option<Vec<u8>>), KeyFault> {
        let usage = usage::fitting(ask.kind, ask.usage);
        let public = self.token.generate_pair(leave, creation, ask.kind, usage).await?;
        public_key::validate(ask.kind, &public).map_err(|why| {
            TokenFault::Down(format!("it made a key pair whose public half is wrong: {why}"))
        })?;
        Ok((Kid::of_public_key(&public), Some(public)))
    }

    async fn make_secret(
        &self,
        leave: &Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        kid: Kid,
    ) -> Result<(Kid, Option<Vec<u8>>), KeyFault> {
        self.token.generate_secret(leave, creation, kind, kid).await?;
        Ok((kid, None))
    }

    async fn keep(
        &self,
        (attempt, intent): (Unsettled, &Intent),
        ask: NewKey,
        (kid, public): (Kid, Option<Vec<u8>>),
    ) -> Result<Kid, KeyFault> {
        let creation = Creation(intent.id.0);
        let fresh = self.fresh(kid, public, Backing::Resident, ask);
        let record = Record { creation: Some(creation), ..fresh };
        let tag = self.seal(&record).await?;
        let due = self.came_of(intent, Fact::Created, Some(kid)).due(&*self.token).await?;
        let _turn = self.turn.lock().await;
        match self.store.insert_record(&record, &tag, Some(intent.id), &due).await? {
            Inserted::New => {
                self.shelf_mut().place(record);
                attempt.done(due);
                Ok(kid)
            }
            Inserted::Duplicate => Err(KeyFault::Duplicate),
        }
    }

    /// The record of a key that was made in the device.
    pub(super) fn fresh(
        &self,
        kid: Kid,
        public: Option<Vec<u8>>,
        backing: Backing,
        ask: NewKey,
    ) -> Record {
        let usage = usage::fitting(ask.kind, ask.usage);
        let now = (self.clock)();
        Record {
            kid,
            version: 1,
            sequence: self.next(),
            kind: ask.kind,
            flags: Flags {
                attested: true,
                private: ask.kind.is_asymmetric(),
                agree: usage.agree,
                sign: usage.sign,
            },
            label: ask.label,
            descr: ask.descr,
            created: now,
            updated: now,
            public,
            backing,
            creation: None,
            owner: ask.owner,
        }
    }
}
