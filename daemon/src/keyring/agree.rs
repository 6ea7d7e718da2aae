//! Agreeing on secrets.

use std::sync::Arc;

use hsm_profiles::{ForeignPoint, KeyType, SealedKey, SecretBytes, SecretDigest};
use policies::action::PeerHalf;
use policies::{Kid, Permit, Use};

use super::shelf::Entry;
use super::{KeyFault, Keyring};
use crate::store::{Backing, Record};

/// The other side of an agreement.
#[derive(Clone, Debug)]
pub enum Peer {
    /// A raw public key: SEC1 compressed or uncompressed, or 32 or 56 bytes.
    Raw(Vec<u8>),
    /// The public half of a stored key; the key itself will do.
    Stored(Kid),
}

impl Keyring {
    /// Agrees on a secret between the permitted key and `peer`: the x-coordinate at the curve's
    /// full length, or its `digest`.
    ///
    /// # Errors
    /// [`KeyFault::Absent`] and [`KeyFault::Unsuitable`] for the own key, [`KeyFault::BadPeer`] for
    /// the other one, [`KeyFault::Damaged`] for either.
    pub async fn agree(
        &self,
        leave: Permit<Use>,
        peer: Peer,
        digest: Option<SecretDigest>,
    ) -> Result<SecretBytes, KeyFault> {
        let own = self.0.shelf().find(leave.kid())?;
        may_agree(&own.record)?;
        let kind = own.record.kind;
        match peer {
            Peer::Raw(raw) => {
                let point = ForeignPoint::parse(kind, &raw).map_err(bad_peer)?;
                self.agree_with(leave, &own.record, &point, digest).await
            }
            Peer::Stored(kid) => {
                let half = self.peer_half(&leave.peer(kid), kind)?;
                let point = half.point().map_err(bad_peer)?;
                self.agree_with(leave, &own.record, point, digest).await
            }
        }
    }

    async fn agree_with(
        &self,
        leave: Permit<Use>,
        Record { kind, backing, .. }: &Record,
        point: &ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Result<SecretBytes, KeyFault> {
        match backing {
            Backing::Sealed(blob) => {
                let sealed = SealedKey { kind: *kind, blob: blob.clone() };
                self.agree_sealed(leave, sealed, point, digest).await
            }
            Backing::Public | Backing::Resident => {
                Ok(self.0.token.agree(leave, *kind, point, digest).await?)
            }
        }
    }

    pub(super) fn peer_half(
        &self,
        leave: &Permit<PeerHalf>,
        kind: KeyType,
    ) -> Result<Arc<Entry>, KeyFault> {
        let half = match self.0.shelf().find(leave.action().kid()) {
            Err(KeyFault::Absent) => {
                return Err(KeyFault::BadPeer("there is no key with its KID".into()));
            }
            other => other?,
        };
        match half.record.kind == kind {
            true => Ok(half),
            false => Err(KeyFault::BadPeer("both keys must be of the same type".into())),
        }
    }
}

/// Whether the key takes part in agreements, with its private half.
pub(super) fn may_agree(record: &Record) -> Result<(), KeyFault> {
    if !record.flags.private {
        return Err(KeyFault::Unsuitable("only the public half of this key is here"));
    }
    match record.flags.agree {
        true => Ok(()),
        false => Err(KeyFault::Unsuitable("this key was not made for agreements (mode ECDH)")),
    }
}

pub(super) fn bad_peer(why: hsm_profiles::BadPoint) -> KeyFault {
    KeyFault::BadPeer(why.to_string().into())
}
