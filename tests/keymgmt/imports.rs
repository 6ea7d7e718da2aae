//! Keeping public keys of others.

use super::*;

#[test]
fn each_asymmetric_type_is_imported_once() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:imp");
    let mut log = scene.log();
    let keys = importable();
    assert_eq!(keys.iter().map(|key| &key.0).collect::<BTreeSet<_>>().len(), 14);
    let body = |kind: &str, raw: &[u8]| {
        json!({ "label": "of a friend", "type": kind, "mode": "ECDH",
                "pubkey": Base64::encode_string(raw) })
    };
    for (kind, raw) in &keys {
        let reply = scene.client.post("/api/keymgmt/import", &token, &body(kind, raw));
        let kid = reply.text("kid");
        assert_eq!(kid, kid_of(raw), "{kind}");
        let entries = log.news();
        assert_eq!(entries[0].head(), "KEY_IMPORT OK");
        assert_eq!((entries[0].ext.as_str(), entries.len()), (kid.as_str(), 1), "{kind}");
    }
    for (kind, raw) in &keys {
        let reply = scene.client.post("/api/keymgmt/import", &token, &body(kind, raw));
        expect(&reply, &mut log, "KEY_IMPORT", 406, kind);
    }
    let listed = pages(&scene, 5);
    assert_eq!(listed.len(), 14);
    for (entry, (kind, raw)) in listed.iter().zip(&keys) {
        let flag = match kind.as_str() {
            "ED25519" | "ED448" => "ExDSA,",
            pqc if pqc.starts_with("ML") => "PQC,",
            _ => "ECDH,",
        };
        assert_eq!(entry["type"], format!("{flag}{kind}"));
        assert_eq!(scene.public(entry["kid"].as_str().unwrap()), *raw);
    }
}

#[test]
fn published_kids_come_out() {
    #[derive(Deserialize)]
    struct Vector {
        #[serde(rename = "type")]
        kind: String,
        pubkey: String,
        kid: String,
    }
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../vectors/kid.json")).unwrap();
    assert_eq!(vectors.len(), 9);
    let scene = Scene::new();
    let token = scene.user("keymgmt:imp");
    for Vector { kind, pubkey, kid } in vectors {
        let body = json!({ "label": "vector", "type": kind, "pubkey": pubkey });
        let reply = scene.client.post("/api/keymgmt/import", &token, &body);
        let raw = Base64::decode_vec(&pubkey).unwrap();
        assert_eq!(kid_of(&raw), kid);
        match raw.iter().all(|byte| *byte == 0) {
            true => assert_eq!(reply.status, 406, "no key of small order is kept"),
            false => assert_eq!(reply.text("kid"), kid),
        }
    }
}

#[test]
fn imports_check_their_arguments() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:imp");
    let mut log = scene.log();
    let (keys, mut cases) = (importable(), Vec::new());
    for (kind, raw) in &keys {
        cases.push((kind.as_str(), raw[1..].to_vec(), 406));
        cases.push((kind, [&raw[..], &[0]].concat(), 406));
        cases.push((kind, Vec::new(), 406));
    }
    let p256 = tests::curves::SoftKey::random(tests::curves::Curve::Secp256r1);
    let mut off = p256.public();
    off[1..].fill(0xff);
    cases.extend([
        ("SECP256R1", p256.public_uncompressed(), 406),
        ("SECP256R1", off, 406),
        ("SECP256K1", vec![2; 32], 406),
        ("CURVE25519", vec![0; 32], 406),
        ("ED25519", vec![0; 32], 406),
        ("MLKEM512", vec![0xff; 800], 406),
        ("AES256", vec![7; 32], 406),
        ("SHA2-256", vec![7; 32], 406),
        ("NONSENSE", vec![7; 32], 406),
    ]);
    for (kind, raw, status) in cases {
        let text = Base64::encode_string(&raw);
        let body = json!({ "label": "x", "type": kind, "pubkey": text });
        let reply = scene.client.post("/api/keymgmt/import", &token, &body);
        expect(&reply, &mut log, "KEY_IMPORT", status, &body.to_string());
    }
    let good = Base64::encode_string(&p256.public());
    for body in [
        json!({ "type": "SECP256R1", "pubkey": good }),
        json!({ "label": "x", "pubkey": good }),
        json!({ "label": "x", "type": "SECP256R1" }),
        json!({ "label": "", "type": "SECP256R1", "pubkey": good }),
        json!({ "label": "x", "type": "SECP256R1", "pubkey": "*" }),
        json!({ "label": "x", "type": "SECP256R1", "pubkey": good, "mode": "ExDSA,ECDH" }),
        json!({ "label": "x", "type": "SECP256R1", "pubkey": good, "descr": "*" }),
    ] {
        let reply = scene.client.post("/api/keymgmt/import", &token, &body);
        expect(&reply, &mut log, "KEY_IMPORT", 400, &body.to_string());
    }
    assert!(list(&scene, "").is_empty());
}

/// A public key of each of the 14 types: the published ones, and made-up post-quantum ones, of which
/// every string of the right length and with small coefficients is one.
fn importable() -> Vec<(String, Vec<u8>)> {
    let published: Vec<Value> = serde_json::from_str(include_str!("../vectors/kid.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut keys: Vec<(String, Vec<u8>)> = published[..8]
        .iter()
        .map(|key| (text(&key["type"]), Base64::decode_vec(&text(&key["pubkey"])).unwrap()))
        .collect();
    for (kind, length) in [
        ("MLKEM512", 800),
        ("MLKEM768", 1184),
        ("MLKEM1024", 1568),
        ("MLDSA44", 1312),
        ("MLDSA65", 1952),
        ("MLDSA87", 2592),
    ] {
        keys.push((kind.to_owned(), vec![5; length]));
    }
    keys
}
