//! Signatures by keys of each type, in each scheme, with short and long messages and contexts.

use serde_json::json;
use tests::python::Oracle;
use tests::scene::Scene;
use tests::tally::Tally;
use tests::user::{User, b64};

#[test]
fn signatures_hold_elsewhere() {
    let (scene, mut oracle, mut tally) = (Scene::new(), Oracle::start(), Tally::default());
    for (kind, algs) in SCHEMES {
        let key = User::new(&scene, kind, kind.starts_with("SECP").then_some("ExDSA"));
        let public = b64(&scene.public(&key.kid));
        let path = if kind.starts_with("MLDSA") {
            "/api/crypto/pqc/mldsa/sign"
        } else {
            "/api/crypto/exdsa/sign"
        };
        // Lengths of message and context.
        let shapes = [(1, 1), (100, 0), (2048, 255)];
        for (alg, (msg, ctx)) in algs.iter().flat_map(|alg| shapes.map(|shape| (*alg, shape))) {
            if (alg, ctx) == ("Ed25519ctx", 0) {
                continue;
            }
            let (msg, ctx) = (b64(&vec![7; msg]), b64(&vec![8; ctx]));
            let mut body = json!({ "msg": msg, "alg": alg });
            if !ctx.is_empty() {
                body["ctx"] = json!(ctx);
            }
            let sign = key.ask(path, body).text("sign");
            let mut claim = json!({ "do": "verify", "kind": kind, "alg": alg, "public": public,
                                    "msg": msg, "ctx": ctx, "sign": sign });
            assert_eq!(oracle.ask(&claim)["holds"], true, "{claim}");
            claim["msg"] = json!(b64(&[9; 50]));
            assert_eq!(oracle.ask(&claim)["holds"], false, "{claim}");
            tally.count(&format!("signatures, {kind}"), "hold elsewhere");
        }
    }
    let hold = "hold elsewhere";
    tally.settle(&[
        ("signatures, ED25519", 8, &[(hold, 8)]),
        ("signatures, ED448", 6, &[(hold, 6)]),
        ("signatures, MLDSA44", 3, &[(hold, 3)]),
        ("signatures, MLDSA65", 3, &[(hold, 3)]),
        ("signatures, MLDSA87", 3, &[(hold, 3)]),
        ("signatures, SECP256K1", 9, &[(hold, 9)]),
        ("signatures, SECP256R1", 9, &[(hold, 9)]),
        ("signatures, SECP384R1", 9, &[(hold, 9)]),
        ("signatures, SECP521R1", 9, &[(hold, 9)]),
    ]);
}

/// Every type that signs, with its schemes.
const SCHEMES: [(&str, &[&str]); 9] = [
    ("SECP256R1", ECDSA),
    ("SECP384R1", ECDSA),
    ("SECP521R1", ECDSA),
    ("SECP256K1", ECDSA),
    ("ED25519", &["Ed25519", "Ed25519ctx", "Ed25519ph"]),
    ("ED448", &["Ed448", "Ed448ph"]),
    ("MLDSA44", &["ML-DSA"]),
    ("MLDSA65", &["ML-DSA"]),
    ("MLDSA87", &["ML-DSA"]),
];
const ECDSA: &[&str] = &["SHA256WithECDSA", "SHA384WithECDSA", "SHA512WithECDSA"];
