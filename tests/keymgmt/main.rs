//! `/api/keymgmt`: making, naming, finding and removing keys (hem.md A9).

mod creation;
mod imports;
mod searches;

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
