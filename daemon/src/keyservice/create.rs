//! Keys: made here for a passphrase, or brought by who has the private half.

use audit::{Ext, LogType};
use policies::{CreateMailbox, Permit, Subject};
use sha2::{Digest, Sha256};

use super::format::date::Date;
use super::format::objects::KeyObject;
use super::format::public_key::PublicKey;
use super::proof::{fingerprint, of_bytes};
use super::{KeyService, Passphrase, broken, origin, today};
use crate::entering::enter;
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::store::{MailboxRow, Private};

/// A key that was made elsewhere.
pub struct Brought {
    /// The public half.
    pub public: PublicKey,
    /// The private half, encrypted by who brings it.
    pub private: Option<String>,
    /// What opens it: 64 lower-case hexadecimal digits.
    pub hash: Option<String>,
}

impl KeyService {
    /// Makes a key of 3072 bits. The token wraps its private half and forgets it; what comes of
    /// that is kept under the passphrase.
    ///
    /// # Errors
    /// [`Fault::Throttled`], [`Fault::Busy`], [`Fault::Conflict`] where token or state file fail or
    /// there are as many keys as there may be.
    pub async fn create(
        &self,
        _: Permit<CreateMailbox>,
        peer: Option<Peer>,
        passphrase: &Passphrase,
        release: Option<Date>,
    ) -> Result<KeyObject, Fault> {
        self.0.creations.take(origin(peer))?;
        self.0.ready.get_or_try_init(|| self.prepare()).await?;
        let token = self.0.system.name_mailbox().await?;
        let made = self.0.system.make_mailbox(BITS).await?;
        let public = PublicKey::new(&made.modulus, EXPONENT).map_err(|_| Fault::Internal)?;
        let sealed = self.0.outer.close(&token, passphrase, made.wrapped).await?;
        let hash = of_bytes(&Sha256::digest(&sealed));
        let proof = Some(fingerprint(&hash));
        let made = Made { token, private: Private::Sealed(sealed), proof, release };
        let mut object = self.keep(&public, made).await?;
        object.is_private_key_encrypted = true;
        object.private_key_hash = Some(hash);
        Ok(object)
    }

    /// Takes in a key that was made elsewhere.
    ///
    /// # Errors
    /// As for [`Self::create`].
    pub async fn bring(
        &self,
        _: Permit<CreateMailbox>,
        peer: Option<Peer>,
        brought: Brought,
        release: Option<Date>,
    ) -> Result<KeyObject, Fault> {
        self.0.creations.take(origin(peer))?;
        let token = self.0.system.name_mailbox().await?;
        let Brought { public, private, hash } = brought;
        let made = Made {
            token,
            private: private.clone().map_or(Private::Absent, Private::Brought),
            proof: hash.as_deref().map(fingerprint),
            release,
        };
        let mut object = self.keep(&public, made).await?;
        object.is_private_key_encrypted = private.is_some();
        object.is_public_key_only = private.is_none();
        object.private_key = private;
        object.private_key_hash = hash;
        Ok(object)
    }

    /// Sees to it that the token has what wraps keys, and that its making is entered.
    async fn prepare(&self) -> Result<(), Fault> {
        match self.0.system.prepare_mailboxes().await? {
            true => {
                let (made, name) = (LogType::LOG_TYPE_SYSTEM_KEY_MADE, Ext::Text(WRAPPING.into()));
                enter(&self.0.log, made, Subject::Anonymous, name).await
            }
            false => Ok(()),
        }
    }

    async fn keep(&self, public: &PublicKey, made: Made) -> Result<KeyObject, Fault> {
        let created = today();
        let release = made.release.unwrap_or(created);
        let row = MailboxRow {
            token: made.token,
            modulus: public.modulus().to_vec(),
            exponent: public.exponent().to_vec(),
            private: made.private,
            proof: made.proof,
            created: created.milliseconds(),
            release: release.milliseconds(),
        };
        let tag = self.0.system.mac(&row.seal_text()).await?;
        let kept = self.0.store.add_mailbox(&row, &tag, self.0.config.keys).await;
        let key_id = kept.map_err(broken)?;
        let key_id = key_id.ok_or_else(|| {
            let why = "there are as many keys as this service takes: try again when some are gone";
            Fault::Conflict(why.into())
        })?;
        let key_token = of_bytes(&made.token);
        Ok(KeyObject {
            is_released: release <= created,
            key_id,
            uri: key_token.clone(),
            key_token,
            public_key: public.to_xml(),
            request_date: created,
            release_date: release,
            ..KeyObject::default()
        })
    }
}

struct Made {
    token: [u8; 16],
    private: Private,
    proof: Option<[u8; 32]>,
    release: Option<Date>,
}

/// The bits of a key that is made here.
const BITS: u16 = 3072;
/// What the token's key that wraps these is called in the log.
const WRAPPING: &str = "mailbox";
const EXPONENT: &[u8] = &[1, 0, 1];
