//! What the token does by itself, by the fewest PKCS#11 calls that it takes.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::object::{MlDsaParameterSetType, MlKemParameterSetType};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use cryptoki_sys::{CK_MECHANISM_TYPE, CKM_ECDSA, CKM_EDDSA, CKM_ML_DSA, CKM_SHA256_HMAC};

use super::calls::Calls;
use super::{Order, Work};
use crate::deed::Deed;
use crate::trouble::Trouble;

/// Opens the token, makes the keys, and gives each thread its work.
pub(super) fn open(order: &Order) -> Result<Vec<Work>, Trouble> {
    let context = Pkcs11::new(&order.module)?;
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slots = context.get_slots_with_initialized_token()?;
    let slot = *slots.first().ok_or("the module does not show the token that was made")?;
    let sessions: Vec<_> =
        (0..order.sessions).map(|_| context.open_rw_session(slot)).collect::<Result<_, _>>()?;
    let first = sessions.first().ok_or("a token without a session does nothing")?;
    first.login(UserType::User, Some(&AuthPin::from(order.pin.as_str())))?;
    let (public, key) = make_key(first, order.deed)?;
    let peer = match order.deed {
        Deed::Agree => point(first, make_key(first, Deed::Agree)?.0)?,
        Deed::Decapsulate => encapsulate(first, public)?,
        _ => Vec::new(),
    };
    for _ in 1..order.keys {
        make_key(first, Deed::Agree)?;
    }
    let calls = Calls::of(&order.module)?;
    let work = |session| work(order.deed, calls.clone(), session, (key, peer.clone()));
    Ok(sessions.into_iter().map(work).collect())
}

/// What one thread does again and again. `peer` is a public point or a ciphertext.
fn work(deed: Deed, calls: Calls, session: Session, (key, peer): (ObjectHandle, Vec<u8>)) -> Work {
    match deed {
        Deed::Hmac => sign((calls, session), (CKM_SHA256_HMAC, key), deed.message(), 32),
        Deed::Ecdsa => sign((calls, session), (CKM_ECDSA, key), deed.message(), 64),
        Deed::Ed25519 => sign((calls, session), (CKM_EDDSA, key), deed.message(), 64),
        Deed::MlDsa => sign((calls, session), (CKM_ML_DSA, key), deed.message(), 3309),
        Deed::Encrypt => {
            let (plain, mut nonce) = (deed.message(), [0; 16]);
            let mut text = vec![0; plain.len() + 16];
            Box::new(move || {
                session.generate_random_slice(&mut nonce)?;
                calls.encrypt(&session, (&mut nonce, key), &plain, &mut text)
            })
        }
        Deed::Agree => Box::new(move || {
            let parameters = Ecdh1DeriveParams::new(EcKdf::null(), &peer);
            let how = Mechanism::Ecdh1Derive(parameters);
            take(&calls, &session, session.derive_key(&how, key, &shared())?)
        }),
        Deed::Decapsulate => Box::new(move || {
            let secret = session.decapsulate_key(&Mechanism::MlKem, key, &shared(), &peer)?;
            take(&calls, &session, secret)
        }),
    }
}

fn sign(
    (calls, session): (Calls, Session),
    how: (CK_MECHANISM_TYPE, ObjectHandle),
    message: Vec<u8>,
    length: usize,
) -> Work {
    let mut signature = vec![0; length];
    Box::new(move || calls.sign(&session, how, &message, &mut signature))
}

/// Reads a secret that both sides have now, and destroys it.
fn take(calls: &Calls, session: &Session, secret: ObjectHandle) -> Result<(), Trouble> {
    let read = calls.read(session, secret);
    session.destroy_object(secret)?;
    read
}

/// What such a secret becomes.
fn shared() -> [Attribute; 6] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}

/// A key on the token like those of the daemon: its public half, if it has one, and itself.
fn make_key(session: &Session, deed: Deed) -> Result<(ObjectHandle, ObjectHandle), Trouble> {
    let mut public = vec![Attribute::Token(false)];
    let mut own = vec![
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
    ];
    let mechanism = match deed {
        Deed::Agree | Deed::Ecdsa => {
            public.push(Attribute::EcParams(P256.to_vec()));
            Mechanism::EccKeyPairGen
        }
        Deed::Ed25519 => {
            public.push(Attribute::EcParams(ED25519.to_vec()));
            Mechanism::EccEdwardsKeyPairGen
        }
        Deed::Decapsulate => {
            public.push(Attribute::ParameterSet(MlKemParameterSetType::ML_KEM_768.into()));
            public.push(Attribute::Encapsulate(true));
            Mechanism::MlKemKeyPairGen
        }
        Deed::MlDsa => {
            public.push(Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_65.into()));
            Mechanism::MlDsaKeyPairGen
        }
        Deed::Encrypt => Mechanism::AesKeyGen,
        Deed::Hmac => Mechanism::GenericSecretKeyGen,
    };
    own.push(match deed {
        Deed::Agree => Attribute::Derive(true),
        Deed::Decapsulate => Attribute::Decapsulate(true),
        Deed::Encrypt => Attribute::Encrypt(true),
        Deed::Ecdsa | Deed::Ed25519 | Deed::Hmac | Deed::MlDsa => Attribute::Sign(true),
    });
    if deed.kind().is_asymmetric() {
        return Ok(session.generate_key_pair(&mechanism, &public, &own)?);
    }
    own.push(Attribute::ValueLen(32.into()));
    let key = session.generate_key(&mechanism, &own)?;
    Ok((key, key))
}

fn point(session: &Session, public: ObjectHandle) -> Result<Vec<u8>, Trouble> {
    match session.get_attributes(public, &[AttributeType::EcPoint])?.first() {
        // In a DER OCTET STRING, whose head is two bytes.
        Some(Attribute::EcPoint(der)) => Ok(der.get(2..).unwrap_or_default().to_vec()),
        _ => Err("the token shows no public point".into()),
    }
}

fn encapsulate(session: &Session, public: ObjectHandle) -> Result<Vec<u8>, Trouble> {
    let (ciphertext, secret) = session.encapsulate_key(&Mechanism::MlKem, public, &shared())?;
    session.destroy_object(secret)?;
    Ok(ciphertext)
}

/// DER of the object identifier 1.2.840.10045.3.1.7.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// DER of the object identifier 1.3.101.112.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
