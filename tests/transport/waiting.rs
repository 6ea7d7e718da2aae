//! How long connections may wait, and how many there may be.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use tests::client::Client;
use tests::daemon::{Daemon, Home, USER};
use tests::login;
use tests::patience::{LONG, until};
use tests::wire::{Tls, connect, over_tls, read_all, tls};

#[test]
fn slow_clients_and_crowds_are_shown_the_door() {
    let home = Home::new();
    home.start().stop();
    home.configure(
        "\n[tls]\n",
        "\n[listen.limits]\nheader_ms = 1500\nbody_ms = 1500\nhandshake_ms = 3000\n\
         connections_per_address = 8\n\n[tls]\n",
    );
    let daemon = home.start();
    let silent = [&b""[..], b"G", b"\x16\x03"].map(|first| {
        let mut stream = connect(daemon.address());
        stream.write_all(first).unwrap();
        (first, stream)
    });
    for (first, mut stream) in silent {
        assert!(read_all(&mut stream).unwrap_or_default().is_empty(), "{first:?}");
    }
    let mut header = tls(&daemon, &["http/1.1"]).unwrap();
    let start = Instant::now();
    header.write_all(b"GET /api/system/status HTTP/1.1\r\nHost: loc").unwrap();
    let mut rest = Vec::new();
    let _ = header.read_to_end(&mut rest);
    assert!(start.elapsed() >= Duration::from_millis(1000));
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "), "a slow header is not served");
    let token = login::bearer(&Client::of(&daemon), USER, "keymgmt:gen");
    let body = format!(
        "POST /api/keymgmt/create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    let answer = over_tls(&daemon, body.as_bytes());
    assert_eq!(answer.status(), 408, "a slow body");
    crowds_are_turned_away(&daemon);
}

#[test]
fn a_head_that_drips_is_cut_long_before_an_idle_connection() {
    let home = Home::new();
    home.start().stop();
    let limits = "\n[listen.limits]\nheader_ms = 1000\nidle_ms = 60000\n\n[tls]\n";
    home.configure("\n[tls]\n", limits);
    let daemon = home.start();
    let mut stream = tls(&daemon, &["http/1.1"]).unwrap();
    // Longer than a head may take: idle time does not count.
    std::thread::sleep(Duration::from_millis(1500));
    let start = Instant::now();
    stream.write_all(b"GET /api/system/status HTTP/1.1\r\nHost: localhost\r\nX: ").unwrap();
    until("it is cut", LONG, || {
        stream.write_all(b"x").and_then(|()| stream.flush()).is_err().then_some(())
    });
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
    assert_eq!(cut(&daemon, "header"), 1.0);
    assert_eq!(cut(&daemon, "idle"), 0.0);
}

#[test]
fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let home = Home::new();
    home.start().stop();
    let limits = "\n[listen.limits]\nheader_ms = 60000\nidle_ms = 3000\n\n[tls]\n";
    home.configure("\n[tls]\n", limits);
    let daemon = home.start();
    let mut expected = 3.0;
    let (mut stream, start) = until("requests put off the end", LONG, || {
        let busy = busy_for_a_while(&daemon, Duration::from_millis(3000));
        expected += f64::from(u8::from(busy.is_none()));
        busy
    });
    assert!(start.elapsed() >= Duration::from_millis(4200));
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0, "closed in order");
    assert!(start.elapsed() >= Duration::from_millis(5700), "{:?}", start.elapsed());
    // One that never asks, over either protocol. HTTP/2 says farewell with a GOAWAY (type 7).
    for (protocol, hello) in [("http/1.1", &b""[..]), ("h2", HELLO)] {
        let (start, mut said) = (Instant::now(), Vec::new());
        let mut stream = tls(&daemon, &[protocol]).unwrap();
        stream.write_all(hello).unwrap();
        let ended = stream.read_to_end(&mut said);
        assert!(
            start.elapsed() >= Duration::from_millis(2900),
            "{protocol}: {:?}",
            start.elapsed()
        );
        let is_open = ended.is_err_and(|why| why.kind() == ErrorKind::WouldBlock);
        assert!(!is_open, "{protocol} is not closed");
        let goes_away = said.windows(5).any(|five| five[..2] == [0, 0] && five[3..] == [7, 0]);
        assert_eq!(goes_away, protocol == "h2", "{said:?}");
    }
    assert_eq!(cut(&daemon, "idle"), expected);
    assert_eq!(cut(&daemon, "header"), 0.0);
}

/// A connection on which something was asked three times, for longer in all than it may be `idle`, and
/// when that began. `None` where the daemon had reason to close it: this process was kept waiting.
fn busy_for_a_while(daemon: &Daemon, idle: Duration) -> Option<(Tls, Instant)> {
    let request = b"GET /api/system/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stream = tls(daemon, &["http/1.1"]).unwrap();
    let start = Instant::now();
    let mut asked = start;
    for _ in 0..3 {
        let before = std::mem::replace(&mut asked, Instant::now());
        let mut some = [0; 4096];
        let read = stream.write_all(request).and_then(|()| stream.read(&mut some)).unwrap_or(0);
        if !some[..read].starts_with(b"HTTP/1.1 200") {
            assert!(before.elapsed() >= idle, "closed after {:?}", before.elapsed());
            return None;
        }
        std::thread::sleep(Duration::from_millis(1400));
    }
    Some((stream, start))
}

/// How many connections were cut for that reason.
fn cut(daemon: &Daemon, reason: &str) -> f64 {
    let sample = format!("claviger_connections_cut_total{{reason=\"{reason}\"}}");
    tests::metrics::scrape(daemon).get(&sample)
}

/// The preface of HTTP/2 and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Eight connections from one address are let in, others are closed at once. On a slow machine the
/// first may have idled out before the ninth comes: then it is tried again.
fn crowds_are_turned_away(daemon: &Daemon) {
    until("a ninth connection is turned away", LONG, || {
        let inside: Vec<_> = (0..8).map_while(|_| tls(daemon, &["http/1.1"]).ok()).collect();
        let turned_away = tls(daemon, &["http/1.1"]).is_err();
        (inside.len() == 8 && turned_away).then_some(())
    });
    until("there is room again", LONG, || tls(daemon, &["http/1.1"]).ok());
}
