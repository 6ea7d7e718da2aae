//! Keys of one's own: whose they are, and where they do not show.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tests::patience::{LONG, until};
use tests::scene::Scene;

use crate::ALL;

fn kid_of(pk: &str) -> String {
    let bytes: Vec<_> = (0..pk.len() / 2)
        .map(|at| u8::from_str_radix(&pk[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    Sha1::digest(bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn b64(pk: &str) -> String {
    use base64ct::{Base64, Encoding};
    let bytes: Vec<_> = (0..pk.len() / 2)
        .map(|at| u8::from_str_radix(&pk[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    Base64::encode_string(&bytes)
}

#[test]
fn the_hem_api_does_not_know_them() {
    let scene = Scene::new();
    let listed = scene.create("MLKEM768", None);
    let made = scene.client.post("/api/kc/generate_keys", &scene.user(ALL), &json!({}));
    let kid = kid_of(&made.text("pk"));
    let list = |scope: &str, path: &str| scene.client.get(path, &scene.user(scope)).json();
    let keys = list("keymgmt:list", "/api/keymgmt/list");
    assert_eq!((&keys["total"], &keys["list"][0]["kid"]), (&json!(1), &json!(listed)));
    let own = scene.user_of(&kid);
    for (path, body) in [
        ("/api/crypto/pqc/mlkem/encaps", json!({ "kid": kid })),
        ("/api/crypto/pqc/mlkem/decaps", json!({ "kid": kid, "ct": "AAAA" })),
    ] {
        assert_eq!(scene.client.post(path, &own, &body).status, 406, "{path}");
    }
    let verifier = kid_of(&made.text("verification_key"));
    let body = json!({ "kid": verifier, "msg": "AAAA" });
    let sign = "/api/crypto/pqc/mldsa/sign";
    assert_eq!(scene.client.post(sign, &scene.user_of(&verifier), &body).status, 406);
    let get = format!("/api/keymgmt/get/{kid}");
    assert_eq!(scene.client.get(&get, &scene.user("keymgmt:get")).status, 406);
    let delete = format!("/api/keymgmt/delete/{kid}");
    let token = scene.user("keymgmt:del");
    assert_eq!(scene.client.call("DELETE", &delete, Some(&token), None).status, 406);
    let update = json!({ "kid": kid, "label": "mine" });
    let token = scene.user("keymgmt:upd");
    assert_eq!(scene.client.post("/api/keymgmt/update", &token, &update).status, 406);
    // A public half can be kept once on a device.
    let import = json!({ "label": "x", "type": "MLKEM768", "pubkey": b64(&made.text("pk")) });
    let token = scene.user("keymgmt:imp");
    assert_eq!(scene.client.post("/api/keymgmt/import", &token, &import).status, 406);
}

#[test]
fn they_are_there_again_after_a_restart_and_gone_after_a_wipe() {
    let scene = Scene::new();
    let ask = |scene: &Scene, path: &str, body: &Value| {
        scene.client.post(path, &scene.user(ALL), body).json()
    };
    let made = ask(&scene, "/api/kc/generate_keys", &json!({}));
    let sent = json!({ "pk": made["pk"], "signature": made["signature"],
        "verif_key": made["verification_key"] });
    let sent = ask(&scene, "/api/kem/encapsulate_key", &sent);
    let signed = ask(&scene, "/api/signature/sign", &json!({ "data": "x" }));
    let theirs = scene.client.post(
        "/api/signature/sign",
        &scene.external("pqc:sign"),
        &json!({ "data": "x" }),
    );
    assert_ne!(theirs.text("pk"), signed["pk"], "everybody has a key of his own");

    let scene = Scene::at(scene.stop());
    let opened = json!({ "cipher": sent["cipher"], "pk": made["pk"] });
    let opened = ask(&scene, "/api/kc/decapsulate_key", &opened);
    assert_eq!(opened["shared_key"], sent["shared_key"]);
    let again = ask(&scene, "/api/signature/sign", &json!({ "data": "y" }));
    assert_eq!(again["pk"], signed["pk"]);
    let other = ask(&scene, "/api/kc/generate_keys", &json!({}));
    assert_eq!(other["verification_key"], made["verification_key"]);
    assert_ne!(other["verification_key"], signed["pk"], "it signs nothing else");
}

#[test]
fn what_is_made_at_its_first_use_is_entered_before_it_is_used() {
    let scene = Scene::new();
    let token = scene.user(ALL);
    let mut log = scene.log();
    let mut seen = || -> Vec<_> {
        log.news().into_iter().map(|entry| (entry.head(), entry.ext, entry.subject)).collect()
    };
    let entry = |head: &str, pk: &str| (head.to_owned(), kid_of(pk), "user".to_owned());
    let sign = |data: &str| {
        scene.client.post("/api/signature/sign", &token, &json!({ "data": data })).text("pk")
    };
    let pk = sign("x");
    let signed = entry("CRYPTO_PQC_MLDSA_SIGN OK", &pk);
    assert_eq!(seen(), [entry("KEY_GENERATION OK", &pk), signed.clone()]);
    sign("y");
    assert_eq!(seen(), [signed]);
    let generate = || scene.client.post("/api/kc/generate_keys", &token, &json!({}));
    let made = generate();
    let verifier = entry("KEY_GENERATION OK", &made.text("verification_key"));
    assert_eq!(seen(), [verifier, entry("KEY_GENERATION OK", &made.text("pk"))]);
    let made = generate();
    assert_eq!(seen(), [entry("KEY_GENERATION OK", &made.text("pk"))]);
}

/// Its owner has it for so long; the keys that sign stay.
#[test]
fn keys_for_exchanges_end_after_their_time() {
    let home = Scene::new().stop();
    home.configure("[pqc]\nenabled = true", "[pqc]\nenabled = true\nkey_seconds = 2");
    let scene = Scene::serving(home);
    let token = scene.user(ALL);
    let mut log = scene.log();
    let ask = |path: &str, body: &Value| scene.client.post(path, &token, body);
    let made = ask("/api/kc/generate_keys", &json!({})).json();
    let signer = ask("/api/signature/sign", &json!({ "data": "x" })).text("pk");
    let expired =
        ("KEY_EXPIRED OK".to_owned(), format!("pqc {}", kid_of(made["pk"].as_str().unwrap())));
    until("the key has ended", LONG, || {
        log.news().into_iter().find(|entry| (entry.head(), entry.ext.clone()) == expired)
    });
    let sent = json!({ "pk": made["pk"], "cipher": "0".repeat(2176) });
    assert_eq!(ask("/api/kc/decapsulate_key", &sent).status, 403);
    assert_eq!(ask("/api/signature/sign", &json!({ "data": "y" })).text("pk"), signer);
    let other = ask("/api/kc/generate_keys", &json!({})).json();
    assert_eq!(other["verification_key"], made["verification_key"]);
}

#[test]
fn many_at_once_get_one_key_for_signatures() {
    let scene = Scene::new();
    let token = scene.user(ALL);
    let keys: std::collections::BTreeSet<_> = std::thread::scope(|threads| {
        let one = || {
            let body = json!({ "data": "x", "algorithm": "ML-DSA-44" });
            scene.client.post("/api/signature/sign", &token, &body).text("pk")
        };
        let all: Vec<_> = (0..16).map(|_| threads.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(keys.len(), 1);
}

#[test]
fn a_stored_key_enciphers_for_those_who_may_use_it() {
    let scene = Scene::new();
    let kid = scene.create("AES256", None);
    let both = scene.user(&format!("pqc:aes keymgmt:use:{kid}"));
    let ask = |path: &str, token: &str, body: &Value| scene.client.post(path, token, body);
    let encrypt = json!({ "unencrypted": "a text", "kid": kid });
    let (there, back) = ("/api/aes/encrypt_text", "/api/aes/decrypt_text");
    let mut log = scene.log();
    let sealed = ask(there, &both, &encrypt).json();
    assert_eq!(sealed.as_str().unwrap().len(), 2 * (12 + 6 + 16));
    assert_ne!(ask(there, &both, &encrypt).json(), sealed, "nonces repeat");
    let decrypt = json!({ "ciphertext": sealed, "kid": kid.to_uppercase() });
    assert_eq!(ask(back, &both, &decrypt).json(), "a text");
    log.expect_all(
        &["CRYPTO_ENCRYPT OK", "CRYPTO_ENCRYPT OK", "CRYPTO_DECRYPT OK"].map(str::to_owned),
        &kid,
    );
    for scope in ["pqc:aes".to_owned(), format!("keymgmt:use:{kid}")] {
        let token = scene.user(&scope);
        assert_eq!(ask(there, &token, &encrypt).status, 403, "{scope}");
        assert_eq!(ask(back, &token, &decrypt).status, 403, "{scope}");
    }
    let mut changed = sealed.as_str().unwrap().to_owned();
    changed.replace_range(30..32, if &changed[30..32] == "00" { "01" } else { "00" });
    let wrong = ask(back, &both, &json!({ "ciphertext": changed, "kid": kid }));
    let short = ask(back, &both, &json!({ "ciphertext": "00", "kid": kid }));
    assert_eq!((wrong.status, &wrong.body), (422, &short.body));
    for (kind, other) in [("AES128", None), ("SECP256R1", None), ("none", Some("0".repeat(32)))] {
        let other = other.unwrap_or_else(|| scene.create(kind, None));
        let token = scene.user(&format!("pqc:aes keymgmt:use:{other}"));
        let encrypt = json!({ "unencrypted": "a text", "kid": other });
        assert_eq!(ask(there, &token, &encrypt).status, 422, "{kind}");
        let decrypt = json!({ "ciphertext": sealed, "kid": other });
        assert_eq!(ask(back, &token, &decrypt).body, wrong.body, "{kind}");
    }
    let key = "00".repeat(32);
    let two = json!({ "unencrypted": "x", "kid": kid, "key": key });
    assert_eq!(ask(there, &both, &two).status, 422);
    let empty = json!({ "unencrypted": "", "kid": kid });
    let sealed = ask(there, &both, &empty).json();
    let decrypt = json!({ "ciphertext": sealed, "kid": kid });
    assert_eq!(ask(back, &both, &decrypt).json(), "");
}
