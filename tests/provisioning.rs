//! Making a fresh device somebody's (hem.md A6), and what it says before (A1).

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::client::{Client, Reply};
use tests::daemon::{Home, MASTER, USER};
use tests::log::LogReader;
use tests::login::{self, Challenge, Login};

#[test]
fn a_fresh_device_is_initialised_once() {
    let home = Home::uninitialised();
    let daemon = home.serve();
    let client = Client::of(&daemon);
    let mut log = LogReader::of(&daemon);
    says_that_it_is_fresh(&client);
    refuses_bad_initialisations(&client);
    assert_eq!(log.heads(), [""; 0]);

    let done = login::initialise(&client, "https://app.example.org");
    let instance = done.text("instanceid");
    assert_eq!(instance.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    let entries = log.news();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (entries[0].head().as_str(), entries[0].subject.as_str()),
        ("DEVICE_INITED OK", "master")
    );
    let config = client.get("/api/system/config", &done.text("token")).json();
    assert_eq!(config["instanceid"], json!(instance));
    assert_eq!(config["origin"], "https://app.example.org");
    assert_eq!(config["email"], "user@example.org");
    assert_eq!(config["allow_keysearch"], false);

    refuses_a_second_time(&client);
    foreign_pages_are_turned_away(&client, &mut log);
    for passphrase in [USER, MASTER] {
        let token = login::bearer(&client, passphrase, "system:config");
        assert_eq!(client.get("/api/system/config", &token).status, 200);
    }
    daemon.stop();
    let again = home.serve();
    let client = Client::of(&again);
    assert_eq!(client.call("GET", "/api/auth/init", None, None).status, 406);
    let token = login::bearer(&client, USER, "system:config");
    assert_eq!(client.get("/api/system/config", &token).json()["instanceid"], json!(instance));
}

fn says_that_it_is_fresh(client: &Client) {
    let open = |method, path, body: Option<&Value>| client.call(method, path, None, body).status;
    assert_eq!(client.call("GET", "/api/system/status", None, None).json()["inited"], false);
    assert_eq!(open("GET", "/api/system/version", None), 200);
    assert_eq!(open("GET", "/api/auth/token", None), 409);
    assert_eq!(open("POST", "/api/auth/token", Some(&json!({ "auth": "x" }))), 409);
    assert_eq!(open("GET", "/api/keymgmt/list", None), 409);
    assert_eq!(open("POST", "/api/crypto/ecdh", Some(&json!({ "kid": "x" }))), 409);
    assert_eq!(open("GET", "/api/logger/key", None), 409);
    assert_eq!(client.get("/api/keymgmt/list", "garbage").status, 401, "before 409");
    assert_eq!(open("GET", "/api/no/such", None), 404);
}

fn refuses_bad_initialisations(client: &Client) {
    let bodies = [json!({}), json!({ "init": 7 }), json!({ "init": null })];
    for body in &bodies {
        assert_eq!(client.call("POST", "/api/auth/init", None, Some(body)).status, 400, "{body}");
    }
    type Spoil = fn(&mut Login);
    let spoiled: [(&str, u16, Spoil); 9] = [
        ("expired", 401, |i| i.claims["exp"] = json!(login::now() - 1)),
        ("another session", 401, |i| {
            i.claims["aud"] = json!(Base64::encode_string(&[9; 32]));
        }),
        ("unknown nonce", 401, |i| i.claims["jti"] = json!(Base64::encode_string(&[9; 32]))),
        ("alg none", 401, |i| {
            i.header = r#"{"alg":"none","ecdh":"x25519","typ":"JWT"}"#.to_owned();
        }),
        ("another's iss", 401, |i| i.claims["iss"] = json!(Base64::encode_string(&[9; 32]))),
        ("no cfg", 400, |i| i.claims["cfg"] = Value::Null),
        ("no user key", 400, |i| i.claims["cfg"]["userkey"] = Value::Null),
        ("short user key", 400, |i| i.claims["cfg"]["userkey"] = json!("AAAA")),
        ("long user", 400, |i| i.claims["cfg"]["user"] = json!("u".repeat(75))),
    ];
    for (name, status, spoil) in spoiled {
        let reply = attempt(client, spoil);
        assert_eq!(reply.status, status, "{name}: {reply:?}");
    }
}

fn attempt(client: &Client, spoil: impl FnOnce(&mut Login)) -> Reply {
    let challenge = Challenge::from(&client.call("GET", "/api/auth/init", None, None));
    let mut init = challenge.answer(MASTER, "", challenge.exp);
    init.claims["cfg"] = login::new_settings(USER, &challenge.eid, "*");
    spoil(&mut init);
    client.call("POST", "/api/auth/init", None, Some(&json!({ "init": init.sign() })))
}

fn refuses_a_second_time(client: &Client) {
    assert_eq!(client.call("GET", "/api/auth/init", None, None).status, 406);
    let challenge = Challenge::ask(client);
    let mut init = challenge.answer(MASTER, "", challenge.exp);
    init.claims["cfg"] = login::new_settings(USER, &challenge.eid, "*");
    for text in [init.sign(), "nonsense".to_owned()] {
        let body = json!({ "init": text });
        assert_eq!(client.call("POST", "/api/auth/init", None, Some(&body)).status, 406);
    }
    let status = client.call("GET", "/api/system/status", None, None).json();
    assert!(status.get("inited").is_none(), "{status}");
}

/// The only origin is `https://app.example.org` now.
fn foreign_pages_are_turned_away(client: &Client, log: &mut LogReader) {
    let ask = |method, path, origin: &str| {
        client.send(method, path, |request| request.header("Origin", origin))
    };
    for (method, path) in [
        ("GET", "/api/system/status"),
        ("POST", "/api/crypto/ecdh"),
        ("GET", "/api/no/such"),
        ("OPTIONS", "/api/keymgmt/create"),
    ] {
        for foreign in ["https://evil.example.org", "http://app.example.org", "null", ""] {
            assert_eq!(ask(method, path, foreign).status, 412, "{method} {path} from {foreign:?}");
        }
    }
    let welcome = ask("GET", "/api/system/status", "https://app.example.org");
    assert_eq!(welcome.status, 200);
    assert_eq!(welcome.header("Access-Control-Allow-Origin"), "https://app.example.org");
    assert_eq!(welcome.header("Vary"), "Origin");
    let preflight = ask("OPTIONS", "/api/keymgmt/create", "https://app.example.org");
    assert_eq!(preflight.status, 204);
    for (name, value) in [
        ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
        (
            "Access-Control-Allow-Headers",
            "Content-Type, Cache-Control, Pragma, Expires, Authorization, Content-Disposition",
        ),
        ("Access-Control-Max-Age", "86400"),
        ("Access-Control-Allow-Credentials", "true"),
    ] {
        assert_eq!(preflight.header(name), value, "{name}");
    }
    assert_eq!(log.heads(), [""; 0]);
}
