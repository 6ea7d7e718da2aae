//! Checking in: what a device says to its backend, whom it believes, and what follows (hem.md A8).

use base64ct::{Base64, Encoding};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tests::backend::{Backend, LATER, PATH, send};
use tests::client::Client;
use tests::daemon::USER;
use tests::login::{Challenge, now};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use x25519_dalek::{PublicKey, StaticSecret};

fn status(client: &Client) -> Value {
    client.call("GET", "/api/system/status", None, None).json()
}

#[test]
fn before_a_checkin_there_is_no_time() {
    let backend = Backend::new();
    let scene = backend.scene(true);
    let client = &scene.client;
    let mut log = scene.log();
    let before = status(client);
    assert_eq!((before.get("ts"), before.get("time"), &before["tts"]), (None, None, &json!(false)));
    let epk = Base64::encode_string(PublicKey::from(&StaticSecret::from([3; 32])).as_bytes());
    for (method, path, body) in [
        ("GET", "/api/auth/init", None),
        ("POST", "/api/auth/init", Some(json!({ "init": "x" }))),
        ("GET", "/api/auth/token", None),
        ("POST", "/api/auth/token", Some(json!({ "auth": "x" }))),
        ("POST", "/api/auth/token", Some(json!({ "nothing": "x" }))),
        ("POST", "/api/auth/ext/request", Some(json!({ "epk": epk, "scope": "keymgmt:list" }))),
        ("POST", "/api/auth/ext/token", Some(json!({ "authreply": "x" }))),
    ] {
        let reply = client.call(method, path, None, body.as_ref());
        assert_eq!((reply.status, reply.body.len()), (403, 0), "{method} {path}");
    }
    for (path, expected) in [("version", 200), ("config", 401), ("selftest", 401)] {
        let reply = client.call("GET", &format!("/api/system/{path}"), None, None);
        assert_eq!(reply.status, expected, "{path}");
    }
    assert_eq!(log.heads(), [""; 0]);

    assert_eq!(backend.say(client, "OK").json(), json!({ "status": "OK" }));
    let news = log.news();
    assert_eq!(news.len(), 1, "{news:?}");
    let told = (news[0].head(), news[0].subject.as_str(), news[0].ext.as_str());
    assert_eq!(told, ("RTC_SET OK".to_owned(), "", "2033-05-18T03:33:20Z"));
    the_time_is_the_backends(&scene);
}

fn the_time_is_the_backends(scene: &Scene) {
    let after = status(&scene.client);
    let time = after["time"].as_u64().unwrap();
    assert!((LATER..LATER + 60).contains(&time), "{after}");
    assert!(after["ts"].as_str().unwrap().starts_with("2033-05-18T03:3"), "{after}");
    assert_eq!(after["tts"], false, "trusted_ts is off: {after}");
    let challenge = Challenge::ask(&scene.client);
    assert!((LATER + 60..LATER + 120).contains(&challenge.exp), "{challenge:?}");
    let by_the_hosts_clock = challenge.answer(USER, "system:config", now() + 3600);
    assert_eq!(by_the_hosts_clock.send(&scene.client).status, 401, "it has ended already");
    let login = Challenge::ask(&scene.client).answer(USER, "system:config", LATER + 3600);
    let token = login.send(&scene.client).text("token");
    assert_eq!(scene.client.get("/api/system/config", &token).status, 200);
    // A start forgets the time.
    assert_eq!(scene.client.get("/api/system/reboot", &token).status, 200);
    scene.serves_again(3);
    assert_eq!(status(&scene.client)["tts"], false);
}

#[test]
fn a_check_says_who_asks() {
    let backend = Backend::new();
    let scene = backend.scene(false);
    let claims = backend.read(&scene.client.call("GET", PATH, None, None).text("check"));
    let challenge = Challenge::ask(&scene.client);
    assert_eq!(claims["iss"], json!(challenge.spk));
    assert_eq!(claims["aud"], json!(backend.public()));
    assert_eq!(claims["qid"], json!(challenge.eid));
    let version = scene.client.call("GET", "/api/system/version", None, None).json();
    assert_eq!((&claims["fws"], &claims["bls"]), (&version["fwv"], &version["blv"]));
    assert_eq!(claims["uis"], version["uis"]);
    let serial = Base64::decode_vec(claims["csn"].as_str().unwrap()).unwrap();
    let shown = CertificateDer::from_pem_file(scene.home.at("server.pem")).unwrap();
    let length = u8::try_from(serial.len()).unwrap();
    // As an INTEGER, with a zero before it where its first bit is set.
    let positive = [&[2, length + 1, 0][..], &serial].concat();
    let field = if serial[0] < 0x80 { [&[2, length][..], &serial].concat() } else { positive };
    assert!(shown.windows(field.len()).take(20).any(|part| part == field), "{claims}");
    let jti = Base64::decode_vec(claims["jti"].as_str().unwrap()).unwrap();
    assert_eq!(jti.len(), 32);
    let stamp = u32::from_le_bytes(jti[..4].try_into().unwrap());
    assert!(u64::from(stamp).abs_diff(now()) < 60);
}

#[test]
fn nobody_else_is_believed() {
    let backend = Backend::new();
    let scene = backend.scene(true);
    let client = &scene.client;
    let mut log = scene.log();
    let post = |body: &str| client.post_bytes(PATH, None, body.as_bytes().to_vec()).status;
    for bad in [r#"{"checked":"somedata""#, "{}", r#"{"checked":5}"#, "[]"] {
        assert_eq!(post(bad), 400, "{bad}");
    }
    assert_eq!(send(client, "somedata").status, 401);
    let stranger = Backend::other();
    let good = backend.answer(client, "OK");
    let device = good["aud"].clone();
    assert_eq!(send(client, &stranger.sign(&good, &device)).status, 401, "another's tag");
    let mut theirs = good.clone();
    theirs["iss"] = json!(stranger.public());
    assert_eq!(send(client, &stranger.sign(&theirs, &device)).status, 401, "another backend");
    for (name, value) in [
        ("jti", json!(Base64::encode_string(&[1; 32]))),
        ("jti", json!("AAAA")),
        ("aud", json!(backend.public())),
        ("iat", json!(1_000_000_000)),
        ("iat", json!(-1)),
        ("iat", json!(5_000_000_000_u64)),
        ("status", Value::Null),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(send(client, &backend.sign(&claims, &device)).status, 401, "{name}");
    }
    let check = client.call("GET", PATH, None, None).text("check");
    assert_eq!(send(client, &check).status, 401, "its own words");
    assert_eq!(status(client)["tts"], false);
    assert_eq!(log.heads(), [""; 0]);
    let checked = backend.sign(&good, &device);
    assert_eq!(send(client, &checked).status, 200);
    assert_eq!(send(client, &checked).status, 401, "a check is answered once");
    assert_eq!(log.heads(), ["RTC_SET OK"]);
}

#[test]
fn the_backend_shuts_the_device() {
    let backend = Backend::new();
    for (letter, bit) in [("L", 0x40), ("B", 0x80)] {
        let scene = backend.scene(false);
        let (client, token) = (&scene.client, scene.user("system:config"));
        let mut log = scene.log();
        assert_eq!(backend.say(client, letter).json(), json!({ "status": letter }));
        assert_eq!(log.heads(), ["SHUTDOWN OK"], "the host's clock stays");
        assert_eq!(status(client)["fls_state"], bit);
        assert_eq!(client.get("/api/system/config", &token).status, 409);
        assert_eq!(client.call("GET", "/api/auth/token", None, None).status, 409);
        // Good news come too late for this run.
        assert_eq!(backend.say(client, "OK").json(), json!({ "status": "OK" }));
        assert_eq!(status(client)["fls_state"], bit);
        assert_eq!(client.get("/api/system/reboot", &token).status, 200);
        until("the daemon is open again", LONG, || {
            let reply = client.try_send("GET", "/api/system/status", |ask| ask).ok()?;
            (reply.status == 200 && reply.json()["fls_state"] == 0).then_some(())
        });
    }
}

#[test]
fn other_news_are_passed_on() {
    let backend = Backend::new();
    let scene = backend.scene(false);
    let client = &scene.client;
    let mut log = scene.log();
    for (said, told) in [("W", "W"), ("R", "R"), ("U", "U"), ("ok", "???"), ("", "???")] {
        assert_eq!(backend.say(client, said).json(), json!({ "status": told }));
    }
    let path = scene.home.at("server.pem");
    let ours = std::fs::read_to_string(&path).unwrap();
    let ca = std::fs::read_to_string(scene.home.at("ca.pem")).unwrap();
    for (crt, expected) in [(format!("{ours}{ca}"), "OK"), (ca.clone(), "ERROR")] {
        let mut claims = backend.answer(client, "OK");
        claims["newcrt"] = json!(crt);
        claims["newfws"] = json!("2.0");
        claims["newuis"] = json!("3.0");
        let reply = send(client, &backend.sign(&claims, &claims["aud"])).json();
        let all = json!({ "status": "OK", "newcrt": expected, "newfws": "2.0", "newuis": "3.0" });
        assert_eq!(reply, all);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{ours}{ca}"));
    assert_eq!(log.heads(), [""; 0]);
    let time = status(client)["time"].as_u64().unwrap();
    assert!(time.abs_diff(now()) < 60, "the time is the host's");
}

#[test]
fn without_a_backend_a_check_leads_nowhere() {
    let scene = Scene::new();
    let check = scene.client.call("GET", PATH, None, None).text("check");
    assert_eq!(check.split('.').count(), 3);
    let backend = Backend::new();
    let claims = json!({
        "jti": "x", "iat": LATER, "iss": backend.public(), "aud": "x", "status": "OK",
    });
    let spk = json!(Challenge::ask(&scene.client).spk);
    assert_eq!(send(&scene.client, &backend.sign(&claims, &spk)).status, 401);
    assert_eq!(send(&scene.client, &check).status, 401);
    let status = status(&scene.client);
    assert!(status["time"].as_u64().unwrap().abs_diff(now()) < 60, "{status}");
}
