//! The key service (docs/key-service.md).

use std::time::Duration;

use serde_json::Value;
use tests::client::{Client, Reply};
use tests::daemon::Home;
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::timing::Comparison;
use tests::wire::over_tls;
use tests::{programs, python};

#[test]
fn a_client_from_the_description_alone_sends_and_reads() {
    let scene = Scene::new();
    let counts = run(&scene, None);
    println!("{counts:#}");
    for (what, times) in COUNTS {
        assert_eq!(counts[what], times, "{what}");
    }
    let log: Vec<_> = tests::log::files(&scene.home.at("audit"))
        .iter()
        .flat_map(|file| tests::log::entries(file))
        .filter(|entry| entry.kind.starts_with("KEYSERVICE_"))
        .collect();
    assert!(log.iter().all(|entry| entry.ext.len() <= 8), "no more of a token than 8 digits");
}

#[test]
fn closed_it_takes_a_scope_for_each_thing() {
    let scene = closed("argon2_kib = 19456\nargon2_passes = 1");
    let all = ["create", "send", "read", "delete"].map(|what| format!("keyservice:{what}"));
    run(&scene, Some(&scene.user(&all.join(" "))));
    let mut log = scene.log();
    let page = scene.client.call("GET", SERVICE, None, None);
    assert_eq!((page.status, log.heads()), (200, vec!["KEYSERVICE_READ OK".to_owned()]));
    let form = form(&[("token", NOBODY), ("passphrase", "x"), ("message", "m")]);
    let mut denied = 0;
    for (method, scope) in ["POST", "PUT", "GET", "DELETE"].into_iter().zip(&all) {
        let ask = |token: Option<&str>| send(&scene.client, method, token, &form);
        log.news();
        for token in [None, Some("nonsense")] {
            let refused = ask(token);
            assert_eq!(refused.status, 401, "{method}");
            assert_eq!(refused.headers.get("audit-index"), None, "{method}");
        }
        assert_eq!(log.heads(), [""; 0], "who has no token could fill the log");
        for other in &all {
            let status = ask(Some(&scene.user(other))).status;
            match other == scope {
                true => assert!([200, 400].contains(&status), "{method} with {other}: {status}"),
                false => assert_eq!(status, 403, "{method} with {other}"),
            }
        }
        denied += log.heads().iter().filter(|head| *head == "FAILED_SCOPE_CHECK FAILED").count();
    }
    assert_eq!(denied, 12);
    // A stranger's body is not waited for.
    let much = send(&scene.client, "PUT", None, &"x".repeat(100_000));
    assert_eq!(much.status, 413);
}

#[test]
fn what_is_asked_is_entered_and_lasts() {
    let scene = Scene::new();
    let mut log = scene.log();
    let key = send(&scene.client, "POST", None, &form(&[("passphrase", "p")])).json();
    let token = key["KeyToken"].as_str().unwrap();
    let digits = &token[..8];
    let mine = [("token", token), ("passphrase", "p")];
    let made = ["SYSTEM_KEY_MADE OK", "KEYSERVICE_CREATE OK"];
    assert_eq!(log.heads(), made, "with the first key comes what wraps it");
    let read = |scene: &Scene| send(&scene.client, "GET", None, &form(&mine));
    assert_eq!(read(&scene).status, 304);
    let message = form(&[("token", token), ("message", "a message")]);
    assert_eq!(send(&scene.client, "PUT", None, &message).body, b"true");
    assert_eq!(read(&scene).status, 200);
    let wrong = form(&[("token", token), ("passphrase", "q")]);
    assert_eq!(send(&scene.client, "GET", None, &wrong).status, 400);
    let heads = ["READ OK", "SEND OK", "READ OK", "READ ERROR"];
    log.expect_all(&heads.map(|head| format!("KEYSERVICE_{head}")), digits);
    let bad = form(&[("publickey", "<x>")]);
    assert_eq!(send(&scene.client, "POST", None, &bad).status, 400);
    assert_eq!(log.heads(), ["KEYSERVICE_UPLOAD ERROR"]);

    let scene = Scene::serving(scene.stop());
    let found = read(&scene).json();
    assert_eq!(found[0]["MessageData"], "a message");
    let mut log = scene.log();
    assert_eq!(send(&scene.client, "DELETE", None, &form(&mine)).json(), "Deleted.");
    assert_eq!(read(&scene).status, 400);
    log.expect_all(&["DELETE OK", "READ ERROR"].map(|h| format!("KEYSERVICE_{h}")), digits);
}

/// Both are of one day; the file says that one of them is older.
#[test]
fn a_key_that_is_too_old_goes_and_that_is_entered() {
    let scene = closed_as("days = 2", "anonymous = true");
    let mut log = scene.log();
    let old = send(&scene.client, "POST", None, &form(&[("passphrase", "p")])).json();
    let made: Vec<_> = log.news().into_iter().map(|entry| (entry.head(), entry.ext)).collect();
    let wrapping = ("SYSTEM_KEY_MADE OK".to_owned(), "mailbox".to_owned());
    let digits = |key: &Value| key["KeyToken"].as_str().unwrap()[..8].to_owned();
    assert_eq!(made, [wrapping, ("KEYSERVICE_CREATE OK".to_owned(), digits(&old))]);
    let hash = "a".repeat(64);
    let public = old["PublicKey"].as_str().unwrap();
    let bring = form(&[("publickey", public), ("privatekeyhash", &hash)]);
    let young = send(&scene.client, "POST", None, &bring).json();
    let token = |key: &Value| key["KeyToken"].as_str().unwrap().to_owned();
    let home = scene.stop();
    let aged = format!(
        "UPDATE keyservice_keys SET created = created - 259200000, release = release - 259200000 \
         WHERE token = x'{}'",
        token(&old),
    );
    python::change_state(&home.at("state.db"), &aged);
    let scene = Scene::serving(home);
    let expired = ("KEY_EXPIRED OK".to_owned(), format!("keyservice {}", digits(&old)));
    let file = tests::log::files(&scene.home.at("audit")).pop().unwrap();
    until("the old key has gone", LONG, || {
        let mut entries = tests::log::entries(&file).into_iter();
        entries.find(|entry| (entry.head(), entry.ext.clone()) == expired)
    });
    let status = |key: &Value, proof: (&str, &str)| {
        send(&scene.client, "GET", None, &form(&[("token", &token(key)), proof])).status
    };
    until("the old key has gone", LONG, || {
        (status(&old, ("passphrase", "p")) == 400).then_some(())
    });
    assert_eq!(status(&young, ("privatekeyhash", &hash)), 304);
}

#[test]
fn limits_hold() {
    let limits = "creations = 2\nreadings = 9\nmessages = 3\nbody_bytes = 200000\nkeys = 2\n\
        message_bytes = 1000";
    let scene = closed_as(limits, "anonymous = true");
    let make = || send(&scene.client, "POST", None, &form(&[("passphrase", "p")]));
    let key = make().json();
    assert_eq!(make().status, 200);
    let third = make();
    assert_eq!(third.status, 429);
    assert!(third.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let token = key["KeyToken"].as_str().unwrap();
    let put = |text: &str| {
        send(&scene.client, "PUT", None, &form(&[("token", token), ("message", text)]))
    };
    assert_eq!(put(&"x".repeat(1001)).status, 400, "too long a message");
    assert_eq!(put(&"x".repeat(200_000)).status, 413, "too long a body");
    for _ in 0..3 {
        assert_eq!(put(&"x".repeat(1000)).status, 200);
    }
    assert_eq!(put("x").status, 400, "as many as a key takes");
    let guess = || {
        let guess = form(&[("token", token), ("privatekeyhash", &"0".repeat(64))]);
        send(&scene.client, "GET", None, &guess).status
    };
    assert_eq!((0..9).map(|_| guess()).collect::<Vec<_>>(), [400; 9]);
    assert_eq!(guess(), 429);
}

/// What does not open a key is one answer to the last header; its time is reported.
#[test]
fn what_opens_nothing_is_not_told_apart() {
    let quick = "argon2_kib = 19456\nargon2_passes = 1\nreadings = 100000";
    let scene = closed_as(quick, "anonymous = true");
    let key = send(&scene.client, "POST", None, &form(&[("passphrase", "p")])).json();
    let token = key["KeyToken"].as_str().unwrap();
    let zeros = "0".repeat(64);
    for (times, name, wrong) in [(30, "passphrase", "q"), (150, "privatekeyhash", zeros.as_str())] {
        for method in ["GET", "DELETE"] {
            let ask = |token: &str| {
                let form = form(&[("token", token), (name, wrong)]);
                let mut reply = send(&scene.client, method, None, &form);
                for varies in ["date", "audit-index"] {
                    reply.headers.remove(varies);
                }
                (reply.status, reply.headers, reply.body)
            };
            let (mine, nobodys) = (ask(token), ask(NOBODY));
            assert_eq!((mine.0, &mine), (400, &nobodys), "{method} {name}");
            let same = |token: &str| assert_eq!(ask(token), mine, "{method} {name}");
            let compared = Comparison::of(times, || same(token), || same(NOBODY));
            println!("{method}, wrong {name} and unknown token: {compared}");
        }
    }
}

/// None of them is read to its end, or believed.
#[test]
fn what_is_too_much_is_refused_at_once() {
    let scene = Scene::new();
    let nested = "[".repeat(60_000);
    let bodies = [
        ("application/json", nested.as_str(), 400),
        ("application/xml", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", 400),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n--x--", 400),
        ("application/x-www-form-urlencoded", "%ff=%fe", 400),
    ];
    for method in ["POST", "PUT"] {
        for (media_type, body, status) in bodies {
            let answer = scene.client.send(method, SERVICE, |request| {
                request.header("Content-Type", media_type).body(body.to_owned())
            });
            assert_eq!(answer.status, status, "{method} {media_type}");
        }
        for path in [SERVICE, "/api/crypto/ecdh"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\nmessage=",
                10_u64 << 30
            );
            let answer = over_tls(&scene.daemon, head.as_bytes());
            assert_eq!(answer.status(), 413, "{method} {path}");
        }
    }
    // What is not much longer than it may be is read, so that the client gets to see the answer.
    let long = send(&Client::http1(&scene.daemon), "PUT", None, &"x".repeat(30 << 20));
    assert_eq!(long.status, 413);
    let zipped = scene.client.send("PUT", SERVICE, |request| {
        request.header("Content-Encoding", "gzip").body(vec![0x1f, 0x8b, 8, 0])
    });
    assert_eq!(zipped.status, 400);
}

/// There are two places for large bodies. Sixteen of 8 MiB come at once.
#[test]
fn memory_stays_flat_under_many_large_bodies() {
    let scene = Scene::new();
    let body = form(&[("token", NOBODY), ("message", &"x".repeat(8 << 20))]);
    let put = || {
        let client = Client::http1(&scene.daemon);
        assert_eq!(send(&client, "PUT", None, &body).status, 400);
    };
    put();
    let before = scene.daemon.peak();
    std::thread::scope(|threads| (0..16).for_each(|_| drop(threads.spawn(put))));
    let grown = scene.daemon.peak() - before;
    println!("{grown} KiB more than with one");
    assert!(grown < 160 << 10, "{grown} KiB");
}

/// A device where it takes scopes, with more in its section of the configuration.
fn closed(more: &str) -> Scene {
    closed_as(more, "anonymous = false")
}

fn closed_as(more: &str, anonymous: &str) -> Scene {
    let home: Home = Scene::new().stop();
    home.configure("creations = 600\nreadings = 6000\n", "");
    home.configure("anonymous = true", &format!("{anonymous}\n{more}"));
    Scene::serving(home)
}

fn send(client: &Client, method: &str, token: Option<&str>, form: &str) -> Reply {
    client.send(method, SERVICE, |request| {
        let request = request.timeout(Duration::from_secs(120));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned())
    })
}

/// A form as browsers write it.
fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

fn run(scene: &Scene, token: Option<&str>) -> Value {
    let ready = scene.daemon.ready();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/key-service.json");
    let mut client = python::client("key_service");
    client.arg(&ready.url).arg(&ready.ca_file).arg(vectors).args(token);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

const SERVICE: &str = "/Service";
const NOBODY: &str = "00000000000000000000000000000000";
const COUNTS: [(&str, u64); 18] = [
    ("no messages, 304", 2),
    ("sent", 5),
    ("read with the passphrase", 7),
    ("read with the hash", 7),
    ("parameters from elsewhere", 9),
    ("published message, read", 1),
    ("read with a private key", 12),
    ("read with a public key", 2),
    ("release dates", 2),
    ("XML", 7),
    ("kept as they came", 5),
    ("not told apart", 8),
    ("refused", 16),
    ("form of a refusal", 4),
    ("expands too far, left closed", 2),
    ("at once", 8),
    ("preflight", 2),
    ("deleted", 4),
];
