//! Known answers: work whose result is known before the token is asked.

use cryptoki::object::{Attribute, KeyType as Ckk, ObjectClass};
use ed25519_dalek::{Signature, VerifyingKey};

use super::errors::Failure;
use super::generate::try_agreement;
use super::session::TokenSession;
use super::sign::{mac, sign_log};
use super::system_keys::SystemKeys;
use crate::key_type::KeyType;
use crate::profile::ErrorClass;

/// An agreement by the identity key with the base point, which gives its public key; a signature
/// by the logger key, verified in software; an HMAC of RFC 4231.
///
/// # Errors
/// [`Failure::Wrong`] names the answer that was not the known one.
pub(crate) fn known_answers(session: &TokenSession, keys: &SystemKeys) -> Result<(), Failure> {
    try_agreement(session, KeyType::Curve25519, keys.identity, &keys.public.identity)?;
    for logger in keys.loggers.iter().flatten() {
        let signature = sign_log(session, logger.private, TEXT)?;
        let signature = Signature::from_slice(&signature).ok();
        let public = VerifyingKey::from_bytes(&logger.public).ok();
        let verified =
            public.zip(signature).map(|(key, signature)| key.verify_strict(TEXT, &signature));
        if !matches!(verified, Some(Ok(()))) {
            return Err(Failure::Wrong("a signature by the logger key does not verify".into()));
        }
    }
    match published_mac(session) {
        Ok(mac) if mac == RFC4231_MAC => Ok(()),
        Ok(_) => Err(Failure::Wrong("an HMAC came out wrong".into())),
        // A token that lets no key of this length in from outside can't be asked.
        Err(failure) => match session.module.classes.judge(&failure) {
            ErrorClass::Argument | ErrorClass::Unsupported => Ok(()),
            _ => Err(failure),
        },
    }
}

/// What the token makes of the input of RFC 4231, with its key as an object of this session.
fn published_mac(session: &TokenSession) -> Result<Vec<u8>, Failure> {
    let key = session.inner.create_object(&[
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(Ckk::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sign(true),
        Attribute::Value(RFC4231_KEY.to_vec()),
    ])?;
    let answer = mac(session, key, RFC4231_TEXT);
    if session.inner.destroy_object(key).is_err() {
        session.spoil();
    }
    answer
}

const TEXT: &[u8] = b"claviger: self-test";

/// RFC 4231, test case 6: the others have keys that are too short for tokens with a lower bound.
const RFC4231_KEY: [u8; 131] = [0xaa; 131];
const RFC4231_TEXT: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
const RFC4231_MAC: [u8; 32] = [
    0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7, 0x7f,
    0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54,
];
