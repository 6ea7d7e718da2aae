//! Signatures and MACs.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::ObjectHandle;
use cryptoki_sys::{
    CKM_ECDSA, CKM_EDDSA, CKM_SHA3_256_HMAC, CKM_SHA3_384_HMAC, CKM_SHA3_512_HMAC, CKM_SHA256_HMAC,
    CKM_SHA384_HMAC, CKM_SHA512_HMAC,
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::errors::Failure;
use super::point;
use super::session::TokenSession;
use crate::algorithm::Scheme;
use crate::key_type::{KeyType, SecretDigest};
use crate::sealed::Statement;

/// A pure Ed25519 signature (RFC 8032), 64 bytes.
pub(crate) fn sign_log(
    session: &TokenSession,
    key: ObjectHandle,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut signature = vec![0; 64];
    let how = (CKM_EDDSA, key.handle());
    session.module.raw.sign(session.inner.handle(), how, message, &mut signature)?;
    Ok(signature)
}

/// An ECDSA signature over the SHA-256 of `message` by a P-256 key: r and s, 64 bytes.
pub(crate) fn attest(
    session: &TokenSession,
    key: ObjectHandle,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    ecdsa(session, (key, KeyType::Secp256r1), &Sha256::digest(message))
}

/// An HMAC-SHA-256 (RFC 2104), 32 bytes.
pub(crate) fn mac(
    session: &TokenSession,
    key: ObjectHandle,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut mac = vec![0; 32];
    let how = (CKM_SHA256_HMAC, key.handle());
    session.module.raw.sign(session.inner.handle(), how, message, &mut mac)?;
    Ok(mac)
}

/// An HMAC (RFC 2104) by a key of a caller, as long as `digest`.
pub(crate) fn hmac(
    session: &TokenSession,
    key: ObjectHandle,
    digest: SecretDigest,
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (mechanism, length) = match digest {
        SecretDigest::Sha2_256 => (CKM_SHA256_HMAC, 32),
        SecretDigest::Sha2_384 => (CKM_SHA384_HMAC, 48),
        SecretDigest::Sha2_512 => (CKM_SHA512_HMAC, 64),
        SecretDigest::Sha3_256 => (CKM_SHA3_256_HMAC, 32),
        SecretDigest::Sha3_384 => (CKM_SHA3_384_HMAC, 48),
        SecretDigest::Sha3_512 => (CKM_SHA3_512_HMAC, 64),
    };
    let mut mac = Zeroizing::new(vec![0; length]);
    let how = (mechanism, key.handle());
    session.module.raw.sign(session.inner.handle(), how, message, &mut mac)?;
    Ok(mac)
}

/// A signature by a key of a caller: r and s at the length of the curve's order, or RFC 8032.
/// Whether the token minds scheme and context of EdDSA is for others to check: some do not.
pub(crate) fn sign(
    session: &TokenSession,
    (key, kind): (ObjectHandle, KeyType),
    (scheme, context): (Scheme, &[u8]),
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let edwards = match scheme {
        Scheme::EcdsaSha256 => return ecdsa(session, (key, kind), &Sha256::digest(message)),
        Scheme::EcdsaSha384 => return ecdsa(session, (key, kind), &Sha384::digest(message)),
        Scheme::EcdsaSha512 => return ecdsa(session, (key, kind), &Sha512::digest(message)),
        Scheme::Ed25519 => return sign_log(session, key, message),
        Scheme::Ed25519Ctx => EddsaSignatureScheme::Ed25519ctx(context),
        Scheme::Ed25519Ph => EddsaSignatureScheme::Ed25519ph(context),
        Scheme::Ed448 => EddsaSignatureScheme::Ed448(context),
        Scheme::Ed448Ph => EddsaSignatureScheme::Ed448ph(context),
    };
    let mechanism = Mechanism::Eddsa(EddsaParams::new(edwards));
    Ok(session.inner.sign(&mechanism, key, message)?)
}

/// A hedged ML-DSA signature (FIPS 204) of the message itself.
pub(crate) fn sign_ml_dsa(
    session: &TokenSession,
    key: ObjectHandle,
    Statement { message, context }: &Statement,
) -> Result<Vec<u8>, Failure> {
    let context = Some(context.as_slice()).filter(|context| !context.is_empty());
    let how = SignAdditionalContext::new(HedgeType::Required, context);
    Ok(session.inner.sign(&Mechanism::MlDsa(how), key, message.expose())?)
}

/// The leftmost bytes of the hash count, as many as the order has (FIPS 186-5, section 6.4.1).
/// Tokens differ in what they do with more.
fn ecdsa(
    session: &TokenSession,
    (key, kind): (ObjectHandle, KeyType),
    hash: &[u8],
) -> Result<Vec<u8>, Failure> {
    let length = point::secret_length(kind).ok_or(Failure::Type(kind))?;
    let mut signature = vec![0; 2 * length];
    let how = (CKM_ECDSA, key.handle());
    let hash = hash.get(..length).unwrap_or(hash);
    session.module.raw.sign(session.inner.handle(), how, hash, &mut signature)?;
    Ok(signature)
}
