//! Keys of every type, those that the token does not hold among them: each of the 23 types can be made
//! and does its work (hem.md A9, A10).

use aws_lc_rs::signature;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha3::Sha3_256;
use tests::client::Reply;
use tests::daemon::{Home, write};
use tests::make::Make;
use tests::scene::Scene;
use tests::token::Token;

#[test]
fn every_type_can_be_made_is_shown_as_published_and_survives_a_restart() {
    let scene = Scene::new();
    let made: Vec<_> =
        TYPES.iter().map(|(kind, listed)| (scene.create(kind, None), *kind, *listed)).collect();
    let check = |scene: &Scene| {
        for (at, (kid, kind, listed)) in made.iter().enumerate() {
            let path = format!("/api/keymgmt/list/{at}/1");
            let page = scene.client.get(&path, &scene.user("keymgmt:list")).json();
            assert_eq!(page["total"], 23);
            assert_eq!(
                (&page["list"][0]["kid"], &page["list"][0]["type"]),
                (&json!(kid), &json!(listed))
            );
            let read =
                scene.client.get(&format!("/api/keymgmt/get/{kid}"), &scene.user("keymgmt:get"));
            match read.json().get("pubkey") {
                None => assert_eq!(read.text("type"), *listed),
                Some(_) => {
                    assert_eq!(read.text("type"), *kind);
                    assert_eq!(kid_of(&read.bytes("pubkey")), *kid, "{kind}");
                }
            }
        }
    };
    check(&scene);
    let used = |scene: &Scene| -> Vec<Reply> {
        made.iter().map(|(kid, kind, _)| work(scene, kid, kind)).collect()
    };
    for (reply, (_, kind, _)) in used(&scene).iter().zip(&made) {
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
    }
    let home = scene.stop();
    let objects = Token::of(&home).list();
    let held = |kid: &str| objects.iter().any(|object| hex(&object.id) == kid);
    for (kid, kind, _) in &made {
        assert_eq!(held(kid), Make::current().holds(kind), "{kind}");
    }
    let scene = Scene::at(home);
    check(&scene);
    for (reply, (_, kind, _)) in used(&scene).iter().zip(&made) {
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
    }
}

#[test]
fn x448_agrees_as_other_curves_do() {
    let scene = Scene::new();
    let (ours, theirs) = (scene.create("CURVE448", None), scene.create("CURVE448", None));
    let own = x448::StaticSecret::from([7; 56]);
    let public = x448::PublicKey::from(&own);
    let expected = own.diffie_hellman(&x448::PublicKey::from_bytes(&scene.public(&ours)).unwrap());
    let body = json!({ "kid": ours, "pubkey": Base64::encode_string(public.as_bytes()) });
    let raw = scene.ecdh(&ours, &body).bytes("ecdh");
    assert_eq!(raw, expected.as_bytes(), "the whole of it: 56 bytes");
    let mut hashed = body.clone();
    hashed["alg"] = json!("SHA3-256");
    assert_eq!(scene.ecdh(&ours, &hashed).bytes("ecdh"), Sha3_256::digest(&raw).to_vec());
    let one = scene.ecdh(&ours, &json!({ "kid": ours, "ext_kid": theirs })).bytes("ecdh");
    let two = scene.ecdh(&theirs, &json!({ "kid": theirs, "ext_kid": ours })).bytes("ecdh");
    assert_eq!(one, two);
    for bad in [vec![0; 56], vec![7; 55], vec![7; 32]] {
        let body = json!({ "kid": ours, "pubkey": Base64::encode_string(&bad) });
        assert_eq!(scene.ecdh(&ours, &body).status, 406);
    }
    // What is agreed on can be the key of a MAC.
    let mac = json!({ "kid": ours, "ext_kid": theirs, "alg": "SHA2-256", "msg": "AAAA" });
    let mut back = mac.clone();
    (back["kid"], back["ext_kid"]) = (json!(theirs), json!(ours));
    let (one, two) =
        (scene.employ(&ours, "hmac/hash", &mac), scene.employ(&theirs, "hmac/hash", &back));
    assert_eq!(one.bytes("mac"), two.bytes("mac"));
}

#[test]
fn eddsa_minds_its_contexts_and_sha3_keys_make_macs() {
    let scene = Scene::new();
    for (kind, algs) in
        [("ED25519", &["Ed25519", "Ed25519ctx", "Ed25519ph"][..]), ("ED448", &["Ed448", "Ed448ph"])]
    {
        let kid = scene.create(kind, None);
        for alg in algs {
            let body = json!({ "kid": kid, "alg": alg, "msg": "bWVzc2FnZQ==", "ctx": "Y3R4" });
            let signed = scene.employ(&kid, "exdsa/sign", &body).bytes("sign");
            for other in ["Ed25519", "Ed25519ctx", "Ed25519ph", "Ed448", "Ed448ph"] {
                let mut body = body.clone();
                body["sign"] = json!(Base64::encode_string(&signed));
                body["alg"] = json!(other);
                let expected = if other == *alg { 200 } else { 406 };
                let reply = scene.employ(&kid, "exdsa/verify", &body);
                assert_eq!(reply.status, expected, "{alg} as {other}");
            }
            if *alg == "Ed25519" {
                let public = scene.public(&kid);
                let key = signature::UnparsedPublicKey::new(&signature::ED25519, &public);
                key.verify(b"message", &signed).unwrap();
            }
        }
    }
    for (kind, length) in [("SHA3-256", 32), ("SHA3-384", 48), ("SHA3-512", 64)] {
        let kid = scene.create(kind, None);
        let body = json!({ "kid": kid, "msg": "bWVzc2FnZQ==" });
        let mac = scene.employ(&kid, "hmac/hash", &body).bytes("mac");
        assert_eq!(mac.len(), length);
        let mut claim = body.clone();
        claim["mac"] = json!(Base64::encode_string(&mac));
        assert_eq!(scene.employ(&kid, "hmac/verify", &claim).status, 200);
        claim["msg"] = json!("bWFzc2FnZQ==");
        assert_eq!(scene.employ(&kid, "hmac/verify", &claim).status, 406);
    }
}

#[test]
fn a_deleted_sealed_key_is_gone() {
    let scene = Scene::new();
    let kid = scene.create(Make::current().sealed_curve, None);
    let path = format!("/api/keymgmt/delete/{kid}");
    let token = scene.user("keymgmt:del");
    assert_eq!(scene.client.call("DELETE", &path, Some(&token), None).status, 200);
    assert_eq!(scene.client.call("DELETE", &path, Some(&token), None).status, 406);
    assert_eq!(scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).status, 406);
    let raw: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&kid[2 * at..2 * at + 2], 16).unwrap()).collect();
    let home = scene.stop();
    for name in ["state.db", "state.db-wal"] {
        let content = std::fs::read(home.at(name)).unwrap_or_default();
        assert!(!content.windows(16).any(|part| part == raw), "{name}");
    }
}

#[test]
fn a_token_of_an_earlier_version_gets_its_kek_and_a_lost_one_is_not_replaced() {
    let home = {
        let scene = Scene::new();
        scene.create("SECP256R1", None);
        scene.stop()
    };
    let kek = hex(b"claviger-system:kek");
    let keks =
        |home: &Home| Token::of(home).list().iter().filter(|object| hex(&object.id) == kek).count();
    assert_eq!(keks(&home), 1);
    Token::of(&home).destroy(&kek);
    assert_eq!(keks(&home), 0, "as before there were sealed keys");
    let scene = Scene::at(home);
    let kind = Make::current().sealed_curve;
    let kid = scene.create(kind, None);
    let home = scene.stop();
    assert_eq!(keks(&home), 1);

    Token::of(&home).destroy(&kek);
    let scene = Scene::at(home);
    assert!(scene.home.messages().contains(&kid), "the start names the lost key");
    let body = json!({ "kid": kid, "ext_kid": kid });
    assert_eq!(scene.ecdh(&kid, &body).status, 409);
    let create = json!({ "label": "x", "type": kind });
    let token = scene.user("keymgmt:gen");
    assert_eq!(scene.client.post("/api/keymgmt/create", &token, &create).status, 409);
    assert_eq!(work(&scene, &scene.create("SECP256R1", None), "SECP256R1").status, 200);
    assert_eq!(keks(&scene.stop()), 0, "another one would only cover it up");
}

#[test]
fn an_edited_blob_is_refused() {
    let scene = Scene::new();
    let kind = Make::current().sealed_curve;
    let (kid, other) = (scene.create(kind, None), scene.create(kind, None));
    let public = scene.public(&kid);
    let home = scene.stop();
    let mut content = std::fs::read(home.at("state.db")).unwrap();
    // In a row the columns follow each other: public, backing, the MAC of 32 bytes, the blob.
    let head = [public.as_slice(), b"sealed"].concat();
    let at = content.windows(head.len()).position(|part| part == head).unwrap();
    let blob = at + head.len() + 32;
    assert_eq!(content[blob], 1, "the version of the blob");
    content[blob + 30] ^= 1;
    write(&home.at("state.db"), content);
    let scene = Scene::at(home);
    let use_of = |kid: &str| scene.ecdh(kid, &json!({ "kid": kid, "ext_kid": other })).status;
    assert_eq!((use_of(&kid), use_of(&other)), (409, 200));
    assert!(scene.home.messages().contains(&kid), "the start names the key");
}

/// Something that a key of this type can do.
fn work(scene: &Scene, kid: &str, kind: &str) -> Reply {
    let with = |name: &str, value: Value| json!({ "kid": kid, "msg": "bWVzc2FnZQ==", name: value });
    match kind {
        _ if kind.starts_with("SECP") || kind.starts_with("CURVE") => {
            scene.ecdh(kid, &json!({ "kid": kid, "ext_kid": kid }))
        }
        "ED25519" => scene.employ(kid, "exdsa/sign", &with("alg", json!("Ed25519ph"))),
        "ED448" => scene.employ(kid, "exdsa/sign", &with("alg", json!("Ed448ph"))),
        _ if kind.starts_with("SHA") => scene.employ(kid, "hmac/hash", &with("alg", json!(null))),
        _ if kind.starts_with("AES") => {
            scene.employ(kid, "cipher/encrypt", &with("alg", json!(format!("{kind}-CBC"))))
        }
        _ if kind.starts_with("MLKEM") => {
            scene.employ(kid, "pqc/mlkem/encaps", &json!({ "kid": kid }))
        }
        _ => scene.employ(kid, "pqc/mldsa/sign", &with("ctx", json!("Y3R4"))),
    }
}

fn kid_of(public: &[u8]) -> String {
    hex(&Sha1::digest(public)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each type, and how lists show a key of it.
const TYPES: [(&str, &str); 23] = [
    ("SECP256R1", "ATT,PKEY,ECDH,SECP256R1"),
    ("SECP384R1", "ATT,PKEY,ECDH,SECP384R1"),
    ("SECP521R1", "ATT,PKEY,ECDH,SECP521R1"),
    ("SECP256K1", "ATT,PKEY,ECDH,SECP256K1"),
    ("CURVE25519", "ATT,PKEY,ECDH,CURVE25519"),
    ("CURVE448", "ATT,PKEY,ECDH,CURVE448"),
    ("ED25519", "ATT,PKEY,ExDSA,ED25519"),
    ("ED448", "ATT,PKEY,ExDSA,ED448"),
    ("SHA2-256", "ATT,SHA2-256"),
    ("SHA2-384", "ATT,SHA2-384"),
    ("SHA2-512", "ATT,SHA2-512"),
    ("SHA3-256", "ATT,SHA3-256"),
    ("SHA3-384", "ATT,SHA3-384"),
    ("SHA3-512", "ATT,SHA3-512"),
    ("AES128", "ATT,AES128"),
    ("AES192", "ATT,AES192"),
    ("AES256", "ATT,AES256"),
    ("MLKEM512", "ATT,PKEY,PQC,MLKEM512"),
    ("MLKEM768", "ATT,PKEY,PQC,MLKEM768"),
    ("MLKEM1024", "ATT,PKEY,PQC,MLKEM1024"),
    ("MLDSA44", "ATT,PKEY,PQC,MLDSA44"),
    ("MLDSA65", "ATT,PKEY,PQC,MLDSA65"),
    ("MLDSA87", "ATT,PKEY,PQC,MLDSA87"),
];
