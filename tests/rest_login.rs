//! Accounts and their logins (docs/key-agreement.md).

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::{Client, Reply};
use tests::daemon::write;
use tests::scene::Scene;
use tests::{programs, python};

#[test]
fn a_client_from_the_description_alone_logs_in() {
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list");
    let schemes = served(&scene);
    assert!(schemes.iter().any(|scheme| scheme.contains("-EC-")), "{schemes:?}");
    let ready = scene.daemon.ready();
    let mut client = python::client("rest_login");
    client.arg(VECTORS).arg(&ready.url).arg(&ready.ca_file).args(["anna", PASSWORD]).args(&schemes);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let counts: Value = serde_json::from_str(&ran.stdout).unwrap();
    println!("{counts:#}");
    for (what, times) in [
        ("vector", 4),
        ("a string", 1),
        ("characters", 1),
        ("one string", 1),
        ("capitals", 1),
        ("a needless token", 4),
        ("64 with one reference: 200", 1),
        ("64 with one reference: 400", 63),
        ("reference refused", 11),
        ("not authenticated", 4),
        ("languages", 8),
    ] {
        assert_eq!(counts[what], times, "{what}");
    }
    for scheme in &schemes {
        assert_eq!(counts[scheme], 1, "{scheme}");
    }
    let refused = counts["refused after the logout"].as_u64().unwrap();
    assert_eq!(refused, 2 * (u64::try_from(schemes.len()).unwrap() + 4));
    assert!(counts["malformed"].as_u64().unwrap() > 30, "{counts:#}");
}

#[test]
fn each_step_of_a_login_is_entered_with_its_name_and_no_secret() {
    let scene = Scene::new();
    let mut log = scene.log();
    make(&scene, "Anna", "keymgmt:list pqc:kem");
    let account = log.news().pop().unwrap();
    assert_eq!((account.head(), account.subject), ("ACCOUNT_CHANGED OK".into(), "user".into()));
    assert_eq!(account.ext, "create anna keymgmt:list pqc:kem");
    let (access, refresh) = tokens(&scene, "anna");
    let login = log.news().pop().unwrap();
    assert_eq!((login.head(), login.subject.as_str()), ("LOGIN OK".into(), ""));
    let (name, id) = login.ext.split_once(' ').unwrap();
    assert_eq!((name, id.len()), ("anna", 32));
    assert_eq!(log_in(&scene, "ANNA", "wrong password").status, 401);
    assert_eq!(log_in(&scene, "a password in the wrong place", PASSWORD).status, 401);
    let failed: Vec<_> = log.news().into_iter().map(|entry| (entry.head(), entry.ext)).collect();
    let expected = [("LOGIN FAILED", "anna"), ("LOGIN FAILED", "")];
    assert_eq!(failed, expected.map(|(head, ext)| (head.to_owned(), ext.to_owned())));
    // An access token is the account's: a key of its own has its owner in the log.
    let made = scene.client.post("/api/kem/generate_keys", &access, &json!({}));
    assert_eq!(made.status, 200, "{made:?}");
    let subject = log.news().pop().unwrap().subject;
    assert_eq!(subject.len(), 32, "{subject}");
    for (path, status, head) in [
        ("refresh", 200, "LOGIN_REFRESH OK"),
        ("logout", 200, "LOGOUT OK"),
        ("logout", 400, "LOGOUT ERROR"),
        ("refresh", 400, "LOGIN_REFRESH ERROR"),
    ] {
        assert_eq!(show(&scene, path, &refresh).status, status, "{path}");
        let entry = log.news().pop().unwrap();
        assert_eq!((entry.head().as_str(), &entry.ext), (head, &login.ext), "{path}");
    }
    assert_eq!(show(&scene, "refresh", "no.such.token").status, 400);
    assert_eq!(log.news().pop().unwrap().ext, "");
    nothing_of_it_can_be_read(&scene, &[PASSWORD, &access, &refresh]);
}

/// Nobody, a wrong password, a locked account with the right one: one answer, and none comes before the
/// others could.
#[test]
fn nobody_learns_who_has_an_account() {
    let scene = Scene::new();
    for name in ["anna", "bert"] {
        make(&scene, name, "keymgmt:list");
    }
    assert_eq!(change(&scene, "lock", "bert").status, 200);
    let mut told = Vec::new();
    for (name, password) in
        [("nobody", PASSWORD), ("anna", "wrong password"), ("bert", PASSWORD), ("bert", "wrong")]
    {
        let before = Instant::now();
        let reply = log_in(&scene, name, password);
        assert!(before.elapsed() >= Duration::from_millis(300), "{name}");
        assert_eq!(reply.status, 401, "{name}");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        told.push(shape(&reply));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
}

/// The same by many of each, one after the other: `make oracle` asks 100 times, and has a statistic of the
/// times that is worth a look.
#[test]
fn what_went_wrong_with_a_login_does_not_show() {
    let rounds = std::env::var("ORACLE").map_or(2, |_| 100);
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list");
    // After three failures a name waits longer.
    let locked: Vec<_> = (0..rounds / 3 + 1).map(|number| format!("locked-{number}")).collect();
    for name in &locked {
        make(&scene, name, "keymgmt:list");
        assert_eq!(change(&scene, "lock", name).status, 200);
    }
    let schemes = served(&scene);
    let scheme = schemes.iter().find(|scheme| scheme.contains("-EC-")).unwrap();
    let ready = scene.daemon.ready();
    let mut client = python::client("rest_oracle");
    client.arg(&ready.url).arg(&ready.ca_file).args(["anna", PASSWORD, &locked.join(",")]);
    let ran = programs::run(client.args([&rounds.to_string(), scheme]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    println!("{found:#}");
    let ways: Vec<_> = found["alike"].as_array().unwrap().iter().map(|one| &one["ways"]).collect();
    let refused = [
        json!(["another key", "unknown reference", "used reference"]),
        json!(["locked", "nobody", "wrong password"]),
    ];
    assert_eq!(ways, refused.each_ref(), "{found:#}");
}

/// Nor does how soon a good one comes: after failures it takes as long as another failure would.
#[test]
fn a_good_login_after_failures_takes_its_time() {
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list");
    for _ in 0..3 {
        assert_eq!(log_in(&scene, "anna", "wrong password").status, 401);
    }
    let before = Instant::now();
    assert_eq!(log_in(&scene, "anna", PASSWORD).status, 200);
    assert!(before.elapsed() >= Duration::from_millis(1500));
}

#[test]
fn failures_lock_a_name_for_a_while_whether_there_is_such_an_account_or_not() {
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list");
    let mut told = Vec::new();
    for name in ["anna", "nobody"] {
        let replies: Vec<_> = thread::scope(|threads| {
            let asking = (0..40).map(|_| threads.spawn(|| log_in(&scene, name, "wrong password")));
            asking.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (wrong, late): (Vec<_>, Vec<_>) = replies.iter().partition(|one| one.status == 401);
        // Beside the ten that count those that were being looked at meanwhile.
        assert!((10..=14).contains(&wrong.len()), "{name}: {}", wrong.len());
        assert!(late.iter().all(|reply| reply.status == 429), "{name}");
        let reply = log_in(&scene, name, PASSWORD);
        assert_eq!(reply.status, 429, "{name}");
        let wait: u64 = reply.header("x-rate-limit-retry-after-seconds").parse().unwrap();
        assert!((1..=300).contains(&wait), "{wait}");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["status"], "TOO_MANY_REQUESTS");
        assert_eq!(body["errors"][0]["error_key"], "common.api-throttle-limit.exceeded.error");
        told.push((shape(wrong[0]), reply.headers.len()));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(change(&scene, "unlock", "anna").status, 200);
    tokens(&scene, "anna");
}

#[test]
fn an_account_does_what_its_scopes_open_until_it_is_locked() {
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list account:manage");
    let (access, refresh) = tokens(&scene, "anna");
    let list = |token: &str| scene.client.get("/api/keymgmt/list", token).status;
    assert_eq!(list(&access), 200);
    assert_eq!(scene.client.get("/api/logger/list", &access).status, 403);
    assert_eq!(scene.client.get(ACCOUNTS, &access).status, 403, "the user's in person");
    assert_eq!(scene.client.get(ACCOUNTS, &scene.master(MANAGE)).status, 403);
    assert_eq!(change(&scene, "lock", "anna").status, 200);
    assert_eq!((list(&access), show(&scene, "refresh", &refresh).status), (401, 400));
    assert_eq!(change(&scene, "unlock", "anna").status, 200);
    assert_eq!((list(&access), show(&scene, "refresh", &refresh).status), (401, 400));

    let (access, refresh) = tokens(&scene, "anna");
    let other = json!({ "username": "anna", "password": "another password" });
    assert_eq!(scene.client.post(&at("password"), &scene.user(MANAGE), &other).status, 200);
    assert_eq!((list(&access), show(&scene, "refresh", &refresh).status), (401, 400));
    assert_eq!(log_in(&scene, "anna", PASSWORD).status, 401);
    assert_eq!(log_in(&scene, "anna", "another password").status, 200);
}

#[test]
fn what_was_issued_by_a_login_ends_with_it() {
    let scene = Scene::new();
    make(&scene, "anna", "token:new pqc:kem");
    let uses = |scene: &Scene, token: &str| {
        let reply = scene.client.post("/api/kem/generate_keys", token, &json!({}));
        (reply.status, reply.header("token-uses-left").to_owned())
    };
    let left = |count: &str| (200, count.to_owned());
    let ended = (401, String::new());
    let heir = |scene: &Scene| {
        let (access, refresh) = tokens(scene, "anna");
        let ask = json!({ "expire_after_attempts": 20 });
        let token = scene.client.post("/api/token/new", &access, &ask).text("new_token");
        assert_eq!(uses(scene, &token), left("19"));
        (token, refresh)
    };
    let (token, refresh) = heir(&scene);
    let (other, _) = heir(&scene);
    assert_eq!(show(&scene, "logout", &refresh).status, 200);
    assert_eq!((uses(&scene, &token), uses(&scene, &other)), (ended.clone(), left("18")));
    assert_eq!(change(&scene, "lock", "anna").status, 200);
    assert_eq!(uses(&scene, &other), ended);
    assert_eq!(change(&scene, "unlock", "anna").status, 200);
    assert_eq!(uses(&scene, &other), ended, "as the token that it came from");
    let (token, _) = heir(&scene);
    let scene = Scene::serving(scene.stop());
    assert_eq!(uses(&scene, &token), left("18"), "the login stands");
    let other = json!({ "username": "anna", "password": "another password" });
    assert_eq!(scene.client.post(&at("password"), &scene.user(MANAGE), &other).status, 200);
    assert_eq!(uses(&scene, &token), ended);
}

#[test]
fn accounts_that_can_not_be_are_refused() {
    let scene = Scene::new();
    make(&scene, "anna", "keymgmt:list");
    let good = json!({ "username": "bert", "scope": "keymgmt:list", "password": PASSWORD });
    let user = scene.user(MANAGE);
    for (name, bad) in [
        ("username", json!("ANNA")),
        ("username", json!("b ert")),
        ("username", json!("bért")),
        ("username", json!("")),
        ("username", json!("b".repeat(65))),
        ("scope", json!("")),
        ("scope", json!("a  b")),
        ("password", json!("1234567")),
        ("password", json!("x".repeat(1025))),
        ("password", json!(7)),
    ] {
        let mut body = good.clone();
        body[name] = bad;
        let reply = scene.client.post(ACCOUNTS, &user, &body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(!String::from_utf8(reply.body).unwrap().contains(PASSWORD), "{body}");
    }
    assert_eq!(change(&scene, "lock", "nobody").status, 404);
    let listed = scene.client.get(ACCOUNTS, &user).json();
    let names: Vec<_> = listed["accounts"].as_array().unwrap().iter().collect();
    assert!(names.iter().all(|one| one.as_object().unwrap().len() == 6), "{listed}");
    let names: Vec<_> = names.iter().map(|one| one["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["anna", "operator"], "one is made by `clavigerd dev`");
}

/// What a restart ends and what it does not; and that nobody is let in by an edit of the state file.
#[test]
fn logins_outlive_a_restart_and_edits_do_not_open_anything() {
    let scene = Scene::new();
    for name in ["anna", "bert"] {
        make(&scene, name, "keymgmt:list:original");
    }
    let (access, refresh) = tokens(&scene, "anna");
    let (_, over) = tokens(&scene, "anna");
    assert_eq!(show(&scene, "logout", &over).status, 200);
    let scene = Scene::serving(scene.stop());
    let list = |scene: &Scene, token: &str| scene.client.get("/api/keymgmt/list", token).status;
    assert_eq!(list(&scene, &access), 401, "bearer tokens end with the process");
    let renewed = show(&scene, "refresh", &refresh);
    assert_eq!(list(&scene, &renewed.text("access_token")), 200);
    assert_eq!(show(&scene, "refresh", &over).status, 400, "and what was ended stays so");
    let home = scene.stop();
    let state = std::fs::read(home.at("state.db")).unwrap();
    let (scope, other) = (b"bertkeymgmt:list:original", b"bertkeymgmt:list:0riginal");
    let at = state.windows(scope.len()).position(|part| part == scope).unwrap();
    write(&home.at("state.db"), [&state[..at], other, &state[at + scope.len()..]].concat());
    let scene = Scene::serving(home);
    assert_eq!(log_in(&scene, "bert", PASSWORD).status, 401);
    assert_eq!(log_in(&scene, "anna", PASSWORD).status, 200);
    let told = tests::log::entries(tests::log::files(&scene.home.at("audit")).last().unwrap());
    let found = told.iter().filter(|entry| entry.head() == "KEY_INTEGRITY_ERROR FAILED");
    assert_eq!(found.count(), 1, "{told:?}");
}

#[test]
fn a_login_takes_tls() {
    let scene = Scene::new();
    let plain = Client::plain(&scene.daemon);
    for path in ["login", "refresh", "logout"] {
        let reply = plain.call("POST", &format!("/rest/{path}"), None, Some(&json!({})));
        assert_eq!(reply.status, 418, "{path}");
    }
}

fn make(scene: &Scene, username: &str, scope: &str) {
    let body = json!({ "username": username, "scope": scope, "password": PASSWORD });
    let reply = scene.client.post(ACCOUNTS, &scene.user(MANAGE), &body);
    assert_eq!(reply.status, 200, "{reply:?}");
}

fn change(scene: &Scene, what: &str, username: &str) -> Reply {
    scene.client.post(&at(what), &scene.user(MANAGE), &json!({ "username": username }))
}

fn log_in(scene: &Scene, username: &str, password: &str) -> Reply {
    let body = json!({ "domain": "", "username": username, "password": password });
    scene.client.call("POST", "/rest/login", None, Some(&body))
}

/// An access token and a refresh token.
fn tokens(scene: &Scene, username: &str) -> (String, String) {
    let reply = log_in(scene, username, PASSWORD);
    (reply.text("access_token"), reply.text("refresh_token"))
}

fn show(scene: &Scene, path: &str, refresh: &str) -> Reply {
    let body = json!({ "refresh_token": refresh });
    scene.client.call("POST", &format!("/rest/{path}"), None, Some(&body))
}

/// All of an answer but what differs from one to the next anyway.
fn shape(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let headers =
        reply.headers.iter().filter(|(name, _)| !["date", "audit-index"].contains(&name.as_str()));
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
    body["timestamp"] = json!(null);
    (reply.status, headers, body)
}

fn nothing_of_it_can_be_read(scene: &Scene, secrets: &[&str]) {
    for name in ["state.db", "state.db-wal", "messages.txt"] {
        let bytes = std::fs::read(scene.home.at(name)).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{name}");
        }
    }
}

/// The schemes that this token can do.
fn served(scene: &Scene) -> Vec<String> {
    let file: Value = serde_json::from_slice(&std::fs::read(VECTORS).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap().iter();
    let works = |case: &&Value| {
        let body = json!({
            "identifier": file["identifier_client_b64"], "nonce": file["nonce_b64"],
            "public_key": case["client_pub_raw"], "supported_schemes": [case["scheme"]],
        });
        scene.client.call("POST", "/rest/key-agreement", None, Some(&body)).status == 200
    };
    cases.filter(works).map(|case| case["scheme"].as_str().unwrap().to_owned()).collect()
}

fn at(what: &str) -> String {
    format!("{ACCOUNTS}/{what}")
}

const ACCOUNTS: &str = "/rest/accounts";
const MANAGE: &str = "account:manage";
const PASSWORD: &str = "Passw0rd! of the test";
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/key-agreement.json");
