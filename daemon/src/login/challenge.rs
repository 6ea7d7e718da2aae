//! Login nonces: each is good once and for a while, and none of them has to be remembered until it
//! is used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;

use crate::fault::Fault;

/// 32 bytes: the time, little-endian, in the first four, random bytes after it (hem.md A3).
///
/// # Errors
/// [`Fault::Internal`] when the host has no randomness.
pub fn time_nonce(now: u64) -> Result<[u8; 32], Fault> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|_| Fault::Internal)?;
    let stamp = u32::try_from(now).unwrap_or(u32::MAX).to_le_bytes();
    nonce.iter_mut().zip(stamp).for_each(|(to, from)| *to = from);
    Ok(nonce)
}

/// Makes nonces and takes them back. A nonce carries its own proof of origin, so strangers who ask
/// for many take no memory and drive out nobody's.
pub(super) struct Nonces {
    key: hmac::Key,
    lifetime: u64,
    /// Used nonces with the second they end; swept when it grows.
    used: Mutex<HashMap<[u8; 32], u64>>,
}

impl Nonces {
    /// Nonces that can be answered for `lifetime` seconds.
    pub(super) fn new(lifetime: u64) -> Result<Self, Fault> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| Fault::Internal)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
        Ok(Self { key, lifetime, used: Mutex::default() })
    }

    /// A fresh nonce: time, 12 random bytes, and the first 16 bytes of a MAC over them.
    pub(super) fn issue(&self, now: u64) -> Result<[u8; 32], Fault> {
        let mut nonce = time_nonce(now)?;
        let tag = self.tag(&nonce);
        nonce.iter_mut().skip(SEED).zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Ok(nonce)
    }

    /// When `nonce` ends; `None` where it is not one of ours.
    fn ends(&self, nonce: &[u8; 32]) -> Option<u64> {
        let (seed, tag) = nonce.split_at_checked(SEED)?;
        let expected = self.tag(nonce);
        let expected = expected.as_ref().get(..tag.len())?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(tag, expected)) {
            return None;
        }
        let stamp: [u8; 4] = seed.get(..4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(stamp)) + self.lifetime)
    }

    /// Whether `nonce` could still be answered.
    pub(super) fn is_open(&self, nonce: &[u8; 32], now: u64) -> bool {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        self.ends(nonce).is_some_and(|ends| now <= ends) && !used.contains_key(nonce)
    }

    /// Uses `nonce`; of any number of callers exactly one gets `true`.
    pub(super) fn spend(&self, nonce: &[u8; 32], now: u64) -> bool {
        let Some(ends) = self.ends(nonce).filter(|ends| now <= *ends) else {
            return false;
        };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, ends| *ends >= now);
        used.insert(*nonce, ends).is_none()
    }

    fn tag(&self, nonce: &[u8; 32]) -> hmac::Tag {
        let seed: Vec<u8> = nonce.iter().take(SEED).copied().collect();
        hmac::sign(&self.key, &seed)
    }
}

/// The time and the random bytes.
const SEED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_and_in_time() {
        let nonces = Nonces::new(60).unwrap();
        let nonce = nonces.issue(1000).unwrap();
        assert_eq!(nonce[..4], 1000u32.to_le_bytes());
        assert!(nonces.is_open(&nonce, 1060));
        assert!(!nonces.is_open(&nonce, 1061));
        assert!(nonces.spend(&nonce, 1010));
        assert!(!nonces.spend(&nonce, 1010));
        assert!(!nonces.is_open(&nonce, 1010));
    }

    #[test]
    fn a_nonce_of_another_make_is_not_good() {
        let nonces = Nonces::new(60).unwrap();
        let mut nonce = nonces.issue(1000).unwrap();
        assert!(!Nonces::new(60).unwrap().spend(&nonce, 1000));
        for at in 0..32 {
            nonce[at] ^= 1;
            assert!(!nonces.spend(&nonce, 1000), "byte {at}");
            nonce[at] ^= 1;
        }
    }

    #[test]
    fn of_many_at_once_one_wins() {
        let nonces = Nonces::new(60).unwrap();
        let nonce = nonces.issue(1000).unwrap();
        let wins: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| usize::from(nonces.spend(&nonce, 1000)))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(wins, 1);
    }
}
