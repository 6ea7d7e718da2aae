//! ML-KEM (FIPS 203) by keys of the token, with the calls of PKCS#11 3.2.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType as Ckk, ObjectClass, ObjectHandle};
use zeroize::Zeroizing;

use super::errors::Failure;
use super::session::TokenSession;
use super::template::parameter_set;
use crate::key_type::KeyType;
use crate::protocol::SecretBytes;

/// A fresh secret of 32 bytes and its ciphertext for `public`, a raw public key, which becomes an
/// object of the session for it.
pub(crate) fn encapsulate(
    session: &TokenSession,
    kind: KeyType,
    public: &[u8],
) -> Result<(Vec<u8>, SecretBytes), Failure> {
    let set = parameter_set(kind).ok_or(Failure::Type(kind))?;
    let half = session.inner.create_object(&[
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(Ckk::ML_KEM),
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Encapsulate(true),
        Attribute::ParameterSet(set),
        Attribute::Value(public.to_vec()),
    ])?;
    let half = Passing { session, handle: half };
    let (ciphertext, handle) =
        session.inner.encapsulate_key(&Mechanism::MlKem, half.handle, &secret_template())?;
    let secret = Passing { session, handle }.read()?;
    Ok((ciphertext, secret))
}

/// The secret of 32 bytes in `ciphertext`; one that nobody knows where it was made for another key.
///
/// # Errors
/// [`Failure::Argument`] for a ciphertext of another length, which tokens refuse each in its own way.
pub(crate) fn decapsulate(
    session: &TokenSession,
    (key, kind): (ObjectHandle, KeyType),
    ciphertext: &[u8],
) -> Result<SecretBytes, Failure> {
    if ciphertext_length(kind) != Some(ciphertext.len()) {
        return Err(Failure::Argument("the ciphertext has not the length of its type"));
    }
    let handle =
        session.inner.decapsulate_key(&Mechanism::MlKem, key, &secret_template(), ciphertext)?;
    Passing { session, handle }.read()
}

/// FIPS 203, table 3.
const fn ciphertext_length(kind: KeyType) -> Option<usize> {
    match kind {
        KeyType::MlKem512 => Some(768),
        KeyType::MlKem768 => Some(1088),
        KeyType::MlKem1024 => Some(1568),
        _ => None,
    }
}

/// The secret is read at once and destroyed, like an agreed one.
fn secret_template() -> [Attribute; 6] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(Ckk::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(32.into()),
    ]
}

/// An object of the session, destroyed on every way out.
struct Passing<'a> {
    session: &'a TokenSession,
    handle: ObjectHandle,
}

impl Passing<'_> {
    fn read(&self) -> Result<SecretBytes, Failure> {
        let mut value = Zeroizing::new([0; 32]);
        let raw = &self.session.module.raw;
        let session = self.session.inner.handle();
        raw.read_value(session, self.handle.handle(), value.as_mut_slice())?;
        Ok(SecretBytes::new(value.to_vec()))
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if self.session.inner.destroy_object(self.handle).is_err() {
            self.session.spoil();
        }
    }
}
