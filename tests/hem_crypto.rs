//! `/api/crypto/hmac` and `exdsa`: what they answer, held against other code than the
//! daemon's, and every status and log entry of their description (hem.md A10).

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha3::Digest;
use tests::curves::Curve;
use tests::scene::Scene;
use tests::user::{User, b64};

const HASH: &str = "/api/crypto/hmac/hash";
const CHECK: &str = "/api/crypto/hmac/verify";
const SIGN: &str = "/api/crypto/exdsa/sign";
const VERIFY: &str = "/api/crypto/exdsa/verify";
const ENCRYPT: &str = "/api/crypto/cipher/encrypt";
const DECRYPT: &str = "/api/crypto/cipher/decrypt";
const WRAP: &str = "/api/crypto/cipher/wrap";
const UNWRAP: &str = "/api/crypto/cipher/unwrap";

#[test]
fn macs_by_stored_keys_hold_and_nothing_else_does() {
    let scene = Scene::new();
    for (kind, length) in [("SHA2-256", 32), ("SHA2-384", 48), ("SHA2-512", 64)] {
        let mut key = User::new(&scene, kind, None);
        // The key's own hash counts, whatever `alg` says.
        let mac = key.ask(HASH, json!({ "msg": b64(b"text"), "alg": "nonsense" })).bytes("mac");
        assert_eq!(mac.len(), length);
        assert_eq!(key.ask(HASH, json!({ "msg": b64(b"text") })).bytes("mac"), mac);
        assert_ne!(key.ask(HASH, json!({ "msg": b64(b"Text") })).bytes("mac"), mac);
        key.log.news();
        let check = |msg: &[u8], mac: &[u8]| json!({ "msg": b64(msg), "mac": b64(mac) });
        key.sees(CHECK, check(b"text", &mac), 200, "CRYPTO_HMAC_VERIFY OK");
        let mut forged = mac.clone();
        forged[length - 1] ^= 1;
        for wrong in [check(b"Text", &mac), check(b"text", &forged), check(b"text", &mac[1..])] {
            key.sees(CHECK, wrong, 406, "CRYPTO_HMAC_VERIFY FAILED");
        }
        key.sees(HASH, json!({ "msg": b64(&[0; 2048]) }), 200, "CRYPTO_HMAC_HASH OK");
        for bad in [
            json!({}),
            json!({ "msg": "" }),
            json!({ "msg": b64(&[0; 2049]) }),
            json!({ "msg": "*" }),
        ] {
            key.sees(HASH, bad, 400, "CRYPTO_HMAC_HASH ERROR");
        }
        let long = json!({ "msg": b64(b"text"), "mac": b64(&[0; 65]) });
        key.sees(CHECK, long, 400, "CRYPTO_HMAC_VERIFY ERROR");
        key.sees(CHECK, json!({ "msg": b64(b"text") }), 400, "CRYPTO_HMAC_VERIFY ERROR");
    }
}

#[test]
fn macs_by_agreed_secrets_are_right_under_every_hash() {
    let scene = Scene::new();
    for curve in [Curve::Secp521r1, Curve::Curve25519] {
        let mut key = User::new(&scene, curve.name(), None);
        let (peer, shared) = key.peer(curve);
        for name in ["SHA2-256", "SHA2-384", "SHA2-512", "SHA3-256", "SHA3-384", "SHA3-512"] {
            let body = json!({ "msg": b64(b"text"), "alg": name, "pubkey": peer });
            let mac = key.ask(HASH, body.clone()).bytes("mac");
            assert_eq!(mac, soft_mac(name, &shared, b"text"), "{curve:?} {name}");
            let mut check = body;
            check["mac"] = Value::from(b64(&mac));
            assert_eq!(key.ask(CHECK, check).status, 200);
        }
        let by_self = json!({ "msg": b64(b"text"), "alg": "SHA2-256", "ext_kid": key.kid });
        assert_eq!(key.ask(HASH, by_self).bytes("mac").len(), 32);
        key.log.news();
        for bad in [
            json!({ "msg": b64(b"text"), "pubkey": peer }),
            json!({ "msg": b64(b"text"), "pubkey": peer, "alg": "MD5" }),
            json!({ "msg": b64(b"text"), "pubkey": b64(&[0; 32]), "alg": "SHA2-256" }),
            json!({ "msg": b64(b"text"), "ext_kid": "0".repeat(32), "alg": "SHA2-256" }),
            json!({ "msg": b64(b"text"), "alg": "SHA2-256" }),
        ] {
            key.sees(HASH, bad, 406, "CRYPTO_HMAC_HASH FAILED");
        }
        let odd = json!({ "msg": b64(b"text"), "alg": "SHA2-256", "ext_kid": "xyz" });
        key.sees(HASH, odd, 400, "CRYPTO_HMAC_HASH ERROR");
    }
}

#[test]
fn ecdsa_signs_and_verifies_on_every_curve_under_every_hash() {
    let scene = Scene::new();
    for curve in ["SECP256R1", "SECP384R1", "SECP521R1", "SECP256K1"] {
        let mut key = User::new(&scene, curve, Some("ExDSA"));
        let public = scene.public(&key.kid);
        let imported = User::of(&scene, import(&scene, curve, &public_twin(&public)));
        for alg in ["SHA256WithECDSA", "SHA384WithECDSA", "SHA512WithECDSA"] {
            let body = json!({ "msg": b64(b"text"), "alg": alg });
            let signature = key.ask(SIGN, body.clone()).bytes("sign");
            if let Some(algorithm) = ecdsa(curve, alg) {
                let verdict =
                    UnparsedPublicKey::new(algorithm, &public).verify(b"text", &signature);
                assert!(verdict.is_ok(), "{curve} {alg}");
            }
            key.log.news();
            let with = |name: &str, value: String| {
                let mut check = body.clone();
                check["sign"] = Value::from(b64(&signature));
                check[name] = Value::from(value);
                check
            };
            key.sees(VERIFY, with("alg", alg.into()), 200, "CRYPTO_EXDSA_VERIFY OK");
            let other =
                if alg == "SHA256WithECDSA" { "SHA384WithECDSA" } else { "SHA256WithECDSA" };
            for (name, wrong) in [
                ("msg", b64(b"Text")),
                ("alg", other.to_owned()),
                ("sign", b64(&signature[1..])),
                ("sign", b64(&[0x30, 0])),
            ] {
                key.sees(VERIFY, with(name, wrong), 406, "CRYPTO_EXDSA_VERIFY FAILED");
            }
            // Somebody else's public key verifies, but not this.
            assert_eq!(imported.ask(VERIFY, with("alg", alg.into())).status, 406);
            assert_eq!(imported.ask(SIGN, body.clone()).status, 406);
        }
        key.log.news();
        for alg in ["Ed25519", "Ed25519ph", "Ed448", "Ed448ph"] {
            let body = json!({ "msg": b64(b"text"), "alg": alg });
            key.sees(SIGN, body, 406, "CRYPTO_EXDSA_SIGN FAILED");
        }
    }
}

#[test]
fn imported_public_keys_verify() {
    let scene = Scene::new();
    let pair =
        signature::EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let signed = pair.sign(&random, b"text").unwrap();
    let public = signature::KeyPair::public_key(&pair).as_ref().to_vec();
    let kid = import(&scene, "SECP384R1", &compressed(&public));
    let mut key = User::of(&scene, kid);
    let body = json!({
        "msg": b64(b"text"), "alg": "SHA384WithECDSA", "sign": b64(signed.as_ref())
    });
    key.sees(VERIFY, body.clone(), 200, "CRYPTO_EXDSA_VERIFY OK");
    let mut wrong = body;
    wrong["msg"] = Value::from(b64(b"Text"));
    key.sees(VERIFY, wrong, 406, "CRYPTO_EXDSA_VERIFY FAILED");

    let pair = signature::Ed25519KeyPair::generate().unwrap();
    let signed = pair.sign(b"text");
    let public = signature::KeyPair::public_key(&pair).as_ref().to_vec();
    let mut key = User::of(&scene, import(&scene, "ED25519", &public));
    let body = |alg: &str, msg: &[u8]| json!({ "msg": b64(msg), "alg": alg, "sign": b64(signed.as_ref()), "ctx": b64(b"ctx") });
    key.sees(VERIFY, body("Ed25519", b"text"), 200, "CRYPTO_EXDSA_VERIFY OK");
    for (alg, msg) in
        [("Ed25519", b"Text"), ("Ed25519ctx", b"text"), ("Ed25519ph", b"text"), ("Ed448", b"text")]
    {
        key.sees(VERIFY, body(alg, msg), 406, "CRYPTO_EXDSA_VERIFY FAILED");
    }
}

#[test]
fn signing_has_its_bounds() {
    let scene = Scene::new();
    let mut key = User::new(&scene, "SECP256R1", Some("ECDH,ExDSA"));
    let good = json!({ "msg": b64(&[1; 2048]), "alg": "SHA256WithECDSA", "ctx": b64(&[0; 255]) });
    key.sees(SIGN, good.clone(), 200, "CRYPTO_EXDSA_SIGN OK");
    for (name, bad) in [
        ("msg", json!(b64(&[1; 2049]))),
        ("msg", json!("")),
        ("msg", json!(7)),
        ("alg", json!("SHA1WithECDSA")),
        ("alg", json!("sha256withecdsa")),
        ("alg", Value::Null),
        ("ctx", json!(b64(&[0; 256]))),
    ] {
        let mut body = good.clone();
        body[name] = bad;
        key.sees(SIGN, body, 400, "CRYPTO_EXDSA_SIGN ERROR");
    }
    let mut body = json!({ "msg": b64(b"text"), "alg": "SHA256WithECDSA", "sign": b64(&[0; 149]) });
    key.sees(VERIFY, body.clone(), 400, "CRYPTO_EXDSA_VERIFY ERROR");
    body["sign"] = Value::Null;
    key.sees(VERIFY, body, 400, "CRYPTO_EXDSA_VERIFY ERROR");
    for (kind, mode) in [("SECP256R1", Some("ECDH")), ("CURVE25519", None), ("AES256", None)] {
        let mut key = User::new(&scene, kind, mode);
        let body = json!({ "msg": b64(b"text"), "alg": "SHA256WithECDSA" });
        key.sees(SIGN, body, 406, "CRYPTO_EXDSA_SIGN FAILED");
    }
}

#[test]
fn the_key_comes_first_and_then_the_scope() {
    let scene = Scene::new();
    let kid = scene.create("AES256", None);
    for path in [HASH, CHECK, SIGN, VERIFY, ENCRYPT, DECRYPT, WRAP, UNWRAP] {
        let post = |token: &str, body: &Value| scene.client.post(path, token, body).status;
        let (foreign, own) = (scene.user("keymgmt:gen"), scene.user_of(&kid));
        let master = scene.master(&format!("keymgmt:use:{kid}"));
        let mut log = scene.log();
        assert_eq!(post(&foreign, &json!({ "kid": "xyz" })), 400, "{path}");
        assert!(log.heads()[0].ends_with(" ERROR"), "{path}");
        let bad = json!({ "kid": kid, "msg": 7 });
        assert_eq!(post(&foreign, &bad), 403, "{path}");
        assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"], "{path}");
        assert_eq!(post(&master, &bad), 403, "{path}");
        assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"], "{path}");
        assert_eq!(post(&own, &bad), 400, "{path}");
        let entry = log.news().remove(0);
        assert!((entry.result.as_str(), entry.ext.as_str()) == ("ERROR", kid.as_str()), "{path}");
    }
}

fn import(scene: &Scene, kind: &str, public: &[u8]) -> String {
    let body = json!({ "label": "peer", "type": kind, "mode": "ExDSA", "pubkey": b64(public) });
    scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body).text("kid")
}

/// The point with the other y: a public key as good as this one, of somebody else.
fn public_twin(public: &[u8]) -> Vec<u8> {
    let mut twin = public.to_vec();
    twin[0] ^= 1;
    twin
}

fn compressed(point: &[u8]) -> Vec<u8> {
    let half = (point.len() - 1) / 2;
    [&[2 | (point[2 * half] & 1)], &point[1..=half]].concat()
}

fn ecdsa(curve: &str, alg: &str) -> Option<&'static signature::EcdsaVerificationAlgorithm> {
    Some(match (curve, alg) {
        ("SECP256R1", "SHA256WithECDSA") => &ECDSA_P256_SHA256_ASN1,
        ("SECP256R1", "SHA384WithECDSA") => &ECDSA_P256_SHA384_ASN1,
        ("SECP384R1", "SHA256WithECDSA") => &ECDSA_P384_SHA256_ASN1,
        ("SECP384R1", "SHA384WithECDSA") => &ECDSA_P384_SHA384_ASN1,
        ("SECP521R1", "SHA256WithECDSA") => &ECDSA_P521_SHA256_ASN1,
        ("SECP521R1", "SHA384WithECDSA") => &ECDSA_P521_SHA384_ASN1,
        ("SECP521R1", "SHA512WithECDSA") => &ECDSA_P521_SHA512_ASN1,
        ("SECP256K1", "SHA256WithECDSA") => &ECDSA_P256K1_SHA256_ASN1,
        _ => return None,
    })
}

fn soft_mac(name: &str, key: &[u8], text: &[u8]) -> Vec<u8> {
    let by_aws = |algorithm| hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec();
    match name {
        "SHA2-256" => by_aws(hmac::HMAC_SHA256),
        "SHA2-384" => by_aws(hmac::HMAC_SHA384),
        "SHA2-512" => by_aws(hmac::HMAC_SHA512),
        "SHA3-256" => soft_sha3_mac::<sha3::Sha3_256>(136, key, text),
        "SHA3-384" => soft_sha3_mac::<sha3::Sha3_384>(104, key, text),
        _ => soft_sha3_mac::<sha3::Sha3_512>(72, key, text),
    }
}

/// RFC 2104, section 2, with the block lengths of FIPS 202.
fn soft_sha3_mac<D: Digest>(block: usize, key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |with: u8| {
        let mut bytes = vec![with; block];
        bytes.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        bytes
    };
    let inner = D::digest([padded(0x36).as_slice(), text].concat());
    D::digest([padded(0x5c).as_slice(), &inner].concat()).to_vec()
}
