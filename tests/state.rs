//! The state file: one process at a time, and a disk that fills up.

use std::fs;
use std::process::Command;

use base64ct::{Base64, Encoding};
use serde_json::json;
use tests::curves::{Curve, SoftKey};
use tests::daemon::Home;
use tests::make::Make;
use tests::mount::{Mount, fill};
use tests::patience::{LONG, until};
use tests::programs::{self, Ran};
use tests::scene::Scene;
use tests::token::{Object, Token};
use tests::{log, metrics};

/// A second `clavigerd dev` in the folder of the scene.
fn second_dev(home: &Home) -> Ran {
    let any = "127.0.0.1:0";
    let mut command = Command::new(programs::path("clavigerd"));
    let profile = Make::current().profile;
    command.args(["dev", "--profile", profile, "--listen", any, "--dir"]).arg(home.path());
    programs::run(&mut command)
}

fn assert_refused(home: &Home) {
    let keys = home.at("keys.jsonl");
    tests::daemon::write(&keys, "");
    let commands: [&[&str]; 5] = [
        &["serve"],
        &["adopt", "--keys", keys.to_str().unwrap()],
        &["new-log", "--reason", "a trial"],
        &["rotate-logger-key"],
        &["rotate-logger-key", "--retire"],
    ];
    let ran = commands.map(|command| home.command(command));
    for ran in ran.into_iter().chain([second_dev(home)]) {
        assert_eq!(ran.code, 75, "{ran:?}");
        let message = "clavigerd: another clavigerd uses this state: stop it first";
        assert!(ran.stderr.contains(message), "{ran:?}");
        assert!(ran.stderr.contains("state.db"), "{ran:?}");
    }
}

#[test]
fn nobody_else_works_with_the_state_of_a_daemon_that_runs() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    assert_refused(&scene.home);
    assert_eq!(scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).status, 200);
    // A reboot keeps what it has.
    let runs = || log::files(&scene.daemon.dir().join("audit")).len();
    assert_eq!(scene.client.get("/api/system/reboot", &scene.user("system:config")).status, 200);
    until("it started anew", LONG, || (runs() == 2).then_some(()));
    assert_refused(&scene.home);
    until("it answers", LONG, || {
        let status = scene.client.try_send("GET", "/api/system/status", |ask| ask);
        status.is_ok().then_some(())
    });
    let home = scene.stop();
    assert!(home.command(&["rotate-logger-key", "--retire"]).good().contains("this key alone"));
    is_proved(&home);
}

#[test]
fn a_full_disk_is_told_and_over_when_it_has_space_again() {
    let home = Home::new();
    let state = home.at("state");
    let Some(disk) = Mount::memory(&state, 1 << 20, "a full disk of the state") else { return };
    home.start().stop();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        if home.at(name).exists() {
            fs::copy(home.at(name), state.join(name)).unwrap();
        }
    }
    home.configure("path = \"state.db\"", "path = \"state/state.db\"");
    let scene = Scene::at(home);
    let (import, list) = (scene.user("keymgmt:imp"), scene.user("keymgmt:list"));
    let take_in = || {
        let key = Base64::encode_string(&SoftKey::random(Curve::Curve25519).public());
        let body = json!({ "label": "one more", "type": "CURVE25519", "pubkey": key });
        scene.client.post("/api/keymgmt/import", &import, &body).status
    };
    let is_ready = || {
        let health = metrics::ask(&scene.daemon, "GET", "/health/ready");
        let told: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
        assert_eq!(health.status() == 200, told["state"] == true, "{told}");
        health.status() == 200
    };
    assert_eq!(take_in(), 200);
    assert!(is_ready());
    // More than once: what the first one leaves behind meets the second.
    for _ in 0..2 {
        let filler = fill(&state);
        // What fails gives its space back, where something smaller may go.
        until("the disk is full, and that is told", LONG, || {
            let status = take_in();
            assert!([200, 409].contains(&status), "{status}");
            (status == 409 && !is_ready()).then_some(())
        });
        assert_eq!(scene.client.get("/api/keymgmt/list", &list).status, 200, "it reads");
        fs::remove_file(filler).unwrap();
        until("it is well again, without a restart or a write", LONG, || is_ready().then_some(()));
        assert_eq!(take_in(), 200);
    }
    drop(scene.stop());
    drop(disk);
}

/// Killed as soon as it is ordered: the order is kept.
#[test]
fn a_wipe_that_is_cut_off_goes_on_at_the_next_start() {
    let scene = Scene::new();
    let kinds = ["SECP256R1", "CURVE25519", "AES256", "MLKEM768"];
    let mut kids = kinds.map(|kind| scene.create(kind, None));
    kids.sort();
    let wiped = scene.client.post(
        "/api/system/config",
        &scene.master("system:config"),
        &json!({ "wipeout": true }),
    );
    assert_eq!(wiped.status, 200);
    let Scene { daemon, home, .. } = scene;
    daemon.kill();
    let scene = Scene::serving(home);
    let status = scene.client.call("GET", "/api/system/status", None, None).json();
    assert_eq!(status["inited"], false, "{status}");
    let home = scene.stop();
    let left = Token::of(&home).list();
    assert!(left.iter().all(Object::is_the_daemons), "{left:?}");
    let entries: Vec<_> =
        log::files(&home.at("audit")).iter().flat_map(|file| log::entries(file)).collect();
    let of = |kind: &str| {
        let mut of: Vec<_> = entries.iter().filter(|entry| entry.kind == kind).collect();
        of.sort_by_key(|entry| entry.ext.clone());
        of.into_iter().map(|entry| (entry.ext.as_str(), entry.result.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(of("KEY_DELETE"), kids.each_ref().map(|kid| (kid.as_str(), "OK")), "{entries:?}");
    assert_eq!(of("KEY_INTEGRITY_ERROR"), []);
    assert_eq!(of("CONFIG_UPDATED").len(), 1, "{entries:?}");
    is_proved(&home);
}

/// The TLS files lie outside the state: that they are replaced is written down first.
#[test]
fn a_certificate_that_may_have_been_replaced_is_entered_at_the_next_start() {
    let scene = Scene::new();
    let crt = fs::read_to_string(scene.home.at("server.pem")).unwrap();
    // The new one can't be written beside the old one.
    let obstacle = scene.home.at("server.new");
    fs::create_dir(&obstacle).unwrap();
    assert_eq!(renew(&scene, "AAAA"), 406, "it does not fit, so that nothing was begun");
    assert_eq!(renew(&scene, &crt), 406);
    fs::remove_dir(&obstacle).unwrap();
    let scene = Scene::at(scene.stop());
    let started = log::files(&scene.home.at("audit")).pop().unwrap();
    let told: Vec<_> = until("it is entered", LONG, || {
        let told = log::entries(&started).into_iter().filter(|entry| entry.subject == "user");
        let told: Vec<_> = told.map(|entry| (entry.head(), entry.ext)).collect();
        (told.len() >= 2).then_some(told)
    });
    let [(entered, _), (reconciled, why)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        (entered.as_str(), reconciled.as_str()),
        ("CONFIG_UPDATED OK", "AUDIT_RECONCILED OK")
    );
    assert!(why.starts_with("LOG_TYPE_CONFIG_UPDATED - "), "{why}");
    assert!(why.ends_with("a TLS certificate was being put in place; entered"), "{why}");
    // Each start of this kind makes a certificate.
    let crt = fs::read_to_string(scene.home.at("server.pem")).unwrap();
    assert_eq!(renew(&scene, &crt), 200);
    let home = scene.stop();
    let scene = Scene::at(home);
    let started = log::files(&scene.home.at("audit")).pop().unwrap();
    assert!(log::entries(&started).iter().all(|entry| entry.kind != "AUDIT_RECONCILED"));
}

fn renew(scene: &Scene, crt: &str) -> u16 {
    let body = json!({ "tls": { "crt": crt } });
    scene.client.post("/api/system/config", &scene.user("system:config"), &body).status
}

fn is_proved(home: &Home) {
    let audit = home.at("audit");
    let mut verify = Command::new(programs::path("claviger-audit"));
    verify.arg("verify").arg(&audit).arg("--key").arg(audit.join("logger.vkey"));
    programs::run(&mut verify).good();
}
