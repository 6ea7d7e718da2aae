//! Schemathesis makes requests out of `/openapi.json`, good ones and bad ones, and holds every answer
//! against it: no 5xx, no status and no header that is not described, no body of another shape, no
//! bad request taken, no operation without the token that it needs.
//!
//! What is left out, because it ends the run: `/api/system/reboot` and `/api/system/shutdown`, and
//! `wipeout` in the body of `POST /api/system/config`, which `tests/python/known_keys.py` takes out.
//! What is asked otherwise than Schemathesis would ask is in `tests/python/schemathesis.toml`, with
//! the reasons. The requests are the same in every run; `CLAVIGER_SCHEMATHESIS_EXAMPLES` has more of
//! them made for each operation.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tests::scene::Scene;
use tests::{programs, python};

#[test]
fn every_answer_is_as_described() {
    let scene = Scene::new();
    let kids: Vec<_> = KEYS.iter().map(|(kind, mode)| scene.create(kind, *mode)).collect();
    let uses: String = kids.iter().map(|kid| format!(" keymgmt:use:{kid}")).collect();
    let token = scene.user(&format!("{SCOPES}{uses}"));
    let examples = std::env::var("CLAVIGER_SCHEMATHESIS_EXAMPLES").unwrap_or("5".to_owned());
    let (ready, report) = (scene.daemon.ready(), scene.home.at("schemathesis.ndjson"));
    let mut command = python::schemathesis();
    command.env("CLAVIGER_KIDS", kids.join(" "));
    command.args(["--config-file", "schemathesis.toml", "run"]);
    command.arg(format!("{}/openapi.json", ready.url)).arg("--tls-verify").arg(&ready.ca_file);
    command.args(["--header", &format!("Authorization: Bearer {token}"), "--no-color"]);
    command.args(["--exclude-path-regex", "^/api/system/(reboot|shutdown)$"]);
    // Public keys and signatures are long, and there are three of them in a body.
    command.arg("--suppress-health-check=large_base_example");
    command.args(["--max-examples", &examples, "--report-ndjson-path"]).arg(&report);
    let ran = programs::run(&mut command);
    println!("{}", ran.stdout);
    assert_eq!(ran.code, 0, "what it found stands above; {}", ran.stderr);
    let answers = answers(&report);
    for (operation, statuses) in &answers {
        println!("{operation}: {statuses:?}");
    }
    judge(&scene, &answers);
}

/// Every operation was asked, most of them with success, and the daemon is as it was.
fn judge(scene: &Scene, answers: &Answers) {
    let description = scene.client.call("GET", "/openapi.json", None, None).json();
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase()))
    });
    let left: Vec<_> = operations.filter(|operation| !answers.contains_key(operation)).collect();
    assert_eq!(left, LEFT_OUT, "{answers:?}");
    let done = answers.values().filter(|statuses| statuses.contains_key(&200)).count();
    println!("{done} of {} operations were done at least once, the others refused", answers.len());
    assert!(done >= DONE, "{done} were done, {DONE} should be: {answers:?}");
    assert!(!scene.home.messages().contains("panicked"), "{}", scene.home.messages());
}

/// What stands in the report: a JSON text a line, of which those that end a scenario have all its
/// requests and answers.
fn answers(report: &Path) -> Answers {
    let mut answers = Answers::new();
    for line in std::fs::read_to_string(report).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        let (label, Some(asked)) = (&recorder["label"], recorder["interactions"].as_object())
        else {
            continue;
        };
        let statuses = answers.entry(label.as_str().unwrap().to_owned()).or_default();
        for one in asked.values() {
            if let Some(status) = one["response"]["status_code"].as_u64() {
                *statuses.entry(status).or_default() += 1;
            }
        }
    }
    answers
}

/// How often each operation was answered with each status.
type Answers = BTreeMap<String, BTreeMap<u64, usize>>;

/// The keys that may be used, by type and mode.
const KEYS: [(&str, Option<&str>); 7] = [
    ("SECP256R1", Some("ECDH,ExDSA")),
    ("ED25519", None),
    ("CURVE25519", None),
    ("AES256", None),
    ("SHA2-256", None),
    ("MLKEM512", None),
    ("MLDSA44", None),
];
/// What else the token may do: all that a user's token can.
const SCOPES: &str = "keymgmt:gen keymgmt:list keymgmt:search keymgmt:get keymgmt:imp keymgmt:upd \
    keymgmt:del keymgmt:derive logger:get system:config auth:ext:pair token:new pqc:kem pqc:sign \
    pqc:aes e2e:exchange e2e:use keyservice:create keyservice:send keyservice:read \
    keyservice:delete account:manage";
/// The operations that end the run, and the document that it starts from, which Schemathesis itself
/// does not ask for again.
const LEFT_OUT: [&str; 3] =
    ["GET /api/system/reboot", "GET /api/system/shutdown", "GET /openapi.json"];
/// So many operations at least have to be done, not only refused.
const DONE: usize = 25;
