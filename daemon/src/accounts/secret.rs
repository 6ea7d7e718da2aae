//! What shows that a password is right: Argon2id of it, under a MAC of the token. Who has the state
//! file alone can't try passwords.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use policies::AccountId;
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::store::{Mac, PasswordRow, SealText};

/// Hashes passwords, a few at a time, apart from the threads that serve.
pub(super) struct Hasher {
    mac: Arc<dyn Mac>,
    at_once: Semaphore,
    places: Semaphore,
    /// What the password of nobody is held against, with the same work.
    decoy: PasswordRow,
}

/// Leave to hash, for as long as it is held.
pub(super) struct Turn<'a>(#[expect(dead_code, reason = "it is held")] SemaphorePermit<'a>);

impl Hasher {
    /// # Errors
    /// [`Fault::Internal`] where the host has no randomness.
    pub(super) fn new(mac: Arc<dyn Mac>) -> Result<Self, Fault> {
        // Half of the cores, so that strangers who log in leave the rest to those who work.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = (cores / 2).clamp(1, MOST_AT_ONCE);
        let decoy = PasswordRow { verifier: random()?, ..fresh()? };
        let (at_once, places) = (Semaphore::new(at_once), Semaphore::new(PLACES));
        Ok(Self { mac, at_once, places, decoy })
    }

    /// A place among those who wait for their turn or have it.
    ///
    /// # Errors
    /// [`Fault::Throttled`] where too many do.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.places.try_acquire().map_err(|_| Fault::Throttled(Duration::from_secs(1)))
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Fault::Internal`]; not seen.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Fault> {
        self.at_once.acquire().await.map(Turn).map_err(|_| Fault::Internal)
    }

    /// What to keep of a new password.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the token fails.
    pub(super) async fn seal(
        &self,
        _: &Turn<'_>,
        account: AccountId,
        password: Zeroizing<String>,
    ) -> Result<PasswordRow, Fault> {
        let row = fresh()?;
        let verifier = self.verifier(account, &row, password).await?;
        Ok(PasswordRow { verifier, ..row })
    }

    /// Whether the password is that of the account; never for `None`, with the same work.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the token fails.
    pub(super) async fn matches(
        &self,
        _: &Turn<'_>,
        account: Option<(AccountId, PasswordRow)>,
        password: Zeroizing<String>,
    ) -> Result<bool, Fault> {
        let is_known = account.is_some();
        let (id, row) = account.unwrap_or_else(|| (AccountId([0; 16]), self.decoy.clone()));
        let verifier = self.verifier(id, &row, password).await?;
        Ok(bool::from(verifier.ct_eq(&row.verifier)) && is_known)
    }

    async fn verifier(
        &self,
        account: AccountId,
        row: &PasswordRow,
        password: Zeroizing<String>,
    ) -> Result<[u8; 32], Fault> {
        let (salt, memory, passes) = (row.salt, row.memory, row.passes);
        let hash = tokio::task::spawn_blocking(move || hash(&password, &salt, (memory, passes)));
        let hash = hash.await.map_err(|_| Fault::Internal)??;
        let text = SealText::new("claviger password v1").bytes(&account.0).bytes(hash.as_slice());
        let text = Zeroizing::new(text.finish());
        Ok(self.mac.mac(&text).await?)
    }
}

fn hash(
    password: &str,
    salt: &[u8; 16],
    (memory, passes): (u32, u32),
) -> Result<Zeroizing<[u8; 32]>, Fault> {
    let params = Params::new(memory, passes, 1, Some(32)).map_err(|_| Fault::Internal)?;
    let mut hash = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, hash.as_mut_slice())
        .map_err(|_| Fault::Busy)?;
    Ok(hash)
}

/// The parameters of passwords from now on, and a salt; no verifier yet.
fn fresh() -> Result<PasswordRow, Fault> {
    Ok(PasswordRow { salt: random()?, memory: MEMORY, passes: PASSES, verifier: [0; 32] })
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Fault::Internal)?;
    Ok(bytes)
}

/// 19 MiB, twice, in one lane: what OWASP's Password Storage Cheat Sheet asks for at least, as the
/// verifier is of no use without the token, and strangers make the daemon do it.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const MOST_AT_ONCE: usize = 4;
/// How many may wait at once: each has an entry of the log open, of which there are so many.
const PLACES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Doing, Tag};

    /// A token whose key is a number.
    struct Token(u8);

    impl Mac for Token {
        fn mac<'a>(&'a self, text: &'a [u8]) -> Doing<'a, Tag> {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[self.0; 32]);
            let tag = aws_lc_rs::hmac::sign(&key, text).as_ref().try_into().unwrap();
            Box::pin(async move { Ok(tag) })
        }
    }

    fn text(password: &str) -> Zeroizing<String> {
        Zeroizing::new(password.to_owned())
    }

    /// As the reference implementation and OpenSSL say: "password", "somesaltsomesalt", 2 passes over
    /// 64 KiB in one lane.
    #[test]
    fn the_hash_is_argon2id() {
        let hash = hash("password", b"somesaltsomesalt", (64, 2)).unwrap();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, KNOWN);
    }

    #[tokio::test]
    async fn a_password_is_good_for_its_account_and_with_its_token_alone() {
        let hasher = Hasher::new(Arc::new(Token(1))).unwrap();
        let turn = hasher.turn().await.unwrap();
        let account = AccountId([1; 16]);
        let row = hasher.seal(&turn, account, text("correct")).await.unwrap();
        let good = async |of, password| hasher.matches(&turn, of, text(password)).await.unwrap();
        assert!(good(Some((account, row.clone())), "correct").await);
        assert!(!good(Some((account, row.clone())), "wrong").await);
        assert!(!good(Some((AccountId([2; 16]), row.clone())), "correct").await);
        assert!(!good(None, "correct").await);
        let thief = Hasher::new(Arc::new(Token(2))).unwrap();
        let turn = thief.turn().await.unwrap();
        assert!(!thief.matches(&turn, Some((account, row)), text("correct")).await.unwrap());
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_sent_away() {
        let hasher = Hasher::new(Arc::new(Token(1))).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| hasher.place().ok()).collect();
        assert_eq!(all.len(), PLACES);
        assert!(matches!(hasher.place(), Err(Fault::Throttled(_))));
        drop(all);
        drop(hasher.place().unwrap());
    }

    const KNOWN: &str = "1a98fba8e6394425c9bdc333a9c750aaf811df070f5fb4a5788e1cf4db5793a1";
}
