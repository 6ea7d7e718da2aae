//! EdDSA (RFC 8032): signatures by Ed25519 and Ed448 keys.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed448_goldilocks::elliptic_curve::array::Array;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha512};
use shake::{Shake256, Update};
use zeroize::{Zeroize, Zeroizing};

use super::seed::exactly;
use super::task::Statement;
use crate::algorithm::Scheme;
use crate::key_type::KeyType;
use crate::pkcs11::Failure;

/// The public key, 32 or 57 bytes.
pub(super) fn public_half(kind: KeyType, seed: &[u8]) -> Result<Vec<u8>, Failure> {
    match kind {
        KeyType::Ed25519 => {
            let key = SigningKey::from_bytes(exactly::<32>(seed)?);
            Ok(key.verifying_key().to_bytes().to_vec())
        }
        KeyType::Ed448 => Ok(ed448(seed)?.verifying_key().to_bytes().to_vec()),
        _ => Err(Failure::Type(kind)),
    }
}

/// A signature, 64 or 114 bytes.
pub(super) fn sign(
    scheme: Scheme,
    seed: &[u8],
    Statement { message, context }: &Statement,
) -> Result<Vec<u8>, Failure> {
    let message = message.expose();
    let refused = |_| Failure::Argument("a context has at most 255 bytes");
    match scheme {
        Scheme::Ed25519 => {
            let key = SigningKey::from_bytes(exactly::<32>(seed)?);
            Ok(key.sign(message).to_bytes().to_vec())
        }
        Scheme::Ed25519Ctx => sign_ed25519ctx(exactly::<32>(seed)?, message, context),
        Scheme::Ed25519Ph => {
            let key = SigningKey::from_bytes(exactly::<32>(seed)?);
            let hashed = Sha512::new_with_prefix(message);
            Ok(key.sign_prehashed(hashed, Some(context)).map_err(refused)?.to_bytes().to_vec())
        }
        Scheme::Ed448 => {
            let signature = ed448(seed)?.sign_ctx(context, message);
            Ok(signature.map_err(refused)?.to_bytes().to_vec())
        }
        Scheme::Ed448Ph => {
            let signature = ed448(seed)?.sign_prehashed(Some(context), shaken(message));
            Ok(signature.map_err(refused)?.to_bytes().to_vec())
        }
        Scheme::EcdsaSha256 | Scheme::EcdsaSha384 | Scheme::EcdsaSha512 => {
            Err(Failure::Argument("keys of this type don't sign so"))
        }
    }
}

/// `dom2(F, C)` of RFC 8032, section 5.1, where F is 0.
pub(super) fn ed25519ctx_domain(context: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = u8::try_from(context.len());
    let length = length.map_err(|_| Failure::Argument("a context has at most 255 bytes"))?;
    Ok([b"SigEd25519 no Ed25519 collisions", &[0, length][..], context].concat())
}

/// The hash of Ed448ph, 64 bytes of SHAKE256, ready to be signed.
pub(super) fn shaken(message: &[u8]) -> ed448_goldilocks::PreHasherXof<Shake256> {
    let mut hasher = Shake256::default();
    hasher.update(message);
    ed448_goldilocks::PreHasherXof::new(hasher)
}

/// RFC 8032, section 5.1.6, with a context, which the library has only for hashed messages.
fn sign_ed25519ctx(seed: &[u8; 32], message: &[u8], context: &[u8]) -> Result<Vec<u8>, Failure> {
    let key = ExpandedSecretKey::from(seed);
    let public = VerifyingKey::from(&key);
    let domain = ed25519ctx_domain(context)?;
    let mut nonce = Scalar::from_hash(
        Sha512::new_with_prefix(&domain).chain_update(key.hash_prefix).chain_update(message),
    );
    let commitment = EdwardsPoint::mul_base(&nonce).compress();
    let challenge = Scalar::from_hash(
        Sha512::new_with_prefix(&domain)
            .chain_update(commitment.as_bytes())
            .chain_update(public.as_bytes())
            .chain_update(message),
    );
    let response = nonce + challenge * key.scalar;
    nonce.zeroize();
    Ok([commitment.to_bytes(), response.to_bytes()].concat())
}

/// It wipes itself.
fn ed448(seed: &[u8]) -> Result<ed448_goldilocks::SigningKey, Failure> {
    let seed = Zeroizing::new(Array(*exactly::<57>(seed)?));
    Ok(ed448_goldilocks::SigningKey::from(&*seed))
}
