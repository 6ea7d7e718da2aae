//! The daemon's own keys. Their `CKA_ID` is text and longer than a KID, so that no KID leads to
//! them.

use std::time::SystemTime;

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::object::{ObjectClass, ObjectHandle};

use super::errors::Failure;
use super::exchange_key::{Exchanging, find_exchange};
use super::find::find_one;
use super::generate::{Pair, alone_and_synced, make_pair, make_secret, read_public, try_agreement};
use super::mailbox::find_wrapping;
use super::seal::{open, seal};
use super::session::TokenSession;
use super::sign::{attest, mac, sign_log};
use super::template::{Wanted, read_back};
use crate::key_type::KeyType;
use crate::protocol::{SystemPublic, Usage};

/// The system keys on the token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemKeys {
    /// X25519, private.
    pub(crate) identity: ObjectHandle,
    /// Ed25519, private: one, or two while a rotation is under way, each with its public half.
    pub(crate) loggers: [Option<Logger>; 2],
    /// HMAC-SHA-256.
    pub(crate) record_mac: ObjectHandle,
    /// AES-256, opens sealed keys; `None` where an earlier version made the others, or the token
    /// has no AES.
    pub(crate) kek: Option<ObjectHandle>,
    /// P-256, proves what device this is; `None` where an earlier version made the others, or the
    /// token has no P-256.
    pub(crate) attestation: Option<Attesting>,
    /// RSA, decrypts what clients encrypt to this device; `None` before the first exchange.
    pub(crate) exchange: Option<Exchanging>,
    /// AES-256, wraps the pairs of mailboxes; `None` before the first.
    pub(crate) wrapping: Option<ObjectHandle>,
    /// The public keys.
    pub(crate) public: SystemPublic,
}

/// A logger key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logger {
    pub(crate) private: ObjectHandle,
    /// Raw.
    pub(crate) public: [u8; 32],
}

impl SystemKeys {
    /// The logger key with this public half.
    pub(crate) fn logger(&self, public: &[u8; 32]) -> Result<ObjectHandle, Failure> {
        let found = self.loggers.iter().flatten().find(|logger| logger.public == *public);
        found
            .map(|logger| logger.private)
            .ok_or(Failure::Argument("the token has no such logger key"))
    }
}

/// The attestation key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attesting {
    pub(crate) private: ObjectHandle,
    /// SEC1, uncompressed.
    pub(crate) point: [u8; 65],
}

/// Whether this `CKA_ID` is that of a system key.
pub(super) fn is_system_id(id: &[u8]) -> bool {
    id.starts_with(b"claviger-system:")
}

/// Finds the system keys and lets each do its work once. `None` where one is missing, other
/// than the KEK and the attestation key.
pub(crate) fn find_system_keys(session: &TokenSession) -> Result<Option<SystemKeys>, Failure> {
    let identity = find_pair(session, IDENTITY, KeyType::Curve25519)?;
    let loggers = [find_logger(session, LOGGER)?, find_logger(session, OTHER_LOGGER)?];
    let mut known = loggers.iter().flatten();
    let (first, second) = (known.next(), known.next());
    let record_mac = find_one(session, RECORD_MAC.as_bytes(), ObjectClass::SECRET_KEY)?;
    let (Some(identity), Some(logger), Some(record_mac)) = (identity, first, record_mac) else {
        return Ok(None);
    };
    try_agreement(session, KeyType::Curve25519, identity.private, &identity.raw)?;
    for logger in loggers.iter().flatten() {
        sign_log(session, logger.private, b"claviger: trial")?;
    }
    mac(session, record_mac, b"claviger: trial")?;
    let kek = find_one(session, KEK.as_bytes(), ObjectClass::SECRET_KEY)?;
    if let Some(kek) = kek {
        try_kek(session, kek)?;
    }
    let attestation = find_pair(session, ATTESTATION, KeyType::Secp256r1)?;
    let attestation = attestation.map(|pair| try_attestation(session, &pair)).transpose()?;
    let public = SystemPublic {
        identity: array(&identity.raw)?,
        logger: logger.public,
        other_logger: second.map(|logger| logger.public),
    };
    Ok(Some(SystemKeys {
        identity: identity.private,
        loggers,
        record_mac,
        kek,
        attestation,
        exchange: find_exchange(session)?,
        wrapping: find_wrapping(session)?,
        public,
    }))
}

/// Makes the system keys that are missing, and finds them all.
///
/// # Errors
/// [`Failure::Wrong`] where the public half of a key is missing: such a key may be in use, and is
/// not replaced.
pub(crate) fn provision(session: &TokenSession) -> Result<SystemKeys, Failure> {
    everything_is_in_sight(session)?;
    let agree = Usage { agree: true, sign: false };
    let sign = Usage { agree: false, sign: true };
    provide_pair(session, IDENTITY, KeyType::Curve25519, agree)?;
    // After a rotation it has the other name.
    if find_logger(session, OTHER_LOGGER)?.is_none() {
        provide_pair(session, LOGGER, KeyType::Ed25519, sign)?;
    }
    provide_secret(session, &wanted(RECORD_MAC, KeyType::Sha2_256, sign))?;
    if session.module.profile.types.contains_key(&KeyType::Aes256) {
        provide_secret(session, &kek_wanted())?;
    }
    if session.module.profile.types.contains_key(&KeyType::Secp256r1) {
        provide_pair(session, ATTESTATION, KeyType::Secp256r1, sign)?;
    }
    find_system_keys(session)?
        .ok_or_else(|| Failure::Wrong("a system key that was made can't be found again".into()))
}

/// Makes a second logger key where there is one only, and finds all system keys.
pub(crate) fn make_logger(session: &TokenSession) -> Result<SystemKeys, Failure> {
    everything_is_in_sight(session)?;
    let sign = Usage { agree: false, sign: true };
    for name in [LOGGER, OTHER_LOGGER] {
        provide_pair(session, name, KeyType::Ed25519, sign)?;
    }
    find_system_keys(session)?
        .ok_or_else(|| Failure::Wrong("the token was not provisioned yet".into()))
}

/// Destroys the logger key other than `keep`, and what is left of one, and finds all system keys.
pub(crate) fn retire_logger(
    session: &TokenSession,
    keep: &[u8; 32],
) -> Result<SystemKeys, Failure> {
    everything_is_in_sight(session)?;
    let (first, second) = (find_logger(session, LOGGER)?, find_logger(session, OTHER_LOGGER)?);
    let name = match (first, second) {
        (Some(first), _) if first.public == *keep => OTHER_LOGGER,
        (_, Some(second)) if second.public == *keep => LOGGER,
        _ => return Err(Failure::Argument("the token has no such logger key")),
    };
    let start = SystemTime::now();
    // The private key first: one without its public half is a damaged token.
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        if let Some(handle) = find_one(session, name.as_bytes(), class)? {
            session.inner.destroy_object(handle)?;
            session.module.sync_store(start)?;
        }
    }
    find_system_keys(session)?
        .ok_or_else(|| Failure::Wrong("the token was not provisioned yet".into()))
}

fn find_logger(session: &TokenSession, name: &str) -> Result<Option<Logger>, Failure> {
    let Some(pair) = find_pair(session, name, KeyType::Ed25519)? else { return Ok(None) };
    Ok(Some(Logger { private: pair.private, public: array(&pair.raw)? }))
}

/// Whether the token still shows a system key: it does not when its storage is gone.
pub(crate) fn canary_sings(session: &TokenSession) -> bool {
    matches!(find_one(session, IDENTITY.as_bytes(), ObjectClass::PRIVATE_KEY), Ok(Some(_)))
        && session.module.answers()
}

/// Without the login private keys are hidden, and an absent token looks empty: nothing may be made up
/// for what is merely out of sight.
fn everything_is_in_sight(session: &TokenSession) -> Result<(), Failure> {
    session.module.token_info()?;
    if session.is_logged_in()? {
        return Ok(());
    }
    Err(Error::Pkcs11(RvError::UserNotLoggedIn, Function::GenerateKeyPair).into())
}

fn provide_secret(session: &TokenSession, wanted: &Wanted<'_>) -> Result<(), Failure> {
    if find_one(session, wanted.id, ObjectClass::SECRET_KEY)?.is_some() {
        return Ok(());
    }
    alone_and_synced(session, || make_secret(session, wanted).map(|key| (key, ())))
}

/// A KEK that can be read, or wraps other keys, is none.
fn try_kek(session: &TokenSession, kek: ObjectHandle) -> Result<(), Failure> {
    let wanted = kek_wanted();
    read_back(session, kek, &wanted, &wanted.secret_uses())?;
    let trial = b"claviger: trial";
    let blob = seal(session, kek, trial, trial)?;
    let mut room = [0; 64];
    let length = open(session, kek, trial, (&blob, &mut room))?;
    match room.get(..length) == Some(trial) {
        true => Ok(()),
        false => Err(Failure::Wrong("the KEK does not open what it sealed".into())),
    }
}

fn try_attestation(session: &TokenSession, pair: &Pair) -> Result<Attesting, Failure> {
    attest(session, pair.private, b"claviger: trial")?;
    Ok(Attesting { private: pair.private, point: array(&pair.raw)? })
}

fn kek_wanted() -> Wanted<'static> {
    wanted(KEK, KeyType::Aes256, Usage { agree: false, sign: false })
}

fn provide_pair(
    session: &TokenSession,
    name: &str,
    kind: KeyType,
    usage: Usage,
) -> Result<(), Failure> {
    if find_pair(session, name, kind)?.is_some() {
        return Ok(());
    }
    alone_and_synced(session, || {
        // A public key without its private one is what a generation that was cut off leaves.
        if let Some(public) = find_one(session, name.as_bytes(), ObjectClass::PUBLIC_KEY)? {
            session.inner.destroy_object(public)?;
        }
        let pair = make_pair(session, &wanted(name, kind, usage))?;
        Ok((pair.private, ()))
    })
}

/// A pair of which both halves are on the token; `None` where there is no private one.
fn find_pair(session: &TokenSession, name: &str, kind: KeyType) -> Result<Option<Pair>, Failure> {
    let Some(private) = find_one(session, name.as_bytes(), ObjectClass::PRIVATE_KEY)? else {
        return Ok(None);
    };
    let public = find_one(session, name.as_bytes(), ObjectClass::PUBLIC_KEY)?.ok_or_else(|| {
        Failure::Wrong(format!(
            "the token has the private key {name} without its public key: restore the token, or, \
             if it never was in use, remove that object and provision again"
        ))
    })?;
    let raw = read_public(session, kind, public)?;
    Ok(Some(Pair { private, public, raw }))
}

fn wanted(name: &str, kind: KeyType, usage: Usage) -> Wanted<'_> {
    Wanted { id: name.as_bytes(), label: name, kind, usage, keep: true, keep_public: true }
}

fn array<const N: usize>(raw: &[u8]) -> Result<[u8; N], Failure> {
    raw.try_into().map_err(|_| Failure::Wrong(format!("a system key has not {N} bytes")))
}

/// P-256, proves what device this is.
const ATTESTATION: &str = "claviger-system:attestation";

/// X25519, the permanent identity. It is the canary, too.
const IDENTITY: &str = "claviger-system:identity";

/// Ed25519, signs the audit log. Rotations go from one of the two names to the other.
const LOGGER: &str = "claviger-system:logger";

/// The other name.
const OTHER_LOGGER: &str = "claviger-system:logger-2";

/// AES-256, encrypts and decrypts the seeds of sealed keys, and nothing else.
const KEK: &str = "claviger-system:kek";

/// HMAC-SHA-256, binds records.
const RECORD_MAC: &str = "claviger-system:record-mac";
