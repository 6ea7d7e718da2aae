//! `/api/keymgmt`: making, naming, finding and removing keys (hem.md A9).

use std::collections::BTreeSet;

use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::{Value, json};
use tests::client::Reply;
use tests::log::LogReader;
use tests::login::now;
use tests::scene::Scene;
use tests::token::Token;

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
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/kid.json")).unwrap();
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

#[test]
fn pages_are_of_at_most_fifteen_and_totals_are_exact() {
    let scene = Scene::new();
    let kids: Vec<_> = (0..17_u8)
        .map(|number| import(&scene, &[7, number, 2], &format!("key {number}")))
        .collect();
    for (path, offset, listed) in [
        ("", 0, 15),
        ("/0", 0, 15),
        ("/15", 15, 2),
        ("/17", 17, 0),
        ("/1000", 1000, 0),
        ("/0/50", 0, 15),
        ("/0/3", 0, 3),
        ("/16/3", 16, 1),
        ("/0/0", 0, 0),
    ] {
        let envelope = envelope(&scene, path);
        assert_eq!(envelope["total"], 17, "{path}");
        assert_eq!(envelope["offset"], offset, "{path}");
        assert_eq!(envelope["listed"], listed, "{path}");
        assert!(envelope["deleted"].is_u64());
        let page: Vec<_> = envelope["list"].as_array().unwrap().iter().map(|e| &e["kid"]).collect();
        let expected: Vec<_> = kids.iter().skip(offset).take(listed).collect();
        assert_eq!(page, expected, "{path}: oldest first");
    }
    for path in ["/x", "/-1", "/0/x", "/0x10", "/1.0", "/99999999999999999999999"] {
        let reply =
            scene.client.get(&format!("/api/keymgmt/list{path}"), &scene.user("keymgmt:list"));
        assert_eq!(reply.status, 406, "{path}");
    }
    for kid in &kids[..4] {
        assert_eq!(delete(&scene, kid).status, 200);
    }
    assert_eq!(pages(&scene, 4).len(), 13);
    assert_eq!(envelope(&scene, "/13")["total"], 13);
    let post = scene.client.post("/api/keymgmt/list", &scene.user("keymgmt:list"), &json!({}));
    assert_eq!(post.status, 404);
}

#[test]
fn searches_follow_their_anchors() {
    let scene = Scene::new();
    for (number, descr) in ["CCTEST:T-10.1_SHA", "CCTEST:T-10.2", "other", ""].iter().enumerate() {
        import_with(&scene, &[8, u8::try_from(number).unwrap(), 2], descr.as_bytes());
    }
    let token = scene.user("keymgmt:search");
    let mut log = scene.log();
    let search = |pattern: &str| search(&scene, Some(&token), &json!({ "descr": pattern }));
    let b64 = |text: &str| Base64::encode_string(text.as_bytes());
    for (pattern, matches) in [
        (format!("^{}", b64("CCTEST")), 2),
        (format!("^{}", b64("CCTEST:T-10.1_SHA")), 1),
        (format!("^{}", b64("TEST")), 0),
        (format!("^{}", Base64Unpadded::encode_string(b"CCTEST:T-10.2")), 1),
        (format!("{}$", b64("SHA")), 1),
        (format!("{}$", b64("er")), 1),
        (format!("{}$", b64("SH")), 0),
        (b64("T-10"), 2),
        (b64("t"), 1),
        (b64("nowhere"), 0),
    ] {
        let found = search(&pattern).json();
        assert_eq!(found["total"], matches, "{pattern}");
        assert_eq!(found["listed"], matches, "{pattern}");
        assert_eq!(found["list"].as_array().unwrap().len(), matches, "{pattern}");
    }
    let first = search(&format!("^{}", b64("CCTEST:T-10.1_SHA"))).json();
    assert_eq!(first["list"][0]["descr"], b64("CCTEST:T-10.1_SHA"));
    let needle = |length| Base64::encode_string(&vec![b'x'; length]);
    for (pattern, status) in [
        (needle(64), 200),
        (needle(65), 406),
        (format!("^{}", needle(65)), 406),
        (String::new(), 400),
        ("^".to_owned(), 400),
        ("*".to_owned(), 400),
    ] {
        assert_eq!(search(&pattern).status, status, "{pattern}");
    }
    for body in [json!({}), json!({ "descr": 7 }), json!({ "descr": b64("other"), "offset": -1 })] {
        assert_eq!(self::search(&scene, Some(&token), &body).status, 400, "{body}");
    }
    for (offset, limit, listed) in [(0, 1, 1), (1, 1, 1), (2, 5, 0), (0, 50, 2)] {
        let body = json!({ "descr": b64("CCTEST"), "offset": offset, "limit": limit });
        let found = self::search(&scene, Some(&token), &body).json();
        assert_eq!((&found["total"], &found["listed"]), (&json!(2), &json!(listed)), "{body}");
    }
    assert_eq!(log.heads(), [""; 0], "searches leave no entries");
}

#[test]
fn anyone_may_search_for_a_long_beginning() {
    let scene = Scene::new();
    import_with(&scene, &[9, 0, 2], b"CCTEST:open");
    let body =
        |text: &str| json!({ "descr": format!("^{}", Base64::encode_string(text.as_bytes())) });
    let anonymous = |body: &Value| search(&scene, None, body);
    assert_eq!(anonymous(&body("CCTEST")).json()["total"], 1);
    assert_eq!(anonymous(&body("nobody")).json()["total"], 0);
    let mut log = scene.log();
    let bare = Base64::encode_string(b"CCTEST:open");
    for closed in [body("CCTES"), json!({ "descr": bare }), json!({ "descr": format!("{bare}$") })]
    {
        assert_eq!(anonymous(&closed).status, 401, "{closed}");
    }
    assert_eq!(anonymous(&json!({})).status, 401);
    assert_eq!(log.heads(), [""; 0]);
    let (wrong, master) = (scene.user("keymgmt:gen"), scene.master("keymgmt:search"));
    log.news();
    for token in [&wrong, &master] {
        assert_eq!(search(&scene, Some(token), &json!({ "descr": bare })).status, 403);
        assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"]);
    }
    for scope in ["keymgmt:search", "keymgmt:list", "auth:ext:pair"] {
        let token = scene.user(scope);
        assert_eq!(search(&scene, Some(&token), &json!({ "descr": bare })).status, 200, "{scope}");
    }
}

#[test]
fn updates_rewrite_what_is_written_down() {
    let scene = Scene::new();
    let descr = |text: &str| Base64::encode_string(text.as_bytes());
    let body = json!({ "label": "old", "type": "AES256", "descr": descr("old") });
    let create = scene.client.post("/api/keymgmt/create", &scene.user("keymgmt:gen"), &body);
    let kid = create.text("kid");
    let token = scene.user("keymgmt:upd");
    let mut entry = list(&scene, "").remove(0);
    let mut log = scene.log();
    let mut update = |body: &Value, status: u16| {
        let reply = scene.client.post("/api/keymgmt/update", &token, body);
        assert!(reply.body.is_empty(), "{reply:?}");
        expect(&reply, &mut log, "KEY_ATTRIBUTES_CHANGED", status, &body.to_string());
    };
    // Also within one second.
    for (label, written) in [("new", Some("new")), ("newer", Some("")), ("bare", None)] {
        let mut body = json!({ "kid": kid, "label": label });
        if let Some(written) = written {
            body["descr"] = json!(descr(written));
        }
        update(&body, 200);
        let now = list(&scene, "").remove(0);
        assert_eq!(now["label"], label);
        let shown = written.filter(|text| !text.is_empty()).map(descr);
        assert_eq!(
            now.get("descr").map(|text| text.as_str().unwrap().to_owned()),
            shown,
            "{label}"
        );
        assert!(now["updated"].as_u64() > entry["updated"].as_u64(), "{now}, before: {entry}");
        assert_eq!((&now["created"], &now["type"]), (&entry["created"], &entry["type"]));
        entry = now;
    }
    for (body, status) in [
        (json!({ "kid": kid }), 400),
        (json!({ "kid": kid, "label": "" }), 400),
        (json!({ "kid": kid, "label": "x", "descr": "*" }), 400),
        (json!({ "kid": "xyz", "label": "x" }), 400),
        (json!({ "label": "x" }), 400),
        (json!({ "kid": "0".repeat(32), "label": "x" }), 406),
    ] {
        update(&body, status);
    }
    assert_eq!(list(&scene, "").remove(0), entry, "nothing else changed it");
}

#[test]
fn scopes_decide_who_reads_and_deletes() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let mut log = scene.log();
    let path = format!("/api/keymgmt/get/{kid}");
    for (scope, status) in [
        ("keymgmt:get", 200),
        ("keymgmt:gen", 200),
        ("keymgmt:get:more", 200),
        (&format!("keymgmt:use:{kid}"), 200),
        ("keymgmt:getmore", 403),
        ("keymgmt:list", 403),
        (&format!("keymgmt:use:{}", "0".repeat(32)), 403),
    ] {
        let token = scene.user(scope);
        log.news();
        assert_eq!(scene.client.get(&path, &token).status, status, "{scope}");
        let refused = ["FAILED_SCOPE_CHECK FAILED"];
        assert_eq!(log.heads(), &refused[..usize::from(status == 403)], "{scope}");
    }
    assert_eq!(get(&scene, &kid.to_uppercase()).status, 200);
    let (token, gen_token) = (scene.user("keymgmt:del"), scene.user("keymgmt:gen"));
    log.news();
    for bad in ["xyz", "00", &"0".repeat(33), &"g".repeat(32)] {
        let reply = scene.client.get(&format!("/api/keymgmt/get/{bad}"), &gen_token);
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(log.heads(), [""; 0]);
        let reply = delete(&scene, bad);
        expect(&reply, &mut log, "KEY_DELETE", 400, bad);
    }
    let delete_path = format!("/api/keymgmt/delete/{kid}");
    assert_eq!(scene.client.call("DELETE", &delete_path, Some(&gen_token), None).status, 403);
    assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"]);
    let reply = scene.client.call("DELETE", &delete_path, Some(&token), None);
    assert!(reply.status == 200 && reply.body.is_empty(), "{reply:?}");
    let entries = log.news();
    assert_eq!((entries[0].head().as_str(), &entries[0].ext), ("KEY_DELETE OK", &kid));
    let reply = scene.client.call("DELETE", &delete_path, Some(&token), None);
    expect(&reply, &mut log, "KEY_DELETE", 406, "again");
}

#[test]
fn keys_outlive_the_daemon() {
    let scene = Scene::new();
    let kids: Vec<_> =
        ["SECP256R1", "CURVE25519", "AES256"].map(|kind| scene.create(kind, None)).into();
    let before = list(&scene, "");
    let secret = scene.ecdh(&kids[0], &json!({ "kid": kids[0], "ext_kid": kids[0] })).bytes("ecdh");
    let again = Scene::at(scene.stop());
    assert_eq!(list(&again, ""), before);
    let body = json!({ "kid": kids[0], "ext_kid": kids[0] });
    assert_eq!(again.ecdh(&kids[0], &body).bytes("ecdh"), secret);
}

/// Expects this status, and the one entry that a row with a full table leaves for it.
fn expect(reply: &Reply, log: &mut LogReader, kind: &str, status: u16, what: &str) {
    assert_eq!(reply.status, status, "{what}: {reply:?}");
    let result = match status {
        200 => "OK",
        400 => "ERROR",
        _ => "FAILED",
    };
    assert_eq!(log.heads(), [format!("{kind} {result}")], "{what}");
}

fn import(scene: &Scene, seed: &[u8], label: &str) -> String {
    let body = json!({ "label": label, "type": "MLDSA44", "pubkey": stretched(seed, 1312) });
    scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body).text("kid")
}

fn import_with(scene: &Scene, seed: &[u8], descr: &[u8]) -> String {
    let body = json!({ "label": "x", "type": "MLDSA44", "pubkey": stretched(seed, 1312),
                       "descr": Base64::encode_string(descr) });
    scene.client.post("/api/keymgmt/import", &scene.user("keymgmt:imp"), &body).text("kid")
}

fn stretched(seed: &[u8], length: usize) -> String {
    let raw: Vec<u8> = seed.iter().copied().cycle().take(length).collect();
    Base64::encode_string(&raw)
}

fn envelope(scene: &Scene, path: &str) -> Value {
    scene.client.get(&format!("/api/keymgmt/list{path}"), &scene.user("keymgmt:list")).json()
}

fn list(scene: &Scene, path: &str) -> Vec<Value> {
    envelope(scene, path)["list"].as_array().unwrap().clone()
}

/// All keys, as clients page through them.
fn pages(scene: &Scene, count: usize) -> Vec<Value> {
    let mut keys = Vec::new();
    loop {
        let envelope = envelope(scene, &format!("/{}/{count}", keys.len()));
        keys.extend(envelope["list"].as_array().unwrap().iter().cloned());
        if json!(keys.len()) == envelope["total"] {
            return keys;
        }
        assert_ne!(envelope["listed"], 0, "an empty page before the end: {envelope}");
    }
}

fn search(scene: &Scene, token: Option<&str>, body: &Value) -> Reply {
    scene.client.call("POST", "/api/keymgmt/search", token, Some(body))
}

fn get(scene: &Scene, kid: &str) -> Reply {
    scene.client.get(&format!("/api/keymgmt/get/{kid}"), &scene.user("keymgmt:get"))
}

fn delete(scene: &Scene, kid: &str) -> Reply {
    let path = format!("/api/keymgmt/delete/{kid}");
    scene.client.call("DELETE", &path, Some(&scene.user("keymgmt:del")), None)
}

/// The first 16 bytes of the SHA-1 of a raw public key, in hexadecimal.
fn kid_of(raw: &[u8]) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, raw);
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A public key of each of the 14 types: the published ones, and made-up post-quantum ones, of which
/// every string of the right length and with small coefficients is one.
fn importable() -> Vec<(String, Vec<u8>)> {
    let published: Vec<Value> = serde_json::from_str(include_str!("vectors/kid.json")).unwrap();
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
