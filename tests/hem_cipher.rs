//! `/api/crypto/cipher`: what it answers, held against other code than the daemon's, and every status
//! and log entry of its description (hem.md A10).

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, KeyInit};
use aes_kw::KwAes256;
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use serde_json::{Value, json};
use tests::curves::Curve;
use tests::scene::Scene;
use tests::token::Token;
use tests::user::{User, b64, derive};

const ENCRYPT: &str = "/api/crypto/cipher/encrypt";
const DECRYPT: &str = "/api/crypto/cipher/decrypt";
const WRAP: &str = "/api/crypto/cipher/wrap";
const UNWRAP: &str = "/api/crypto/cipher/unwrap";

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
        for wider in ["AES192", "AES256"].into_iter().filter(|wider| *wider > width) {
            let body = json!({ "msg": b64(&[5; 16]), "alg": format!("{wider}-ECB") });
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
fn a_key_works_at_every_width_up_to_its_own() {
    let scene = Scene::new();
    let key = User::new(&scene, "AES256", None);
    let sealed = ["AES128", "AES192", "AES256"].map(|width| {
        let body = json!({ "msg": b64(&[5; 16]), "alg": format!("{width}-ECB") });
        let sealed = key.ask(ENCRYPT, body).bytes("ciphertext");
        let back = json!({ "msg": b64(&sealed), "alg": format!("{width}-ECB") });
        assert_eq!(key.ask(DECRYPT, back).bytes("plaintext"), [5; 16], "{width}");
        let wrapped = key.ask(WRAP, json!({ "msg": b64(&[3; 24]), "alg": width })).bytes("wrapped");
        let back = json!({ "msg": b64(&wrapped), "alg": width });
        assert_eq!(key.ask(UNWRAP, back).bytes("unwrapped"), [3; 24], "{width}");
        sealed
    });
    assert!(sealed[0] != sealed[1] && sealed[1] != sealed[2] && sealed[0] != sealed[2]);
    let kid = key.kid.clone();
    let again = Scene::at(scene.stop());
    let ask = json!({ "kid": kid, "msg": b64(&[5; 16]), "alg": "AES128-ECB" });
    assert_eq!(again.employ(&kid, "cipher/encrypt", &ask).bytes("ciphertext"), sealed[0]);
    let gone = format!("/api/keymgmt/delete/{kid}");
    let token = again.user("keymgmt:del");
    assert_eq!(again.client.call("DELETE", &gone, Some(&token), None).status, 200);
    let home = again.stop();
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(Token::of(&home).list().iter().all(|object| hex(&object.id) != kid));
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
