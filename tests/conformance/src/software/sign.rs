//! Signatures of all types that sign: keys made here to be imported, and the verification of what
//! the device signs.

use crate::encoding::random;
use crate::kinds::{Family, Kind};
use crate::software::{edwards, lattice, mac};
use crate::verdict::{OrFails, Verdict, fails};

/// A private key of a type that signs.
pub(crate) struct Signer {
    kind: Kind,
    seed: Vec<u8>,
}

impl Signer {
    /// A random key.
    pub(crate) fn random(kind: Kind) -> Verdict<Self> {
        let mut seed = random::<66>()?.to_vec();
        seed.truncate(match kind.family {
            Family::Secp => kind.secret,
            Family::Edwards => kind.public,
            _ => 32,
        });
        if let Some(first) = seed.first_mut().filter(|_| kind.family == Family::Secp) {
            *first = 0;
        }
        Ok(Self { kind, seed })
    }

    /// Its public key as the API takes it.
    pub(crate) fn public(&self) -> Verdict<Vec<u8>> {
        let public = match self.kind.family {
            Family::Secp => ecdsa(self.kind, Step::Public(&self.seed)),
            Family::Edwards => edwards::public(self.kind.name, &self.seed),
            Family::Dsa => lattice::dsa_public(self.kind.name, &self.seed),
            _ => None,
        };
        public.or_fails(|| format!("no public key of {}", self.kind.name))
    }

    /// A signature; ECDSA in DER.
    pub(crate) fn sign(&self, alg: &str, message: &[u8], ctx: &[u8]) -> Verdict<Vec<u8>> {
        let signature = match self.kind.family {
            Family::Secp => {
                let digest = digest(self.kind, alg, message)?;
                ecdsa(self.kind, Step::Sign(&self.seed, &digest))
            }
            Family::Edwards => edwards::sign(alg, &self.seed, message, ctx),
            Family::Dsa => lattice::dsa_sign(self.kind.name, &self.seed, message, ctx),
            _ => None,
        };
        signature.or_fails(|| format!("no {alg} by {}", self.kind.name))
    }
}

/// Fails unless `signature` is one of a message in a context by `public`.
pub(crate) fn verify(
    kind: Kind,
    alg: &str,
    public: &[u8],
    (message, ctx): (&[u8], &[u8]),
    signature: &[u8],
) -> Verdict {
    let good = match kind.family {
        Family::Secp => {
            let digest = digest(kind, alg, message)?;
            ecdsa(kind, Step::Verify(public, &digest, signature)).is_some()
        }
        Family::Edwards => edwards::verify(alg, public, (message, ctx), signature),
        Family::Dsa => lattice::dsa_verify(kind.name, public, (message, ctx), signature),
        _ => false,
    };
    if good { Ok(()) } else { fails(format!("{alg} by {} does not verify", kind.name)) }
}

/// The algorithms that keys of this type sign with.
pub(crate) fn algorithms(kind: Kind) -> &'static [&'static str] {
    match kind.name {
        "ED25519" => &["Ed25519", "Ed25519ph", "Ed25519ctx"],
        "ED448" => &["Ed448", "Ed448ph"],
        _ if kind.family == Family::Secp => {
            &["SHA256WithECDSA", "SHA384WithECDSA", "SHA512WithECDSA"]
        }
        _ => &[],
    }
}

/// The hash for ECDSA, with zeros before it where the curve is wider: the same number, and what
/// libraries refuse otherwise (SHA-256 on P-521).
fn digest(kind: Kind, alg: &str, message: &[u8]) -> Verdict<Vec<u8>> {
    let hash = match alg {
        "SHA256WithECDSA" => "SHA2-256",
        "SHA384WithECDSA" => "SHA2-384",
        "SHA512WithECDSA" => "SHA2-512",
        _ => return fails(format!("{alg} is not ECDSA")),
    };
    let digest = mac::hash(hash, message)?;
    let missing = kind.secret.saturating_sub(digest.len());
    Ok([vec![0; missing], digest].concat())
}

enum Step<'a> {
    Public(&'a [u8]),
    Sign(&'a [u8], &'a [u8]),
    Verify(&'a [u8], &'a [u8], &'a [u8]),
}

/// One step on one of the curves; `None` where it does not work out.
fn ecdsa(kind: Kind, step: Step<'_>) -> Option<Vec<u8>> {
    match kind.name {
        "SECP256R1" => p256(step),
        "SECP384R1" => p384(step),
        "SECP521R1" => p521(step),
        "SECP256K1" => k256(step),
        _ => None,
    }
}

macro_rules! on_curve {
    ($name:ident) => {
        fn $name(step: Step<'_>) -> Option<Vec<u8>> {
            use $name::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
            use $name::ecdsa::{Signature, SigningKey, VerifyingKey};
            match step {
                Step::Public(seed) => {
                    let key = SigningKey::from_slice(seed).ok()?;
                    Some(key.verifying_key().to_sec1_point(true).as_bytes().to_vec())
                }
                Step::Sign(seed, digest) => {
                    let key = SigningKey::from_slice(seed).ok()?;
                    let signature: Signature = key.sign_prehash(digest).ok()?;
                    Some(signature.to_der().as_bytes().to_vec())
                }
                Step::Verify(public, digest, signature) => {
                    let key = VerifyingKey::from_sec1_bytes(public).ok()?;
                    // Either of the two forms of s is good; some libraries take the low one alone.
                    let signature = Signature::from_der(signature).ok()?.normalize_s();
                    key.verify_prehash(digest, &signature).ok().map(|()| Vec::new())
                }
            }
        }
    };
}

on_curve!(p256);
on_curve!(p384);
on_curve!(p521);
on_curve!(k256);

#[cfg(test)]
mod tests {
    use super::{Signer, algorithms, verify};
    use crate::kinds::{Family, Kind};

    #[test]
    fn own_signatures_verify_and_others_do_not() {
        for kind in Kind::of(&[Family::Secp]) {
            for alg in algorithms(kind) {
                let signer = Signer::random(kind).unwrap();
                let public = signer.public().unwrap();
                assert_eq!(public.len(), kind.public);
                let signature = signer.sign(alg, b"text", b"").unwrap();
                verify(kind, alg, &public, (b"text", b""), &signature).unwrap();
                assert!(verify(kind, alg, &public, (b"tex", b""), &signature).is_err());
            }
        }
    }
}
