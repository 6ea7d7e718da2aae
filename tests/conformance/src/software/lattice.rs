//! ML-KEM and ML-DSA. ML-KEM, and ML-DSA without a context, by AWS-LC; contexts by RustCrypto.

use aws_lc_rs::kem::{self, EncapsulationKey};
use aws_lc_rs::signature::{self, UnparsedPublicKey};
use ml_dsa::{
    EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, Signature, SigningKey,
    VerifyingKey,
};

use crate::verdict::{OrFails, Verdict};

/// A shared secret and its ciphertext for the raw public key `public`.
pub(crate) fn encapsulate(kind: &str, public: &[u8]) -> Verdict<(Vec<u8>, Vec<u8>)> {
    let algorithm = match kind {
        "MLKEM512" => &kem::ML_KEM_512,
        "MLKEM768" => &kem::ML_KEM_768,
        _ => &kem::ML_KEM_1024,
    };
    let key = EncapsulationKey::new(algorithm, public);
    let key = key.or_fails(|| format!("{kind}: the public key"))?;
    let (ciphertext, secret) = key.encapsulate().or_fails(|| format!("{kind}: encapsulation"))?;
    Ok((secret.as_ref().to_vec(), ciphertext.as_ref().to_vec()))
}

/// A random public key of ML-KEM.
pub(crate) fn kem_public(kind: &str) -> Verdict<Vec<u8>> {
    let algorithm = match kind {
        "MLKEM512" => &kem::ML_KEM_512,
        "MLKEM768" => &kem::ML_KEM_768,
        _ => &kem::ML_KEM_1024,
    };
    let key = kem::DecapsulationKey::generate(algorithm);
    let public = key.and_then(|key| key.encapsulation_key());
    let public = public.or_fails(|| format!("{kind}: generation"))?;
    let bytes = public.key_bytes().or_fails(|| format!("{kind}: encoding"))?;
    Ok(bytes.as_ref().to_vec())
}

/// The public key of a seed.
pub(super) fn dsa_public(kind: &str, seed: &[u8]) -> Option<Vec<u8>> {
    match kind {
        "MLDSA44" => public::<MlDsa44>(seed),
        "MLDSA65" => public::<MlDsa65>(seed),
        "MLDSA87" => public::<MlDsa87>(seed),
        _ => None,
    }
}

/// A signature of a message in a context.
pub(super) fn dsa_sign(kind: &str, seed: &[u8], message: &[u8], ctx: &[u8]) -> Option<Vec<u8>> {
    match kind {
        "MLDSA44" => sign::<MlDsa44>(seed, message, ctx),
        "MLDSA65" => sign::<MlDsa65>(seed, message, ctx),
        "MLDSA87" => sign::<MlDsa87>(seed, message, ctx),
        _ => None,
    }
}

/// Whether `signature` is one of a message in a context; without a context in both implementations.
pub(super) fn dsa_verify(
    kind: &str,
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> bool {
    let (good, other) = match kind {
        "MLDSA44" => (verify::<MlDsa44>(public, (message, ctx), signature), &signature::ML_DSA_44),
        "MLDSA65" => (verify::<MlDsa65>(public, (message, ctx), signature), &signature::ML_DSA_65),
        _ => (verify::<MlDsa87>(public, (message, ctx), signature), &signature::ML_DSA_87),
    };
    let other = UnparsedPublicKey::new(other, public).verify(message, signature);
    good.unwrap_or(false) && (!ctx.is_empty() || other.is_ok())
}

fn key<P: MlDsaParams>(seed: &[u8]) -> Option<SigningKey<P>> {
    Some(SigningKey::from_seed(&Seed::from(<[u8; 32]>::try_from(seed).ok()?)))
}

fn public<P: MlDsaParams>(seed: &[u8]) -> Option<Vec<u8>> {
    use ml_dsa::Keypair as _;
    Some(key::<P>(seed)?.verifying_key().encode().to_vec())
}

fn sign<P: MlDsaParams>(seed: &[u8], message: &[u8], ctx: &[u8]) -> Option<Vec<u8>> {
    let signed = key::<P>(seed)?.expanded_key().sign_deterministic(message, ctx).ok()?;
    Some(signed.encode().to_vec())
}

fn verify<P: MlDsaParams>(
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> Option<bool> {
    let key = VerifyingKey::<P>::decode(&EncodedVerifyingKey::<P>::try_from(public).ok()?);
    let signature = Signature::<P>::try_from(signature).ok()?;
    Some(key.verify_with_context(message, ctx, &signature))
}

#[cfg(test)]
mod tests {
    use super::{dsa_public, dsa_sign, dsa_verify};

    #[test]
    fn two_implementations_agree_and_contexts_count() {
        for kind in ["MLDSA44", "MLDSA65", "MLDSA87"] {
            let public = dsa_public(kind, &[3; 32]).unwrap();
            for ctx in [&b""[..], b"ctx"] {
                let signature = dsa_sign(kind, &[3; 32], b"text", ctx).unwrap();
                assert!(dsa_verify(kind, &public, (b"text", ctx), &signature));
                assert!(!dsa_verify(kind, &public, (b"text", b"xtc"), &signature));
                assert!(!dsa_verify(kind, &public, (b"tex", ctx), &signature));
            }
        }
    }
}
