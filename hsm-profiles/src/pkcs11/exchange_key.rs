//! The exchange key: RSA, for what clients encrypt to this device. It decrypts and does nothing else.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};

use super::errors::Failure;
use super::find::find_one;
use super::generate::alone_and_synced;
use super::session::TokenSession;

/// The exchange key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchanging {
    pub(crate) private: ObjectHandle,
    pub(crate) public: ObjectHandle,
    /// The bytes of its modulus.
    pub(crate) length: usize,
}

/// The exchange key; `None` where one of its halves is missing.
pub(crate) fn find_exchange(session: &TokenSession) -> Result<Option<Exchanging>, Failure> {
    let Some(private) = find_one(session, EXCHANGE, ObjectClass::PRIVATE_KEY)? else {
        return Ok(None);
    };
    let Some(public) = find_one(session, EXCHANGE, ObjectClass::PUBLIC_KEY)? else {
        return Ok(None);
    };
    let length = modulus(session, public)?.len();
    Ok(Some(Exchanging { private, public, length }))
}

/// Makes the exchange key where it is missing. Nothing that is kept depends on an older one: what is
/// left of that is destroyed.
pub(crate) fn provide_exchange(session: &TokenSession, bits: u16) -> Result<Exchanging, Failure> {
    session.module.token_info()?;
    if let Some(found) = find_exchange(session)? {
        return Ok(found);
    }
    let id = [Attribute::Id(EXCHANGE.to_vec())];
    alone_and_synced(session, || {
        for rest in session.inner.find_objects(&id)? {
            session.inner.destroy_object(rest)?;
        }
        let (public, private) = session.inner.generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &public_template(bits),
            &private_template(),
        )?;
        let sound = examine(session, public, private);
        if sound.is_err() {
            for half in [private, public] {
                session.inner.destroy_object(half)?;
            }
        }
        sound.map(|length| (private, Exchanging { private, public, length }))
    })
}

/// The modulus of a public key, without leading zeros.
pub(crate) fn modulus(session: &TokenSession, public: ObjectHandle) -> Result<Vec<u8>, Failure> {
    let found = session.inner.get_attributes(public, &[AttributeType::Modulus])?;
    let modulus = match found.as_slice() {
        [Attribute::Modulus(modulus)] => modulus.iter().copied().skip_while(|byte| *byte == 0),
        _ => return Err(Failure::Wrong("the exchange key shows no modulus".into())),
    };
    let modulus: Vec<_> = modulus.collect();
    match modulus.len() {
        256 | 384 => Ok(modulus),
        length => Err(Failure::Wrong(format!("the exchange key has {} bits", 8 * length))),
    }
}

/// What RSA makes of a ciphertext, into `block`: as long as the modulus.
pub(crate) fn rsa(
    session: &TokenSession,
    key: &Exchanging,
    ciphertext: &[u8],
    block: &mut [u8],
) -> Result<(), Failure> {
    let raw = &session.module.raw;
    let handle = session.inner.handle();
    Ok(raw.rsa_decrypt(handle, key.private.handle(), ciphertext, block)?)
}

/// It decrypts what its public half encrypted, and looks as it was asked to.
fn examine(
    session: &TokenSession,
    public: ObjectHandle,
    private: ObjectHandle,
) -> Result<usize, Failure> {
    let length = modulus(session, public)?.len();
    let key = Exchanging { private, public, length };
    let mut trial = vec![7; length];
    trial.splice(..1, [0]);
    let mut cipher = vec![0; length];
    let raw = &session.module.raw;
    raw.rsa_encrypt(session.inner.handle(), public.handle(), &trial, &mut cipher)?;
    let mut block = vec![0; length];
    rsa(session, &key, &cipher, &mut block)?;
    if block != trial || cipher == trial {
        return Err(Failure::Wrong("the exchange key does not decrypt what was encrypted".into()));
    }
    let wanted = private_template();
    let kinds = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::Decrypt,
        AttributeType::Sign,
        AttributeType::SignRecover,
        AttributeType::Unwrap,
    ];
    let found = session.inner.get_attributes(private, &kinds)?;
    match found.len() == kinds.len() && found.iter().all(|found| wanted.contains(found)) {
        true => Ok(length),
        false => Err(Failure::Wrong("the exchange key has other attributes than asked".into())),
    }
}

fn public_template(bits: u16) -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Id(EXCHANGE.to_vec()),
        Attribute::Label(EXCHANGE.to_vec()),
        Attribute::Encrypt(true),
        Attribute::Verify(false),
        Attribute::Wrap(false),
        Attribute::ModulusBits(u64::from(bits).into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ]
}

fn private_template() -> Vec<Attribute> {
    vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Id(EXCHANGE.to_vec()),
        Attribute::Label(EXCHANGE.to_vec()),
        Attribute::Decrypt(true),
        Attribute::Sign(false),
        Attribute::SignRecover(false),
        Attribute::Unwrap(false),
    ]
}

/// RSA, decrypts what clients encrypt to this device.
const EXCHANGE: &[u8] = b"claviger-system:exchange";
