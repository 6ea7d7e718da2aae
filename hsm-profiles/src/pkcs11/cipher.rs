//! AES by keys of the token.

use cryptoki::context::Function;
use cryptoki::error::Error;
use cryptoki::object::ObjectHandle;
use zeroize::Zeroizing;

use super::errors::Failure;
use super::raw_cipher::{How, Way};
use super::session::TokenSession;
use crate::profile::ErrorClass;
use crate::rfc3394::{self, Unwrapping};

/// Enciphers `plain`: whole blocks, but for GCM, where the tag comes behind.
pub(crate) fn encrypt(
    session: &TokenSession,
    key: ObjectHandle,
    how: How<'_>,
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let room = plain.len() + overhead(how);
    let mut text = vec![0; room];
    let raw = &session.module.raw;
    let way = (session.inner.handle(), Way::Encrypt);
    let written = raw.crypt(way, (how, key.handle()), plain, &mut text)?;
    match written == room {
        true => Ok(text),
        false => Err(Failure::Wrong("a ciphertext has not the length that it must have".into())),
    }
}

/// Deciphers `text`, which for GCM has its tag behind it.
///
/// # Errors
/// [`Failure::Argument`] where the tag does not fit.
pub(crate) fn decrypt(
    session: &TokenSession,
    key: ObjectHandle,
    how: How<'_>,
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Some tokens want room for the tag, too.
    let mut plain = Zeroizing::new(vec![0; text.len()]);
    let raw = &session.module.raw;
    let way = (session.inner.handle(), Way::Decrypt);
    let written = raw.crypt(way, (how, key.handle()), text, &mut plain);
    let written = written.map_err(|error| judge_tag(session, how, error))?;
    match written + overhead(how) == text.len() {
        true => {
            plain.truncate(written);
            Ok(plain)
        }
        false => Err(Failure::Wrong("a plaintext has not the length that it must have".into())),
    }
}

/// Wraps `plain` as RFC 3394 says.
pub(crate) fn wrap(
    session: &TokenSession,
    key: ObjectHandle,
    initial: [u8; 8],
    plain: &[u8],
) -> Result<Vec<u8>, Failure> {
    let blocks = Blocks::begin(session, Way::Encrypt, key)?;
    let wrapped = rfc3394::wrap(initial, plain, |block| blocks.pass(block))?;
    blocks.end()?;
    Ok(wrapped)
}

/// Unwraps `wrapped` as RFC 3394 says.
///
/// # Errors
/// [`Failure::Argument`] where another initial value comes out.
pub(crate) fn unwrap(
    session: &TokenSession,
    key: ObjectHandle,
    initial: [u8; 8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let blocks = Blocks::begin(session, Way::Decrypt, key)?;
    let plain = rfc3394::unwrap(initial, wrapped, |block| blocks.pass(block));
    match plain {
        Err(Unwrapping::Cipher(failure)) => Err(failure),
        Err(Unwrapping::Forged) => {
            blocks.end()?;
            Err(Failure::Argument(FORGED))
        }
        Ok(plain) => {
            blocks.end()?;
            Ok(plain)
        }
    }
}

/// 16 bytes from the token's generator.
pub(crate) fn random_block(session: &TokenSession) -> Result<[u8; 16], Failure> {
    let mut block = [0; 16];
    session.inner.generate_random_slice(&mut block)?;
    Ok(block)
}

/// An operation of many blocks. Where it breaks off, its session is given up.
struct Blocks<'a> {
    session: &'a TokenSession,
    way: Way,
}

impl<'a> Blocks<'a> {
    fn begin(session: &'a TokenSession, way: Way, key: ObjectHandle) -> Result<Self, Failure> {
        session.module.raw.begin(session.inner.handle(), way, (How::Ecb, key.handle()))?;
        Ok(Self { session, way })
    }

    fn pass(&self, block: &mut [u8; 16]) -> Result<(), Failure> {
        let passed = self.session.module.raw.block(self.session.inner.handle(), self.way, block);
        passed.map_err(|error| self.give_up(error))
    }

    fn end(self) -> Result<(), Failure> {
        let ended = self.session.module.raw.end(self.session.inner.handle(), self.way);
        ended.map_err(|error| self.give_up(error))
    }

    fn give_up(&self, error: Error) -> Failure {
        self.session.spoil();
        error.into()
    }
}

/// Tokens have many names for a tag that does not fit, CKR_GENERAL_ERROR among them. The key was
/// found by then, so that such a value is about the text; anybody could send one that makes the
/// token look broken otherwise.
fn judge_tag(session: &TokenSession, how: How<'_>, error: Error) -> Failure {
    let is_late = matches!(error, Error::Pkcs11(_, Function::Decrypt));
    let failure = Failure::from(error);
    let class = session.module.classes.judge(&failure);
    match how {
        How::Gcm(..) if is_late && is_about_text(class) => {
            Failure::Argument("the tag does not fit: wrong key, aad or text")
        }
        _ => failure,
    }
}

fn is_about_text(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Argument | ErrorClass::Unclear)
}

fn overhead(how: How<'_>) -> usize {
    match how {
        How::Gcm(..) => TAG,
        How::Cbc(_) | How::Ecb => 0,
    }
}

/// For whoever presents what no such key has wrapped.
pub(crate) const FORGED: &str =
    "this was not wrapped by this key and with this initial value, or was changed since";

/// The bytes of a GCM tag.
const TAG: usize = 16;
