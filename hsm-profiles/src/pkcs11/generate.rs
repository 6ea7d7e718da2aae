//! Making keys. A key counts when it has done its work once and looks as it was asked to.

use std::sync::{MutexGuard, PoisonError};
use std::time::SystemTime;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use policies::Kid;
use zeroize::Zeroizing;

use super::agree::agree;
use super::errors::Failure;
use super::session::TokenSession;
use super::sign::{hmac, sign_ml_dsa};
use super::template::{Wanted, read_back};
use super::{find, kem, point};
use crate::algorithm::Width;
use crate::key_type::{Family, KeyType, SecretDigest};
use crate::profile::{Maker, Making};
use crate::protocol::{Creation, SecretBytes, Usage};
use crate::sealed::{self, Statement};

/// Makes a pair of which the private key stays on the token, named by its public key. Answers the
/// raw public key, SEC1 compressed for the SECP curves. Nothing stays where it fails, as far as the
/// token still answers; what does is labelled with the creation.
pub(crate) fn generate_pair(
    session: &TokenSession,
    creation: &Creation,
    kind: KeyType,
    usage: Usage,
) -> Result<Vec<u8>, Failure> {
    claimed(session, kind)?;
    let label = creation.label();
    let id = &creation.0;
    let wanted = Wanted { id, label: &label, kind, usage, keep: true, keep_public: false };
    durably(session, &wanted, || {
        let pair = make_pair(session, &wanted)?;
        pair.drop_public(session);
        let public = point::canonical(kind, &pair.raw)
            .ok_or_else(|| Failure::Wrong("the public key is not a point".into()))?;
        let kid = Kid::of_public_key(&public);
        let name = [Attribute::Id(kid.as_bytes().to_vec())];
        session.inner.update_attributes(pair.private, &name).inspect_err(|_| {
            // By its handle: it may have got its name all the same. Where that fails, its label
            // leads to it later.
            let _ = session.inner.destroy_object(pair.private);
        })?;
        Ok((pair.private, public))
    })
}

/// Makes a symmetric key that stays on the token under `kid`. An AES key gets one more object for
/// each narrower width, a key of its own: no token uses a part of one.
pub(crate) fn generate_secret(
    session: &TokenSession,
    creation: &Creation,
    kind: KeyType,
    kid: &Kid,
) -> Result<(), Failure> {
    claimed(session, kind)?;
    let label = creation.label();
    let (id, usage) = (kid.as_bytes(), Usage { agree: false, sign: false });
    let wanted = Wanted { id, label: &label, kind, usage, keep: true, keep_public: false };
    durably(session, &wanted, || {
        let key = make_secret(session, &wanted)?;
        for kind in narrower(session, kind) {
            make_secret(session, &Wanted { kind, ..wanted })?;
        }
        Ok((key, ()))
    })
}

/// The types of the objects that a key of `kind` has beside its own.
fn narrower(session: &TokenSession, kind: KeyType) -> impl Iterator<Item = KeyType> {
    let widths = Width::of(kind).into_iter().flat_map(Width::narrower);
    widths.map(Width::kind).filter(|kind| session.module.profile.claims(*kind))
}

/// Runs `make` as the profile says it must be, and cleans up behind it where it fails.
fn durably<T>(
    session: &TokenSession,
    wanted: &Wanted<'_>,
    make: impl FnOnce() -> Result<(ObjectHandle, T), Failure>,
) -> Result<T, Failure> {
    let made = alone_and_synced(session, make);
    if made.is_err() && find::destroy_unfinished(session, wanted.id, wanted.label).is_err() {
        // Whoever asked knows of the attempt, and has it cleaned up later: why it failed says more.
        tracing::warn!("what a failed key generation left behind can't be destroyed now");
    }
    made
}

/// Runs `make` as the profile says it must be, and destroys the key that it answers with where that
/// can't be made durable.
pub(super) fn alone_and_synced<T>(
    session: &TokenSession,
    make: impl FnOnce() -> Result<(ObjectHandle, T), Failure>,
) -> Result<T, Failure> {
    let _alone = alone(session);
    let start = SystemTime::now();
    let (key, made) = make()?;
    if let Err(failure) = session.module.sync_store(start) {
        session.inner.destroy_object(key)?;
        return Err(failure);
    }
    Ok(made)
}

/// A new pair.
pub(super) struct Pair {
    pub(super) private: ObjectHandle,
    pub(super) public: ObjectHandle,
    /// The public key: SEC1 uncompressed for the SECP curves.
    pub(super) raw: Vec<u8>,
}

impl Pair {
    fn drop_public(&self, session: &TokenSession) {
        let is_view = session.module.profile.quirks.public_is_a_view;
        if !is_view && session.inner.destroy_object(self.public).is_err() {
            session.spoil();
        }
    }

    pub(super) fn destroy(&self, session: &TokenSession) {
        if session.inner.destroy_object(self.private).is_err() {
            session.spoil();
        }
        self.drop_public(session);
    }
}

/// Makes a pair, tries it and looks at it; destroys it where that fails.
pub(super) fn make_pair(session: &TokenSession, wanted: &Wanted<'_>) -> Result<Pair, Failure> {
    let making = making(session, wanted.kind)?;
    let fits = match wanted.kind.family() {
        Family::Weierstrass => wanted.usage.agree || wanted.usage.sign,
        Family::Edwards => wanted.usage.sign && !wanted.usage.agree,
        Family::Montgomery => wanted.usage.agree && !wanted.usage.sign,
        Family::MlDsa => wanted.usage.sign && !wanted.usage.agree,
        Family::MlKem => !wanted.usage.sign && !wanted.usage.agree,
        Family::Aes | Family::Hmac => false,
    };
    if !fits {
        return Err(Failure::Argument("a key of this type can't be used so"));
    }
    let (public, private) = session.inner.generate_key_pair(
        &mechanism(making.mechanism),
        &wanted.public(making),
        &wanted.private(),
    )?;
    let mut pair = Pair { private, public, raw: Vec::new() };
    let sound = read_public(session, wanted.kind, public).and_then(|raw| {
        pair.raw = raw;
        try_pair(session, wanted, &pair)?;
        read_back(session, private, wanted, &wanted.private_uses())
    });
    match sound {
        Ok(()) => Ok(pair),
        Err(failure) => {
            pair.destroy(session);
            Err(failure)
        }
    }
}

/// Makes a symmetric key, tries it and looks at it; destroys it where that fails.
pub(super) fn make_secret(
    session: &TokenSession,
    wanted: &Wanted<'_>,
) -> Result<ObjectHandle, Failure> {
    let making = making(session, wanted.kind)?;
    let key = session.inner.generate_key(&mechanism(making.mechanism), &wanted.secret())?;
    let sound = try_secret(session, wanted, key)
        .and_then(|()| read_back(session, key, wanted, &wanted.secret_uses()));
    match sound {
        Ok(()) => Ok(key),
        Err(failure) => {
            if session.inner.destroy_object(key).is_err() {
                session.spoil();
            }
            Err(failure)
        }
    }
}

/// The raw public key of a public object: SEC1 uncompressed for the SECP curves.
pub(super) fn read_public(
    session: &TokenSession,
    kind: KeyType,
    public: ObjectHandle,
) -> Result<Vec<u8>, Failure> {
    if !matches!(kind.family(), Family::MlDsa | Family::MlKem) {
        return read_point(session, kind, public);
    }
    let found = session.inner.get_attributes(public, &[AttributeType::Value])?;
    match found.as_slice() {
        [Attribute::Value(value)] if value.len() == kind.length() => Ok(value.clone()),
        _ => Err(Failure::Wrong(format!("the CKA_VALUE is no public key of {kind}"))),
    }
}

fn read_point(
    session: &TokenSession,
    kind: KeyType,
    public: ObjectHandle,
) -> Result<Vec<u8>, Failure> {
    let found = session.inner.get_attributes(public, &[AttributeType::EcPoint])?;
    match found.as_slice() {
        [Attribute::EcPoint(value)] => point::from_ec_point(kind, value).map(<[u8]>::to_vec),
        _ => None,
    }
    .ok_or_else(|| Failure::Wrong(format!("the CKA_EC_POINT is no public key of {kind}")))
}

/// An agreement with the base point, whose answer is known from the public key.
pub(super) fn try_agreement(
    session: &TokenSession,
    kind: KeyType,
    private: ObjectHandle,
    public: &[u8],
) -> Result<(), Failure> {
    let peer = point::base_point(kind).ok_or(Failure::Type(kind))?;
    let secret = agree(session, private, kind, &peer)?;
    if point::with_base_point(kind, public) == Some(secret.expose()) {
        return Ok(());
    }
    Err(Failure::Wrong(format!("an agreement by a key of {kind} came out wrong")))
}

fn try_pair(session: &TokenSession, wanted: &Wanted<'_>, pair: &Pair) -> Result<(), Failure> {
    let kind = wanted.kind;
    match kind.family() {
        Family::MlKem => return try_kem(session, kind, pair),
        Family::MlDsa => return try_ml_dsa(session, kind, pair),
        _ => {}
    }
    if wanted.usage.agree {
        try_agreement(session, kind, pair.private, &pair.raw)?;
    }
    if wanted.usage.sign {
        let eddsa = |scheme| Mechanism::Eddsa(EddsaParams::new(scheme));
        let mechanism = match kind {
            // It always has a context, if an empty one (RFC 8032, section 5.2).
            KeyType::Ed448 => eddsa(EddsaSignatureScheme::Ed448(&[])),
            _ if kind.family() == Family::Edwards => eddsa(EddsaSignatureScheme::Pure),
            _ => Mechanism::Ecdsa,
        };
        let signature = session.inner.sign(&mechanism, pair.private, &TRIAL)?;
        session.inner.verify(&mechanism, pair.public, &TRIAL, &signature)?;
    }
    Ok(())
}

/// The token opens what was encapsulated in software, so that the secret is known before.
fn try_kem(session: &TokenSession, kind: KeyType, pair: &Pair) -> Result<(), Failure> {
    let fresh = Zeroizing::new(TRIAL);
    let (ciphertext, secret) = sealed::encapsulate_to(kind, &pair.raw, &fresh)?;
    let opened = kem::decapsulate(session, (pair.private, kind), &ciphertext)?;
    match opened.expose() == secret.expose() {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("a key of {kind} opened something else"))),
    }
}

/// Signed with a context, which a token might leave out; verified in software.
fn try_ml_dsa(session: &TokenSession, kind: KeyType, pair: &Pair) -> Result<(), Failure> {
    let statement = trial_statement();
    let signature = sign_ml_dsa(session, pair.private, &statement)?;
    match sealed::verify_ml_dsa(kind, &pair.raw, &statement, &signature) {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("a signature by a key of {kind} does not verify"))),
    }
}

/// What keys sign on trial, in a context.
pub(super) fn trial_statement() -> Statement {
    Statement { message: SecretBytes::new(TRIAL.to_vec()), context: b"claviger".to_vec() }
}

/// MACs are verified where the key may; that they are right is the probe's affair.
fn try_secret(
    session: &TokenSession,
    wanted: &Wanted<'_>,
    key: ObjectHandle,
) -> Result<(), Failure> {
    let kind = wanted.kind;
    let Some(digest) = SecretDigest::of(kind) else {
        let cipher = session.inner.encrypt(&Mechanism::AesEcb, key, &TRIAL)?;
        let plain = session.inner.decrypt(&Mechanism::AesEcb, key, &cipher)?;
        return if plain == TRIAL && cipher != TRIAL {
            Ok(())
        } else {
            Err(Failure::Wrong(format!("a key of {kind} does not decipher what it enciphered")))
        };
    };
    let mac = hmac(session, key, digest, &TRIAL)?;
    let mechanism = match kind {
        KeyType::Sha2_256 => Mechanism::Sha256Hmac,
        KeyType::Sha2_384 => Mechanism::Sha384Hmac,
        KeyType::Sha2_512 => Mechanism::Sha512Hmac,
        // cryptoki has no names for the others.
        _ => return Ok(()),
    };
    if !wanted.usage.sign {
        session.inner.verify(&mechanism, key, &TRIAL, &mac)?;
    }
    Ok(())
}

pub(super) fn alone(session: &TokenSession) -> Option<MutexGuard<'_, ()>> {
    let module = &session.module;
    let serialise = module.profile.quirks.serialise_generation;
    serialise.then(|| module.generation.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keys of callers are of types that the token does everything with.
fn claimed(session: &TokenSession, kind: KeyType) -> Result<(), Failure> {
    if session.module.profile.claims(kind) { Ok(()) } else { Err(Failure::Type(kind)) }
}

fn making(session: &TokenSession, kind: KeyType) -> Result<&Making, Failure> {
    session.module.profile.types.get(&kind).ok_or(Failure::Type(kind))
}

fn mechanism(maker: Maker) -> Mechanism<'static> {
    match maker {
        Maker::Aes => Mechanism::AesKeyGen,
        Maker::Ec => Mechanism::EccKeyPairGen,
        Maker::Edwards => Mechanism::EccEdwardsKeyPairGen,
        Maker::GenericSecret => Mechanism::GenericSecretKeyGen,
        Maker::MlDsa => Mechanism::MlDsaKeyPairGen,
        Maker::MlKem => Mechanism::MlKemKeyPairGen,
        Maker::Montgomery => Mechanism::EccMontgomeryKeyPairGen,
    }
}

/// As long as a digest and as two blocks.
pub(super) const TRIAL: [u8; 32] = *b"claviger: a key does its work 1.";
