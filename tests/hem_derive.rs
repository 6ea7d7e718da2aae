//! Keys that are derived: from every type that agrees to every type that can be derived, the lengths
//! decide; what comes out is what an independent HKDF says, and works (hem.md A9).

use aws_lc_rs::hmac;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::Reply;
use tests::curves::{Curve, SoftKey};
use tests::scene::Scene;
use tests::user::derive as derived;

#[test]
fn the_lengths_decide_what_can_be_derived() {
    let scene = logged_in();
    for (source, secret) in SOURCES {
        let (kid, peer) = (scene.create(source, None), scene.create(source, None));
        for (target, needs, listed) in TARGETS {
            let mut log = scene.log();
            let before = total(&scene);
            let reply = derive(
                &scene,
                &json!({ "kid": kid, "ext_kid": peer, "label": "derived",
                "type": target, "descr": "Q0NURVNU" }),
            );
            let case = format!("{source} to {target}");
            if secret < needs {
                assert_eq!((reply.status, total(&scene)), (406, before), "{case}");
                assert_eq!(told(&mut log), [("KEY_DERIVE ERROR".to_owned(), kid.clone())]);
                continue;
            }
            assert_eq!((reply.status, total(&scene)), (200, before + 1), "{case}: {reply:?}");
            let made = reply.text("kid");
            assert_eq!(told(&mut log), [("KEY_DERIVE OK".to_owned(), made.clone())]);
            let path = format!("/api/keymgmt/list/{before}/1");
            let entry = scene.client.get(&path, &scene.user("keymgmt:list")).json();
            let entry = &entry["list"][0];
            assert_eq!(
                (&entry["kid"], &entry["type"], &entry["label"], &entry["descr"]),
                (&json!(made), &json!(listed), &json!("derived"), &json!("Q0NURVNU")),
                "{case}"
            );
        }
    }
}

#[test]
fn what_is_derived_is_what_an_independent_hkdf_says() {
    let scene = Scene::new();
    for curve in [Curve::Secp521r1, Curve::Curve25519] {
        let kid = scene.create(curve.name(), None);
        let peer = SoftKey::random(curve);
        let secret = peer.agree(&scene.public(&kid));
        let make = |target: &str, mode: &str| {
            let public = Base64::encode_string(&peer.public());
            derive(
                &scene,
                &json!({ "kid": kid, "pubkey": public, "label": "derived",
                "type": target, "mode": mode }),
            )
            .text("kid")
        };
        for (target, algorithm) in
            [("SHA2-256", hmac::HMAC_SHA256), ("SHA2-512", hmac::HMAC_SHA512)]
        {
            let length = if target == "SHA2-256" { 32 } else { 64 };
            if secret.len() < length {
                continue;
            }
            let own = make(target, "");
            let mac = scene.employ(&own, "hmac/hash", &json!({ "kid": own, "msg": MESSAGE }));
            let key = hmac::Key::new(algorithm, &hkdf(&secret, target, length));
            assert_eq!(mac.bytes("mac"), hmac::sign(&key, b"message").as_ref(), "{target}");
        }
        for (target, length) in [("AES128", 16), ("AES192", 24), ("AES256", 32)] {
            let own = make(target, target);
            let key = hkdf(&secret, target, length);
            // For a narrower width the first bytes of the key.
            for width in [16, 24, 32].into_iter().filter(|width| *width <= length) {
                enciphers(&scene, &own, &key[..width]);
            }
            for width in [24, 32].into_iter().filter(|width| *width > length) {
                let block = Base64::encode_string(&[7; 16]);
                let ask =
                    json!({ "kid": own, "alg": format!("AES{}-ECB", width * 8), "msg": block });
                assert_eq!(scene.employ(&own, "cipher/encrypt", &ask).status, 406);
            }
        }
        for target in Curve::ALL.into_iter().filter(|target| target.length() <= secret.len()) {
            let own = make(target.name(), "ECDH,ExDSA");
            let mut private = hkdf(&secret, target.name(), target.length());
            if target == Curve::Secp521r1 {
                private[0] &= 1;
            }
            let soft = SoftKey::from_private(target, &private);
            assert_eq!(scene.public(&own), soft.public(), "{}", target.name());
            agrees_and_signs(&scene, &own, target);
        }
    }
}

#[test]
fn the_same_key_is_kept_once_and_outlives_a_restart() {
    let scene = Scene::new();
    let (kid, peer) = (scene.create("SECP521R1", None), scene.create("SECP521R1", None));
    let body = |own: &str, other: &str, target: &str| json!({ "kid": own, "ext_kid": other, "label": "derived", "type": target });
    let mut made = Vec::new();
    for (target, ..) in TARGETS {
        made.push(derive(&scene, &body(&kid, &peer, target)).text("kid"));
        let before = total(&scene);
        let mut log = scene.log();
        for (own, other) in [(&kid, &peer), (&peer, &kid)] {
            assert_eq!(derive(&scene, &body(own, other, target)).status, 406, "{target}");
            assert_eq!(told(&mut log), [("KEY_DERIVE ERROR".to_owned(), own.clone())]);
        }
        assert_eq!(total(&scene), before);
    }
    let mac = |scene: &Scene| {
        let own = &made[8];
        scene.employ(own, "hmac/hash", &json!({ "kid": own, "msg": MESSAGE })).bytes("mac")
    };
    let before = mac(&scene);
    let scene = Scene::at(scene.stop());
    assert_eq!(mac(&scene), before);
    // A derived key derives in its turn, and one that is gone can be derived again.
    let chained = derive(&scene, &body(&made[5], &made[5], "SHA2-384"));
    assert_eq!(chained.status, 200, "{chained:?}");
    let path = format!("/api/keymgmt/delete/{}", made[8]);
    let token = scene.user("keymgmt:del");
    assert_eq!(scene.client.call("DELETE", &path, Some(&token), None).status, 200);
    assert_eq!(derive(&scene, &body(&kid, &peer, "SHA2-256")).text("kid"), made[8]);
    assert_eq!(mac(&scene), before);
}

#[test]
fn bad_requests_are_told_apart() {
    let scene = logged_in();
    let kid = scene.create("SECP256R1", None);
    let (signer, other) =
        (scene.create("SECP256R1", Some("ExDSA")), scene.create("CURVE25519", None));
    let good = json!({ "kid": kid, "ext_kid": kid, "label": "derived", "type": "AES256" });
    let mut log = scene.log();
    for (name, value, status) in [
        ("type", json!("AES512"), 400),
        ("type", json!("MLKEM512"), 400),
        ("type", json!("MLDSA87"), 400),
        ("type", json!(7), 400),
        ("type", Value::Null, 400),
        ("label", json!(""), 400),
        ("label", Value::Null, 400),
        ("descr", json!("*"), 400),
        ("pubkey", json!("*"), 400),
        ("ext_kid", json!("zz"), 400),
        ("ext_kid", Value::Null, 406),
        ("ext_kid", json!("0".repeat(32)), 406),
        ("ext_kid", json!(other), 406),
        ("kid", json!("0".repeat(32)), 406),
        ("kid", json!(signer), 406),
        ("descr", json!("RVhUQUlE"), 406),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let reply = derive(&scene, &body);
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(log.heads(), ["KEY_DERIVE ERROR"], "{body}");
    }
    let mut mode = good.clone();
    (mode["type"], mode["mode"]) = (json!("SECP256K1"), json!("ExDSA,ECDH"));
    assert_eq!(derive(&scene, &mode).status, 400);
    // The stored peer wins over the other one.
    let mut both = good.clone();
    both["pubkey"] = json!("AAAA");
    assert_eq!(derive(&scene, &both).status, 200);
    both["ext_kid"] = Value::Null;
    assert_eq!(derive(&scene, &both).status, 406);
}

#[test]
fn three_scopes_allow_it_and_the_administrator_may_not() {
    let scene = Scene::new();
    let (kid, peer) = (scene.create("CURVE25519", None), scene.create("CURVE25519", None));
    let body =
        |target: &str| json!({ "kid": kid, "ext_kid": peer, "label": "derived", "type": target });
    let call = |token: &str, target: &str| {
        scene.client.post("/api/keymgmt/derive", token, &body(target)).status
    };
    for (scope, target) in
        [("keymgmt:derive", "AES128"), ("keymgmt:gen", "AES192"), ("keymgmt:ecdh", "AES256")]
    {
        assert_eq!(call(&scene.master(scope), target), 403, "{scope}");
        assert_eq!(call(&scene.user(scope), target), 200, "{scope}");
    }
    let (import, using) = (scene.user("keymgmt:imp"), scene.user_of(&kid));
    let mut log = scene.log();
    assert_eq!(call(&import, "SHA2-256"), 403);
    assert_eq!(call(&using, "SHA2-256"), 403, "using a key is not keeping another");
    assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"; 2]);
}

/// A fresh device, and the logins done whose entries would stand between those looked at.
fn logged_in() -> Scene {
    let scene = Scene::new();
    for scope in ["keymgmt:derive", "keymgmt:list"] {
        scene.user(scope);
    }
    scene
}

fn derive(scene: &Scene, body: &Value) -> Reply {
    scene.client.post("/api/keymgmt/derive", &scene.user("keymgmt:derive"), body)
}

fn total(scene: &Scene) -> u64 {
    let page = scene.client.get("/api/keymgmt/list", &scene.user("keymgmt:list"));
    page.json()["total"].as_u64().unwrap()
}

fn told(log: &mut tests::log::LogReader) -> Vec<(String, String)> {
    log.news().into_iter().map(|entry| (entry.head(), entry.ext)).collect()
}

/// A key that was derived deciphers what the key that it should be has enciphered, in the token's
/// stead, and the other way round.
fn enciphers(scene: &Scene, own: &str, key: &[u8]) {
    use aes_gcm::aead::consts::U16;
    use aes_gcm::aead::{Aead, KeyInit};
    macro_rules! open {
        ($aes:ty, $nonce:expr, $text:expr) => {{
            let cipher = aes_gcm::AesGcm::<$aes, U16>::new_from_slice(key).unwrap();
            cipher.decrypt(&$nonce, $text).unwrap()
        }};
    }
    let alg = format!("AES{}-GCM", key.len() * 8);
    let ask = json!({ "kid": own, "alg": alg, "msg": MESSAGE });
    let reply = scene.employ(own, "cipher/encrypt", &ask);
    let nonce: [u8; 16] = reply.bytes("iv").try_into().unwrap();
    let text = [reply.bytes("ciphertext"), reply.bytes("tag")].concat();
    let plain = match key.len() {
        16 => open!(aes::Aes128, nonce.into(), text.as_slice()),
        24 => open!(aes::Aes192, nonce.into(), text.as_slice()),
        _ => open!(aes::Aes256, nonce.into(), text.as_slice()),
    };
    assert_eq!(plain, b"message");
    let back = json!({ "kid": own, "alg": alg, "msg": reply.text("ciphertext"),
        "iv": reply.text("iv"), "tag": reply.text("tag") });
    let opened = scene.employ(own, "cipher/decrypt", &back);
    assert_eq!(opened.status, 200, "{opened:?}");
}

fn agrees_and_signs(scene: &Scene, own: &str, target: Curve) {
    let peer = SoftKey::random(target);
    let body = json!({ "kid": own, "pubkey": Base64::encode_string(&peer.public()) });
    assert_eq!(scene.ecdh(own, &body).bytes("ecdh"), peer.agree(&scene.public(own)));
    if target == Curve::Curve25519 {
        return;
    }
    for alg in ["SHA256WithECDSA", "SHA384WithECDSA", "SHA512WithECDSA"] {
        let mut body = json!({ "kid": own, "alg": alg, "msg": MESSAGE });
        let signed = scene.employ(own, "exdsa/sign", &body);
        assert_eq!(signed.status, 200, "{} {alg}", target.name());
        body["sign"] = json!(signed.text("sign"));
        assert_eq!(scene.employ(own, "exdsa/verify", &body).status, 200);
        body["msg"] = json!("bWFzc2FnZQ==");
        assert_eq!(scene.employ(own, "exdsa/verify", &body).status, 406);
    }
}

/// The key that should come out, by another implementation.
fn hkdf(secret: &[u8], target: &str, length: usize) -> Vec<u8> {
    derived(secret, &[format!("encedo-{target}").as_bytes()], length)
}

/// Base64 of `message`.
const MESSAGE: &str = "bWVzc2FnZQ==";

/// With the bytes that two such keys agree on.
const SOURCES: [(&str, usize); 6] = [
    ("SECP256R1", 32),
    ("SECP384R1", 48),
    ("SECP521R1", 66),
    ("SECP256K1", 32),
    ("CURVE25519", 32),
    ("CURVE448", 56),
];

/// With the bytes that a key has, and how it is listed.
const TARGETS: [(&str, usize, &str); 17] = [
    ("SECP256R1", 32, "ATT,PKEY,ECDH,SECP256R1"),
    ("SECP384R1", 48, "ATT,PKEY,ECDH,SECP384R1"),
    ("SECP521R1", 66, "ATT,PKEY,ECDH,SECP521R1"),
    ("SECP256K1", 32, "ATT,PKEY,ECDH,SECP256K1"),
    ("CURVE25519", 32, "ATT,PKEY,ECDH,CURVE25519"),
    ("CURVE448", 56, "ATT,PKEY,ECDH,CURVE448"),
    ("ED25519", 32, "ATT,PKEY,ExDSA,ED25519"),
    ("ED448", 57, "ATT,PKEY,ExDSA,ED448"),
    ("SHA2-256", 32, "ATT,SHA2-256"),
    ("SHA2-384", 48, "ATT,SHA2-384"),
    ("SHA2-512", 64, "ATT,SHA2-512"),
    ("SHA3-256", 32, "ATT,SHA3-256"),
    ("SHA3-384", 48, "ATT,SHA3-384"),
    ("SHA3-512", 64, "ATT,SHA3-512"),
    ("AES128", 16, "ATT,AES128"),
    ("AES192", 24, "ATT,AES192"),
    ("AES256", 32, "ATT,AES256"),
];
