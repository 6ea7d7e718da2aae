//! `/api/crypto/hmac`, `exdsa` and `cipher`: what they answer, held against other code than the
//! daemon's, and every status and log entry of their description (hem.md A10).

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, KeyInit};
use aes_kw::KwAes256;
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, UnparsedPublicKey,
};
use aws_lc_rs::{hkdf, hmac};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha3::Digest;
use tests::client::Reply;
use tests::curves::{Curve, SoftKey};
use tests::log::LogReader;
use tests::scene::Scene;

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
fn stored_keys_decipher_what_they_enciphered_and_nothing_else() {
    let scene = Scene::new();
    for width in ["AES128", "AES192", "AES256"] {
        let mut key = User::new(&scene, width, None);
        for mode in ["ECB", "CBC", "GCM"] {
            let alg = format!("{width}-{mode}");
            let body = json!({ "msg": b64(&[5; 32]), "alg": alg, "aad": b64(&[6; 64]) });
            let sealed = key.ask(ENCRYPT, body.clone()).json();
            assert_eq!(sealed.get("iv").is_some(), mode != "ECB");
            assert_eq!(sealed.get("tag").is_some(), mode == "GCM");
            key.log.news();
            let back = |name: &str, value: Value| {
                let mut back =
                    json!({ "alg": alg, "aad": body["aad"], "msg": sealed["ciphertext"] });
                back["iv"] = sealed["iv"].clone();
                back["tag"] = sealed["tag"].clone();
                back[name] = value;
                back
            };
            assert_eq!(key.ask(DECRYPT, back("more", json!(1))).bytes("plaintext"), [5; 32]);
            key.log.news();
            if mode != "ECB" {
                for bad in [Value::Null, json!(b64(&[0; 12])), json!(b64(&[0; 17]))] {
                    key.sees(DECRYPT, back("iv", bad), 400, "CRYPTO_DECRYPT ERROR");
                }
            }
            if mode == "GCM" {
                for bad in [Value::Null, json!(b64(&[0; 12]))] {
                    key.sees(DECRYPT, back("tag", bad), 400, "CRYPTO_DECRYPT ERROR");
                }
                for name in ["tag", "iv"] {
                    let wrong = back(name, json!(b64(&[0; 16])));
                    key.sees(DECRYPT, wrong, 406, "CRYPTO_DECRYPT FAILED");
                }
                let wrong = back("aad", json!(b64(&[6; 63])));
                key.sees(DECRYPT, wrong, 406, "CRYPTO_DECRYPT FAILED");
            } else {
                let bad = back("msg", json!(b64(&[0; 15])));
                key.sees(DECRYPT, bad, 400, "CRYPTO_DECRYPT ERROR");
            }
        }
        let odd = json!({ "msg": b64(&[5; 31]), "alg": format!("{width}-ECB") });
        key.sees(ENCRYPT, odd, 400, "CRYPTO_ENCRYPT ERROR");
        for other in ["AES128", "AES192", "AES256"].into_iter().filter(|other| *other != width) {
            let body = json!({ "msg": b64(&[5; 16]), "alg": format!("{other}-ECB") });
            key.sees(ENCRYPT, body, 406, "CRYPTO_ENCRYPT FAILED");
        }
        for alg in ["AES", "AES256", "AES256-CTR", "AES64-ECB", "aes256-ecb", ""] {
            let body = json!({ "msg": b64(&[5; 16]), "alg": alg });
            key.sees(ENCRYPT, body, 400, "CRYPTO_ENCRYPT ERROR");
        }
        let long = json!({ "msg": b64(&[5; 2049]), "alg": format!("{width}-GCM") });
        key.sees(ENCRYPT, long, 400, "CRYPTO_ENCRYPT ERROR");
    }
    let mut key = User::new(&scene, "SHA2-256", None);
    let body = json!({ "msg": b64(&[5; 16]), "alg": "AES256-GCM" });
    key.sees(ENCRYPT, body, 406, "CRYPTO_ENCRYPT FAILED");
}

#[test]
fn a_padding_that_does_not_fit_fails() {
    let scene = Scene::new();
    let mut key = User::new(&scene, "AES256", None);
    let block = key.ask(ENCRYPT, json!({ "msg": b64(&[0; 16]), "alg": "AES256-ECB" }));
    let text = block.text("ciphertext");
    key.log.news();
    let body = json!({ "msg": text, "alg": "AES256-CBC", "iv": b64(&[0; 16]) });
    key.sees(DECRYPT, body, 406, "CRYPTO_DECRYPT FAILED");
}

#[test]
fn agreed_keys_encipher_as_published() {
    let scene = Scene::new();
    let key = User::new(&scene, "SECP256R1", None);
    let (peer, shared) = key.peer(Curve::Secp256r1);
    for (ctx, alg) in [(&b""[..], "AES128"), (b"a context", "AES256")] {
        let length = if alg == "AES128" { 16 } else { 32 };
        let derived = derive(&shared, &[b"encedo-aes", ctx], length);
        let ask = |mode: &str| {
            let alg = format!("{alg}-{mode}");
            let body = json!({
                "msg": b64(&[5; 48]), "alg": alg, "pubkey": peer, "ctx": b64(ctx), "aad": b64(b"aad")
            });
            let sealed = key.ask(ENCRYPT, body.clone());
            let mut back = body;
            back["msg"] = sealed.json()["ciphertext"].clone();
            back["iv"] = sealed.json()["iv"].clone();
            back["tag"] = sealed.json()["tag"].clone();
            assert_eq!(key.ask(DECRYPT, back.clone()).bytes("plaintext"), [5; 48]);
            if mode == "GCM" {
                back["ctx"] = Value::from(b64(b"another"));
                assert_eq!(key.ask(DECRYPT, back).status, 406);
            }
            sealed
        };
        let unbound = || {
            UnboundCipherKey::new(if length == 16 { &AES_128 } else { &AES_256 }, &derived).unwrap()
        };
        let mut text = ask("ECB").bytes("ciphertext");
        let ecb = DecryptingKey::ecb(unbound()).unwrap();
        assert_eq!(ecb.decrypt(&mut text, DecryptionContext::None).unwrap(), [5; 48]);
        let cbc = ask("CBC");
        let iv = <[u8; 16]>::try_from(cbc.bytes("iv")).unwrap();
        let context = DecryptionContext::Iv128(FixedLength::from(&iv));
        let mut text = cbc.bytes("ciphertext");
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(unbound()).unwrap();
        assert_eq!(key.decrypt(&mut text, context).unwrap(), [5; 48]);
        let gcm = ask("GCM");
        if length == 32 {
            let msg = &[gcm.bytes("ciphertext"), gcm.bytes("tag")].concat();
            let nonce = gcm.bytes("iv");
            let cipher = AesGcm::<aes::Aes256, U16>::new_from_slice(&derived).unwrap();
            let payload = Payload { msg, aad: b"aad" };
            let plain = cipher.decrypt(nonce.as_slice().try_into().unwrap(), payload).unwrap();
            assert_eq!(plain, [5; 48]);
        }
    }
    let mut key = key;
    key.log.news();
    let body = json!({
        "msg": b64(&[5; 16]), "alg": "AES256-GCM", "pubkey": peer, "ctx": b64(&[0; 65])
    });
    key.sees(ENCRYPT, body, 400, "CRYPTO_ENCRYPT ERROR");
}

#[test]
fn keys_are_wrapped_and_unwrapped() {
    let scene = Scene::new();
    for width in ["AES128", "AES192", "AES256"] {
        let mut key = User::new(&scene, width, None);
        let wrapped = key.ask(WRAP, json!({ "msg": b64(&[3; 24]), "alg": width })).bytes("wrapped");
        assert_eq!(wrapped.len(), 32);
        let back = json!({ "msg": b64(&wrapped), "alg": width });
        assert_eq!(key.ask(UNWRAP, back.clone()).bytes("unwrapped"), [3; 24]);
        key.log.news();
        let mut wrong = back;
        wrong["iv"] = Value::from(b64(&[1; 8]));
        key.sees(UNWRAP, wrong, 406, "CRYPTO_UNWRAP FAILED");
        let own = json!({ "msg": b64(&[3; 24]), "alg": width, "iv": b64(&[1; 8]) });
        let mut back = own.clone();
        back["msg"] = Value::from(b64(&key.ask(WRAP, own).bytes("wrapped")));
        assert_eq!(key.ask(UNWRAP, back).bytes("unwrapped"), [3; 24]);
    }
    let mut key = User::new(&scene, "AES256", None);
    key.sees(WRAP, json!({ "msg": b64(&[3; 2048]) }), 200, "CRYPTO_WRAP OK");
    for (body, status) in [
        (json!({ "msg": b64(&[3; 8]) }), 406),
        (json!({ "msg": b64(&[3; 17]) }), 406),
        (json!({ "msg": b64(&[3; 16]), "iv": b64(&[1; 16]) }), 406),
        (json!({ "msg": b64(&[3; 16]), "alg": "AES128" }), 406),
        (json!({ "msg": b64(&[3; 16]), "alg": "AES512" }), 400),
        (json!({}), 400),
    ] {
        let head = if status == 400 { "CRYPTO_WRAP ERROR" } else { "CRYPTO_WRAP FAILED" };
        key.sees(WRAP, body, status, head);
    }
    for (length, status) in [(17, 400), (16, 406), (24, 406), (2064, 400)] {
        let head = if status == 400 { "CRYPTO_UNWRAP ERROR" } else { "CRYPTO_UNWRAP FAILED" };
        key.sees(UNWRAP, json!({ "msg": b64(&vec![3; length]) }), status, head);
    }
}

#[test]
fn agreed_keys_wrap_as_published() {
    let scene = Scene::new();
    let key = User::new(&scene, "CURVE25519", None);
    let (peer, shared) = key.peer(Curve::Curve25519);
    let body = json!({ "msg": b64(&[3; 32]), "pubkey": peer, "ctx": b64(b"CTX") });
    let wrapped = key.ask(WRAP, body.clone()).bytes("wrapped");
    let kek = derive(&shared, &[b"encedo-kek", b"CTX"], 32);
    let kek = KwAes256::new(kek.as_slice().try_into().unwrap());
    let mut expected = [0; 40];
    kek.wrap_key(&[3; 32], &mut expected).unwrap();
    assert_eq!(wrapped, expected);
    let mut back = body;
    back["msg"] = Value::from(b64(&wrapped));
    assert_eq!(key.ask(UNWRAP, back).bytes("unwrapped"), [3; 32]);
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

/// Somebody who may use one key.
struct User<'a> {
    scene: &'a Scene,
    kid: String,
    token: String,
    log: LogReader,
}

impl<'a> User<'a> {
    fn new(scene: &'a Scene, kind: &str, mode: Option<&str>) -> Self {
        Self::of(scene, scene.create(kind, mode))
    }

    fn of(scene: &'a Scene, kid: String) -> Self {
        let token = scene.user_of(&kid);
        Self { scene, kid, token, log: scene.log() }
    }

    fn ask(&self, path: &str, mut body: Value) -> Reply {
        body["kid"] = Value::from(self.kid.as_str());
        self.scene.client.post(path, &self.token, &body)
    }

    /// Expects this status, and one entry of this head and about this key.
    fn sees(&mut self, path: &str, body: Value, status: u16, head: &str) {
        let reply = self.ask(path, body.clone());
        assert_eq!(reply.status, status, "{path} {body}: {reply:?}");
        let empty = status != 200 || path == CHECK || path == VERIFY;
        assert_eq!(reply.body.is_empty(), empty, "{path} {body}: {reply:?}");
        let entries = self.log.news();
        assert_eq!(entries.len(), 1, "{path} {body}: {entries:?}");
        let seen = (entries[0].head(), entries[0].ext.clone(), entries[0].subject.clone());
        assert_eq!(seen, (head.to_owned(), self.kid.clone(), "user".to_owned()), "{path} {body}");
    }

    /// A peer's public key, and what both share.
    fn peer(&self, curve: Curve) -> (String, Vec<u8>) {
        let peer = SoftKey::random(curve);
        (b64(&peer.public()), peer.agree(&self.scene.public(&self.kid)))
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

fn derive(secret: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = vec![0; length];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    extracted.expand(info, Length(length)).unwrap().fill(&mut key).unwrap();
    key
}

fn b64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
