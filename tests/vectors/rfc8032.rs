//! RFC 8032, sections 7.1 to 7.5: EdDSA with and without contexts and of hashes.

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::json;
use tests::scene::Scene;
use tests::tally::Tally;

use crate::claims::import;

#[derive(Deserialize)]
struct Vector {
    section: String,
    alg: String,
    public: String,
    message: String,
    context: String,
    signature: String,
}

#[test]
fn each_holds_under_its_own_scheme_only() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("rfc8032.json")).unwrap();
    let scene = Scene::new();
    let mut tally = Tally::default();
    for vector in vectors {
        let set = format!("RFC 8032, {}, {}", vector.section, vector.alg);
        if vector.message.is_empty() {
            tally.count(&set, "n/a: an empty message");
            continue;
        }
        let kind = if vector.public.len() == 64 { "ED25519" } else { "ED448" };
        // A key of several vectors is there from the first one on (406).
        let public = unhex(&vector.public);
        assert!([200, 406].contains(&import(&scene, kind, &public).status), "{set}");
        let kid = kid_of(&public);
        for scheme in ["Ed25519", "Ed25519ctx", "Ed25519ph", "Ed448", "Ed448ph"] {
            let mut body = json!({ "kid": kid, "alg": scheme, "msg": b64(&vector.message),
                                   "sign": b64(&vector.signature) });
            if !vector.context.is_empty() {
                body["ctx"] = b64(&vector.context).into();
            }
            let expected = match scheme {
                _ if scheme == vector.alg => 200,
                "Ed25519ctx" if vector.context.is_empty() => 400,
                _ => 406,
            };
            let reply = scene.client.post("/api/crypto/exdsa/verify", &scene.user_of(&kid), &body);
            assert_eq!(reply.status, expected, "{set} as {scheme}: {reply:?}");
        }
        tally.count(&set, "holds, under no other scheme");
    }
    let holds = "holds, under no other scheme";
    tally.settle(&[
        ("RFC 8032, 7.1, Ed25519", 5, &[(holds, 4), ("n/a: an empty message", 1)]),
        ("RFC 8032, 7.2, Ed25519ctx", 4, &[(holds, 4)]),
        ("RFC 8032, 7.3, Ed25519ph", 1, &[(holds, 1)]),
        ("RFC 8032, 7.4, Ed448", 9, &[(holds, 8), ("n/a: an empty message", 1)]),
        ("RFC 8032, 7.5, Ed448ph", 2, &[(holds, 2)]),
    ]);
}

fn kid_of(public: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, public);
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn b64(hex: &str) -> String {
    Base64::encode_string(&unhex(hex))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}
