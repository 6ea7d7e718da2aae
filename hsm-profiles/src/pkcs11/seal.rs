//! Sealing and opening under the KEK: AES-256-GCM in the token.

use cryptoki::context::Function;
use cryptoki::error::Error;
use cryptoki::object::ObjectHandle;
use zeroize::Zeroize;

use super::errors::Failure;
use super::raw::Gcm;
use super::session::TokenSession;
use crate::profile::ErrorClass;
use crate::sealed::{NONCE, TAG};

/// Encrypts `seed`: a version byte, a nonce from the token's generator, the ciphertext, the tag.
pub(crate) fn seal(
    session: &TokenSession,
    kek: ObjectHandle,
    aad: &[u8],
    seed: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut nonce = [0; NONCE];
    fill_random(session, &mut nonce)?;
    let mut cipher = vec![0; seed.len() + TAG];
    let gcm = Gcm { key: kek.handle(), nonce: &nonce, aad, tag: TAG };
    session.module.raw.gcm_encrypt(session.inner.handle(), &gcm, seed, &mut cipher)?;
    Ok([&[VERSION][..], &nonce, &cipher].concat())
}

/// Decrypts a blob into `room`, and answers how many bytes the seed has; the rest of `room` may
/// have been written to. It takes [`TAG`] bytes more than the seed.
///
/// # Errors
/// [`Failure::Unsealable`] for what is no blob. What the token says of one with another binding or
/// of another KEK differs from token to token.
pub(crate) fn open(
    session: &TokenSession,
    kek: ObjectHandle,
    aad: &[u8],
    (blob, room): (&[u8], &mut [u8]),
) -> Result<usize, Failure> {
    let (&version, rest) = blob.split_first().ok_or(Failure::Unsealable)?;
    let (nonce, cipher) = rest.split_at_checked(NONCE).ok_or(Failure::Unsealable)?;
    let expected = cipher.len().checked_sub(TAG).ok_or(Failure::Unsealable)?;
    if version != VERSION || cipher.len() > room.len() {
        return Err(Failure::Unsealable);
    }
    let gcm = Gcm { key: kek.handle(), nonce, aad, tag: TAG };
    let opened = session.module.raw.gcm_decrypt(session.inner.handle(), &gcm, cipher, room);
    match opened {
        Ok(length) if length == expected => Ok(length),
        Ok(_) => Err(Failure::Wrong("a sealed key came out at another length".into())),
        Err(error) => {
            room.zeroize();
            Err(judge(session, error))
        }
    }
}

/// Some tokens have a value for a tag that does not fit: it is an argument to them. What may mean
/// anything is left to the canary key.
fn judge(session: &TokenSession, error: Error) -> Failure {
    let is_late = matches!(error, Error::Pkcs11(_, Function::Decrypt));
    let failure = Failure::from(error);
    let class = session.module.classes.judge(&failure);
    match is_late && class == ErrorClass::Argument {
        true => Failure::Unsealable,
        false => failure,
    }
}

/// Random bytes from the token's generator.
pub(crate) fn fill_random(session: &TokenSession, bytes: &mut [u8]) -> Result<(), Failure> {
    session.inner.generate_random_slice(bytes)?;
    // A generator that fails and says otherwise most likely leaves the zeros.
    match bytes.iter().all(|byte| *byte == 0) {
        true => Err(Failure::Wrong("the token's generator gives nothing but zeros".into())),
        false => Ok(()),
    }
}

/// The first byte of a blob of this form.
const VERSION: u8 = 1;
