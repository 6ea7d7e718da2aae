//! What comes before any route: TLS, plain requests, bounds, the end of the daemon (hem.md A1).

mod waiting;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use rustls::{NamedGroup, ProtocolVersion};
use serde_json::json;
use tests::client::Client;
use tests::daemon::{Home, USER};
use tests::log::{self, LogReader};
use tests::login::{self, Challenge, now};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::wire::{Raw, connect, over_tls, read_all, tls};

#[test]
fn plain_requests_of_every_shape_get_all_of_a_418() {
    let home = Home::new();
    let daemon = home.start();
    for address in [daemon.address(), daemon.plain_address()] {
        for (name, request) in plain_requests() {
            for _ in 0..5 {
                let mut stream = connect(address);
                // The answer may come before all is sent; what then fails is the sending.
                let _ = stream.write_all(&request);
                let answer = read_all(&mut stream).unwrap_or_else(|e| panic!("{name}: {e}"));
                is_teapot(&answer, name);
            }
        }
    }
    let mut log = LogReader::of(&daemon);
    for round in 0..100 {
        let mut stream = connect(daemon.address());
        let _ = stream.write_all(&huge_post());
        is_teapot(&read_all(&mut stream).unwrap_or_else(|e| panic!("round {round}: {e}")), "huge");
    }
    let mut slow = connect(daemon.address());
    for byte in b"GET /api/system/status HTTP/1.1\r\nHost: x\r\n\r\n" {
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    is_teapot(&read_all(&mut slow).unwrap(), "byte by byte");
    assert_eq!(log.heads(), [""; 0]);
    assert_eq!(Client::of(&daemon).call("GET", "/api/system/status", None, None).status, 200);
}

#[test]
fn garbage_is_closed_without_an_answer() {
    let home = Home::new();
    let daemon = home.start();
    for address in [daemon.address(), daemon.plain_address()] {
        for garbage in [
            &b"\0\0\0\0"[..],
            b" GET / HTTP/1.1\r\n\r\n",
            b"\x80\x2e\x01\x03\x01",
            b"\x15\x03\x01\x00\x02\x02\x28",
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"\xff\xfe",
            b"",
        ] {
            let mut stream = connect(address);
            let _ = stream.write_all(garbage);
            let _ = stream.shutdown(Shutdown::Write);
            match read_all(&mut stream) {
                Ok(answer) => assert!(answer.is_empty(), "{garbage:?}: {answer:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
        }
    }
    let mut hello = connect(daemon.plain_address());
    hello.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let _ = hello.shutdown(Shutdown::Write); // It may be closed from there already.
    assert!(read_all(&mut hello).unwrap_or_default().is_empty(), "TLS on the plain listener");
    assert_eq!(Client::of(&daemon).call("GET", "/api/system/status", None, None).status, 200);
}

#[test]
fn tls_is_1_3_with_a_post_quantum_group() {
    let home = Home::new();
    let daemon = home.start();
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = tls(&daemon, offered).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), chosen.map(str::as_bytes), "{offered:?}");
        assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let group = stream.conn.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
    }
    assert!(tls(&daemon, &["spdy/3"]).is_err(), "an unknown protocol");
    // The TLS library of these tests knows 1.3 alone; openssl is among what they need.
    for (version, good) in [("-tls1_2", false), ("-tls1_1", false), ("-tls1_3", true)] {
        let ran = Command::new("openssl")
            .args(["s_client", version, "-verify_return_error", "-servername", "localhost"])
            .arg("-connect")
            .arg(daemon.address().to_string())
            .arg("-CAfile")
            .arg(&daemon.ready().ca_file)
            .stdin(Stdio::null())
            .output()
            .expect("openssl is missing: run .ci/need test");
        assert_eq!(ran.status.success(), good, "{version}: {ran:?}");
    }
}

#[test]
fn headers_of_http1_are_in_title_case_with_a_length() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:list");
    for (path, authorization, status) in [
        ("/api/system/status", String::new(), 200),
        ("/api/keymgmt/list", format!("Authorization: Bearer {token}\r\n"), 200),
        ("/api/keymgmt/list", String::new(), 401),
        ("/api/nothing", String::new(), 404),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nOrigin: https://a.example\r\n\
             {authorization}Connection: close\r\n\r\n"
        );
        let answer = over_tls(&scene.daemon, request.as_bytes());
        assert_eq!(answer.status(), status);
        let length = format!("Content-Length: {}", answer.body.len());
        assert!(answer.has(&length), "{answer:?}");
        assert!(answer.has("Content-Type: application/json"), "{answer:?}");
        assert!(answer.has("Access-Control-Allow-Origin: https://a.example"), "{answer:?}");
        assert_eq!(answer.body.is_empty(), status != 200);
        for header in &answer.headers {
            let (name, _) = header.split_once(": ").unwrap();
            for part in name.split('-') {
                assert!(part.starts_with(|c: char| c.is_ascii_uppercase()), "{header}");
                assert!(!part[1..].contains(|c: char| c.is_ascii_uppercase()), "{header}");
            }
            assert_ne!(name, "Transfer-Encoding");
        }
    }
}

#[test]
fn bodies_are_bounded_and_the_answer_is_readable() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:gen");
    let http1 = Client::http1(&scene.daemon);
    for client in [&http1, &scene.client] {
        for (length, status) in [(7300, 400), (7301, 413), (100_000, 413), (1 << 20, 413)] {
            let reply = client.post_bytes("/api/keymgmt/create", Some(&token), vec![b' '; length]);
            assert_eq!(reply.status, status, "{length} bytes");
            assert!(reply.body.is_empty());
        }
    }
    let post = |more: &str| {
        let request = format!(
            "POST /api/keymgmt/create HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n{more}"
        );
        over_tls(&scene.daemon, request.as_bytes()).status()
    };
    assert_eq!(post("\r\n"), 411);
    assert_eq!(post("Content-Length: 0\r\n\r\n"), 411);
    assert_eq!(post("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 411);
    assert_eq!(post("Content-Length: x\r\n\r\n{}"), 400);
    assert_eq!(post("Content-Length: 2\r\n\r\n{}"), 400);
    assert_eq!(post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), 400);
}

#[test]
fn a_stop_lets_requests_finish() {
    let scene = Scene::new();
    let challenge = Challenge::ask(&scene.client);
    let login = challenge.answer(USER, "keymgmt:list", now() + 600).sign();
    let body = json!({ "auth": login }).to_string();
    let head = format!(
        "POST /api/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = tls(&scene.daemon, &["http/1.1"]).unwrap();
    let (address, mut daemon) = (scene.daemon.address(), scene.daemon);
    stream.write_all(head.as_bytes()).unwrap();
    // Now it is under way, and it will be held back for half a second more.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    daemon.signal(Signal::SIGTERM);
    let home = &scene.home;
    until("it is stopping", LONG, || home.messages().contains("stopping").then_some(()));
    stream.write_all(body.as_bytes()).unwrap();
    stream.flush().unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = Raw::parse(&answer);
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert!(daemon.wait().success());
    assert!(TcpStream::connect(address).is_err(), "somebody still listens");
    let file = log::files(&scene.home.at("audit")).pop().unwrap();
    let heads: Vec<_> = log::entries(&file).iter().map(log::Entry::head).collect();
    assert!(heads.contains(&"AUTH_SUCCESS_INTERNAL OK".to_owned()), "{heads:?}");
    assert_eq!(heads.last().map(String::as_str), Some("SHUTDOWN OK"));
}

#[test]
fn the_plain_listener_can_serve_what_the_device_serves_there() {
    let home = Home::new();
    home.start().stop();
    home.configure("plain_http = \"refuse\"", "plain_http = \"device\"");
    let daemon = home.start();
    let (plain, https) = (Client::plain(&daemon), Client::of(&daemon));
    let status = plain.call("GET", "/api/system/status", None, None).json();
    assert_eq!(status["https"], true);
    assert!(https.call("GET", "/api/system/status", None, None).json().get("https").is_none());
    let token = login::bearer(&plain, USER, "system:config");
    assert_eq!(plain.get("/api/system/config", &token).status, 200);
    let key = login::bearer(&plain, USER, "keymgmt:list");
    let mut entries = LogReader::of(&daemon);
    for (method, path) in [
        ("GET", "/api/keymgmt/list"),
        ("GET", "/api/keymgmt/get/00000000000000000000000000000000"),
        ("DELETE", "/api/keymgmt/delete/00000000000000000000000000000000"),
        ("POST", "/api/keymgmt/create"),
        ("POST", "/api/crypto/ecdh"),
    ] {
        let body = (method == "POST").then(|| json!({ "kid": "x" }));
        let reply = plain.call(method, path, Some(&key), body.as_ref());
        assert_eq!(reply.status, 418, "{method} {path}");
        assert!(reply.body.is_empty());
    }
    let mut stream = connect(daemon.plain_address());
    let request = b"GET /api/keymgmt/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let answer = Raw::parse(&read_all(&mut stream).unwrap());
    assert_eq!(answer.status_line, "HTTP/1.1 418 ", "an empty reason phrase");
    assert!(answer.has("Content-Length: 0"), "{answer:?}");
    assert_eq!(plain.call("GET", "/api/no/such", None, None).status, 404);
    for (method, path) in [
        ("GET", "/rest/login"),
        ("OPTIONS", "/rest/login"),
        ("GET", "/rest/no/such"),
        ("DELETE", "/Service"),
        ("GET", "/api/token/new"),
        ("GET", "/v1/security/e2eData"),
    ] {
        assert_eq!(plain.call(method, path, None, None).status, 418, "{method} {path}");
    }
    assert_eq!(entries.heads(), [""; 0]);
    assert_eq!(https.get("/api/keymgmt/list", &key).status, 200);
    let mut tls_port = connect(daemon.address());
    tls_port.write_all(request).unwrap();
    is_teapot(&read_all(&mut tls_port).unwrap(), "plain on the TLS port stays refused");
}

fn is_teapot(answer: &[u8], what: &str) {
    let text = String::from_utf8_lossy(answer);
    assert!(text.starts_with("HTTP/1.1 418 \r\n"), "{what}: {text:?}");
    let answer = Raw::parse(answer);
    assert!(answer.body.is_empty(), "{what}");
    for line in ["Content-Length: 0", "Connection: close"] {
        assert!(answer.has(line), "{what}: {answer:?}");
    }
}

fn plain_requests() -> Vec<(&'static str, Vec<u8>)> {
    let small = [
        ("GET", "GET /api/system/status HTTP/1.1\r\nHost: x\r\n\r\n"),
        (
            "POST with a body",
            "POST /api/crypto/ecdh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{}",
        ),
        ("lower case", "get /api/system/status HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"),
        ("HTTP/2 prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("absolute URI", "GET http://x/api/system/status HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n"),
        ("HEAD", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("DELETE", "DELETE /api/keymgmt/delete/0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a line alone", "GET /\r\n"),
    ];
    let mut all = Vec::from(small.map(|(name, text)| (name, text.as_bytes().to_vec())));
    all.push(("huge POST", huge_post()));
    all
}

/// 1 MiB.
fn huge_post() -> Vec<u8> {
    let mut request =
        b"POST /api/crypto/ecdh HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n".to_vec();
    request.resize(request.len() + (1 << 20), b'x');
    request
}
