//! Ed25519 and Ed448 in their variants (RFC 8032): signing for imported keys, verifying for created.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed448_goldilocks::PreHasherXof;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use sha2::{Digest, Sha512};
use shake::{Shake256, Update};

/// The public key of a seed.
pub(crate) fn public(kind: &str, seed: &[u8]) -> Option<Vec<u8>> {
    match kind {
        "ED25519" => Some(signer25519(seed)?.verifying_key().to_bytes().to_vec()),
        "ED448" => Some(signer448(seed)?.verifying_key().to_bytes().to_vec()),
        _ => None,
    }
}

/// A signature under one of the API's algorithms.
pub(crate) fn sign(alg: &str, seed: &[u8], message: &[u8], ctx: &[u8]) -> Option<Vec<u8>> {
    use ed25519_dalek::Signer as _;
    Some(match alg {
        "Ed25519" => signer25519(seed)?.sign(message).to_bytes().to_vec(),
        "Ed25519ph" => {
            let hashed = Sha512::new_with_prefix(message);
            signer25519(seed)?.sign_prehashed(hashed, Some(ctx)).ok()?.to_bytes().to_vec()
        }
        "Ed25519ctx" => sign_ctx(seed.try_into().ok()?, message, ctx)?,
        "Ed448" => signer448(seed)?.sign_ctx(ctx, message).ok()?.to_bytes().to_vec(),
        "Ed448ph" => {
            let hashed = shaken(message);
            signer448(seed)?.sign_prehashed(Some(ctx), hashed).ok()?.to_bytes().to_vec()
        }
        _ => return None,
    })
}

/// Whether `signature` is one under one of the API's algorithms.
pub(crate) fn verify(
    alg: &str,
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> bool {
    let verdict = match alg {
        "Ed25519" | "Ed25519ph" => verify25519(alg, public, (message, ctx), signature),
        "Ed25519ctx" => verify_ctx(public, (message, ctx), signature),
        "Ed448" | "Ed448ph" => verify448(alg, public, (message, ctx), signature),
        _ => None,
    };
    verdict.unwrap_or(false)
}

fn verify25519(
    alg: &str,
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> Option<bool> {
    let key = ed25519_dalek::VerifyingKey::try_from(public).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    let verified = if alg == "Ed25519ph" {
        let hashed = Sha512::new_with_prefix(message);
        key.verify_prehashed_strict(hashed, Some(ctx), &signature)
    } else {
        key.verify_strict(message, &signature)
    };
    Some(verified.is_ok())
}

/// Section 5.1.7 with `dom2(0, ctx)`, which libraries leave out.
fn verify_ctx(public: &[u8], (message, ctx): (&[u8], &[u8]), signature: &[u8]) -> Option<bool> {
    let key = ed25519_dalek::VerifyingKey::try_from(public).ok()?;
    let (commitment, response) = signature.split_first_chunk::<32>()?;
    let response = <[u8; 32]>::try_from(response).ok()?;
    let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(response))?;
    let challenge = challenge(ctx, commitment, public, message)?;
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(
        &challenge,
        &-key.to_edwards(),
        &response,
    );
    Some(expected.compress().to_bytes() == *commitment)
}

/// Section 5.1.6 with `dom2(0, ctx)`.
fn sign_ctx(seed: &[u8; 32], message: &[u8], ctx: &[u8]) -> Option<Vec<u8>> {
    let key = ExpandedSecretKey::from(seed);
    let public = ed25519_dalek::VerifyingKey::from(&key).to_bytes();
    let nonce = Sha512::new_with_prefix(dom2(ctx)?).chain_update(key.hash_prefix);
    let nonce = Scalar::from_hash(nonce.chain_update(message));
    let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    let response = nonce + challenge(ctx, &commitment, &public, message)? * key.scalar;
    Some([commitment, response.to_bytes()].concat())
}

fn challenge(ctx: &[u8], commitment: &[u8], public: &[u8], message: &[u8]) -> Option<Scalar> {
    let text = Sha512::new_with_prefix(dom2(ctx)?).chain_update(commitment);
    Some(Scalar::from_hash(text.chain_update(public).chain_update(message)))
}

fn dom2(ctx: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(ctx.len()).ok()?;
    Some([b"SigEd25519 no Ed25519 collisions", &[0, length][..], ctx].concat())
}

fn verify448(
    alg: &str,
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> Option<bool> {
    let key = ed448_goldilocks::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
    let signature = ed448_goldilocks::Signature::try_from(signature).ok()?;
    let verified = if alg == "Ed448ph" {
        key.verify_prehashed(&signature, Some(ctx), shaken(message))
    } else {
        key.verify_ctx(&signature, ctx, message)
    };
    Some(verified.is_ok())
}

fn shaken(message: &[u8]) -> PreHasherXof<Shake256> {
    let mut hasher = Shake256::default();
    hasher.update(message);
    PreHasherXof::new(hasher)
}

fn signer25519(seed: &[u8]) -> Option<ed25519_dalek::SigningKey> {
    Some(ed25519_dalek::SigningKey::from_bytes(seed.try_into().ok()?))
}

fn signer448(seed: &[u8]) -> Option<ed448_goldilocks::SigningKey> {
    let seed: [u8; 57] = seed.try_into().ok()?;
    Some(ed448_goldilocks::SigningKey::from(&seed.into()))
}

#[cfg(test)]
mod tests {
    use super::{public, sign, verify};

    #[test]
    fn what_is_signed_verifies_in_its_own_variant_and_context_alone() {
        let algs = ["Ed25519", "Ed25519ph", "Ed25519ctx", "Ed448", "Ed448ph"];
        for alg in algs {
            let (kind, seed) = if alg.starts_with("Ed4") {
                ("ED448", vec![7; 57])
            } else {
                ("ED25519", vec![7; 32])
            };
            let public = public(kind, &seed).unwrap();
            let ctx = if alg == "Ed25519" { &b""[..] } else { b"ctx" };
            let signature = sign(alg, &seed, b"text", ctx).unwrap();
            for other in algs {
                let good = verify(other, &public, (b"text", ctx), &signature);
                assert_eq!(good, other == alg, "{alg} as {other}");
            }
            assert!(!verify(alg, &public, (b"tex", ctx), &signature), "{alg}");
            if alg != "Ed25519" {
                assert!(!verify(alg, &public, (b"text", b"xtc"), &signature), "{alg}");
            }
        }
    }
}
