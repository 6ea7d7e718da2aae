//! Exchanges of session keys.

use super::{System, misunderstood, public};
use crate::exchange::{Cargo, Exchange, Padding};
use crate::protocol::{Answer, Operation, SecretBytes, TokenFault};

impl System {
    /// The modulus of the exchange key, 256 or 384 bytes; its exponent is 65537. It is made where
    /// the token has none, with `bits`, 2048 or 3072; and whether it was made now.
    ///
    /// # Errors
    /// [`TokenFault::Unsupported`] where the token has no RSA, [`TokenFault::OutcomeUnknown`] where
    /// it may have been made: do it again.
    pub async fn exchange_key(&self, bits: u16) -> Result<(Vec<u8>, bool), TokenFault> {
        let answer = public(self.exchange(Exchange::Key { bits }).await?)?;
        match answer.split_first() {
            Some((made, modulus)) => Ok((modulus.to_vec(), *made == 1)),
            None => Err(misunderstood()),
        }
    }

    /// What a client encrypted to the exchange key, and `stand_in` where that is nothing like
    /// `cargo`: in the same time, so that nobody learns which it was.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where `ciphertext` is not as long as the modulus or not smaller.
    pub async fn open_exchange(
        &self,
        (padding, cargo): (Padding, Cargo),
        ciphertext: Vec<u8>,
        stand_in: SecretBytes,
    ) -> Result<SecretBytes, TokenFault> {
        secret(self.exchange(Exchange::Open { padding, cargo, ciphertext, stand_in }).await?)
    }

    /// Seals up to 256 bytes under the token's key-encryption key, bound to `name`.
    ///
    /// # Errors
    /// [`TokenFault::Unsealable`] where the token has no such key; see [`System`].
    pub async fn seal_session(
        &self,
        name: Vec<u8>,
        secret: SecretBytes,
    ) -> Result<Vec<u8>, TokenFault> {
        public(self.exchange(Exchange::Seal { name, secret }).await?)
    }

    /// Opens what [`System::seal_session`] sealed under the same name.
    ///
    /// # Errors
    /// [`TokenFault::Unsealable`] for another blob, name or token; see [`System`].
    pub async fn unseal_session(
        &self,
        name: Vec<u8>,
        blob: Vec<u8>,
    ) -> Result<SecretBytes, TokenFault> {
        secret(self.exchange(Exchange::Unseal { name, blob }).await?)
    }

    async fn exchange(&self, what: Exchange) -> Result<Answer, TokenFault> {
        self.line.ask(Operation::Exchange(what)).await
    }
}

fn secret(answer: Answer) -> Result<SecretBytes, TokenFault> {
    match answer {
        Answer::Secret(secret) => Ok(secret),
        _ => Err(misunderstood()),
    }
}
