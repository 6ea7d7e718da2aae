//! Having keys do things: MACs, signatures, ciphers, wrapping. What a key is not made for is refused
//! here and never reaches the token.

use std::sync::Arc;

use hsm_profiles::{
    Answer, Family, Held, KeyType, Scheme, SecretBytes, SecretDigest, Statement, Task, TokenFault,
    der, verify,
};
use policies::{Permit, Use};

use super::agree::{bad_peer, may_agree};
use super::shelf::Entry;
use super::{KeyFault, Keyring, Peer};
use crate::store::{Backing, Record};

/// Whom to agree with, where a task is done with what is agreed on instead of with the key itself.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// The other side.
    pub peer: Peer,
    /// What the derivation of an AES key is bound to, at most 64 bytes.
    pub context: Vec<u8>,
}

impl Keyring {
    /// An HMAC: with the hash that the key's type names, or with `digest` under the raw secret that
    /// is shared with a peer.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`], [`KeyFault::Unsuitable`] also where `digest`
    /// lacks, [`KeyFault::BadPeer`].
    pub async fn hmac(
        &self,
        leave: Permit<Use>,
        sharing: Option<Sharing>,
        digest: Option<SecretDigest>,
        message: SecretBytes,
    ) -> Result<SecretBytes, KeyFault> {
        let own = self.own(&leave)?;
        let digest = match sharing {
            None => SecretDigest::of(own.record.kind).ok_or(KeyFault::Unsuitable(
                "MACs are made by keys of the SHA types, or with a peer",
            ))?,
            Some(_) => digest.ok_or(KeyFault::Unsuitable(
                "with a peer, alg must be one of SHA2-256, SHA2-384, SHA2-512, SHA3-256, SHA3-384 \
                 and SHA3-512",
            ))?,
        };
        secret(self.employ(leave, &own, sharing, Task::Hmac { digest, message }).await?)
    }

    /// A signature: DER for ECDSA, raw for EdDSA. Tokens are known that take any scheme and any
    /// context for EdDSA and sign something else, so what they answer is verified.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`], [`KeyFault::Unsuitable`] also where the scheme
    /// is not one of the key's type.
    pub async fn sign(
        &self,
        leave: Permit<Use>,
        scheme: Scheme,
        statement: Statement,
    ) -> Result<Vec<u8>, KeyFault> {
        let own = self.own(&leave)?;
        may_sign(&own.record, scheme)?;
        if !own.record.flags.private {
            return Err(KeyFault::Unsuitable("only the public half of this key is here"));
        }
        let Statement { message, context } = &statement;
        let (message, context) = (message.clone(), context.clone());
        let task = Task::Sign { scheme, message, context };
        let signature = public(self.employ(leave, &own, None, task).await?)?;
        if own.record.kind.family() == Family::Weierstrass {
            return der(own.record.kind, &signature).ok_or_else(|| misled("a number out of range"));
        }
        match verified(&own.record, scheme, &statement, &signature) {
            true => Ok(signature),
            false => Err(misled("a signature that is not one of the scheme that was asked for")),
        }
    }

    /// Whether `signature` is one of `statement` by a stored key, of which the public half is
    /// enough.
    ///
    /// # Errors
    /// [`KeyFault::Refuted`] where it is not; the others as in [`Keyring::sign`].
    pub fn verify(
        &self,
        leave: &Permit<Use>,
        scheme: Scheme,
        statement: &Statement,
        signature: &[u8],
    ) -> Result<(), KeyFault> {
        let own = self.own(leave)?;
        may_sign(&own.record, scheme)?;
        match verified(&own.record, scheme, statement, signature) {
            true => Ok(()),
            false => Err(KeyFault::Refuted("this is no signature of the message by this key")),
        }
    }

    /// The permitted key.
    pub(super) fn own(&self, leave: &Permit<Use>) -> Result<Arc<Entry>, KeyFault> {
        self.0.shelf().find(leave.kid())
    }

    /// Has the key do `task`, or has it agree with a peer first.
    pub(super) async fn employ(
        &self,
        leave: Permit<Use>,
        own: &Entry,
        sharing: Option<Sharing>,
        task: Task,
    ) -> Result<Answer, KeyFault> {
        let kind = own.record.kind;
        let held = held(&own.record)?;
        let token = &self.0.token;
        let Some(Sharing { peer, context }) = sharing else {
            return Ok(token.employ(leave, (kind, held), None, task).await?);
        };
        may_agree(&own.record)?;
        let half = match &peer {
            Peer::Raw(_) => None,
            Peer::Stored(kid) => Some(self.peer_half(&leave.peer(*kid), kind)?),
        };
        let point = match (&peer, &half) {
            (Peer::Raw(raw), _) => {
                &hsm_profiles::ForeignPoint::parse(kind, raw).map_err(bad_peer)?
            }
            (Peer::Stored(_), Some(half)) => half.point().map_err(bad_peer)?,
            (Peer::Stored(_), None) => return Err(KeyFault::Absent),
        };
        Ok(token.employ(leave, (kind, held), Some((point, context)), task).await?)
    }
}

/// Where the worker finds the key.
pub(super) fn held(record: &Record) -> Result<Held, KeyFault> {
    match &record.backing {
        Backing::Resident => Ok(Held::Resident),
        Backing::Sealed(blob) => Ok(Held::Sealed(blob.clone())),
        Backing::Public => Err(KeyFault::Unsuitable("only the public half of this key is here")),
    }
}

fn may_sign(record: &Record, scheme: Scheme) -> Result<(), KeyFault> {
    if !record.flags.sign || !is_exdsa(record.kind) {
        return Err(KeyFault::Unsuitable("this key was not made for signatures (mode ExDSA)"));
    }
    match scheme.suits(record.kind) {
        true => Ok(()),
        false => Err(KeyFault::Unsuitable("keys of this type don't sign with this alg")),
    }
}

fn is_exdsa(kind: KeyType) -> bool {
    matches!(kind.family(), Family::Edwards | Family::Weierstrass)
}

fn verified(record: &Record, scheme: Scheme, statement: &Statement, signature: &[u8]) -> bool {
    let public = record.public.as_deref();
    public.is_some_and(|public| verify(record.kind, public, scheme, statement, signature))
}

pub(super) fn secret(answer: Answer) -> Result<SecretBytes, KeyFault> {
    match answer {
        Answer::Secret(secret) => Ok(secret),
        _ => Err(misled("an answer to something else")),
    }
}

pub(super) fn public(answer: Answer) -> Result<Vec<u8>, KeyFault> {
    match answer {
        Answer::Public(bytes) => Ok(bytes),
        _ => Err(misled("an answer to something else")),
    }
}

pub(super) fn misled(how: &str) -> KeyFault {
    TokenFault::Unsupported(format!("it gave {how}")).into()
}
