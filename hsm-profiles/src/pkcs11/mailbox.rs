//! The key that wraps the pairs of mailboxes, and these pairs: objects of a session.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki_sys::{CK_OBJECT_HANDLE, CKA_MODULUS};

use super::agree::Fleeting;
use super::errors::Failure;
use super::find::find_one;
use super::generate::{alone, alone_and_synced};
use super::session::TokenSession;
use crate::mailbox::MailboxKey;
use crate::profile::{ErrorClass, KeyWrap};

/// The wrapping key; `None` before the first mailbox.
pub(crate) fn find_wrapping(session: &TokenSession) -> Result<Option<ObjectHandle>, Failure> {
    find_one(session, WRAPPING, ObjectClass::SECRET_KEY)
}

/// Makes the wrapping key where it is missing.
pub(crate) fn provide_wrapping(session: &TokenSession) -> Result<ObjectHandle, Failure> {
    session.module.token_info()?;
    if let Some(found) = find_wrapping(session)? {
        return Ok(found);
    }
    alone_and_synced(session, || {
        let key = session.inner.generate_key(&Mechanism::AesKeyGen, &wrapping_template())?;
        if let Err(failure) = examine(session, key) {
            session.inner.destroy_object(key)?;
            return Err(failure);
        }
        Ok((key, key))
    })
}

/// Makes a pair, wraps it, and tries whether what was wrapped is its private key. Nothing of it
/// stays in the token.
pub(crate) fn make_mailbox(
    session: &TokenSession,
    wrapping: ObjectHandle,
    bits: u16,
) -> Result<MailboxKey, Failure> {
    let (public, private) = {
        let _alone = alone(session);
        session.inner.generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &public_template(bits),
            &born_template(),
        )?
    };
    let public = Fleeting { session, handle: public.handle() };
    let private = Fleeting { session, handle: private.handle() };
    let key = MailboxKey {
        modulus: modulus(session, public.handle)?,
        wrapped: wrap(session, wrapping, private.handle)?,
    };
    drop(private);
    try_mailbox(session, wrapping, public.handle, &key)?;
    Ok(key)
}

/// The private key of a mailbox, an object of the session.
pub(crate) struct Opened<'a> {
    private: Fleeting<'a>,
    modulus: Vec<u8>,
}

/// Unwraps a private key.
///
/// # Errors
/// [`Failure::Unsealable`] for what this token did not wrap.
pub(crate) fn open_mailbox<'a>(
    session: &'a TokenSession,
    wrapping: ObjectHandle,
    key: &MailboxKey,
) -> Result<Opened<'a>, Failure> {
    let raw = &session.module.raw;
    let how = session.module.profile.quirks.key_wrap.mechanism();
    let unwrapped = raw.unwrap_rsa(session.inner.handle(), (how, wrapping.handle()), &key.wrapped);
    match unwrapped {
        Ok(handle) => {
            let private = Fleeting { session, handle };
            Ok(Opened { private, modulus: key.modulus.clone() })
        }
        Err(error) => {
            let failure = Failure::from(error);
            match session.module.classes.judge(&failure) {
                ErrorClass::Argument => Err(Failure::Unsealable),
                _ => Err(failure),
            }
        }
    }
}

impl Opened<'_> {
    /// The bytes of the modulus.
    pub(crate) fn length(&self) -> usize {
        self.modulus.len()
    }

    /// What RSA makes of `block`, into `room`, which is as long as the modulus. `false` where the
    /// block is none for this key, which anybody can see.
    pub(crate) fn decrypt(&self, block: &[u8], room: &mut [u8]) -> Result<bool, Failure> {
        if block.len() != self.modulus.len() || block >= self.modulus.as_slice() {
            return Ok(false);
        }
        let session = self.private.session;
        let handle = session.inner.handle();
        let raw = &session.module.raw;
        match raw.rsa_decrypt(handle, self.private.handle, block, room) {
            Ok(()) => Ok(true),
            Err(error) => {
                let failure = Failure::from(error);
                // Some tokens refuse numbers such as 0 and 1.
                match session.module.classes.judge(&failure) {
                    ErrorClass::Argument => Ok(false),
                    _ => Err(failure),
                }
            }
        }
    }
}

/// The modulus of a public key, without leading zeros.
fn modulus(session: &TokenSession, public: CK_OBJECT_HANDLE) -> Result<Vec<u8>, Failure> {
    let mut number = vec![0; LONGEST];
    session.module.raw.read_number(session.inner.handle(), (public, CKA_MODULUS), &mut number)?;
    Ok(number.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn wrap(
    session: &TokenSession,
    wrapping: ObjectHandle,
    private: CK_OBJECT_HANDLE,
) -> Result<Vec<u8>, Failure> {
    let how = session.module.profile.quirks.key_wrap.mechanism();
    let raw = &session.module.raw;
    Ok(raw.wrap_key(session.inner.handle(), (how, wrapping.handle()), private)?)
}

/// What the public half encrypts, the wrapped private one decrypts.
fn try_mailbox(
    session: &TokenSession,
    wrapping: ObjectHandle,
    public: CK_OBJECT_HANDLE,
    key: &MailboxKey,
) -> Result<(), Failure> {
    let length = key.modulus.len();
    let mut trial = vec![7; length];
    trial.splice(..1, [0]);
    let mut cipher = vec![0; length];
    session.module.raw.rsa_encrypt(session.inner.handle(), public, &trial, &mut cipher)?;
    let mut block = vec![0; length];
    let opened = open_mailbox(session, wrapping, key)?;
    match opened.decrypt(&cipher, &mut block)? && block == trial && cipher != trial {
        true => Ok(()),
        false => Err(Failure::Wrong("what was wrapped is not the key that was made".into())),
    }
}

/// It wraps keys and can do nothing else: who could decrypt with it would read what it wrapped.
fn examine(session: &TokenSession, key: ObjectHandle) -> Result<(), Failure> {
    let kinds = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::Encrypt,
        AttributeType::Decrypt,
        AttributeType::Wrap,
        AttributeType::Unwrap,
    ];
    let wanted = wrapping_template();
    let found = session.inner.get_attributes(key, &kinds)?;
    match found.len() == kinds.len() && found.iter().all(|found| wanted.contains(found)) {
        true => Ok(()),
        false => Err(Failure::Wrong("the wrapping key has other attributes than asked".into())),
    }
}

fn wrapping_template() -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Id(WRAPPING.to_vec()),
        Attribute::Label(WRAPPING.to_vec()),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
    ]
}

fn public_template(bits: u16) -> Vec<Attribute> {
    vec![
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Label(LABEL.to_vec()),
        Attribute::Encrypt(true),
        Attribute::ModulusBits(u64::from(bits).into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ]
}

/// It can be wrapped, which is all that it is made for.
fn born_template() -> Vec<Attribute> {
    vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(true),
        Attribute::Label(LABEL.to_vec()),
        Attribute::Decrypt(true),
        Attribute::Sign(false),
        Attribute::Unwrap(false),
    ]
}

impl KeyWrap {
    /// RFC 5649, which has two names: that of PKCS#11 2.40, and that of 3.0.
    fn mechanism(self) -> cryptoki_sys::CK_MECHANISM_TYPE {
        match self {
            Self::Kwp => cryptoki_sys::CKM_AES_KEY_WRAP_KWP,
            Self::Pad => cryptoki_sys::CKM_AES_KEY_WRAP_PAD,
        }
    }
}

/// AES-256, wraps and unwraps the pairs of mailboxes.
const WRAPPING: &[u8] = b"claviger-system:mailbox";
const LABEL: &[u8] = b"claviger once";
/// Of a modulus: 4096 bits.
const LONGEST: usize = 512;
