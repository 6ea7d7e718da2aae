//! Honest work with keys, and what of it is secret.

use std::fs;

use serde_json::{Value, json};
use tests::authenticator::{Phone, offer, validate};
use tests::client::Reply;
use tests::daemon::{Home, MASTER, USER};
use tests::login;
use tests::scene::Scene;
use tests::user::b64;

use crate::needles::{Secret, canary};

/// Keys that may be used.
pub(crate) struct Keys {
    curve: String,
    signer: String,
    cipher: String,
    mac: String,
    kem: String,
    dsa: String,
}

impl Keys {
    pub(crate) fn all(&self) -> [&str; 6] {
        [&self.curve, &self.signer, &self.cipher, &self.mac, &self.kem, &self.dsa]
    }
}

/// Makes keys, uses each way to use them, and answers what is secret of it.
pub(crate) fn done(scene: &Scene) -> (Keys, Vec<Secret>) {
    let create = |kind: &str| {
        let body = json!({
            "label": canary("label"), "type": kind, "descr": b64(canary("descr").as_bytes()),
        });
        scene.client.post("/api/keymgmt/create", &scene.user("keymgmt:gen"), &body).text("kid")
    };
    let keys = Keys {
        curve: create("CURVE25519"),
        signer: create("ED25519"),
        cipher: create("AES256"),
        mac: create("SHA2-256"),
        kem: create("MLKEM768"),
        dsa: create("MLDSA65"),
    };
    let mut secrets = vec![Secret::new("a login token", login_token(scene))];
    secrets.extend(agreed(scene, &keys));
    secrets.extend(enciphered(scene, &keys));
    secrets.extend(signed(scene, &keys));
    secrets.extend(post_quantum(scene));
    managed(scene, &keys);
    secrets.extend(paired(scene));
    let tokens = ["keymgmt:gen", "keymgmt:upd", "system:config"].map(|scope| scene.user(scope));
    secrets.extend(tokens.map(|token| Secret::new("a bearer token", token)));
    secrets.push(Secret::new("a master's token", scene.master("logger:get")));
    (keys, secrets)
}

/// What an initialised device keeps, or was told, at its start.
pub(crate) fn of_the_device(home: &Home) -> Vec<Secret> {
    let read = |name: &str| fs::read_to_string(home.at(name)).unwrap().trim().to_owned();
    vec![
        Secret::new("the PIN", read("pin")).within(&["pin"]),
        Secret::new("the security officer's PIN", read("so-pin")).within(&["so-pin"]),
        // `clavigerd dev` keeps them for whoever tries it out.
        Secret::new("the master's passphrase", MASTER).within(&["master-passphrase"]),
        Secret::new("the user's passphrase", USER).within(&["user-passphrase"]),
    ]
}

fn login_token(scene: &Scene) -> String {
    let challenge = login::Challenge::ask(&scene.client);
    let token = challenge.answer(USER, "keymgmt:list", login::now() + 60).sign();
    assert_eq!(login::send(&scene.client, &token).status, 200);
    token
}

fn agreed(scene: &Scene, keys: &Keys) -> Vec<Secret> {
    let with_itself = json!({ "kid": keys.curve, "ext_kid": keys.curve });
    let of = |alg: Option<&str>| {
        let mut body = with_itself.clone();
        if let Some(alg) = alg {
            body["alg"] = json!(alg);
        }
        Secret::new(
            format!("a shared secret {alg:?}"),
            scene.ecdh(&keys.curve, &body).bytes("ecdh"),
        )
    };
    let kem = json!({ "kid": keys.kem });
    let sent = scene.employ(&keys.kem, "pqc/mlkem/encaps", &kem);
    let ct = json!({ "kid": keys.kem, "ct": sent.text("ct") });
    let opened = scene.employ(&keys.kem, "pqc/mlkem/decaps", &ct);
    assert_eq!(opened.bytes("ss"), sent.bytes("ss"));
    let kem = ["ss", "ct"].map(|name| Secret::new(format!("ML-KEM: {name}"), sent.bytes(name)));
    [of(None), of(Some("SHA2-256")), of(Some("SHA3-512"))].into_iter().chain(kem).collect()
}

/// By the post-quantum API, which writes bytes in hexadecimal.
fn post_quantum(scene: &Scene) -> Vec<Secret> {
    let token = scene.user("token:new pqc:kem pqc:aes");
    let ask = |path: &str, body: &Value| scene.client.post(path, &token, body);
    let bytes = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    let made = ask("/api/kem/generate_keys", &json!({}));
    let body = json!({ "pk": made.text("pk"), "signature": made.text("signature"),
        "verif_key": made.text("verification_key") });
    let sent = ask("/api/kem/encapsulate_key", &body);
    let body = json!({ "cipher": sent.text("cipher"), "pk": made.text("pk") });
    let opened = ask("/api/kem/decapsulate_key", &body);
    assert_eq!(opened.text("shared_key"), sent.text("shared_key"));
    let key = b"c4naRy-text-key-of-32-bytes.1234";
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let body = json!({ "unencrypted": canary("text"), "key": digits });
    let sealed = ask("/api/aes/encrypt_text", &body).json();
    let plain =
        ask("/api/aes/decrypt_text", &json!({ "ciphertext": sealed, "key": digits })).json();
    assert_eq!(plain, canary("text"));
    vec![
        Secret::new("a token for a call", ask("/api/token/new", &json!({})).text("new_token")),
        Secret::new("a shared key", bytes(&sent.text("shared_key"))),
        Secret::new("a key for a text", *key),
        Secret::new("a text", canary("text")),
    ]
}

fn enciphered(scene: &Scene, keys: &Keys) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let mut keep = |name: &str, reply: &Reply, field: &str| {
        secrets.push(Secret::new(name, reply.bytes(field)));
    };
    for alg in ["AES256-GCM", "AES256-CBC"] {
        let msg = b64(format!("{} and more of it", canary("plaintext")).as_bytes());
        let body = json!({ "kid": keys.cipher, "alg": alg, "msg": msg, "aad": b64(canary("aad").as_bytes()) });
        let sealed = scene.employ(&keys.cipher, "cipher/encrypt", &body);
        keep("a ciphertext", &sealed, "ciphertext");
        keep("an IV", &sealed, "iv");
        let mut body = sealed.json();
        body["kid"] = json!(keys.cipher);
        body["alg"] = json!(alg);
        body["msg"] = body["ciphertext"].take();
        body["aad"] = json!(b64(canary("aad").as_bytes()));
        body.as_object_mut().unwrap().remove("ciphertext");
        keep("a plaintext", &scene.employ(&keys.cipher, "cipher/decrypt", &body), "plaintext");
    }
    let agreed = json!({
        "kid": keys.curve, "ext_kid": keys.curve, "alg": "AES128-GCM",
        "msg": b64(canary("agreed-msg").as_bytes()), "ctx": b64(canary("ctx").as_bytes()),
    });
    keep(
        "an agreed ciphertext",
        &scene.employ(&keys.curve, "cipher/encrypt", &agreed),
        "ciphertext",
    );
    let key = b64(b"c4naRy-key-of-32-bytes.123456789");
    let wrapped =
        scene.employ(&keys.cipher, "cipher/wrap", &json!({ "kid": keys.cipher, "msg": key }));
    keep("a wrapped key", &wrapped, "wrapped");
    let body = json!({ "kid": keys.cipher, "msg": wrapped.text("wrapped") });
    keep("an unwrapped key", &scene.employ(&keys.cipher, "cipher/unwrap", &body), "unwrapped");
    secrets
}

fn signed(scene: &Scene, keys: &Keys) -> Vec<Secret> {
    let msg = b64(canary("msg").as_bytes());
    let with = |kid: &str, more: Value| {
        let mut body = json!({ "kid": kid, "msg": msg });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let ctx = b64(canary("sign-ctx").as_bytes());
    let mac = scene.employ(&keys.mac, "hmac/hash", &with(&keys.mac, json!({})));
    let body = with(&keys.mac, json!({ "mac": mac.text("mac") }));
    assert_eq!(scene.employ(&keys.mac, "hmac/verify", &body).status, 200);
    let how = json!({ "alg": "Ed25519ctx", "ctx": ctx });
    let sign = scene.employ(&keys.signer, "exdsa/sign", &with(&keys.signer, how));
    let dsa = scene.employ(&keys.dsa, "pqc/mldsa/sign", &with(&keys.dsa, json!({ "ctx": ctx })));
    let made = [("a MAC", mac, "mac"), ("a signature", sign, "sign"), ("ML-DSA", dsa, "sign")];
    made.map(|(name, reply, field)| Secret::new(name, reply.bytes(field))).into()
}

/// Requests about keys and settings that succeed.
fn managed(scene: &Scene, keys: &Keys) {
    let good = |path: &str, scope: &str, body: Value| {
        let reply = scene.client.post(path, &scene.user(scope), &body);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
    };
    let descr = b64(canary("descr").as_bytes());
    let label = canary("new-label");
    let update = json!({ "kid": keys.mac, "label": label, "descr": descr });
    good("/api/keymgmt/update", "keymgmt:upd", update);
    let nothing = b64(canary("search").as_bytes());
    good("/api/keymgmt/search", "keymgmt:search", json!({ "descr": nothing }));
    let derive =
        json!({ "kid": keys.curve, "ext_kid": keys.curve, "type": "AES256", "label": label });
    good("/api/keymgmt/derive", "keymgmt:derive", derive);
    let settings = json!({ "user": canary("user"), "email": canary("email") });
    good("/api/system/config", "system:config", settings);
}

/// A phone is paired under a name, and somebody asks for its consent.
fn paired(scene: &Scene) -> Vec<Secret> {
    let phone = Phone::new(7);
    let offer = offer(scene, &phone.epk());
    let (mut claims, eid) = phone.reply(&offer);
    claims["label"] = json!(canary("phone"));
    let reply = phone.sign(&claims, &eid);
    let paired = validate(scene, &phone.pid(), &reply);
    let ask = json!({
        "epk": phone.epk(), "scope": "keymgmt:list", "ctx": canary("ask-ctx"), "note": canary("note"),
    });
    assert_eq!(scene.client.call("POST", "/api/auth/ext/request", None, Some(&ask)).status, 200);
    vec![
        Secret::new("an answer to an offer", reply),
        Secret::new("a phone's code", paired.bytes("code")),
        Secret::new("an offer", offer.text("request")),
    ]
}
