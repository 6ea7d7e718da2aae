//! Who may read or delete: who knows the passphrase of a key, or what its hash is, or where it has
//! none its public half.

use base16ct::lower;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::format::public_key::PublicKey;
use super::{KeyService, Passphrase, broken, origin};
use crate::fault::Fault;
use crate::inbound::Peer;
use crate::store::{MailboxRow, Private};

/// What somebody shows.
pub enum Proof {
    /// 64 lower-case hexadecimal digits.
    Hash(String),
    /// The passphrase of a key that was made here.
    Passphrase(Passphrase),
    /// The public half of a key that has no hash.
    Public(PublicKey),
}

/// A key that somebody has opened.
pub(super) struct Proven {
    pub(super) id: u64,
    pub(super) row: MailboxRow,
    /// The private half as the token wrapped it, where the passphrase was shown.
    pub(super) inner: Option<Zeroizing<Vec<u8>>>,
}

impl KeyService {
    /// The key of this name, and its number; `None` where there is none, in the same time.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where its row was changed outside the daemon, or token or state file fail.
    pub(super) async fn find(
        &self,
        token: Option<[u8; 16]>,
    ) -> Result<Option<(u64, MailboxRow)>, Fault> {
        let found = self.0.store.mailbox(&token.unwrap_or_default()).await.map_err(broken)?;
        let found = found.filter(|_| token.is_some());
        let text = found.as_ref().map_or_else(|| vec![0; DECOY], |(_, row, _)| row.seal_text());
        let tag = self.0.system.mac(&text).await?;
        match found {
            Some((id, row, mac)) if bool::from(tag.ct_eq(&mac)) => Ok(Some((id, row))),
            Some((id, ..)) => {
                tracing::error!(id, "a key of the key service was changed outside the daemon");
                let why = "this key was changed outside the daemon: restore the state file";
                Err(Fault::Conflict(why.into()))
            }
            None => Ok(None),
        }
    }

    /// The key of this name, for who shows what opens it.
    ///
    /// # Errors
    /// [`Fault::Invalid`], one and the same for whatever is wrong, in the same time.
    /// [`Fault::Throttled`], [`Fault::Busy`], [`Fault::Conflict`].
    pub(super) async fn prove(
        &self,
        peer: Option<Peer>,
        token: Option<[u8; 16]>,
        proof: &Proof,
    ) -> Result<Proven, Fault> {
        self.0.readings.take(origin(peer))?;
        let name = token.unwrap_or_default();
        let found = self.find(token).await?;
        let row = found.as_ref().map(|(_, row)| row);
        let (holds, inner) = match proof {
            Proof::Hash(hash) => {
                let expected = row.and_then(|row| row.proof);
                let same = fingerprint(hash).ct_eq(&expected.unwrap_or_default());
                (bool::from(same) && expected.is_some(), None)
            }
            Proof::Passphrase(passphrase) => {
                let layer = row.and_then(|row| match &row.private {
                    Private::Sealed(layer) => Some(layer.as_slice()),
                    Private::Absent | Private::Brought(_) => None,
                });
                let inner = self.0.outer.open(&name, passphrase, layer).await?;
                (inner.is_some(), inner)
            }
            Proof::Public(public) => {
                let is_it = row.is_some_and(|row| {
                    row.proof.is_none()
                        && row.modulus == public.modulus()
                        && row.exponent == public.exponent()
                });
                (is_it, None)
            }
        };
        match found {
            Some((id, row)) if holds => Ok(Proven { id, row, inner }),
            _ => Err(unknown()),
        }
    }
}

/// About as long as the row of a key that was made here, so that its MAC takes as long where there is
/// none.
const DECOY: usize = 2500;

/// The one answer to whoever shows what opens nothing.
pub(super) fn unknown() -> Fault {
    let why = "there is no such key, or this does not open it: look at token, passphrase and hash";
    Fault::Invalid(why.into())
}

/// What is kept of a hash that opens a key.
pub(super) fn fingerprint(hash: &str) -> [u8; 32] {
    Sha256::digest(hash).into()
}

/// Lower-case hexadecimal digits.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    lower::encode_string(bytes)
}
