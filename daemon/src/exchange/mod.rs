//! End-to-end key exchanges: the exchange key in the token, and the sessions that clients agree on
//! with it. A session's keys are in the state file, sealed by the token, until it ends.

mod cipher;
mod event;
mod frame;
mod guesses;
mod owner;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use audit::{Ext, Log, LogType};
use aws_lc_rs::hmac;
use hsm_profiles::{Cargo, SecretBytes, System};
use policies::{ExchangeSession, Kid, Permit, Subject};
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub use event::Event;
pub use frame::{Frame, Opened};
pub use owner::{Owner, Visitor};
pub use sessions::{Form, Keys};

use self::guesses::Guesses;

use crate::clock::now;
use crate::config::E2e;
use crate::entering::enter;
use crate::fault::Fault;
use crate::store::{Store, StoreFault};

/// The exchanges. Cloning is shallow.
#[derive(Clone)]
pub struct Exchange(Arc<Parts>);

struct Parts {
    store: Store,
    system: System,
    log: Log,
    config: E2e,
    /// Of which stand-ins are made, in this run.
    secret: hmac::Key,
    guesses: Guesses,
    /// The public half of the exchange key, once somebody has asked.
    public: OnceCell<PublicHalf>,
    /// Sealed keys of nobody's, to be opened where there is no session.
    decoy: OnceCell<Vec<u8>>,
}

/// The public half of the exchange key.
#[derive(Clone, Debug)]
pub struct PublicHalf {
    /// Big-endian, without leading zeros.
    pub modulus: Vec<u8>,
    /// Made of the modulus, as those of other keys of their public halves.
    pub kid: Kid,
}

impl Exchange {
    /// The exchanges over `store` and the token. Sessions that end are removed within a minute.
    ///
    /// # Errors
    /// [`Fault::Internal`] where the host has no randomness.
    pub(crate) fn new(
        (store, system, log): (&Store, &System, &Log),
        config: E2e,
    ) -> Result<Self, Fault> {
        let (store, system, log) = (store.clone(), system.clone(), log.clone());
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| Fault::Internal)?;
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        if config.enabled {
            tokio::spawn(sweep(store.clone()));
        }
        let guesses = Guesses::new(&config);
        let (public, decoy) = (OnceCell::new(), OnceCell::new());
        Ok(Self(Arc::new(Parts { store, system, log, config, secret, guesses, public, decoy })))
    }

    /// The public half of the exchange key, which the token makes at the first call.
    ///
    /// # Errors
    /// [`Fault::Failed`] where the token has no RSA, [`Fault::Conflict`] where it fails.
    pub async fn public(&self, _: &Permit<ExchangeSession>) -> Result<&PublicHalf, Fault> {
        self.modulus().await
    }

    /// The key in what a native client of the first version sent: the initialisation vector, then
    /// the ciphertext.
    ///
    /// # Errors
    /// [`Fault::Invalid`], `cannotDecryptKey` for what anybody can see to be wrong, and
    /// `chkDigitNotMatch` for whatever else is; [`Fault::Throttled`] after too many of those.
    pub async fn receive_key(
        &self,
        _: &Permit<ExchangeSession>,
        owner: &Owner,
        sent: &str,
        digit: &[u8; 3],
    ) -> Result<Keys, Fault> {
        let wrong = || visible("encryptedKey");
        let sent = base16ct::mixed::decode_vec(sent).map_err(|_| wrong())?;
        let (iv, ciphertext) = sent.split_at_checked(cipher::BLOCK).ok_or_else(wrong)?;
        let ciphertext = self.fitting(ciphertext, "encryptedKey").await?;
        self.0.guesses.admit(owner)?;
        let key = self.open(Cargo::Key, ciphertext).await?;
        let keys = Keys::one(key.expose(), iv)?;
        self.prove(owner, keys, &[digit])
    }

    /// The keys in what a native client of the second version sent.
    ///
    /// # Errors
    /// As for [`Self::receive_key`].
    pub async fn receive_keys(
        &self,
        _: &Permit<ExchangeSession>,
        owner: &Owner,
        sent: &str,
        (cipher, mac): (&[u8; 3], &[u8; 3]),
    ) -> Result<Keys, Fault> {
        let ciphertext = self.number(sent, "encryptedPayload").await?;
        self.0.guesses.admit(owner)?;
        let keys = self.open(Cargo::Keys, ciphertext).await?;
        self.prove(owner, Keys::two(keys)?, &[cipher, mac])
    }

    /// The keys, if each has its check digit. All are computed whatever the first is.
    fn prove(&self, owner: &Owner, keys: Keys, digits: &[&[u8; 3]]) -> Result<Keys, Fault> {
        let mut holds = subtle::Choice::from(1);
        for (key, digit) in keys.checked().into_iter().zip(digits) {
            let expected = cipher::check_digit(self.0.config.check_digit, key, keys.iv())?;
            holds &= expected.as_slice().ct_eq(digit.as_slice());
        }
        match holds.into() {
            true => Ok(keys),
            false => {
                self.0.guesses.charge(owner);
                let why = "the check digit is not that of the key";
                Err(Fault::Invalid(why.into()).coded("chkDigitNotMatch", ""))
            }
        }
    }

    async fn modulus(&self) -> Result<&PublicHalf, Fault> {
        let make = || async {
            let (modulus, fresh) = self.0.system.exchange_key(self.0.config.rsa_bits).await?;
            let kid = Kid::of_public_key(&modulus);
            if fresh {
                let (made, name) =
                    (LogType::LOG_TYPE_SYSTEM_KEY_MADE, Ext::Text(format!("exchange {kid}")));
                enter(&self.0.log, made, Subject::Anonymous, name).await?;
            }
            Ok::<_, Fault>(PublicHalf { modulus, kid })
        };
        self.0.public.get_or_try_init(make).await
    }

    /// A ciphertext that clients write as a number: they cut leading zeros, also one of a pair.
    async fn number(&self, digits: &str, place: &'static str) -> Result<Vec<u8>, Fault> {
        let width = 2 * self.modulus().await?.modulus.len();
        if digits.is_empty() || digits.len() > width {
            return Err(visible(place));
        }
        let whole = format!("{digits:0>width$}");
        let ciphertext = base16ct::mixed::decode_vec(whole).map_err(|_| visible(place))?;
        self.fitting(&ciphertext, place).await
    }

    /// A ciphertext as long as the modulus, and a smaller number.
    async fn fitting(&self, ciphertext: &[u8], place: &'static str) -> Result<Vec<u8>, Fault> {
        let modulus = &self.modulus().await?.modulus;
        match ciphertext.len() == modulus.len() && ciphertext < modulus.as_slice() {
            true => Ok(ciphertext.to_vec()),
            false => Err(visible(place)),
        }
    }

    /// What is in a ciphertext, and always the same thing in its place where that is not as it must
    /// be: a client that sends it again learns no more.
    async fn open(&self, cargo: Cargo, ciphertext: Vec<u8>) -> Result<SecretBytes, Fault> {
        let mut stand_in = Zeroizing::new(Vec::with_capacity(96));
        for part in [b"1", b"2", b"3"] {
            let mut context = hmac::Context::with_key(&self.0.secret);
            context.update(part);
            context.update(&ciphertext);
            stand_in.extend_from_slice(context.sign().as_ref());
        }
        let stand_in = SecretBytes::new(stand_in.to_vec());
        let how = (self.0.config.padding, cargo);
        Ok(self.0.system.open_exchange(how, ciphertext, stand_in).await?)
    }
}

/// Removes the sessions that have ended, until the state file is closed.
async fn sweep(store: Store) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        match store.sweep_sessions(now()).await {
            Ok(()) => {}
            Err(StoreFault::Database(sqlx::Error::PoolClosed)) => return,
            Err(fault) => tracing::warn!(%fault, "sessions that have ended can't be removed now"),
        }
    }
}

/// What anybody can see to be no ciphertext for the exchange key.
fn visible(place: &'static str) -> Fault {
    let why = format!("{place} is no ciphertext for this device's key: digits, length, number");
    Fault::Invalid(why.into()).coded("cannotDecryptKey", format!("body/{place}"))
}

fn broken(fault: StoreFault) -> Fault {
    fault.into()
}
