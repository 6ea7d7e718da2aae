//! What a token really does of what its profile claims. Each claim is tried with objects of a session;
//! one that fails is withdrawn by name.

use cryptoki::object::{Attribute, KeyType as Ckk, ObjectClass};

use super::agree_once::try_group;
use super::errors::Failure;
use super::generate::{Pair, TRIAL, alone, make_pair, make_secret, trial_statement};
use super::session::TokenSession;
use super::sign::{hmac, sign};
use super::template::Wanted;
use super::{kem, point};
use crate::algorithm::Scheme;
use crate::group::Group;
use crate::key_type::{Family, KeyType, SecretDigest};
use crate::profile::ErrorClass;
use crate::protocol::Usage;
use crate::sealed;

/// What became of the claims.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The types of which the token really makes keys, and does everything with them that the API
    /// asks for.
    pub(crate) native: Vec<KeyType>,
    /// The others that its profile claims, and why not.
    pub(crate) withdrawn: Vec<(KeyType, String)>,
    /// The groups in which it agrees by pairs of a session. No profile claims those modulo a prime.
    pub(crate) groups: Vec<Group>,
}

/// Tries every type that the profile claims.
///
/// # Errors
/// What says nothing about a type, but that the token can't be used now.
pub(crate) fn probe(session: &TokenSession) -> Result<Findings, Failure> {
    let _alone = alone(session);
    let mut findings = Findings::default();
    let profile = &session.module.profile;
    for kind in profile.types.keys().copied().filter(|kind| profile.claims(*kind)) {
        match try_type(session, kind) {
            Ok(()) => findings.native.push(kind),
            Err(failure) if is_about_the_type(session, &failure) => {
                findings.withdrawn.push((kind, failure.to_string()));
            }
            Err(failure) => return Err(failure),
        }
    }
    for group in Group::ALL {
        let agrees = match group.curve() {
            Some(kind) => findings.native.contains(&kind),
            None => match try_group(session, group) {
                Ok(()) => true,
                Err(failure) if is_about_the_type(session, &failure) => false,
                Err(failure) => return Err(failure),
            },
        };
        findings.groups.extend(agrees.then_some(group));
    }
    Ok(findings)
}

fn is_about_the_type(session: &TokenSession, failure: &Failure) -> bool {
    matches!(
        session.module.classes.judge(failure),
        ErrorClass::Argument
            | ErrorClass::HandleInvalid
            | ErrorClass::Unclear
            | ErrorClass::Unsupported
    )
}

fn try_type(session: &TokenSession, kind: KeyType) -> Result<(), Failure> {
    let usage = Usage {
        agree: point::secret_length(kind).is_some(),
        sign: matches!(kind.family(), Family::Edwards | Family::MlDsa | Family::Weierstrass),
    };
    let (id, label) = (&b"claviger probe"[..], "claviger probe");
    let mut wanted = Wanted { id, label, kind, usage, keep: false, keep_public: false };
    if kind.is_asymmetric() {
        let pair = make_pair(session, &wanted)?;
        let tried = match kind.family() {
            Family::Edwards => try_schemes(session, kind, &pair),
            Family::MlKem => try_encapsulation(session, kind, &pair),
            _ => Ok(()),
        };
        pair.destroy(session);
        return tried;
    }
    wanted.usage.sign = false;
    let key = make_secret(session, &wanted)?;
    session.inner.destroy_object(key)?;
    SecretDigest::of(kind).map_or(Ok(()), |digest| try_mac(session, kind, digest))
}

/// Tokens are known that take every scheme and context and sign something else.
fn try_schemes(session: &TokenSession, kind: KeyType, pair: &Pair) -> Result<(), Failure> {
    let statement = trial_statement();
    for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.suits(kind)) {
        let how = (scheme, statement.context.as_slice());
        let signature = sign(session, (pair.private, kind), how, statement.message.expose())?;
        if !sealed::verify_eddsa(scheme, &pair.raw, &statement, &signature) {
            let name = scheme.name();
            return Err(Failure::Wrong(format!("asked for {name}, it signs something else")));
        }
    }
    Ok(())
}

/// The token opens what it encapsulated. That it opens what others did is tried with each key.
fn try_encapsulation(session: &TokenSession, kind: KeyType, pair: &Pair) -> Result<(), Failure> {
    let (ciphertext, secret) = kem::encapsulate(session, kind, &pair.raw)?;
    let opened = kem::decapsulate(session, (pair.private, kind), &ciphertext)?;
    match opened.expose() == secret.expose() {
        true => Ok(()),
        false => Err(Failure::Wrong("it does not open what it encapsulated".into())),
    }
}

/// The MAC under a key that is known. A token that lets none in from outside can't be asked.
fn try_mac(session: &TokenSession, kind: KeyType, digest: SecretDigest) -> Result<(), Failure> {
    let value = vec![0x0b; kind.length()];
    let known = session.inner.create_object(&[
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(Ckk::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sign(true),
        Attribute::Value(value.clone()),
    ]);
    let known = match known.map_err(Failure::from) {
        Ok(known) => known,
        Err(failure) => {
            return match session.module.classes.judge(&failure) {
                ErrorClass::Argument | ErrorClass::Unsupported => Ok(()),
                _ => Err(failure),
            };
        }
    };
    let made = hmac(session, known, digest, &TRIAL);
    if session.inner.destroy_object(known).is_err() {
        session.spoil();
    }
    match *made? == *crate::hmac::hmac(digest, &value, &TRIAL)? {
        true => Ok(()),
        false => Err(Failure::Wrong("a MAC came out wrong".into())),
    }
}
