//! Keys out of what a key agrees on with a peer.
//!
//! Whatever the token can hold itself, a derived key is sealed: its secret was not born in the token,
//! and is known to whoever has the peer's private key (docs/adr/0012-derived-keys.md).

use hsm_profiles::ForeignPoint;
use policies::{DeriveKey, Kid, Permit};

use super::agree::{bad_peer, may_agree};
use super::employ::{held, misled};
use super::pairing::refuse_reserved;
use super::{KeyFault, Keyring, NewKey, Peer};
use crate::store::Fact;

impl Keyring {
    /// Derives a key from what the permitted key agrees on with `peer`, and answers its KID. The
    /// token is as it was before, so that no intent is needed: until the record is in, there is no
    /// key.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`] and [`KeyFault::Unsuitable`] for the own key,
    /// [`KeyFault::BadPeer`] for the other one, [`KeyFault::Duplicate`] where the same key was
    /// derived before. A secret that is too short for the new key, or that gives none, is an
    /// argument that the token refuses.
    pub async fn derive(
        &self,
        leave: Permit<DeriveKey>,
        peer: Peer,
        ask: NewKey,
    ) -> Result<Kid, KeyFault> {
        refuse_reserved(&ask.descr)?;
        let own = self.0.shelf().find(leave.kid())?;
        may_agree(&own.record)?;
        let (kind, subject) = (own.record.kind, leave.subject());
        let point = match peer {
            Peer::Raw(raw) => ForeignPoint::parse(kind, &raw).map_err(bad_peer)?,
            Peer::Stored(kid) => {
                let half = self.peer_half(&leave.peer(kid), kind)?;
                half.point().map_err(bad_peer)?.clone()
            }
        };
        let own = (kind, held(&own.record)?);
        let (kid, made) = self.0.token.derive(leave, own, &point, ask.kind).await?;
        let named = made.public.as_deref().map(Kid::of_public_key);
        if named.is_some() != ask.kind.is_asymmetric() || named.is_some_and(|named| named != kid) {
            return Err(misled("a key under another name"));
        }
        self.0.keep_sealed(kid, made, ask, (Fact::Derived, subject)).await
    }
}
