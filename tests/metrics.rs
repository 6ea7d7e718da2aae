//! What the daemon tells about itself: counted, never told of whom; ready only when it is.

use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::daemon::{Home, MASTER, USER};
use tests::login::{Challenge, now};
use tests::metrics::{ask, scrape};
use tests::patience::{LONG, until};
use tests::process::kill_worker;
use tests::scene::Scene;
use tests::wire::{connect, read_all, tls};

#[test]
fn strangers_are_counted_and_not_in_the_log() {
    let scene = Scene::new();
    let mut log = scene.log();
    let before = scrape(&scene.daemon);
    for address in [scene.daemon.address(), scene.daemon.address(), scene.daemon.plain_address()] {
        let mut stream = connect(address);
        stream.write_all(b"GET /api/keymgmt/list HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert!(read_all(&mut stream).unwrap().starts_with(b"HTTP/1.1 418"));
    }
    for (path, token) in [
        ("/api/keymgmt/list", None),
        ("/api/keymgmt/list", Some("garbage")),
        ("/api/logger/key", None),
        ("/api/system/status", Some("garbage")),
    ] {
        assert_eq!(scene.client.call("GET", path, token, None).status, 401, "{path}");
    }
    let challenge = Challenge::ask(&scene.client);
    let login = challenge.answer("not the passphrase", "keymgmt:list", now() + 600).sign();
    let body = json!({ "auth": login });
    assert_eq!(scene.client.call("POST", "/api/auth/token", None, Some(&body)).status, 401);
    scene.user("keymgmt:list");
    // What may be in the log is the one login that succeeded.
    assert_eq!(log.heads(), ["AUTH_SUCCESS_INTERNAL OK"]);
    let after = scrape(&scene.daemon);
    for (sample, more) in [
        ("claviger_plain_requests_refused_total{listener=\"tls\"}", 2.0),
        ("claviger_plain_requests_refused_total{listener=\"plain\"}", 1.0),
        ("claviger_unauthenticated_requests_total", 3.0),
        ("claviger_logins_total{way=\"passphrase\",result=\"failed\"}", 1.0),
        ("claviger_logins_total{way=\"passphrase\",result=\"succeeded\"}", 1.0),
        ("claviger_audit_entries_total", 1.0),
    ] {
        assert_eq!(after.get(sample) - before.get(sample), more, "{sample}\n{}", after.text);
    }
}

#[test]
fn logins_to_accounts_and_every_status_have_names() {
    let scene = Scene::new();
    let right = std::fs::read_to_string(scene.home.at("operator-password")).unwrap();
    for (password, status) in [("not the password", 401), (right.trim(), 200)] {
        let body = json!({ "domain": "", "username": "operator", "password": password });
        let reply = scene.client.call("POST", "/rest/login", None, Some(&body));
        assert_eq!(reply.status, status, "{reply:?}");
    }
    assert_eq!(scene.client.call("PUT", "/rest/login", None, None).status, 405);
    let samples = scrape(&scene.daemon);
    for sample in [
        "claviger_logins_total{way=\"account\",result=\"failed\"}",
        "claviger_logins_total{way=\"account\",result=\"succeeded\"}",
    ] {
        assert_eq!(samples.get(sample), 1.0, "{sample}\n{}", samples.text);
    }
    assert!(samples.text.contains("status=\"405\""), "{}", samples.text);
    assert!(!samples.text.contains("status=\"other\""), "{}", samples.text);
}

#[test]
fn work_moves_the_figures() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let ask_ecdh = json!({ "kid": kid, "ext_kid": kid });
    assert_eq!(scene.ecdh(&kid, &ask_ecdh).status, 200);
    let before = scrape(&scene.daemon);
    for _ in 0..3 {
        assert_eq!(scene.ecdh(&kid, &ask_ecdh).status, 200);
    }
    assert_eq!(scene.ecdh(&kid, &json!({ "kid": kid })).status, 406);
    scene.create("SECP256R1", None);
    assert_eq!(scene.client.call("GET", "/no/such/path", None, None).status, 404);
    let after = scrape(&scene.daemon);
    let ecdh = "route=\"/api/crypto/ecdh\",method=\"POST\"";
    for (sample, more) in [
        (format!("claviger_requests_total{{{ecdh},status=\"200\"}}"), 3.0),
        (format!("claviger_requests_total{{{ecdh},status=\"406\"}}"), 1.0),
        (format!("claviger_request_duration_seconds_count{{{ecdh}}}"), 4.0),
        ("claviger_requests_total{route=\"unmatched\",method=\"any\",status=\"404\"}".into(), 1.0),
        ("claviger_token_operations_total{operation=\"agree\",result=\"ok\"}".into(), 3.0),
        ("claviger_token_operations_total{operation=\"generate_pair\",result=\"ok\"}".into(), 1.0),
        ("claviger_audit_entries_total".into(), 5.0),
    ] {
        assert_eq!(after.get(&sample) - before.get(&sample), more, "{sample}\n{}", after.text);
    }
    for sample in [
        "claviger_store_transactions_total{result=\"committed\"}",
        "claviger_audit_sync_duration_seconds_count",
        "claviger_audit_sync_duration_seconds_sum",
        "claviger_request_duration_seconds_sum",
        "claviger_token_operation_duration_seconds_sum{operation=\"agree\"}",
    ] {
        assert!(after.sum(sample) > before.sum(sample), "{sample}\n{}", after.text);
    }
    for (sample, value) in [
        ("claviger_token_state{claviger_token_state=\"ready\"}", 1.0),
        ("claviger_token_state{claviger_token_state=\"down\"}", 0.0),
        ("claviger_token_queue_depth{queue=\"fast\"}", 0.0),
        ("claviger_audit_open_entries", 0.0),
        ("claviger_audit_writable", 1.0),
        ("claviger_audit_failures_total", 0.0),
    ] {
        assert_eq!(after.get(sample), value, "{sample}");
    }
    assert!(after.get("process_resident_memory_bytes") > 1e6);
    assert!(after.get("claviger_worker_resident_memory_bytes") > 1e6);
    assert!(
        (after.get("process_start_time_seconds") - Value::from(now()).as_f64().unwrap()).abs()
            < 600.0
    );
    assert!(after.text.contains("claviger_build_info{version=\"0."), "{}", after.text);
}

#[test]
fn connections_are_counted_with_the_reason_of_their_end() {
    let home = Home::new();
    home.start().stop();
    home.configure("\n[tls]\n", "\n[listen.limits]\nconnections_per_address = 4\n\n[tls]\n");
    let daemon = home.start();
    let open = |count: f64| {
        until("so many are open", LONG, || {
            (scrape(&daemon).get("claviger_connections_open") == count).then_some(())
        });
    };
    let inside: Vec<_> = (0..4).map(|_| tls(&daemon, &["http/1.1"]).unwrap()).collect();
    open(4.0);
    assert!(tls(&daemon, &["http/1.1"]).is_err());
    let refused = "claviger_connections_refused_total{reason=\"address\"}";
    assert!(scrape(&daemon).get(refused) >= 1.0);
    drop(inside);
    open(0.0);
    let mut garbage = connect(daemon.address());
    garbage.write_all(b"\0\0\0\0").unwrap();
    let _ = read_all(&mut garbage);
    until("garbage is counted", LONG, || {
        let cut = scrape(&daemon).get("claviger_connections_cut_total{reason=\"garbage\"}");
        (cut == 1.0).then_some(())
    });
}

#[test]
fn nothing_of_a_caller_becomes_a_label() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let token = scene.user_of(&kid);
    let canary = "canary-4f1c";
    let body = json!({ "label": canary, "type": "SECP256R1", "descr": "Y2FuYXJ5LTRmMWM=" });
    let made = scene.client.post("/api/keymgmt/create", &scene.user("keymgmt:gen"), &body);
    assert_eq!(made.status, 200);
    scene.client.get(&format!("/api/keymgmt/get/{kid}"), &scene.user("keymgmt:get"));
    scene.client.call("GET", &format!("/api/{canary}?{canary}"), Some(canary), None);
    scene.client.send(canary, "/api/system/status", |request| request.header("User-Agent", canary));
    scene.client.call("POST", "/api/auth/token", None, Some(&json!({ "auth": canary })));
    let pin = std::fs::read_to_string(scene.home.at("pin")).unwrap();
    let samples = scrape(&scene.daemon);
    let made = made.text("kid");
    for hidden in [USER, MASTER, pin.trim(), &token, &kid, &made, canary, "127.0.0.1"] {
        assert!(!samples.text.contains(hidden), "{hidden} in\n{}", samples.text);
    }
    let labels = samples.labels();
    let names: Vec<_> = labels.keys().map(String::as_str).collect();
    let known = [
        "claviger_token_state",
        "le",
        "listener",
        "method",
        "operation",
        "queue",
        "reason",
        "result",
        "route",
        "status",
        "version",
        "way",
    ];
    assert_eq!(names, known);
    let routes = clavigerd::routes::routes();
    for route in &labels["route"] {
        let is_row = routes.iter().any(|row| row.path == route);
        assert!(is_row || route == "unmatched", "{route}");
    }
}

#[test]
fn it_is_ready_only_while_the_token_computes() {
    let scene = Scene::new();
    let live = ask(&scene.daemon, "GET", "/health/live");
    assert_eq!((live.status(), live.body.as_slice()), (200, &b"{\"live\":true}"[..]));
    let well =
        json!({ "ready": true, "log": true, "selftest": true, "state": true, "token": true });
    assert_eq!(readiness(&scene), (200, well.clone()));
    // Without its PIN no other worker comes up.
    let (pin, away) = (scene.home.at("pin"), scene.home.at("pin.away"));
    std::fs::rename(&pin, &away).unwrap();
    kill_worker(&scene.daemon);
    until("the token is missed", LONG, || (readiness(&scene).0 == 503).then_some(()));
    let ill =
        json!({ "ready": false, "log": true, "selftest": true, "state": true, "token": false });
    assert_eq!(readiness(&scene), (503, ill));
    let samples = scrape(&scene.daemon);
    assert_eq!(samples.get("claviger_token_state{claviger_token_state=\"down\"}"), 1.0);
    assert!(
        samples.get("claviger_token_operations_total{operation=\"mac\",result=\"down\"}") >= 1.0
    );
    assert_eq!(ask(&scene.daemon, "GET", "/health/live").status(), 200);
    std::fs::rename(&away, &pin).unwrap();
    until("the token is back", LONG, || (readiness(&scene) == (200, well.clone())).then_some(()));
    let samples = scrape(&scene.daemon);
    assert_eq!(samples.get("claviger_token_worker_restarts_total"), 1.0);
}

#[test]
fn nothing_else_is_served_there_and_nothing_of_it_elsewhere() {
    let home = Home::new();
    let daemon = home.start();
    for path in ["/", "/api/system/status", "/metrics/", "/health", "/openapi.json"] {
        let answer = ask(&daemon, "GET", path);
        assert_eq!((answer.status(), answer.body.len()), (404, 0), "{path}");
    }
    assert_eq!(ask(&daemon, "POST", "/metrics").status(), 404);
    let client = Client::of(&daemon);
    for path in ["/metrics", "/health/live", "/health/ready"] {
        assert_eq!(client.call("GET", path, None, None).status, 404, "{path}");
    }
    // A slow reader gets ten seconds, a crowd is turned away, and neither is in the way of others.
    let crowd: Vec<_> = (0..40).map(|_| connect(daemon.metrics_address())).collect();
    sleep(Duration::from_millis(100));
    assert_eq!(client.call("GET", "/api/system/status", None, None).status, 200);
    drop(crowd);
    until("there is room again", LONG, || {
        let mut stream = connect(daemon.metrics_address());
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
        read_all(&mut stream).ok()?.starts_with(b"HTTP/1.1 200").then_some(())
    });
}

fn readiness(scene: &Scene) -> (u16, Value) {
    let answer = ask(&scene.daemon, "GET", "/health/ready");
    (answer.status(), serde_json::from_slice(&answer.body).unwrap())
}
