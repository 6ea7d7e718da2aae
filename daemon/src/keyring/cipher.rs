//! Enciphering and wrapping.

use hsm_profiles::{Answer, Cipher, Ciphered, SecretBytes, Task, Width};
use policies::{Permit, Use};

use super::employ::{misled, public, secret};
use super::{KeyFault, Keyring, Sharing};
use crate::store::Record;

impl Keyring {
    /// Enciphers `plain` (whole blocks for ECB) with the permitted AES key, or with one derived from
    /// what is shared with a peer. What is in `aad` is authenticated with it (GCM only).
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`], [`KeyFault::BadPeer`], and
    /// [`KeyFault::Unsuitable`] for a key that is too short.
    pub async fn encrypt(
        &self,
        leave: Permit<Use>,
        sharing: Option<Sharing>,
        (cipher, aad): (Cipher, Vec<u8>),
        plain: SecretBytes,
    ) -> Result<Ciphered, KeyFault> {
        let own = self.own(&leave)?;
        may_cipher(&own.record, sharing.as_ref(), cipher.width)?;
        if cipher.mode.is_gcm() {
            self.0.spend_nonce(leave.kid()).await?;
        }
        let task = Task::Encrypt { cipher, aad, plain };
        match self.employ(leave, &own, sharing, task).await? {
            Answer::Ciphered(ciphered) => Ok(ciphered),
            _ => Err(misled("an answer to something else")),
        }
    }

    /// Deciphers what [`Keyring::encrypt`] answered.
    ///
    /// # Errors
    /// As there; a tag or a padding that does not fit is an argument that the token refuses.
    pub async fn decrypt(
        &self,
        leave: Permit<Use>,
        sharing: Option<Sharing>,
        (cipher, aad): (Cipher, Vec<u8>),
        sealed: Ciphered,
    ) -> Result<SecretBytes, KeyFault> {
        let own = self.own(&leave)?;
        may_cipher(&own.record, sharing.as_ref(), cipher.width)?;
        let task = Task::Decrypt { cipher, aad, sealed };
        secret(self.employ(leave, &own, sharing, task).await?)
    }

    /// Wraps `plain` (RFC 3394; a multiple of 8 bytes, 16 at least) with the permitted AES key, or
    /// with one derived from what is shared with a peer.
    ///
    /// # Errors
    /// As for [`Keyring::encrypt`].
    pub async fn wrap(
        &self,
        leave: Permit<Use>,
        sharing: Option<Sharing>,
        (width, initial): (Width, [u8; 8]),
        plain: SecretBytes,
    ) -> Result<Vec<u8>, KeyFault> {
        let own = self.own(&leave)?;
        may_cipher(&own.record, sharing.as_ref(), width)?;
        let task = Task::Wrap { width, initial, plain };
        public(self.employ(leave, &own, sharing, task).await?)
    }

    /// Unwraps what [`Keyring::wrap`] answered.
    ///
    /// # Errors
    /// As there; what no such key has wrapped is an argument that the token refuses.
    pub async fn unwrap(
        &self,
        leave: Permit<Use>,
        sharing: Option<Sharing>,
        (width, initial): (Width, [u8; 8]),
        wrapped: Vec<u8>,
    ) -> Result<SecretBytes, KeyFault> {
        let own = self.own(&leave)?;
        may_cipher(&own.record, sharing.as_ref(), width)?;
        let task = Task::Unwrap { width, initial, wrapped };
        secret(self.employ(leave, &own, sharing, task).await?)
    }
}

/// A key of a narrower width goes with each stored one.
fn may_cipher(record: &Record, sharing: Option<&Sharing>, width: Width) -> Result<(), KeyFault> {
    if sharing.is_some() {
        return Ok(());
    }
    match Width::of(record.kind) {
        None => Err(KeyFault::Unsuitable("AES is done by keys of the AES types, or with a peer")),
        Some(own) if own >= width => Ok(()),
        Some(_) => Err(KeyFault::Unsuitable(
            "this AES key is too short for that alg: ask for its own or a shorter one, or make a \
             key of the width that you need",
        )),
    }
}
