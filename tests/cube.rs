//! Every route, by every kind of caller, with every kind of bad input: the table of routes is what
//! is served, no more and no less.

use std::collections::BTreeSet;
use std::fmt::Write;

use clavigerd::route::{LogRule, Route};
use clavigerd::routes::routes;
use policies::Door;
use serde_json::{Value, json};
use tests::daemon::write;
use tests::log::LogReader;
use tests::scene::Scene;
use tests::wire::{Raw, over_tls};

#[test]
fn every_route_answers_as_its_row_says() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    for token in [scene.user("pqc:kem"), scene.external("pqc:kem")] {
        // What signs keys is made with the first of them, with an entry of its own.
        let made = scene.client.post("/api/kc/generate_keys", &token, &json!({}));
        assert_eq!(made.status, 200);
    }
    let mut seen = Seen::default();
    for route in routes() {
        // A login is held back for half a second, and for more after failures; login.rs has those.
        let slow = (route.path, route.method.as_str()) == ("/api/auth/token", "POST");
        for (role, token) in roles(&scene, &route, &kid) {
            if ENDS_THE_RUN.contains(&route.path)
                && matches!(role, Role::Master | Role::External | Role::User)
            {
                continue;
            }
            let mut log = scene.log();
            for input in INPUTS.iter().filter(|_| !slow || role == Role::None || role == Role::Bad)
            {
                let answer =
                    over_tls(&scene.daemon, &request(&route, &kid, token.as_deref(), input));
                let what =
                    format!("{} {} by {role:?} with {}", route.method, route.path, input.name);
                judge(&route, &answer, &mut log, &what);
                judge_status(&route, role, input, answer.status(), &what);
                seen.note(&answer, role);
            }
        }
    }
    let all: Vec<_> = seen.0.iter().collect();
    for status in [200, 400, 401, 403, 404, 406, 411, 413, 422] {
        assert!(seen.0.iter().any(|(seen, _)| *seen == status), "no {status} anywhere: {all:?}");
    }
}

#[test]
fn the_table_is_as_it_was_agreed_on() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/routes.txt");
    let table = described(&routes());
    if std::env::var_os("BLESS").is_some() {
        write(golden.as_ref(), &table);
    }
    let agreed = std::fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(
        table, agreed,
        "the routes changed: review, then run with BLESS=1 to write tests/golden/routes.txt"
    );
}

#[test]
fn what_is_in_no_row_is_not_there() {
    let scene = Scene::new();
    let token = scene.user("keymgmt:list");
    let mut log = scene.log();
    let rows: BTreeSet<_> = routes().iter().map(|r| (r.method.to_string(), r.path)).collect();
    let paths: BTreeSet<_> = rows.iter().map(|(_, path)| *path).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if rows.contains(&(method.to_owned(), path)) {
                continue;
            }
            let body = (method == "POST").then(|| json!({}));
            let path = path.replace("{kid}", &"0".repeat(32)).replace("{id}", "00000000");
            let path = path.replace("{offset}", "0").replace("{count}", "1");
            // A literal segment may be another row's placeholder, such as list for {id}.
            let status = scene.client.call(method, &path, Some(&token), body.as_ref()).status;
            // The HEM API has no 405.
            let absent = if is_of_hem(&path) { 404 } else { 405 };
            assert!(
                status == absent || is_a_row(&rows, method, &path),
                "{method} {path}: {status}"
            );
        }
    }
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/crypto/ecdh/",
        "//api/crypto/ecdh",
        "/API/crypto/ecdh",
        "/api/crypto/hmac/hash",
        "/api/keymgmt/get",
        "/api/storage/lock",
        "/api/system/upgrade/check_fw",
        "/metrics",
    ] {
        assert_eq!(scene.client.get(path, &token).status, 404, "{path}");
    }
    assert_eq!(log.heads(), [""; 0]);
}

/// Whether a path of a row is one of the HEM API's.
fn is_of_hem(path: &str) -> bool {
    routes().iter().any(|row| row.path == path && row.surface.name() == "hem")
        || !routes().iter().any(|row| row.path == path)
}

fn is_a_row(rows: &BTreeSet<(String, &str)>, method: &str, path: &str) -> bool {
    let fits = |row: &str| {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let (row, path) = (segments(row), segments(path));
        row.len() == path.len()
            && row.iter().zip(&path).all(|(row, path)| row == path || row.starts_with('{'))
    };
    rows.iter().any(|(known, row)| known == method && fits(row))
}

#[derive(Default)]
struct Seen(BTreeSet<(u16, Role)>);

impl Seen {
    fn note(&mut self, answer: &Raw, role: Role) {
        self.0.insert((answer.status(), role));
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Role {
    None,
    Bad,
    Wrong,
    Master,
    External,
    User,
}

/// What is sent.
struct Input {
    name: &'static str,
    body: Option<&'static str>,
    length: bool,
    media_type: bool,
}

const fn input(name: &'static str, body: Option<&'static str>) -> Input {
    Input { name, body, length: true, media_type: true }
}

/// `None` is a body of 7301 bytes.
const INPUTS: &[Input] = &[
    input("an empty object", Some("{}")),
    input("no JSON", Some("nonsense")),
    input("an array", Some("[1,2]")),
    input("null", Some("null")),
    input("wrong types", Some(WRONG_TYPES)),
    input("bytes that are no UTF-8 when cut", Some("{\"kid\":\"\u{e9}")),
    input("nesting", Some(NESTED)),
    input("an empty body", Some("")),
    input("too much", None),
    Input { name: "no length", body: Some(""), length: false, media_type: true },
    Input { name: "no media type", body: Some("{}"), length: true, media_type: false },
];

/// With the right scope these do what they say; hem_system.rs has that.
const ENDS_THE_RUN: &[&str] = &["/api/system/reboot", "/api/system/shutdown"];
/// What a fresh device takes alone.
const PROVISIONING: &str = "/api/system/config/provisioning";
const WRONG_TYPES: &str = r#"{"kid":[],"pubkey":{},"alg":1,"ext_kid":false,"label":1,"type":[],
    "mode":{},"descr":9,"offset":"x","limit":"y","auth":[],"init":{}}"#;
const NESTED: &str = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\
    [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";

fn roles(scene: &Scene, route: &Route, kid: &str) -> Vec<(Role, Option<String>)> {
    let right = route.scopes.first().map_or("any:scope".to_owned(), |s| s.replace("<KID>", kid));
    vec![
        (Role::None, None),
        (Role::Bad, Some("garbage".to_owned())),
        (Role::Wrong, Some(scene.user("some:other:scope"))),
        (Role::Master, Some(scene.master(&right))),
        (Role::External, Some(scene.external(&right))),
        (Role::User, Some(scene.user(&right))),
    ]
}

fn request(route: &Route, kid: &str, token: Option<&str>, input: &Input) -> Vec<u8> {
    let path = route.path.replace("{kid}", kid).replace("{offset}", "0").replace("{count}", "1");
    let path = path.replace("{id}", "0000000g");
    // Deleting for real is another test's: here the path has a KID that is none.
    let path = if route.method == "DELETE" { path.replace(kid, "no-kid") } else { path };
    let mut head =
        format!("{} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", route.method);
    let mut line = |text: String| {
        head.push_str(&text);
        head.push_str("\r\n");
    };
    if let Some(token) = token {
        line(format!("Authorization: Bearer {token}"));
    }
    let body = input.body.map_or_else(|| "x".repeat(route.body_limit + 1), str::to_owned);
    if route.method == "POST" {
        if input.media_type {
            line("Content-Type: application/json".to_owned());
        }
        if input.length {
            line(format!("Content-Length: {}", body.len()));
        }
    }
    let body = if route.method == "POST" { body } else { String::new() };
    format!("{head}\r\n{body}").into_bytes()
}

/// What the row allows, and what it leaves in the log.
fn judge(route: &Route, answer: &Raw, log: &mut LogReader, what: &str) {
    let status = answer.status();
    assert!(route.statuses.contains(&status), "{what}: {status} is not in its row");
    assert!(status < 500, "{what}: {status}");
    // The one error of this API with a body (hem.md A1).
    let is_told = (status, route.path) == (400, "/api/system/config");
    let is_silent = route.surface.name() == "hem" && status != 200 && !is_told;
    assert!(answer.body.is_empty() || !is_silent, "{what}: {answer:?}");
    // The one that has none there.
    let is_empty = (status, route.path) == (400, "/rest/key-agreement");
    assert!(answer.body.is_empty() || !is_empty, "{what}: {answer:?}");
    // Without a token of a key: a page for people.
    let is_page = (status, route.path, route.method.as_str()) == (200, "/Service", "GET");
    if route.surface.name() != "hem" && !is_empty && !is_page {
        serde_json::from_slice::<Value>(&answer.body).unwrap_or_else(|_| panic!("{what}"));
    }
    let mut entries = log.heads();
    // Made by whoever comes first.
    entries.retain(|head| head != "SYSTEM_KEY_MADE OK");
    let kind = route.log.kind().map(|kind| kind.name().trim_start_matches("LOG_TYPE_").to_owned());
    match (status, route.log) {
        (401 | 409 | 411 | 412 | 413 | 418, _) => assert_eq!(entries, [""; 0], "{what}"),
        // Nobody's scope is at fault: the device is initialised.
        (403, _) if route.path == PROVISIONING => assert_eq!(entries, [""; 0], "{what}"),
        (403, _) => assert_eq!(entries, ["FAILED_SCOPE_CHECK FAILED"], "{what}"),
        (400, LogRule::Full(_) | LogRule::Paced(_)) | (400 | 422, LogRule::Every(_)) => {
            assert_eq!(entries, [format!("{} ERROR", kind.unwrap())], "{what}")
        }
        (400 | 406, LogRule::Errors(_)) => {
            assert_eq!(entries, [format!("{} ERROR", kind.unwrap())], "{what}")
        }
        (406, LogRule::Effect(_) | LogRule::Full(_)) | (404, LogRule::Lookup(_)) => {
            assert_eq!(entries, [format!("{} FAILED", kind.unwrap())], "{what}");
        }
        // What the self-test found is entered by the test itself (hem.md A8).
        (200, _) if route.path == "/api/system/selftest" => {
            assert_eq!(entries, ["SELFTEST_PASSED OK"], "{what}");
        }
        (200, rule) if rule != LogRule::Silent => {
            assert_eq!(entries, [format!("{} OK", kind.unwrap())], "{what}");
        }
        _ => assert_eq!(entries, [""; 0], "{what}"),
    }
}

/// Who gets how far.
fn judge_status(route: &Route, role: Role, input: &Input, status: u16, what: &str) {
    match role {
        // Where none is needed there, a token is not looked at.
        Role::Bad if is_deaf(route) => assert_ne!(status, 401, "{what}"),
        Role::Bad => assert_eq!(status, 401, "{what}"),
        Role::None if route.door == Door::Bearer => {
            assert!([401, 411, 413].contains(&status), "{what}: {status}");
        }
        // In a folder of `clavigerd dev` it is open to anyone: key_service.rs has it closed.
        _ if route.surface.name() == "key-service" => assert_ne!(status, 403, "{what}"),
        Role::Wrong if route.door != Door::Open && !route.scopes.is_empty() => {
            refused(status, what);
        }
        Role::Master if !route.roles.master => refused(status, what),
        Role::External if !route.roles.external => refused(status, what),
        _ if route.path == PROVISIONING => assert!([403, 411, 413].contains(&status), "{what}"),
        _ => assert_ne!(status, 403, "{what}"),
    }
    if route.method == "POST" && (role != Role::Bad || is_deaf(route)) {
        match input.name {
            "too much" => assert_eq!(status, 413, "{what}"),
            "no length" | "an empty body" if route.surface.wants_length() => {
                assert_eq!(status, 411, "{what}");
            }
            _ => assert!(![411, 413].contains(&status), "{what}: {status}"),
        }
    }
}

fn is_deaf(route: &Route) -> bool {
    route.surface.name() == "key-agreement" && route.door == Door::Open
}

fn refused(status: u16, what: &str) {
    assert!([400, 403, 411, 413].contains(&status), "{what}: {status}");
}

/// The table as people review it.
fn described(routes: &[Route]) -> String {
    let mut text = String::new();
    for route in routes {
        let roles = [
            (route.roles.user, "U"),
            (route.roles.master, "M"),
            (route.roles.external, "Ext"),
            (route.roles.account, "Acc"),
        ];
        let roles: Vec<_> =
            roles.into_iter().filter_map(|(may, name)| may.then_some(name)).collect();
        let _ = writeln!(text, "{} {}", route.method, route.path);
        let _ = writeln!(text, "    door     {:?}", route.door);
        let _ = writeln!(text, "    scopes   {}", route.scopes.join(" or "));
        let _ = writeln!(text, "    roles    {}", roles.join(" "));
        let _ = writeln!(text, "    log      {:?}", route.log);
        let _ = writeln!(text, "    statuses {:?}", route.statuses);
        let _ = writeln!(text, "    body     {} bytes", route.body_limit);
        let _ = writeln!(text, "    plain    {}, always {}", route.plain, route.always);
        if route.unlogged {
            let _ = writeln!(text, "    served while the log can't be written");
        }
    }
    text.replace("scopes   \n", "scopes   any\n")
}
