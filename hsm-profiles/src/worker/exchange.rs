//! Exchanges of session keys: the exchange key's work, and seals of what came of it.

use super::token::Seat;
use crate::exchange::{self, Exchange};
use crate::pkcs11::{self, Exchanging, Failure};
use crate::protocol::{Answer, SecretBytes};
use crate::sealed;

impl Seat {
    /// Does one of them.
    pub(super) fn exchange(&self, what: &Exchange) -> Result<Answer, Failure> {
        match what {
            Exchange::Key { bits } => self.exchange_key(*bits).map(Answer::Public),
            Exchange::Open { ciphertext, .. } => {
                let key = self.exchanging()?;
                if ciphertext.len() != key.length {
                    return Err(Failure::Argument("a ciphertext is as long as the modulus"));
                }
                self.open_exchange(&key, what).map(Answer::Secret)
            }
            Exchange::Seal { name, secret } => {
                let kek = self.kek()?;
                let (aad, secret) = (binding(name), secret.expose());
                if secret.len() > LONGEST {
                    return Err(Failure::Argument("the keys of a session are too long"));
                }
                pkcs11::seal(&self.session, kek, &aad, secret).map(Answer::Public)
            }
            Exchange::Unseal { name, blob } => {
                let kek = self.kek()?;
                sealed::with_locked(LONGEST + sealed::TAG, |room| {
                    let aad = binding(name);
                    let opened = pkcs11::open(&self.session, kek, &aad, (blob, &mut *room))?;
                    let secret = room.get(..opened).ok_or(Failure::Unsealable)?;
                    Ok(Answer::Secret(SecretBytes::new(secret.to_vec())))
                })
            }
        }
    }

    /// Whether it was made now, one byte, and the modulus.
    fn exchange_key(&self, bits: u16) -> Result<Vec<u8>, Failure> {
        let mut keys = self.system_keys()?;
        let made = pkcs11::find_exchange(&self.session)?.is_none();
        let key = pkcs11::provide_exchange(&self.session, bits)?;
        keys.exchange = Some(key);
        self.token.set_system(Some(keys));
        let modulus = pkcs11::modulus(&self.session, key.public)?;
        Ok([&[u8::from(made)], modulus.as_slice()].concat())
    }

    fn exchanging(&self) -> Result<Exchanging, Failure> {
        let key = self.system_keys()?.exchange;
        key.ok_or(Failure::Argument("the token has no exchange key"))
    }

    fn open_exchange(&self, key: &Exchanging, what: &Exchange) -> Result<SecretBytes, Failure> {
        let Exchange::Open { padding, cargo, ciphertext, stand_in } = what else {
            return Err(Failure::Argument("not an exchange"));
        };
        sealed::with_locked(key.length, |block| {
            pkcs11::rsa(&self.session, key, ciphertext, block)?;
            Ok(exchange::unpad(*padding, *cargo, block, stand_in.expose()))
        })
    }
}

/// What a blob is bound to: never what a sealed key is.
fn binding(name: &[u8]) -> Vec<u8> {
    [b"claviger session v1\0", name].concat()
}

/// The most bytes that are sealed.
const LONGEST: usize = 256;
