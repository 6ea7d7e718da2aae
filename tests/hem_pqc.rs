//! ML-KEM and ML-DSA (hem.md A10).

use aws_lc_rs::kem::{self, EncapsulationKey};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::scene::Scene;

#[test]
fn ml_kem_works_with_another_implementation() {
    let scene = Scene::new();
    for (kind, algorithm, length) in [
        ("MLKEM512", &kem::ML_KEM_512, 768),
        ("MLKEM768", &kem::ML_KEM_768, 1088),
        ("MLKEM1024", &kem::ML_KEM_1024, 1568),
    ] {
        let kid = scene.create(kind, None);
        let mut log = scene.log();
        let key = EncapsulationKey::new(algorithm, &scene.public(&kid)).unwrap();
        let (ciphertext, secret) = key.encapsulate().unwrap();
        let open = |ciphertext: &[u8]| {
            let body = json!({ "kid": kid, "ct": Base64::encode_string(ciphertext) });
            scene.employ(&kid, "pqc/mlkem/decaps", &body)
        };
        let opened = open(ciphertext.as_ref());
        assert_eq!(
            (opened.text("alg").as_str(), opened.bytes("ss")),
            (kind, secret.as_ref().to_vec())
        );
        let fresh = scene.employ(&kid, "pqc/mlkem/encaps", &json!({ "kid": kid }));
        assert_eq!((fresh.text("alg").as_str(), fresh.bytes("ct").len()), (kind, length));
        assert_eq!(open(&fresh.bytes("ct")).bytes("ss"), fresh.bytes("ss"));
        let again = scene.employ(&kid, "pqc/mlkem/encaps", &json!({ "kid": kid }));
        assert_ne!(again.bytes("ss"), fresh.bytes("ss"));
        let mut changed = fresh.bytes("ct");
        changed[0] ^= 1;
        assert_ne!(open(&changed).bytes("ss"), fresh.bytes("ss"), "implicit rejection");
        let ok = ["DECAPS", "ENCAPS", "DECAPS", "ENCAPS", "DECAPS"];
        log.expect_all(&ok.map(|what| format!("CRYPTO_PQC_MLKEM_{what} OK")), &kid);
        for bad in [&changed[1..], &[]] {
            assert_eq!(open(bad).status, 406);
        }
        log.expect_all(
            &[
                "CRYPTO_PQC_MLKEM_DECAPS FAILED".to_owned(),
                "CRYPTO_PQC_MLKEM_DECAPS FAILED".to_owned(),
            ],
            &kid,
        );
        for body in [
            json!({ "kid": kid }),
            json!({ "kid": kid, "ct": "*" }),
            json!({ "kid": kid, "ct": 7 }),
        ] {
            assert_eq!(scene.employ(&kid, "pqc/mlkem/decaps", &body).status, 400);
            log.expect_all(&["CRYPTO_PQC_MLKEM_DECAPS ERROR".to_owned()], &kid);
        }
    }
}

#[test]
fn ml_dsa_signs_in_contexts_and_imported_keys_verify() {
    let scene = Scene::new();
    for (kind, length) in [("MLDSA44", 2420), ("MLDSA65", 3309), ("MLDSA87", 4627)] {
        let kid = scene.create(kind, None);
        let mut log = scene.log();
        let body = json!({ "kid": kid, "msg": "bWVzc2FnZQ==", "ctx": "Y3R4" });
        let signed = scene.employ(&kid, "pqc/mldsa/sign", &body);
        assert_eq!((signed.text("alg").as_str(), signed.bytes("sign").len()), (kind, length));
        let mut claim = body.clone();
        claim["sign"] = json!(signed.text("sign"));
        let verify = |claim: &Value| {
            let kid = claim["kid"].as_str().unwrap().to_owned();
            scene.employ(&kid, "pqc/mldsa/verify", claim).status
        };
        assert_eq!(verify(&claim), 200);
        log.expect_all(
            &["CRYPTO_PQC_MLDSA_SIGN OK".to_owned(), "CRYPTO_PQC_MLDSA_VERIFY OK".to_owned()],
            &kid,
        );
        let mut cut = signed.bytes("sign");
        cut.truncate(length - 1);
        let mut flipped = signed.bytes("sign");
        flipped[5] ^= 1;
        for (name, value) in [
            ("msg", json!("bWFzc2FnZQ==")),
            ("ctx", json!("Y3R5")),
            ("ctx", json!("")),
            ("sign", json!(Base64::encode_string(&flipped))),
            ("sign", json!(Base64::encode_string(&cut))),
        ] {
            let mut other = claim.clone();
            other[name] = value;
            assert_eq!(verify(&other), 406, "{kind} {name}");
            log.expect_all(&["CRYPTO_PQC_MLDSA_VERIFY FAILED".to_owned()], &kid);
        }
        for (name, value) in [
            ("msg", json!("")),
            ("msg", json!("*")),
            ("msg", json!(Base64::encode_string(&[7; 2049]))),
            ("ctx", json!(Base64::encode_string(&[7; 256]))),
            ("ctx", json!(7)),
        ] {
            let mut bad = body.clone();
            bad[name] = value;
            assert_eq!(scene.employ(&kid, "pqc/mldsa/sign", &bad).status, 400, "{kind} {name}");
            log.expect_all(&["CRYPTO_PQC_MLDSA_SIGN ERROR".to_owned()], &kid);
        }
        let most = json!({ "kid": kid, "msg": Base64::encode_string(&[7; 2048]),
            "ctx": Base64::encode_string(&[7; 255]) });
        assert_eq!(scene.employ(&kid, "pqc/mldsa/sign", &most).status, 200);

        // The same public key on another device verifies, and does nothing else.
        let there = Scene::new();
        let import = json!({ "label": "theirs", "type": kind,
            "pubkey": Base64::encode_string(&scene.public(&kid)) });
        let imported =
            there.client.post("/api/keymgmt/import", &there.user("keymgmt:imp"), &import);
        assert_eq!(imported.text("kid"), kid);
        assert_eq!(there.employ(&kid, "pqc/mldsa/verify", &claim).status, 200);
        assert_eq!(there.employ(&kid, "pqc/mldsa/sign", &body).status, 406);
    }
}

#[test]
fn keys_of_other_types_and_public_halves_are_refused() {
    let scene = Scene::new();
    let public = {
        let there = Scene::new();
        let kid = there.create("MLKEM768", None);
        Base64::encode_string(&there.public(&kid))
    };
    let import = json!({ "label": "theirs", "type": "MLKEM768", "pubkey": public });
    let imported = scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &import);
    let keys = [
        imported.text("kid"),
        scene.create("SECP256R1", None),
        scene.create("ED25519", None),
        scene.create("AES256", None),
        scene.create("MLDSA44", None),
        scene.create("MLKEM512", None),
    ];
    for (at, kid) in keys.iter().enumerate() {
        let mut log = scene.log();
        let ciphertext = Base64::encode_string(&[7; 1088]);
        let signature = Base64::encode_string(&[7; 2420]);
        for (path, head, only, body) in [
            ("pqc/mlkem/encaps", "MLKEM_ENCAPS", Some(5), json!({ "kid": kid })),
            ("pqc/mlkem/decaps", "MLKEM_DECAPS", None, json!({ "kid": kid, "ct": ciphertext })),
            ("pqc/mldsa/sign", "MLDSA_SIGN", Some(4), json!({ "kid": kid, "msg": "AAAA" })),
            (
                "pqc/mldsa/verify",
                "MLDSA_VERIFY",
                None,
                json!({ "kid": kid, "msg": "AAAA", "sign": signature }),
            ),
        ] {
            let (status, result) = if only == Some(at) { (200, "OK") } else { (406, "FAILED") };
            assert_eq!(scene.employ(kid, path, &body).status, status, "{path} {at}");
            log.expect_all(&[format!("CRYPTO_PQC_{head} {result}")], kid);
        }
    }
    let absent = "0".repeat(32);
    assert_eq!(scene.employ(&absent, "pqc/mlkem/encaps", &json!({ "kid": absent })).status, 406);
    let other = scene.user_of(&keys[1]);
    let body = json!({ "kid": keys[5] });
    assert_eq!(scene.client.post("/api/crypto/pqc/mlkem/encaps", &other, &body).status, 403);
}
