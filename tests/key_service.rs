//! The key service (docs/key-service.md).

use std::time::Duration;

use serde_json::Value;
use tests::client::{Client, Reply};
use tests::daemon::Home;
use tests::scene::Scene;
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
    for (method, scope) in ["POST", "PUT", "GET", "DELETE"].into_iter().zip(&all) {
        let ask = |token: Option<&str>| send(&scene.client, method, token, &form);
        assert_eq!(ask(None).status, 401, "{method}");
        assert_eq!(ask(Some("nonsense")).status, 401, "{method}");
        for other in &all {
            let status = ask(Some(&scene.user(other))).status;
            match other == scope {
                true => assert!([200, 400].contains(&status), "{method} with {other}: {status}"),
                false => assert_eq!(status, 403, "{method} with {other}"),
            }
        }
    }
    let denied = log.heads().iter().filter(|head| *head == "FAILED_SCOPE_CHECK FAILED").count();
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
    let read = |scene: &Scene| send(&scene.client, "GET", None, &form(&mine));
    assert_eq!(read(&scene).status, 304);
    let message = form(&[("token", token), ("message", "a message")]);
    assert_eq!(send(&scene.client, "PUT", None, &message).body, b"true");
    assert_eq!(read(&scene).status, 200);
    let wrong = form(&[("token", token), ("passphrase", "q")]);
    assert_eq!(send(&scene.client, "GET", None, &wrong).status, 400);
    let heads = ["CREATE OK", "READ OK", "SEND OK", "READ OK", "READ ERROR"];
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
    let before = peak(&scene);
    std::thread::scope(|threads| (0..16).for_each(|_| drop(threads.spawn(put))));
    let grown = peak(&scene) - before;
    println!("{grown} KiB more than with one");
    assert!(grown < 160 << 10, "{grown} KiB");
}

/// The most memory that the daemon had, in KiB.
fn peak(scene: &Scene) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", scene.daemon.ready().pid));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A device where it takes scopes, with more in its section of the configuration.
fn closed(more: &str) -> Scene {
    closed_as(more, "anonymous = false")
}

fn closed_as(more: &str, anonymous: &str) -> Scene {
    let home: Home = Scene::new().stop();
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
const COUNTS: [(&str, u64); 16] = [
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
    ("not told apart", 8),
    ("refused", 16),
    ("expands too far, left closed", 2),
    ("at once", 8),
    ("preflight", 2),
    ("deleted", 4),
];
