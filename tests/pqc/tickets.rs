//! Tokens for a number of calls: exactly so many, whatever happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::{Client, Reply};
use tests::login::{Challenge, now};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::timing::Comparison;

use crate::ALL;

const SIGN: &str = "/api/signature/sign";

fn issue(scene: &Scene, scope: &str, body: &Value) -> String {
    scene.client.post("/api/token/new", &scene.user(scope), body).text("new_token")
}

fn sign(client: &Client, token: &str) -> Reply {
    client.post(SIGN, token, &json!({ "data": "x", "algorithm": "ML-DSA-44" }))
}

#[test]
fn of_64_clients_with_ten_uses_ten_get_through() {
    let scene = Scene::new();
    sign(&scene.client, &scene.user(ALL));
    let token = issue(&scene, ALL, &json!({ "expire_after_attempts": 10, "expiry_time": 600 }));
    let mut log = scene.log();
    let replies: Vec<_> = thread::scope(|threads| {
        let one = || {
            let client = Client::http1(&scene.daemon);
            sign(&client, &token)
        };
        let all: Vec<_> = (0..64).map(|_| threads.spawn(one)).collect();
        all.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let through: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    let refused = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!((through.len(), refused), (10, 54));
    let mut left: Vec<u64> =
        through.iter().map(|reply| reply.header("token-uses-left").parse().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>());
    let mut heads = log.heads();
    heads.sort();
    let signed = vec!["CRYPTO_PQC_MLDSA_SIGN OK".to_owned(); 10];
    assert_eq!(heads, [signed, vec!["TOKEN_EXHAUSTED OK".to_owned()]].concat());
}

/// What no longer opens anything, or never did, is one answer to the last header; its time is reported.
#[test]
fn why_a_token_opens_nothing_is_not_told() {
    let scene = Scene::new();
    let spent = issue(&scene, ALL, &json!({ "expire_after_attempts": 1 }));
    assert_eq!(sign(&scene.client, &spent).status, 200);
    let expired = issue(&scene, ALL, &json!({ "expire_after_attempts": 900, "expiry_time": 1 }));
    let unknown: String = spent.chars().rev().collect::<String>().replace("_tvc", "");
    let unknown = format!("cvt_{unknown}");
    let ask = |token: &str| {
        let mut reply = sign(&scene.client, token);
        reply.headers.remove("date");
        (reply.status, reply.headers, reply.body)
    };
    until("it has expired", LONG, || (ask(&expired).0 == 401).then_some(()));
    let told = ask(&unknown);
    assert_eq!(told.0, 401);
    for (what, token) in [("spent", &spent), ("expired", &expired)] {
        let same = |token: &str| assert_eq!(ask(token), told, "{what}");
        let compared = Comparison::of(150, || same(token), || same(&unknown));
        println!("a {what} token and an unknown one: {compared}");
    }
}

/// A use that was taken when the process is killed is gone, whether its answer left or not; none is
/// ever given twice.
#[test]
fn ten_uses_are_ten_across_a_kill() {
    let mut scene = Scene::new();
    sign(&scene.client, &scene.user(ALL));
    for round in 0..3u64 {
        let body = json!({ "expire_after_attempts": 10, "expiry_time": 600 });
        let token = issue(&scene, ALL, &body);
        let (through, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|threads| {
            for _ in 0..64 {
                threads.spawn(|| {
                    let client = Client::http1(&scene.daemon);
                    let body = json!({ "data": "x" });
                    match client.try_send("POST", SIGN, |ask| ask.bearer_auth(&token).json(&body)) {
                        Ok(reply) if reply.status == 200 => through.fetch_add(1, Ordering::SeqCst),
                        Ok(reply) if reply.status == 401 => 0,
                        Ok(reply) => panic!("{reply:?}"),
                        Err(_) => lost.fetch_add(1, Ordering::SeqCst),
                    };
                });
            }
            until("a few got through", LONG, || {
                let enough = usize::try_from(2 * round + 1).unwrap();
                (through.load(Ordering::SeqCst) >= enough).then_some(())
            });
            scene.daemon.signal(nix::sys::signal::Signal::SIGKILL);
        });
        let home = scene.home;
        drop(scene.daemon);
        scene = Scene::at(home);
        let before = through.load(Ordering::SeqCst);
        let after = (0..10).filter(|_| sign(&scene.client, &token).status == 200).count();
        let lost = lost.load(Ordering::SeqCst);
        assert!(before + after <= 10, "{before} before, {after} after the kill");
        assert!(before + after + lost >= 10, "{before} before, {lost} lost, {after} after");
        assert_eq!(sign(&scene.client, &token).status, 401);
        println!("{before} answered before the kill, {lost} without an answer, {after} after");
    }
}

#[test]
fn every_call_counts_but_questions_and_faults_of_ours() {
    let scene = Scene::new();
    let mut scope = ALL.to_owned();
    scope.push_str(" keymgmt:list");
    let token = issue(&scene, &scope, &json!({ "expire_after_attempts": 7, "expiry_time": 60 }));
    let left = |reply: &Reply| reply.header("token-uses-left").parse::<u64>().unwrap();
    let ask = |method: &str, path: &str| scene.client.call(method, path, Some(&token), None);
    for (method, path, status, expected) in [
        ("GET", "/api/system/status", 200, 7),
        ("GET", "/api/system/version", 200, 7),
        ("GET", "/api/auth/token", 200, 7),
        ("POST", SIGN, 422, 6),
        ("GET", SIGN, 405, 5),
        ("POST", "/api/token/new", 403, 4),
        ("GET", "/api/keymgmt/list", 200, 3),
        ("GET", "/api/nothing", 404, 2),
    ] {
        let reply = ask(method, path);
        assert_eq!((reply.status, left(&reply)), (status, expected), "{method} {path}");
    }
    // While the token is away, the fault is ours.
    let (pin, away) = (scene.home.at("pin"), scene.home.at("pin.away"));
    std::fs::rename(&pin, &away).unwrap();
    tests::process::kill_worker(&scene.daemon);
    until("the token is missed", LONG, || {
        let reply = sign(&scene.client, &token);
        assert!(reply.status == 503, "{reply:?}");
        assert_eq!(left(&reply), 2);
        Some(())
    });
    std::fs::rename(&away, &pin).unwrap();
    until("the token is back", LONG, || {
        let reply = sign(&scene.client, &token);
        thread::sleep(Duration::from_millis(50));
        (reply.status == 200).then(|| assert_eq!(left(&reply), 1))
    });
    assert_eq!(left(&sign(&scene.client, &token)), 0);
    for path in ["/api/system/status", SIGN] {
        assert_eq!(ask("GET", path).status, 401);
    }
}

#[test]
fn a_token_opens_no_more_than_its_parent_and_ends_with_it() {
    let scene = Scene::new();
    let narrow = issue(&scene, "token:new pqc:sign", &json!({ "expire_after_attempts": 9 }));
    let ask = |token: &str, path| scene.client.post(path, token, &json!({})).status;
    assert_eq!(ask(&narrow, "/api/kc/generate_keys"), 403);
    assert_eq!(ask(&narrow, "/api/token/new"), 403);
    assert_eq!(sign(&scene.client, &narrow).status, 200);
    let nothing = issue(&scene, "token:new", &json!({ "expire_after_attempts": 9 }));
    assert_eq!(ask(&nothing, "/api/kc/generate_keys"), 403);
    assert_eq!(sign(&scene.client, &nothing).status, 403);
    for scope in ["token:new:x pqc:sign", "pqc:sign token:new"] {
        let child = issue(&scene, scope, &json!({ "expire_after_attempts": 2 }));
        assert_eq!(ask(&child, "/api/token/new"), 403, "{scope}");
    }

    // A parent that ends in two seconds.
    let exp = now() + 2;
    let login = Challenge::ask(&scene.client).answer(tests::daemon::USER, ALL, exp);
    let parent = login.send(&scene.client).text("token");
    let body = json!({ "expire_after_attempts": 10_000, "expiry_time": 86400 });
    let child = scene.client.post("/api/token/new", &parent, &body).text("new_token");
    assert_eq!(sign(&scene.client, &child).status, 200);
    until("the child ends with its parent", LONG, || {
        let status = sign(&scene.client, &child).status;
        let told = now();
        assert!(status == 200 && told <= exp || status == 401 && told >= exp, "{status} at {told}");
        (status == 401).then_some(())
    });
    assert_eq!(ask(&parent, "/api/kc/generate_keys"), 401);
}

#[test]
fn what_is_changed_outside_the_daemon_opens_nothing() {
    let scene = Scene::new();
    let token = issue(&scene, "token:new pqc:sign", &json!({ "expire_after_attempts": 9 }));
    let home = scene.stop();
    let state = std::fs::read(home.at("state.db")).unwrap();
    let (old, new) = (b"pqc:sign", b"pqc:kemm");
    let at = state.windows(old.len()).position(|part| part == old).unwrap();
    let edited = [&state[..at], new.as_slice(), &state[at + old.len()..]].concat();
    tests::daemon::write(&home.at("state.db"), edited);
    let scene = Scene::at(home);
    assert_eq!(sign(&scene.client, &token).status, 401);
    assert!(!scene.home.messages().contains(&token));
}

#[test]
fn the_issue_and_the_end_are_entered_and_say_no_secret() {
    let scene = Scene::new();
    let mut log = scene.log();
    let token = issue(&scene, "token:new pqc:sign", &json!({ "expire_after_attempts": 1 }));
    sign(&scene.client, &token);
    let news: Vec<_> =
        log.news().into_iter().filter(|entry| entry.kind.starts_with("TOKEN")).collect();
    let heads: Vec<_> = news.iter().map(tests::log::Entry::head).collect();
    assert_eq!(heads, ["TOKEN_ISSUED OK", "TOKEN_EXHAUSTED OK"]);
    assert!(news.iter().all(|entry| entry.subject == "user"), "{news:?}");
    let fields: Vec<_> = news[0].ext.split(' ').collect();
    assert_eq!((fields[0].len(), fields[1], fields[3]), (32, "1", "pqc:sign"), "{news:?}");
    assert_eq!(news[1].ext, fields[0]);
    let database = std::fs::read(scene.home.at("state.db-wal")).unwrap();
    assert!(!database.windows(token.len()).any(|part| part == token.as_bytes()));
}
