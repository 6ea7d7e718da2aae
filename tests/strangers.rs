//! What strangers and small clients can use up: not the places of the log, not the memory, not the
//! tokens' time of others.

use std::fs::File;
use std::io::{Read, Write};

use base64ct::{Base64, Encoding};
use serde_json::json;
use tests::client::Client;
use tests::daemon::{Daemon, Home};
use tests::frames::Frames;
use tests::log;
use tests::metrics::scrape;
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::wire::{Tls, over_tls, tls};

#[test]
fn bad_logins_take_no_places_of_the_log_while_they_wait() {
    let scene = Scene::new();
    let mut log = scene.log();
    let mut crowd: Vec<_> = (0..4).map(|_| Frames::connect(&scene.daemon)).collect();
    // The answers after the third are held back for a second and a half.
    let sample = |way| format!("claviger_logins_total{{way=\"{way}\",result=\"failed\"}}");
    for (path, way) in [("/api/auth/token", "passphrase"), ("/api/auth/ext/token", "authenticator")]
    {
        for connection in &mut crowd {
            for _ in 0..CROWD {
                connection.post(path, br#"{"auth":"x","authreply":"x"}"#);
            }
        }
        let open: Vec<_> =
            (0..20).map(|_| scrape(&scene.daemon).get("claviger_audit_open_entries")).collect();
        assert!(open.iter().all(|open| *open < 16.0), "{path}: {open:?}");
        for connection in &mut crowd {
            connection.await_ends(CROWD);
        }
        assert_eq!(scrape(&scene.daemon).get(&sample(way)), 64.0, "{path}");
    }
    assert_eq!(log.heads(), [""; 0]);
    // Good logins wait too, and get in.
    scene.user("keymgmt:list");
    assert_eq!(log.heads(), ["AUTH_SUCCESS_INTERNAL OK"]);
}

#[test]
fn requests_with_a_body_are_bounded_until_they_are_answered() {
    let home = Home::new();
    home.start().stop();
    let limits =
        "\n[listen.limits]\nbody_ms = 60000\nrequests = 6\nrequests_per_address = 4\n\n[tls]\n";
    home.configure("\n[tls]\n", limits);
    let daemon = home.start();
    let settings = Frames::connect(&daemon).settings();
    assert_eq!((settings[&3], settings[&6]), (16, 8 << 10), "streams and bytes of a head");
    let mut slow: Vec<_> = (0..4).map(|_| begun(&daemon)).collect();
    let client = Client::of(&daemon);
    let checkin = || client.post_bytes("/api/system/checkin", None, b"{}".to_vec());
    let refused = checkin();
    assert_eq!((refused.status, refused.header("Retry-After")), (503, "1"), "{refused:?}");
    assert_eq!(client.call("GET", "/api/system/status", None, None).status, 200, "no body");
    let mut first = slow.remove(0);
    first.write_all(b"{}").unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    assert_eq!(checkin().status, 400, "its place is free");
    // Those who hang up leave theirs.
    drop(slow);
    until("places are free", LONG, || {
        let mut all: Vec<_> = (0..4).map_while(|_| try_begun(&daemon)).collect();
        all.drain(..).count().eq(&4).then_some(())
    });
}

#[test]
fn a_log_file_is_sent_as_it_is_read() {
    let scene = Scene::at(Scene::new().stop());
    let token = scene.user("logger:get");
    let file = log::files(&scene.home.at("audit")).remove(0);
    let start = std::fs::read(&file).unwrap();
    // Nothing that long would be written in a test; what is behind the end reads as zeros.
    File::options().write(true).open(&file).unwrap().set_len(LENGTH).unwrap();
    let path = format!("/api/logger/{}", file.file_stem().unwrap().to_str().unwrap());
    let before = most_memory(&scene.daemon);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = over_tls(&scene.daemon, request.as_bytes());
    assert_eq!(answer.status(), 200);
    assert!(answer.has(&format!("Content-Length: {LENGTH}")), "{:?}", answer.headers);
    assert!(answer.has("Content-Type: text/plain"), "{:?}", answer.headers);
    assert!(!answer.headers.iter().any(|header| header.starts_with("Transfer-Encoding")));
    for body in [answer.body, scene.client.get(&path, &token).body] {
        assert_eq!(u64::try_from(body.len()).unwrap(), LENGTH);
        assert!(body.starts_with(&start), "byte for byte");
        assert!(body[start.len()..].iter().all(|byte| *byte == 0));
    }
    let grown = most_memory(&scene.daemon) - before;
    assert!(grown < LENGTH / 2 / 1024, "{grown} KiB more than before");
}

/// One address has as much as it may have, and what is too much leaves no entry and costs the token
/// nothing.
#[test]
fn what_strangers_may_have_is_counted_by_address() {
    let home = Home::new();
    home.start().stop();
    home.configure(
        "\n[tls]\n",
        "\n[listen.limits]\nrefusals = 3\nrefusals_per_minute = 1\n\n[tls]\n",
    );
    home.configure("anonymous = true", "anonymous = true\nsendings = 1");
    home.configure("[key-agreement]", "[hem]\ndemands = 1\n\n[key-agreement]");
    let scene = Scene::at(home);
    let mut log = scene.log();
    let demand = || {
        let epk = Base64::encode_string(&[9; 32]);
        let body = json!({ "epk": epk, "scope": "keymgmt:list" });
        scene.client.call("POST", "/api/auth/ext/request", None, Some(&body))
    };
    assert_eq!(demand().status, 200);
    let refused = demand();
    assert_eq!((refused.status, log.heads()), (503, vec![]), "{refused:?}");
    assert!(refused.header("Retry-After").parse::<u64>().unwrap() >= 1);
    let letter = "token=00000000000000000000000000000000&message=x".to_owned();
    let send = || {
        scene.client.send("PUT", "/Service", |request| {
            request.header("Content-Type", "application/x-www-form-urlencoded").body(letter.clone())
        })
    };
    assert_eq!((send().status, log.heads()), (400, vec!["KEYSERVICE_SEND ERROR".to_owned()]));
    let refused = send();
    assert_eq!((refused.status, log.heads()), (429, vec![]), "{refused:?}");
    assert!(refused.header("Retry-After").parse::<u64>().unwrap() >= 1);
    // The first of three refusals was a letter to nobody.
    let agree = || scene.client.call("POST", "/rest/key-agreement", None, Some(&json!({}))).status;
    assert_eq!([agree(), agree()], [400, 400]);
    assert_eq!(log.heads(), ["KEY_AGREEMENT ERROR"; 2]);
    assert_eq!([agree(), agree(), send().status], [429; 3]);
    assert_eq!(log.heads(), [""; 0]);
    // Whoever has a token is no stranger, and gets one.
    scene.user("keymgmt:list");
    assert_eq!(log.heads(), ["AUTH_SUCCESS_INTERNAL OK"]);
}

/// However many ask for a key to log in with, they leave room where keys are made.
#[test]
fn key_agreements_take_few_places_of_the_slow_queue() {
    let scene = Scene::new();
    let point =
        "BI5TO2+gv3tGJbswZnwB+2B++fi4qA/vWzAGKHAxh7Kjc+sdveAzGDZtBp+DpvWQAFPHNjPLBBshxV4ahsH0ALQ=";
    let offer = json!({
        "identifier": "YQ==", "nonce": Base64::encode_string(&[7; 16]), "public_key": point,
        "supported_schemes": ["SCHEME-EC-AES1"],
    })
    .to_string();
    let mut crowd: Vec<_> = (0..3).map(|_| Frames::connect(&scene.daemon)).collect();
    for _ in 0..4 {
        for connection in &mut crowd {
            for _ in 0..CROWD {
                connection.post("/rest/key-agreement", offer.as_bytes());
            }
        }
        let slow = scrape(&scene.daemon).get("claviger_token_queue_depth{queue=\"slow\"}");
        assert!(slow <= 8.0, "{slow}");
        crowd.iter_mut().for_each(|connection| connection.await_ends(CROWD));
    }
    let sample =
        "claviger_requests_total{route=\"/rest/key-agreement\",method=\"POST\",status=\"200\"}";
    assert_eq!(scrape(&scene.daemon).get(sample), 192.0, "they wait for their turn");
}

/// A request whose head has come and whose body has not, as the daemon says.
fn begun(daemon: &Daemon) -> Tls {
    try_begun(daemon).expect("it is let in")
}

fn try_begun(daemon: &Daemon) -> Option<Tls> {
    let mut stream = tls(daemon, &["http/1.1"]).unwrap();
    let head = "POST /api/system/checkin HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    (&answer == b"HTTP/1.1 100 Continue\r\n\r\n").then_some(stream)
}

/// The most memory that the daemon has had, in KiB.
fn most_memory(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.ready().pid)).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Requests that a connection of HTTP/2 has at once.
const CROWD: usize = 16;
/// Of a log file, in bytes.
const LENGTH: u64 = 64 << 20;
