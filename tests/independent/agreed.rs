//! Secrets that a key agrees on with a peer, and what is done with them.

use serde_json::json;
use tests::python::Oracle;
use tests::scene::Scene;
use tests::tally::Tally;
use tests::user::{User, b64};

use crate::known::{DIGESTS, Known, WIDTHS, derive};

#[test]
fn agreed_secrets_and_their_work_are_those_of_others() {
    let (scene, mut oracle, mut tally) = (Scene::new(), Oracle::start(), Tally::default());
    for kind in KINDS {
        let user = User::new(&scene, kind, None);
        let peer = oracle.ask(&json!({ "do": "peer", "kind": kind }));
        let theirs = json!({ "do": "agree", "kind": kind, "private": peer["private"],
                             "public": b64(&scene.public(&user.kid)) });
        let secret = oracle.text(&theirs, "secret");
        let mut key = Known { user, with: json!({ "pubkey": peer["public"] }) };
        assert_eq!(key.asks("ecdh", json!({}))["ecdh"], secret, "{kind}");
        tally.count("agreed secrets, raw", "equal");
        for alg in DIGESTS {
            let digest = json!({ "do": "digest", "alg": alg, "msg": secret });
            let digest = oracle.text(&digest, "digest");
            assert_eq!(key.asks("ecdh", json!({ "alg": alg }))["ecdh"], digest, "{kind} {alg}");
            tally.count("agreed secrets, hashed", "equal");
            key.makes_macs(&mut oracle, alg, &secret);
            tally.count("MACs by agreed secrets", "equal");
        }
        let ctx = b"a context";
        key.with["ctx"] = json!(b64(ctx));
        for (width, length) in WIDTHS {
            let aes = derive(&mut oracle, &secret, &[b"encedo-aes", &ctx[..]].concat(), length);
            for mode in ["ECB", "CBC", "GCM"] {
                key.ciphers(&mut oracle, &format!("{width}-{mode}"), &aes);
                tally.count("AES by agreed secrets", "equal both ways");
            }
            let kek = derive(&mut oracle, &secret, &[b"encedo-kek", &ctx[..]].concat(), length);
            key.wraps(&mut oracle, width, &kek);
            tally.count("wrapping by agreed secrets", "equal both ways");
        }
    }
    tally.settle(&[
        ("AES by agreed secrets", 54, &[("equal both ways", 54)]),
        ("MACs by agreed secrets", 36, &[("equal", 36)]),
        ("agreed secrets, hashed", 36, &[("equal", 36)]),
        ("agreed secrets, raw", 6, &[("equal", 6)]),
        ("wrapping by agreed secrets", 18, &[("equal both ways", 18)]),
    ]);
}

/// Every type that agrees.
const KINDS: [&str; 6] =
    ["SECP256R1", "SECP384R1", "SECP521R1", "SECP256K1", "CURVE25519", "CURVE448"];
