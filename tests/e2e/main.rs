//! End-to-end key exchanges (docs/e2e.md).

mod guesses;
mod kill;

use serde_json::{Value, json};
use tests::client::Reply;
use tests::e2e::{DATA, KEY};
use tests::scene::Scene;
use tests::token::Token;
use tests::{log, programs, python};

#[test]
fn a_client_from_the_description_alone_agrees_on_sessions() {
    let scene = Scene::new();
    let password = scene.home.at("operator-password");
    let counts = run(&scene, "e2e", &[password.to_str().unwrap()]);
    println!("{counts:#}");
    for (what, times) in [
        ("version 1, opened", 10),
        ("version 2, opened", 10),
        ("browser, opened", 5),
        ("browser, zeros cut", 2),
        ("replayed or foreign, refused", 35),
        ("a space for a plus, opened", 8),
        ("cannotDecryptKey", 10),
        ("chkDigitNotMatch", 9),
        ("invalidRequest", 11),
        ("64 with one event, opened", 1),
        ("64 with one event, refused", 63),
        ("logged in", 3),
        ("login refused", 2),
    ] {
        assert_eq!(counts[what], times, "{what}");
    }
    let entries =
        log::files(&scene.home.at("audit")).into_iter().flat_map(|file| log::entries(&file));
    let logins =
        entries.filter(|entry| entry.kind == "E2E_DATA" && entry.ext.contains(" operator "));
    assert_eq!(logins.count(), 3);
    nothing_of_a_session_can_be_read(&scene);
}

/// The device gets the published key, as if it had made it.
#[test]
fn every_published_vector_holds() {
    let home = Scene::new().stop();
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/e2e-key.json");
    let mut client = python::client("e2e_vectors");
    let key = programs::run(client.args(["key", vectors]));
    assert_eq!(key.code, 0, "{}", key.stderr);
    Token::of(&home).import_exchange_key(&key.stdout);
    let scene = Scene::serving(home);
    let (ready, state) = (scene.daemon.ready(), scene.home.at("state.db"));
    let mut client = python::client("e2e_vectors");
    client.args(["run", vectors, &ready.url]).arg(&ready.ca_file).arg(scene.user(ALL)).arg(state);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    println!("{}", ran.stdout);
}

/// `make oracle` asks 20,000 times, and judges the times too.
#[test]
fn nobody_learns_what_is_wrong_with_a_padding() {
    let long = std::env::var("ORACLE").ok();
    let home = Scene::new().stop();
    home.configure("[e2e]\n", "[e2e]\nfailures = 1000000\n");
    let scene = Scene::serving(home);
    let found = run(&scene, "e2e_oracle", &[long.as_deref().unwrap_or("400")]);
    println!("{found:#}");
    let [answer] = found["answers"].as_array().unwrap().as_slice() else {
        panic!("malformed blocks are answered in different ways: {found:#}")
    };
    assert!(answer.as_str().unwrap().contains("chkDigitNotMatch"));
    assert_eq!(found["good"], found["rounds"]);
    if long.is_some() {
        assert!(found["kruskal-wallis"]["p"].as_f64().unwrap() > 0.001, "{found:#}");
    }
}

#[test]
fn each_request_leaves_its_entry_with_who_asked() {
    let scene = Scene::new();
    let (exchange, open) = (scene.user("e2e:exchange"), scene.user("e2e:use"));
    let mut log = scene.log();
    assert_eq!(ask(&scene, "GET", KEY, &exchange, None).status, 200);
    let made = ["SYSTEM_KEY_MADE OK", "E2E_KEY_SENT OK"];
    assert_eq!(log.heads(), made, "the key that is sent was made for it");
    assert_eq!(ask(&scene, "GET", KEY, &exchange, None).status, 200);
    assert_eq!(ask(&scene, "POST", KEY, &exchange, Some(&json!({}))).status, 400);
    let frame = json!({ "encryptedPayload": "00".repeat(256) });
    assert_eq!(ask(&scene, "POST", DATA, &open, Some(&frame)).status, 400);
    let login = json!({ "encryptedPayload": "00", "purpose": "pay" });
    assert_eq!(ask(&scene, "POST", DATA, &open, Some(&login)).status, 422);
    let entries = ["E2E_KEY_SENT OK", "E2E_KEY_STORED ERROR", "E2E_DATA ERROR", "E2E_DATA FAILED"];
    log.expect_all(&entries.map(str::to_owned), "an-installation a-client");
    for (path, token) in [(KEY, &open), (DATA, &exchange)] {
        let refused = ask(&scene, "POST", path, token, Some(&frame));
        assert_eq!((refused.status, code(&refused).as_str()), (403, "accessNotConfigured"));
    }
    let stranger = scene.client.call("POST", KEY, None, Some(&frame));
    assert_eq!((stranger.status, code(&stranger).as_str()), (401, "unAuthorized"));
    let nowhere = scene.client.get("/v1/security/nothing", &open);
    assert_eq!((nowhere.status, code(&nowhere).as_str()), (404, "resourceNotFound"));
}

#[test]
fn the_exchange_key_stays_in_the_token_and_no_kid_leads_to_it() {
    let scene = Scene::new();
    let token = scene.user(ALL);
    let before = ask(&scene, "GET", KEY, &token, None).json();
    let home = scene.stop();
    let scene = Scene::serving(home);
    let token = scene.user(ALL);
    assert_eq!(ask(&scene, "GET", KEY, &token, None).json(), before);
    let objects = Token::of(&scene.home).list();
    let mut found = objects.iter().filter(|object| object.label == "claviger-system:exchange");
    let private = found.clone().find(|object| object.class == "private").unwrap();
    assert_eq!((private.sensitive, private.extractable), (Some(true), Some(false)));
    assert!(found.any(|object| object.class == "public"));
    let kid = before["keyIdentifier"].as_str().unwrap();
    let all = scene.user(&format!("keymgmt:get keymgmt:use:{kid}"));
    assert_eq!(scene.client.get(&format!("/api/keymgmt/get/{kid}"), &all).status, 406);
}

fn ask(scene: &Scene, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
    tests::e2e::ask(&scene.client, method, path, token, body)
}

/// The word for programs in a refusal.
fn code(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

/// The state file has sealed keys alone, and hashes of events.
fn nothing_of_a_session_can_be_read(scene: &Scene) {
    let token = scene.user(ALL);
    let reply = ask(scene, "GET", KEY, &token, None);
    let event = reply.headers["eventid"].to_str().unwrap();
    for name in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(scene.home.at(name)).unwrap();
        assert!(!bytes.windows(32).any(|window| window == event.as_bytes()), "{name}");
    }
}

fn run(scene: &Scene, client: &str, more: &[&str]) -> Value {
    let ready = scene.daemon.ready();
    let mut client = python::client(client);
    client.arg(&ready.url).arg(&ready.ca_file).arg(scene.user(ALL)).args(more);
    let ran = programs::run(&mut client);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

const ALL: &str = "e2e:exchange e2e:use";
