//! Making keys of every type.

use super::*;

#[test]
fn created_keys_are_listed_read_and_deleted() {
    let scene = Scene::new();
    let mut kids = Vec::new();
    for (kind, mode, listed, read, length) in CREATED {
        let before = now();
        let kid = scene.create(kind, *mode);
        assert!(
            kid.len() == 32 && kid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        );
        let entry = pages(&scene, 15).pop().unwrap();
        assert_eq!((&entry["kid"], &entry["type"]), (&json!(kid), &json!(listed)), "{kind}");
        assert_eq!(entry["label"], format!("a {kind}"));
        assert!(entry["created"].as_u64().unwrap() >= before);
        assert!(entry.get("descr").is_none());
        let get = get(&scene, &kid).json();
        assert_eq!(get["type"], *read, "{kind}");
        assert_eq!(get["updated"], entry["updated"]);
        assert!(get.get("label").is_none() && get.get("descr").is_none());
        match length {
            0 => assert!(get.get("pubkey").is_none(), "{kind}: {get}"),
            length => {
                let public = scene.public(&kid);
                assert_eq!(public.len(), *length, "{kind}");
                assert_eq!(kid_of(&public), kid, "{kind}");
            }
        }
        kids.push(kid);
    }
    assert_eq!(pages(&scene, 15).len(), kids.len());
    for kid in &kids {
        assert_eq!(delete(&scene, kid).status, 200);
        assert_eq!(get(&scene, kid).status, 406);
        assert_eq!(delete(&scene, kid).status, 406);
    }
    assert!(list(&scene, "").is_empty());
    let left = Token::of(&scene.stop()).list();
    let left: Vec<_> = left.iter().filter(|object| object.id.len() == 16).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn creation_checks_its_arguments() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:gen");
    let mut log = scene.log();
    let mut create = |body: Value, status: u16| {
        let reply = scene.client.post("/api/keymgmt/create", &token, &body);
        expect(&reply, &mut log, "KEY_GENERATION", status, &body.to_string());
    };
    for (label, status) in [
        ("l".repeat(32), 200),
        (" ~!\"\\".to_owned(), 200),
        (String::new(), 400),
        ("l".repeat(33), 400),
        ("a\nb".to_owned(), 400),
        ("\u{e9}".to_owned(), 400),
    ] {
        create(json!({ "label": label, "type": "SHA2-256" }), status);
    }
    for (kind, mode, status) in [
        ("SECP256R1", json!("ExDSA,ECDH"), 400),
        ("SECP256R1", json!("ecdh"), 400),
        ("SECP256R1", json!(""), 400),
        ("SECP256R1", json!(7), 400),
        ("SECP256R1", json!("SECP256R1"), 200),
        ("SECP256R1", Value::Null, 200),
        ("ED25519", json!("ECDH"), 200),
        ("AES256", json!("AES256"), 200),
        ("CURVE25519", json!("nonsense"), 200),
        ("SECP256", json!("ECDH"), 400),
        ("secp256r1", json!("ECDH"), 400),
        ("GENERIC_DER", json!("ECDH"), 400),
        ("", json!("ECDH"), 400),
    ] {
        create(json!({ "label": "x", "type": kind, "mode": mode }), status);
    }
    // What the token does not hold is sealed (contract, types).
    for kind in ["CURVE448", "MLKEM768", "MLDSA65"] {
        create(json!({ "label": "x", "type": kind }), 200);
    }
    for (descr, status) in [
        (json!(Base64::encode_string(&[7; 128])), 200),
        (json!(Base64UrlUnpadded::encode_string(&[0xff; 8])), 200),
        (json!(""), 200),
        (json!(Base64::encode_string(&[7; 129])), 400),
        (json!("*"), 400),
        (json!(["QQ=="]), 400),
    ] {
        create(json!({ "label": "x", "type": "AES128", "descr": descr }), status);
    }
    create(json!({ "type": "AES128" }), 400);
    create(json!({ "label": "x" }), 400);
    create(json!({ "label": 7, "type": "AES128" }), 400);
    create(json!(null), 400);
}

/// A type and mode; the type as lists show it and as `get` does; the length of its public key.
type Created = (&'static str, Option<&'static str>, &'static str, &'static str, usize);

const CREATED: &[Created] = &[
    ("SECP256R1", None, "ATT,PKEY,ECDH,SECP256R1", "SECP256R1", 33),
    ("SECP256R1", Some("ExDSA"), "ATT,PKEY,ExDSA,SECP256R1", "SECP256R1", 33),
    ("SECP384R1", Some("ECDH,ExDSA"), "ATT,PKEY,ECDH,ExDSA,SECP384R1", "SECP384R1", 49),
    ("SECP521R1", Some("ECDH"), "ATT,PKEY,ECDH,SECP521R1", "SECP521R1", 67),
    ("SECP256K1", Some("SECP256K1"), "ATT,PKEY,ECDH,SECP256K1", "SECP256K1", 33),
    ("CURVE25519", Some("ExDSA"), "ATT,PKEY,ECDH,CURVE25519", "CURVE25519", 32),
    ("CURVE448", None, "ATT,PKEY,ECDH,CURVE448", "CURVE448", 56),
    ("ED25519", Some("ECDH"), "ATT,PKEY,ExDSA,ED25519", "ED25519", 32),
    ("ED448", None, "ATT,PKEY,ExDSA,ED448", "ED448", 57),
    ("SHA2-256", None, "ATT,SHA2-256", "ATT,SHA2-256", 0),
    ("SHA2-384", None, "ATT,SHA2-384", "ATT,SHA2-384", 0),
    ("SHA2-512", None, "ATT,SHA2-512", "ATT,SHA2-512", 0),
    ("SHA3-256", None, "ATT,SHA3-256", "ATT,SHA3-256", 0),
    ("SHA3-384", None, "ATT,SHA3-384", "ATT,SHA3-384", 0),
    ("SHA3-512", None, "ATT,SHA3-512", "ATT,SHA3-512", 0),
    ("AES128", None, "ATT,AES128", "ATT,AES128", 0),
    ("AES192", None, "ATT,AES192", "ATT,AES192", 0),
    ("AES256", Some("AES256"), "ATT,AES256", "ATT,AES256", 0),
    ("MLKEM512", None, "ATT,PKEY,PQC,MLKEM512", "MLKEM512", 800),
    ("MLKEM768", None, "ATT,PKEY,PQC,MLKEM768", "MLKEM768", 1184),
    ("MLKEM1024", None, "ATT,PKEY,PQC,MLKEM1024", "MLKEM1024", 1568),
    ("MLDSA44", None, "ATT,PKEY,PQC,MLDSA44", "MLDSA44", 1312),
    ("MLDSA65", None, "ATT,PKEY,PQC,MLDSA65", "MLDSA65", 1952),
    ("MLDSA87", None, "ATT,PKEY,PQC,MLDSA87", "MLDSA87", 2592),
];
