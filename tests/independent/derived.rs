//! Derived keys, whose secret the others can derive, too: so they tell what stored keys do.

use serde_json::json;
use tests::python::Oracle;
use tests::scene::Scene;
use tests::tally::Tally;
use tests::user::{User, b64};

use crate::known::{Known, bytes, derive};

#[test]
fn derived_keys_are_those_of_others() {
    let (scene, mut oracle, mut tally) = (Scene::new(), Oracle::start(), Tally::default());
    // The longest secret there is: enough for a key of every type.
    let source = scene.create("SECP521R1", None);
    let peer = oracle.ask(&json!({ "do": "peer", "kind": "SECP521R1" }));
    let theirs = json!({ "do": "agree", "kind": "SECP521R1", "private": peer["private"],
                         "public": b64(&scene.public(&source)) });
    let secret = oracle.text(&theirs, "secret");
    for (kind, length) in KINDS {
        let ask = json!({ "kid": source, "label": kind, "type": kind, "pubkey": peer["public"] });
        let token = scene.user("keymgmt:gen");
        let kid = scene.client.post("/api/keymgmt/derive", &token, &ask).text("kid");
        let info = format!("encedo-{kind}");
        let key = derive(&mut oracle, &secret, info.as_bytes(), length);
        let known = Known { user: User::of(&scene, kid.clone()), with: json!({}) };
        match kind.split_at(3).0 {
            "AES" => {
                for mode in ["ECB", "CBC", "GCM"] {
                    known.ciphers(&mut oracle, &format!("{kind}-{mode}"), &key);
                }
                known.wraps(&mut oracle, kind, &key);
            }
            "SHA" => known.makes_macs(&mut oracle, kind, &key),
            _ => {
                let private = private(kind, &key);
                let ask = json!({ "do": "public_of", "kind": kind, "private": private });
                assert_eq!(b64(&scene.public(&kid)), oracle.text(&ask, "public"), "{kind}");
            }
        }
        tally.count("derived keys", "equal");
    }
    tally.settle(&[("derived keys", 17, &[("equal", 17)])]);
}

/// A number of 521 bits is derived as 528, of which the upper seven don't count.
fn private(kind: &str, key: &str) -> String {
    let mut key = bytes(key);
    if kind == "SECP521R1" {
        key[0] &= 1;
    }
    b64(&key)
}

/// Every type that is derived, with the bytes of its secret.
const KINDS: [(&str, usize); 17] = [
    ("SECP256R1", 32),
    ("SECP384R1", 48),
    ("SECP521R1", 66),
    ("SECP256K1", 32),
    ("CURVE25519", 32),
    ("CURVE448", 56),
    ("ED25519", 32),
    ("ED448", 57),
    ("SHA2-256", 32),
    ("SHA2-384", 48),
    ("SHA2-512", 64),
    ("SHA3-256", 32),
    ("SHA3-384", 48),
    ("SHA3-512", 64),
    ("AES128", 16),
    ("AES192", 24),
    ("AES256", 32),
];
