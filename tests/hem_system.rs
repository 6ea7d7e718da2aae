//! Setting the device up anew, restarting it, stopping it, wiping it (hem.md A8).

use aws_lc_rs::hmac;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::{Client, Reply};
use tests::daemon::{Home, MASTER, USER};
use tests::log::{entries, files};
use tests::login::{self, Challenge, now};
use tests::process::worker;
use tests::scene::Scene;
use tests::token::{Object, Token};
use tests::wire::{Raw, over_tls};
use x25519_dalek::{PublicKey, StaticSecret};

const CONFIG: &str = "/api/system/config";

fn set(scene: &Scene, body: &Value) -> Reply {
    scene.client.post(CONFIG, &scene.user("system:config"), body)
}

fn config(scene: &Scene) -> Value {
    scene.client.get(CONFIG, &scene.user("system:config")).json()
}

#[test]
fn changes_are_kept_and_dated() {
    let scene = Scene::new();
    let mut log = scene.log();
    let before = config(&scene);
    let tts =
        || scene.client.call("GET", "/api/system/status", None, None).json().get("tts").cloned();
    assert_eq!((&before["trusted_ts"], tts()), (&json!(false), Some(json!(false))));
    let new = json!({
        "user": "u".repeat(64), "email": "ada@example.org", "trusted_ts": true, "ctx": 77,
        "trusted_backend": true, "allow_keysearch": false, "dnsd": true, "storage_mode": 81,
        "storage_disk0size": 8_388_608, "http_option_hsts": true, "http_option_dosprot_mode": 3,
        "origin": "*",
    });
    assert_eq!(set(&scene, &new).json(), json!({ "updated": true }));
    let after = config(&scene);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&after[name], value, "{name}");
    }
    assert_eq!(tts(), None, "it can be trusted");
    assert!(after["uts"].as_u64() > before["uts"].as_u64());
    assert_eq!(set(&scene, &json!({ "email": "a@b" })).json(), json!({ "updated": true }));
    assert!(config(&scene)["uts"].as_u64() > after["uts"].as_u64());
    let last = config(&scene)["uts"].clone();
    let unknown = json!({ "hostname": "elsewhere", "ip": "10.0.0.1", "whatever": [1] });
    assert_eq!(set(&scene, &unknown).json(), json!({ "updated": false }));
    assert_eq!(config(&scene)["uts"], last);
    assert_eq!(config(&scene)["hostname"], "localhost");
    let heads: Vec<_> = log.heads();
    assert_eq!(heads.iter().filter(|head| *head == "CONFIG_UPDATED OK").count(), 3, "{heads:?}");
    let home = scene.stop();
    let scene = Scene::at(home);
    assert_eq!(config(&scene)["email"], "a@b");
}

#[test]
fn bad_values_change_nothing_and_say_so() {
    let scene = Scene::new();
    let before = config(&scene)["uts"].clone();
    let mut log = scene.log();
    for bad in [
        json!({ "user": "u".repeat(75) }),
        json!({ "user": 1, "email": "good@example.org" }),
        json!({ "email": "good@example.org", "http_option_dosprot_mode": 5 }),
        json!({ "userkey": "AAAA" }),
        json!({ "tls": {} }),
        json!({ "tls": { "crt": "x", "key": "y", "emp": "z" } }),
        json!({ "tls": { "crt": "x", "key": "y" } }),
        json!([1]),
    ] {
        let reply = set(&scene, &bad);
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(reply.body, br#"{"updated":false}"#, "{bad}");
    }
    assert_eq!(log.heads(), [""; 0]);
    for refused in [json!({ "wipeout": false }), json!({ "tls": { "crt": "AAAA" } })] {
        assert_eq!(set(&scene, &refused).status, 406, "{refused}");
        assert_eq!(log.heads(), ["CONFIG_UPDATED FAILED"], "{refused}");
    }
    assert_eq!(config(&scene)["uts"], before);
    let body = json!({ "email": "a@b" });
    assert_eq!(scene.client.call("POST", CONFIG, None, Some(&body)).status, 401);
    assert_eq!(scene.client.post(CONFIG, &scene.user("logger:get"), &body).status, 403);
    assert_eq!(scene.client.post(CONFIG, &scene.master("system:config"), &body).status, 200);
}

#[test]
fn origins_hsts_and_the_guard_take_effect_at_once() {
    let home = Home::new();
    home.start().stop();
    home.configure("\n[tls]\n", "\n[listen.limits]\nbody_ms = 600000\n\n[tls]\n");
    let scene = Scene::at(home);
    let status = |origin: &str| {
        scene.client.send("GET", "/api/system/status", |ask| ask.header("Origin", origin))
    };
    assert_eq!(status("https://a.example").status, 200);
    let new = json!({ "origin": "https://b.example", "http_option_hsts": true });
    assert_eq!(set(&scene, &new).status, 200);
    assert_eq!(status("https://a.example").status, 412);
    let welcome = status("https://b.example");
    assert_eq!(welcome.status, 200);
    assert_eq!(welcome.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(set(&scene, &json!({ "http_option_dosprot_mode": 1 })).status, 200);
    // The daemon's own limit would let it wait for ten minutes.
    let cut_off = over_tls(
        &scene.daemon,
        b"POST /api/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
          Content-Length: 100\r\n\r\n{",
    );
    assert_eq!(cut_off.status(), 408, "{cut_off:?}");
}

#[test]
fn the_user_and_nobody_else_changes_the_users_key() {
    let scene = Scene::new();
    let new = StaticSecret::from([7; 32]);
    let proof = |token: &str| {
        let config = scene.client.get(CONFIG, token);
        let spk: [u8; 32] = config.bytes("spk").try_into().unwrap();
        let secret = new.diffie_hellman(&PublicKey::from(spk));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let nonce = config.bytes("nonce");
        json!({
            "userkey": Base64::encode_string(PublicKey::from(&new).as_bytes()),
            "userkey_nonce": Base64::encode_string(&nonce),
            "userkey_hmac": Base64::encode_string(hmac::sign(&key, &nonce).as_ref()),
        })
    };
    let (user, master) = (scene.user("system:config"), scene.master("system:config"));
    let mut log = scene.log();
    assert_eq!(scene.client.post(CONFIG, &master, &proof(&master)).status, 406);
    let mut wrong = proof(&user);
    wrong["userkey_hmac"] = Value::from(Base64::encode_string(&[0; 32]));
    assert_eq!(set(&scene, &wrong).status, 406);
    let mut foreign = proof(&user);
    foreign["userkey_nonce"] = Value::from(Base64::encode_string(&[1; 32]));
    assert_eq!(set(&scene, &foreign).status, 406);
    let good = proof(&user);
    assert_eq!(set(&scene, &good).json(), json!({ "updated": true }));
    assert_eq!(set(&scene, &good).status, 406, "the nonce is good once");
    let bad = "CONFIG_UPDATED FAILED";
    assert_eq!(log.heads(), [bad, bad, bad, "CONFIG_UPDATED OK", bad]);
    let challenge = Challenge::ask(&scene.client);
    let refused = challenge.answer(USER, "keymgmt:list", now() + 60).send(&scene.client);
    assert_eq!(refused.status, 401, "the old key is out");
    assert_eq!(login_with(&scene.client, &new).status, 200, "the new key is in");
}

/// A login by this very key.
fn login_with(client: &Client, key: &StaticSecret) -> Reply {
    let challenge = Challenge::ask(client);
    let spk: [u8; 32] = Base64::decode_vec(&challenge.spk).unwrap().try_into().unwrap();
    let claims = json!({
        "jti": challenge.jti, "aud": challenge.spk, "exp": now() + 60, "iat": now(),
        "iss": Base64::encode_string(PublicKey::from(key).as_bytes()), "scope": "keymgmt:list",
    });
    let header = r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#;
    let text = format!("{}.{}", login::encode(header), login::encode(&claims.to_string()));
    let secret = key.diffie_hellman(&PublicKey::from(spk));
    let tag = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&tag, text.as_bytes());
    let tag = base64ct::Base64UrlUnpadded::encode_string(tag.as_ref());
    login::send(client, &format!("{text}.{tag}"))
}

#[test]
fn a_certificate_is_asked_for_and_renewed() {
    let scene = Scene::new();
    let csr = set(&scene, &json!({ "gen_csr": true })).text("csr");
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{csr}");
    let path = scene.home.at("server.pem");
    let old = std::fs::read_to_string(&path).unwrap();
    let ca = std::fs::read_to_string(scene.home.at("ca.pem")).unwrap();
    // The authority's certificate fits neither the key nor the name.
    assert_eq!(set(&scene, &json!({ "tls": { "crt": ca } })).status, 406);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
    // The server's own, with its issuer behind it, does.
    let chain = format!("{old}{ca}");
    let reply = set(&scene, &json!({ "tls": { "crt": chain } }));
    assert_eq!(reply.json(), json!({ "updated": true, "reboot_required": true }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), chain);
}

#[test]
fn a_reboot_keeps_the_sockets_and_forgets_the_tokens() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let (old, pid) = (scene.user("system:config"), scene.daemon.ready().pid);
    assert_eq!(scene.client.call("GET", "/api/system/reboot", None, None).status, 401);
    assert_eq!(scene.client.get("/api/system/reboot", &scene.user("keymgmt:list")).status, 403);
    let mut log = scene.log();
    let reply = reboot(&scene, &old);
    assert_eq!(reply.status(), 200);
    assert!(reply.has("Connection: close"), "{reply:?}");
    // Whoever logs in from here on has a token of the next run.
    let fresh = login::bearer(&scene.client, USER, "keymgmt:get");
    assert_eq!(scene.client.get(&format!("/api/keymgmt/get/{kid}"), &fresh).status, 200);
    assert_eq!(
        log.news().last().map(|e| (e.head(), e.subject.clone())).unwrap(),
        ("REBOOT OK".to_owned(), "user".to_owned())
    );
    assert_eq!(scene.client.get(CONFIG, &old).status, 401, "the old token is dead");
    let logs = files(&scene.daemon.dir().join("audit"));
    let heads: Vec<_> = entries(&logs[1]).iter().map(|entry| entry.head()).collect();
    assert!(heads.iter().any(|head| head == "STARTUP OK"), "{heads:?}");
    let last = entries(&logs[0]).pop().unwrap().head();
    assert_eq!(last, "REBOOT OK", "nothing follows it");
    assert_eq!(pid, scene.daemon.ready().pid);
    let again = login::bearer(&scene.client, USER, "system:config");
    assert_eq!(reboot(&scene, &again).status(), 200);
    scene.serves_again(3);
    // Of the three that there were.
    worker(&scene.daemon);
    scene.stop();
}

fn reboot(scene: &Scene, token: &str) -> Raw {
    let head = format!(
        "GET /api/system/reboot HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    over_tls(&scene.daemon, head.as_bytes())
}

#[test]
fn a_shutdown_is_said_and_stays() {
    let mut scene = Scene::new();
    let external = scene.user("keymgmt:list");
    assert_eq!(scene.client.get("/api/system/shutdown", &external).status, 403);
    let token = scene.master("system:shutdown");
    let mut log = scene.log();
    assert_eq!(scene.client.get("/api/system/shutdown", &token).status, 200);
    let status = scene.daemon.wait();
    assert_eq!(status.code(), Some(76));
    let news = log.news();
    let shutdowns: Vec<_> = news.iter().filter(|entry| entry.kind == "SHUTDOWN").collect();
    assert_eq!(shutdowns.len(), 1, "{news:?}");
    assert_eq!((shutdowns[0].result.as_str(), shutdowns[0].subject.as_str()), ("OK", "master"));
}

#[test]
fn a_wipe_leaves_nothing_and_a_fresh_device() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    scene.create("CURVE25519", None);
    let log_files = files(&scene.daemon.dir().join("audit"));
    assert_eq!(
        scene
            .client
            .post(CONFIG, &scene.master("system:config"), &json!({ "wipeout": true }))
            .status,
        200
    );
    scene.serves_again(2);
    let status = scene.client.call("GET", "/api/system/status", None, None).json();
    assert_eq!(status["inited"], false, "{status}");
    assert_eq!(scene.client.call("GET", "/api/auth/token", None, None).status, 409);
    let told = entries(&log_files[0]);
    let deleted: Vec<_> = told.iter().filter(|entry| entry.kind == "KEY_DELETE").collect();
    assert_eq!(deleted.len(), 2, "{told:?}");
    assert!(deleted.iter().any(|entry| entry.ext == kid && entry.subject == "master"));
    // A fresh device takes a certificate and nothing else from anybody, and may be restarted.
    let set = |body: &Value| scene.client.call("POST", CONFIG, None, Some(body)).status;
    assert_eq!(set(&json!({ "email": "a@b" })), 406);
    let crt = std::fs::read_to_string(scene.home.at("server.pem")).unwrap();
    assert_eq!(set(&json!({ "tls": { "crt": crt } })), 200);
    let challenge = scene.client.call("GET", "/api/auth/init", None, None);
    let challenge = Challenge::from(&challenge);
    let mut init = challenge.answer(MASTER, "", challenge.exp);
    init.claims["cfg"] = login::new_settings(USER, &challenge.eid, "*");
    init.claims["cfg"]["gen_csr"] = json!(true);
    let body = json!({ "init": init.sign() });
    let csr = scene.client.call("POST", "/api/auth/init", None, Some(&body)).text("csr");
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{csr}");
    assert_eq!(set(&json!({ "tls": { "crt": crt } })), 401);
    let list = login::bearer(&scene.client, USER, "keymgmt:list");
    assert_eq!(scene.client.get("/api/keymgmt/list", &list).json()["total"], 0);
    let home = scene.stop();
    let left = Token::of(&home).list();
    assert!(left.iter().all(Object::is_the_daemons), "{left:?}");
}

#[test]
fn the_self_test_passes_and_says_so() {
    let scene = Scene::new();
    assert_eq!(scene.client.call("GET", "/api/system/selftest", None, None).status, 401);
    scene.create("SECP256R1", None);
    let token = scene.user("any:scope:at:all");
    let mut log = scene.log();
    let first = scene.client.get("/api/system/selftest", &token).json();
    assert_eq!(log.heads(), ["SELFTEST_PASSED OK"]);
    assert_eq!((first["fls_state"].as_u64(), first["last_fls_state"].as_u64()), (Some(0), Some(0)));
    assert_eq!(first["repo_stats"]["total"], 1);
    assert_eq!(first["repo_stats"]["invalid"], 0);
    let second = scene.client.get("/api/system/selftest", &scene.master("x")).json();
    assert_eq!(second["last_selftest_ts"], first["selftest_ts"]);
    assert!(first["last_selftest_ts"].as_u64() > Some(0), "there is one at the start");
    assert_eq!(scene.client.call("GET", "/api/system/status", None, None).json()["fls_state"], 0);
}
