//! What docs/hem.md (A15) says is done where the description of the API is silent, as far as no
//! other test has it.

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tests::client::Client;
use tests::curves::{Curve, SoftKey};
use tests::daemon::{Home, USER, write};
use tests::login::{Challenge, now};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::user::{User, b64, derive};
use tests::wire::over_tls;

/// 10
#[test]
fn a_challenge_lasts_as_long_as_the_configuration_says() {
    let home = Home::new();
    home.start().stop();
    write(&home.at("claviger.toml"), format!("{}\n[hem]\nchallenge_seconds = 6\n", home.config()));
    let daemon = home.start();
    let client = Client::of(&daemon);
    let asked = now();
    let challenge = Challenge::ask(&client);
    assert!((asked + 6..=now() + 6).contains(&challenge.exp), "{challenge:?}");
    let login = challenge.answer(USER, "keymgmt:list", now() + 600);
    assert_eq!(login.send(&client).status, 200);
    let late = Challenge::ask(&client);
    let end = late.exp;
    let late = late.answer(USER, "keymgmt:list", now() + 600);
    until("its time is over", LONG, || (now() > end).then_some(()));
    assert_eq!(late.send(&client).status, 401);
}

/// 16
#[test]
fn additional_data_may_be_as_long_as_a_message() {
    let scene = Scene::new();
    let mut key = User::new(&scene, "AES256", None);
    let (encrypt, decrypt) = ("/api/crypto/cipher/encrypt", "/api/crypto/cipher/decrypt");
    let aad = b64(&[7; 2048]);
    let body = json!({ "msg": b64(b"message"), "alg": "AES256-GCM", "aad": aad });
    let sealed = key.ask(encrypt, body).json();
    let back = json!({
        "msg": sealed["ciphertext"], "iv": sealed["iv"], "tag": sealed["tag"], "aad": aad,
        "alg": "AES256-GCM",
    });
    assert_eq!(key.ask(decrypt, back).bytes("plaintext"), b"message");
    key.log.news();
    let long = json!({ "msg": b64(b"m"), "alg": "AES256-GCM", "aad": b64(&[7; 2049]) });
    key.sees(encrypt, long, 400, "CRYPTO_ENCRYPT ERROR");
}

/// 17
#[test]
fn a_raw_secret_is_cut_to_32_bytes_where_the_configuration_says_so() {
    let home = Home::new();
    home.start().stop();
    write(
        &home.at("claviger.toml"),
        format!("{}\n[hem]\nraw_ecdh = \"first-32\"\n", home.config()),
    );
    let scene = Scene::at(home);
    let kid = scene.create("SECP521R1", None);
    let peer = SoftKey::random(Curve::Secp521r1);
    let secret = peer.agree(&scene.public(&kid));
    let mut ask = json!({ "kid": kid, "pubkey": b64(&peer.public()) });
    assert_eq!(scene.ecdh(&kid, &ask).bytes("ecdh"), secret[..32]);
    ask["alg"] = json!("SHA2-256");
    let hash = Sha256::digest(&secret).to_vec();
    assert_eq!(scene.ecdh(&kid, &ask).bytes("ecdh"), hash, "a hash is over all of it");
}

/// 21
#[test]
fn a_page_of_log_files_has_128_ids() {
    let scene = Scene::new();
    for id in 1..=150 {
        write(&scene.daemon.dir().join(format!("audit/{id:08x}.log")), "");
    }
    let token = scene.user("logger:get");
    let first = scene.client.get("/api/logger/list", &token).json();
    assert_eq!((first["total"].as_u64(), first["id"].as_array().unwrap().len()), (Some(151), 128));
    assert_eq!(first["id"][0], "00000001");
    let second = scene.client.get("/api/logger/list/128", &token).json();
    assert_eq!((second["total"].as_u64(), second["id"].as_array().unwrap().len()), (Some(151), 23));
    assert_eq!(second["id"][0], "00000081");
}

/// 22, 23
#[test]
fn the_version_is_whole_and_the_name_is_told_to_who_used_another() {
    let scene = Scene::new();
    let version = scene.client.call("GET", "/api/system/version", None, None).json();
    assert!(version["blv"].as_str().is_some_and(|text| !text.is_empty()), "{version}");
    assert!(version["hwv"].as_str().unwrap().starts_with("EPA"), "{version}");
    assert_eq!((&version["fwk"], &version["fws"]), (&json!(""), &json!("")), "nobody signs it");
    let status = |host: &str| {
        let head =
            format!("GET /api/system/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = over_tls(&scene.daemon, head.as_bytes());
        assert_eq!(answer.status(), 200, "{answer:?}");
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
    };
    assert_eq!(status("localhost").get("hostname"), None);
    assert_eq!(status("127.0.0.1")["hostname"], "localhost");
    assert_eq!(status("elsewhere.example.org")["hostname"], "localhost");
}

/// 25
#[test]
fn a_fresh_device_says_409_before_418() {
    let home = Home::new();
    home.start().stop();
    home.configure("plain_http = \"refuse\"", "plain_http = \"device\"");
    home.make_fresh();
    let plain = home.free_plain_port();
    let daemon = home.serve();
    let client = Client::plain_at(plain);
    for path in ["/api/keymgmt/list", "/api/keymgmt/get/00000000000000000000000000000000"] {
        assert_eq!(client.call("GET", path, None, None).status, 409, "{path}");
    }
    assert_eq!(client.get("/api/keymgmt/list", "garbage").status, 401, "and 401 before both");
    daemon.stop();
}

/// 33
#[test]
fn the_name_of_a_symmetric_key_does_not_follow_from_the_key() {
    let scene = Scene::new();
    let source = scene.create("CURVE25519", None);
    let peer = SoftKey::random(Curve::Curve25519);
    let secret = peer.agree(&scene.public(&source));
    let ask = |kind: &str| {
        let body = json!({
            "kid": source, "pubkey": b64(&peer.public()), "label": "derived", "type": kind,
        });
        scene.client.post("/api/keymgmt/derive", &scene.user("keymgmt:derive"), &body)
    };
    for kind in ["AES256", "SHA2-256", "SHA3-256"] {
        let kid = ask(kind).text("kid");
        let key = derive(&secret, &[b"encedo-", kind.as_bytes()], 32);
        let digests = [Sha1::digest(&key).to_vec(), Sha256::digest(&key).to_vec()];
        for digest in digests.into_iter().chain([key]) {
            let name: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_ne!(kid, name, "{kind}");
        }
        assert_eq!(ask(kind).status, 406, "the same key is kept once");
    }
}
