//! Logging in and bearer tokens (hem.md A2 to A4).

use std::time::{Duration, Instant};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use tests::daemon::{MASTER, USER};
use tests::login::{self, Challenge, Login, encode, now};
use tests::patience::{LONG, until};
use tests::scene::Scene;

#[test]
fn both_roles_get_tokens_of_the_documented_shape() {
    let scene = Scene::new();
    let mut log = scene.log();
    for (passphrase, subject, name) in [(USER, "U", "user"), (MASTER, "M", "master")] {
        let exp = now() + 100_000;
        let challenge = Challenge::ask(&scene.client);
        assert!((now() + 50..=now() + 60).contains(&challenge.exp), "{challenge:?}");
        let nonce = Base64::decode_vec(&challenge.jti).unwrap();
        assert_eq!(nonce.len(), 32);
        let token = challenge.answer(passphrase, "system:config", exp).send(&scene.client);
        let token = token.text("token");
        let segments: Vec<_> = token.split('.').collect();
        assert_eq!(decode(segments[0]), r#"{"typ":"JWT","alg":"HS256"}"#);
        let text = decode(segments[1]);
        let claims: Value = serde_json::from_str(&text).unwrap();
        let (iat, jti) = (claims["iat"].as_u64().unwrap(), claims["jti"].as_str().unwrap());
        let order = format!(
            r#"{{"scope":"system:config","sub":"{subject}","iat":{iat},"exp":{exp},"jti":"{jti}"}}"#
        );
        assert_eq!(text, order);
        let jti = Base64::decode_vec(jti).unwrap();
        assert_eq!(jti.len(), 32);
        assert_eq!(u64::from(u32::from_le_bytes(jti[..4].try_into().unwrap())), iat);
        assert_eq!(scene.client.get("/api/system/config", &token).status, 200);
        let entries = log.news();
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(entries[0].head(), "AUTH_SUCCESS_INTERNAL OK");
        assert_eq!(entries[0].subject, name);
    }
}

#[test]
fn a_context_comes_back_and_any_scope_is_issued() {
    let scene = Scene::new();
    let mut login = Challenge::ask(&scene.client).answer(USER, "system:wrong", now() + 600);
    login.claims["ctx"] = json!("a context");
    let token = login.send(&scene.client).text("token");
    let claims: Value = serde_json::from_str(&decode(token.split('.').nth(1).unwrap())).unwrap();
    assert_eq!(claims["ctx"], "a context");
    assert_eq!(scene.client.get("/api/keymgmt/list", &token).status, 403);
}

#[test]
fn a_login_may_ask_for_no_scope_and_bring_an_odd_context() {
    let scene = Scene::new();
    for ctx in [json!("x".repeat(65)), json!(""), json!(7), Value::Null] {
        let mut login = Challenge::ask(&scene.client).answer(USER, "", now() + 600);
        login.claims["ctx"] = ctx;
        login.claims.as_object_mut().unwrap().remove("scope");
        let token = login.send(&scene.client).text("token");
        let claims = decode(token.split('.').nth(1).unwrap());
        let claims: Value = serde_json::from_str(&claims).unwrap();
        assert_eq!((&claims["scope"], claims.get("ctx")), (&json!(""), None));
        assert_eq!(scene.client.get("/api/system/config/attestation", &token).status, 200);
        assert_eq!(scene.client.get("/api/keymgmt/list", &token).status, 403);
    }
}

#[test]
fn the_key_of_a_scope_may_be_named_in_capitals() {
    let scene = Scene::new();
    let kid = scene.create("SHA2-256", None);
    let capitals = kid.to_uppercase();
    for (named, token) in [(&capitals, &capitals), (&kid, &capitals), (&capitals, &kid)] {
        let token = scene.user(&format!("keymgmt:use:{token}"));
        let body = json!({ "kid": named, "msg": "bXNn" });
        assert_eq!(scene.client.post("/api/crypto/hmac/hash", &token, &body).status, 200);
        let path = format!("/api/keymgmt/get/{named}");
        assert_eq!(scene.client.get(&path, &token).status, 200);
    }
}

#[test]
fn logins_in_other_spellings_are_good() {
    let scene = Scene::new();
    let headers = [
        r#"{"ecdh":"x25519","alg":"HS256","typ":"JWT"}"#,
        r#"{"ecdh":"x25519","typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256","ecdh":"x25519","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","ecdh":"x25519"}"#,
        r#"{"typ":"JWT","alg":"HS256","ecdh":"x25519"}"#,
        r#"{ "typ" : "JWT", "ecdh" : "x25519", "alg" : "HS256" }"#,
    ];
    std::thread::scope(|threads| {
        for header in headers {
            let client = scene.client.clone();
            threads.spawn(move || {
                let challenge = Challenge::ask(&client);
                let mut login = challenge.answer(USER, "keymgmt:list", now() + 600);
                login.header = header.to_owned();
                assert_eq!(login.send(&client).status, 200, "{header}");
            });
        }
    });
    // PHP's JSON has a backslash before each slash.
    let login = Challenge::ask(&scene.client).answer(USER, "keymgmt:list", now() + 600);
    let text = login.claims.to_string().replace('/', "\\/");
    assert_eq!(login::send(&scene.client, &login.sign_text(&text)).status, 200);
    let mut unpadded = Challenge::ask(&scene.client).answer(USER, "keymgmt:list", now() + 600);
    let iss = Base64::decode_vec(unpadded.claims["iss"].as_str().unwrap()).unwrap();
    unpadded.claims["iss"] = json!(Base64UrlUnpadded::encode_string(&iss));
    assert_eq!(unpadded.send(&scene.client).status, 200);
}

#[test]
fn logins_that_prove_nothing_are_refused_and_leave_no_entry() {
    let scene = Scene::new();
    let mut log = scene.log();
    std::thread::scope(|threads| {
        for (name, spoil) in SPOILED {
            let client = scene.client.clone();
            threads.spawn(move || {
                let login = Challenge::ask(&client).answer(USER, "keymgmt:list", now() + 600);
                let reply = login::send(&client, &spoil(login));
                assert_eq!(reply.status, 401, "{name}: {reply:?}");
                assert!(reply.body.is_empty(), "{name}");
            });
        }
        for passphrase in ["", "correct horse battery staple ", "Correct horse battery staple"] {
            let client = scene.client.clone();
            threads.spawn(move || {
                let challenge = Challenge::ask(&client);
                let reply = challenge.answer(passphrase, "keymgmt:list", now() + 600).send(&client);
                assert_eq!(reply.status, 401, "{passphrase:?}");
            });
        }
    });
    assert_eq!(log.heads(), [""; 0]);
}

#[test]
fn a_login_without_a_token_in_it_is_malformed() {
    let scene = Scene::new();
    let mut log = scene.log();
    for body in [&b"{}"[..], b"{\"auth\":7}", b"nonsense", b"[]", b"{\"auth\":null}"] {
        let reply = scene.client.post_bytes("/api/auth/token", None, body.to_vec());
        assert_eq!(reply.status, 400, "{body:?}");
    }
    assert_eq!(log.heads(), [""; 0]);
}

#[test]
fn a_challenge_is_good_for_one_login() {
    let scene = Scene::new();
    let challenge = Challenge::ask(&scene.client);
    let first = challenge.answer(USER, "keymgmt:list", now() + 600);
    assert_eq!(first.send(&scene.client).status, 200);
    assert_eq!(first.send(&scene.client).status, 401, "the same login again");
    let other = challenge.answer(USER, "keymgmt:gen", now() + 600);
    assert_eq!(other.send(&scene.client).status, 401, "another login on the same challenge");
    // Of many at once, one.
    let challenge = Challenge::ask(&scene.client);
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let (client, challenge) = (scene.client.clone(), challenge.clone());
                threads.spawn(move || {
                    challenge.answer(MASTER, "system:config", now() + 600).send(&client).status
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
}

#[test]
fn bearer_tokens_that_are_not_good_get_401_everywhere() {
    let scene = Scene::new();
    let mut log = scene.log();
    let good = scene.user("keymgmt:list");
    assert_eq!(log.heads(), ["AUTH_SUCCESS_INTERNAL OK"]);
    assert_eq!(scene.client.get("/api/keymgmt/list", &good).status, 200);
    let exp = now() + 3;
    let short = Challenge::ask(&scene.client).answer(USER, "keymgmt:list", exp);
    let short = short.send(&scene.client).text("token");
    until("the token expires", LONG, || {
        match scene.client.get("/api/keymgmt/list", &short).status {
            200 => None,
            status => {
                assert_eq!(status, 401);
                Some(())
            }
        }
    });
    assert!(now() >= exp, "it expired before its time");
    for (name, bad) in spoiled_bearers(&good).into_iter().chain([("expired", short)]) {
        for path in ["/api/keymgmt/list", "/api/system/status", "/api/auth/token", "/api/no/such"] {
            let reply = scene.client.get(path, &bad);
            assert_eq!(reply.status, 401, "{name}: {path}");
        }
    }
    for value in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", &good, &format!("Bearer{good}")] {
        let reply = scene
            .client
            .send("GET", "/api/system/status", |request| request.header("Authorization", value));
        assert_eq!(reply.status, 401, "{value}");
    }
    assert_eq!(log.heads(), ["AUTH_SUCCESS_INTERNAL OK"], "the login of the short one alone");
}

#[test]
fn tokens_and_challenges_die_with_the_daemon() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:list");
    let challenge = Challenge::ask(&scene.client);
    let again = Scene::at(scene.stop());
    assert_eq!(again.client.get("/api/keymgmt/list", &token).status, 401);
    let login = challenge.answer(USER, "keymgmt:list", now() + 600);
    assert_eq!(login.send(&again.client).status, 401);
    assert_eq!(again.client.get("/api/keymgmt/list", &again.user("keymgmt:list")).status, 200);
}

#[test]
fn guessing_is_slow_and_those_who_know_get_in() {
    let scene = Scene::new();
    let timed = |passphrase| {
        let login = Challenge::ask(&scene.client).answer(passphrase, "keymgmt:list", now() + 600);
        let start = Instant::now();
        let status = login.send(&scene.client).status;
        (status, start.elapsed())
    };
    let (usual, slow) = (Duration::from_millis(500), Duration::from_millis(1500));
    let (status, time) = timed(USER);
    assert_eq!(status, 200);
    assert!(time >= usual, "{time:?}");
    let mut last_failure = None;
    for attempt in 1..=5 {
        last_failure = Some(Instant::now());
        let (status, time) = timed("wrong");
        assert_eq!(status, 401);
        assert!(time >= usual, "attempt {attempt}: {time:?}");
        assert!(attempt <= 3 || time > slow, "attempt {attempt}: {time:?}");
    }
    let forgiven = until("logins are fast again", LONG, || {
        let (status, time) = timed(USER);
        assert_eq!(status, 200);
        (time < slow).then(|| last_failure.unwrap().elapsed())
    });
    assert!(forgiven > Duration::from_secs(15), "forgiven after {forgiven:?}");
}

/// A way to spoil a good login.
type Spoil = fn(Login) -> String;

const SPOILED: &[(&str, Spoil)] = &[
    ("expired", |l| with(l, "exp", json!(now() - 1))),
    ("exp 0", |l| with(l, "exp", json!(0))),
    ("exp negative", |l| with(l, "exp", json!(-1))),
    ("exp text", |l| with(l, "exp", json!("9999999999"))),
    ("another session key", |l| with(l, "aud", json!(Base64::encode_string(&[9; 32])))),
    ("aud empty", |l| with(l, "aud", json!(""))),
    ("no aud", |l| with(l, "aud", Value::Null)),
    ("unknown nonce", |l| with(l, "jti", json!(Base64::encode_string(&[0; 32])))),
    ("no nonce", |l| with(l, "jti", Value::Null)),
    ("another's iss", |l| with(l, "iss", json!(Base64::encode_string(&[9; 32])))),
    ("iss of small order", |l| with(l, "iss", json!(Base64::encode_string(&[0; 32])))),
    ("alg none", |l| headed(l, r#"{"alg":"none","ecdh":"x25519","typ":"JWT"}"#)),
    ("alg none, no tag", |l| {
        let signed = headed(l, r#"{"alg":"none","ecdh":"x25519","typ":"JWT"}"#);
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    }),
    ("alg HS384", |l| headed(l, r#"{"alg":"HS384","ecdh":"x25519","typ":"JWT"}"#)),
    ("no ecdh", |l| headed(l, r#"{"alg":"HS256","typ":"JWT"}"#)),
    ("other ecdh", |l| headed(l, r#"{"alg":"HS256","ecdh":"p256","typ":"JWT"}"#)),
    ("crit", |l| headed(l, r#"{"alg":"HS256","ecdh":"x25519","crit":["x"]}"#)),
    ("claims changed after signing", |l| {
        let signed = l.sign();
        let parts: Vec<_> = signed.split('.').collect();
        let claims = decode(parts[1]).replace("keymgmt:list", "keymgmt:gen");
        format!("{}.{}.{}", parts[0], encode(&claims), parts[2])
    }),
    ("no tag", |l| format!("{}.", l.sign().rsplit_once('.').unwrap().0)),
    ("two segments", |l| l.sign().rsplit_once('.').unwrap().0.to_owned()),
    ("four segments", |l| format!("{}.x", l.sign())),
    ("tag with a padding", |l| format!("{}=", l.sign())),
    ("empty", |_| String::new()),
];

fn with(mut login: Login, name: &str, value: Value) -> String {
    login.claims[name] = value;
    login.sign()
}

fn headed(mut login: Login, header: &str) -> String {
    login.header = header.to_owned();
    login.sign()
}

fn spoiled_bearers(good: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<_> = good.split('.').collect();
    let claims: Value = serde_json::from_str(&decode(parts[1])).unwrap();
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        format!("{}.{}.{}", parts[0], encode(&claims.to_string()), parts[2])
    };
    let none = encode(r#"{"typ":"JWT","alg":"none"}"#);
    vec![
        ("longer life", changed("exp", json!(now() + 1_000_000))),
        ("other scope", changed("scope", json!("keymgmt:gen"))),
        ("other role", changed("sub", json!("M"))),
        ("alg none", format!("{none}.{}.", parts[1])),
        ("no tag", format!("{}.{}.", parts[0], parts[1])),
        ("garbage", "garbage".to_owned()),
        ("dots", "..".to_owned()),
        ("long", "x".repeat(5000)),
    ]
}

fn decode(segment: &str) -> String {
    String::from_utf8(Base64UrlUnpadded::decode_vec(segment).unwrap()).unwrap()
}
