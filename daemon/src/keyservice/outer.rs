//! The outer layer around the private half of a key: AES-256-GCM under what Argon2id makes of the
//! passphrase. Inside is what the token wrapped, so that neither of the two opens it alone.
//!
//! A version byte, memory in KiB and passes (big-endian, 4 bytes each), the salt (16), the nonce (12),
//! the ciphertext with its tag. The token of the key and everything before the ciphertext are
//! authenticated.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use crate::config::KeyService as Config;
use crate::fault::Fault;

/// Closes and opens outer layers, a few at a time, apart from the threads that serve.
pub(super) struct Outer {
    at_once: Semaphore,
    places: Semaphore,
    memory: u32,
    passes: u32,
    /// What is opened where there is nothing to open, with the same work.
    decoy: Vec<u8>,
}

impl Outer {
    /// # Errors
    /// [`Fault::Internal`] where the host has no randomness.
    pub(super) fn new(config: &Config) -> Result<Self, Fault> {
        let (memory, passes) = (config.argon2_kib, config.argon2_passes);
        let mut decoy = header(memory, passes)?;
        // As long as the layer around a key of 3072 bits.
        let length = decoy.len();
        decoy.resize(length + 1850, 0);
        getrandom::fill(decoy.get_mut(length..).unwrap_or_default())
            .map_err(|_| Fault::Internal)?;
        let at_once = Semaphore::new(config.openings);
        let places = Semaphore::new(config.openings.saturating_add(WAITING));
        Ok(Self { at_once, places, memory, passes, decoy })
    }

    /// Closes the layer around `inner`.
    ///
    /// # Errors
    /// [`Fault::Busy`] where too many wait, [`Fault::Internal`].
    pub(super) async fn close(
        &self,
        token: &[u8; 16],
        passphrase: &Arc<Zeroizing<String>>,
        inner: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let head = header(self.memory, self.passes)?;
        let key = self.key(passphrase, head.clone()).await?.ok_or(Fault::Internal)?;
        let (nonce, aad) = (nonce(&head).ok_or(Fault::Internal)?, bound(token, &head));
        let mut sealed = inner;
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed)
            .map_err(|_| Fault::Internal)?;
        Ok([head, sealed].concat())
    }

    /// What is inside; `None` where the passphrase is another, or there is nothing, in the same time.
    ///
    /// # Errors
    /// [`Fault::Busy`] where too many wait, [`Fault::Internal`].
    pub(super) async fn open(
        &self,
        token: &[u8; 16],
        passphrase: &Arc<Zeroizing<String>>,
        layer: Option<&[u8]>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let is_there = layer.is_some();
        let Some((head, sealed)) = layer.unwrap_or(&self.decoy).split_at_checked(HEAD) else {
            return Ok(None);
        };
        let Some(key) = self.key(passphrase, head.to_vec()).await? else { return Ok(None) };
        let (nonce, aad) = (nonce(head).ok_or(Fault::Internal)?, bound(token, head));
        let mut inner = Zeroizing::new(sealed.to_vec());
        let opened = key.open_in_place(nonce, Aad::from(aad), &mut inner).map(|inner| inner.len());
        Ok(opened.ok().filter(|_| is_there).map(|length| {
            inner.truncate(length);
            inner
        }))
    }

    /// The key that this head leads to.
    async fn key(
        &self,
        passphrase: &Arc<Zeroizing<String>>,
        head: Vec<u8>,
    ) -> Result<Option<LessSafeKey>, Fault> {
        let Some((memory, passes)) = parameters(&head) else { return Ok(None) };
        let Ok(params) = Params::new(memory, passes, 1, Some(32)) else { return Ok(None) };
        let (_place, _turn) = self.turn().await?;
        let passphrase = Arc::clone(passphrase);
        let derived = tokio::task::spawn_blocking(move || {
            let mut key = Zeroizing::new([0; 32]);
            let salt = head.get(SALT).unwrap_or_default();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice()).map(|()| key)
        });
        let key = derived.await.map_err(|_| Fault::Internal)?.map_err(|_| Fault::Busy)?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| Fault::Internal)?;
        Ok(Some(LessSafeKey::new(key)))
    }

    async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Fault> {
        let place = self.places.try_acquire().map_err(|_| Fault::Busy)?;
        let turn = self.at_once.acquire().await.map_err(|_| Fault::Internal)?;
        Ok((place, turn))
    }
}

/// What stands before the ciphertext, with a fresh salt and nonce.
fn header(memory: u32, passes: u32) -> Result<Vec<u8>, Fault> {
    let mut random = [0; 16 + NONCE_LEN];
    getrandom::fill(&mut random).map_err(|_| Fault::Internal)?;
    Ok([&[VERSION][..], &memory.to_be_bytes(), &passes.to_be_bytes(), &random].concat())
}

fn parameters(head: &[u8]) -> Option<(u32, u32)> {
    let (&version, rest) = head.split_first()?;
    let (memory, rest) = rest.split_first_chunk()?;
    let (passes, _) = rest.split_first_chunk()?;
    (version == VERSION).then(|| (u32::from_be_bytes(*memory), u32::from_be_bytes(*passes)))
}

fn nonce(head: &[u8]) -> Option<Nonce> {
    head.last_chunk().copied().map(Nonce::assume_unique_for_key)
}

fn bound(token: &[u8; 16], head: &[u8]) -> Vec<u8> {
    [&b"claviger mailbox v1\0"[..], token, head].concat()
}

const HEAD: usize = 1 + 4 + 4 + 16 + NONCE_LEN;
const SALT: std::ops::Range<usize> = 9..25;
const VERSION: u8 = 1;
/// How many may wait for their turn.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(
        outer: &Outer,
        token: [u8; 16],
        passphrase: &str,
        layer: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let opened = outer.open(&token, &secret(passphrase), layer).await.unwrap();
        opened.map(|inner| inner.to_vec())
    }

    fn secret(text: &str) -> Arc<Zeroizing<String>> {
        Arc::new(Zeroizing::new(text.to_owned()))
    }

    #[tokio::test]
    async fn the_passphrase_the_token_and_every_byte_count() {
        let config = Config { argon2_kib: 64, argon2_passes: 1, ..Config::default() };
        let outer = Outer::new(&config).unwrap();
        let token = [7; 16];
        let right = secret("right");
        let layer = outer.close(&token, &right, b"wrapped".to_vec()).await.unwrap();
        assert_eq!(open(&outer, token, "right", Some(&layer)).await.unwrap(), b"wrapped");
        assert_eq!(open(&outer, token, "wrong", Some(&layer)).await, None);
        assert_eq!(open(&outer, [8; 16], "right", Some(&layer)).await, None);
        assert_eq!(open(&outer, token, "right", None).await, None);
        for at in (0..layer.len()).filter(|at| !(1..9).contains(at)) {
            let mut changed = layer.clone();
            changed[at] ^= 1;
            assert_eq!(open(&outer, token, "right", Some(&changed)).await, None, "{at}");
        }
        let again = outer.close(&token, &right, b"wrapped".to_vec()).await.unwrap();
        assert!(again[SALT] != layer[SALT] && again[25..37] != layer[25..37]);
    }

    #[tokio::test]
    async fn nobody_waits_without_end() {
        let config = Config { argon2_kib: 64, argon2_passes: 1, openings: 1, ..Config::default() };
        let outer = Outer::new(&config).unwrap();
        let _all = outer.places.acquire_many(65).await.unwrap();
        let waited = outer.open(&[7; 16], &secret("x"), None).await;
        assert!(matches!(waited, Err(Fault::Busy)));
    }
}
