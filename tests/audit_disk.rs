//! The disk of the audit log fills up, or turns read-only, under a daemon that runs (the table of
//! docs/auditing.md).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::json;
use tests::curves::{Curve, SoftKey};
use tests::daemon::Home;
use tests::mount::{Mount, fill};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::{log, metrics, programs};

const LOG: &str = "logger:get";

/// Whether the daemon does an operation now; anything but 200 and 409 is wrong.
fn operates(scene: &Scene, kid: &str) -> bool {
    let reply = scene.ecdh(kid, &json!({ "kid": kid, "ext_kid": kid }));
    assert!([200, 409].contains(&reply.status), "{reply:?}");
    reply.status == 200
}

/// Operations are refused, at once; what changes nothing and needs no entry goes on.
fn check_refusing(scene: &Scene, kid: &str) {
    // A busy machine may keep any one of them waiting.
    until("a refusal comes at once", LONG, || {
        let began = Instant::now();
        assert!(!operates(scene, kid));
        (began.elapsed() < Duration::from_millis(100)).then_some(())
    });
    let status = scene.client.call("GET", "/api/system/status", None, None);
    assert_eq!((status.status, status.json()["log"].as_str()), (200, Some("refused")));
    assert_eq!(metrics::ask(&scene.daemon, "GET", "/health/live").status(), 200);
    let version = scene.client.call("GET", "/api/system/version", None, None);
    assert_eq!(version.status, 200);
    for readable in ["checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2", "proof/0"] {
        let path = format!("/api/logger/{readable}");
        assert_eq!(scene.client.get(&path, &scene.user(LOG)).status, 200, "{readable}");
    }
}

fn verify(folder: &Path) -> programs::Ran {
    let mut command = Command::new(programs::path("claviger-audit"));
    programs::run(command.arg("verify").arg(folder).arg("--key").arg(folder.join("logger.vkey")))
}

/// A daemon that was used, its token for the log at hand.
fn used(home: Home) -> (Scene, String) {
    let scene = Scene::at(home);
    let kid = scene.create("SECP256R1", None);
    scene.user(LOG);
    assert!(operates(&scene, &kid));
    until("a checkpoint covers it", LONG, || {
        let proof = scene.client.get("/api/logger/proof/2", &scene.user(LOG));
        (proof.status == 200).then_some(())
    });
    (scene, kid)
}

#[test]
fn nothing_is_done_while_the_log_can_not_be_written() {
    let home = Home::new();
    let folder = home.at("audit");
    let Some(disk) = Mount::memory(&folder, 256 << 10, "a full disk") else { return };
    let (scene, kid) = used(home);
    let body = json!({ "kid": kid, "ext_kid": kid });
    let secret = scene.ecdh(&kid, &body).bytes("ecdh");
    let (list, make) = (scene.user("keymgmt:list"), scene.user("keymgmt:gen"));
    let filler = fill(&folder);
    let refused = until("the log is full", LONG, || {
        let reply = scene.ecdh(&kid, &body);
        (reply.status != 200).then_some(reply)
    });
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.is_empty());
    let ask = json!({ "label": "x", "type": "SECP256R1" });
    assert_eq!(scene.client.post("/api/keymgmt/create", &make, &ask).status, 409);
    assert_eq!(scene.client.get("/api/keymgmt/list", &list).status, 409);
    let health = || metrics::ask(&scene.daemon, "GET", "/health/ready").status();
    until("it is not ready", LONG, || (health() == 503).then_some(()));
    assert!(metrics::scrape(&scene.daemon).get("claviger_audit_failures_total") >= 1.0);
    check_refusing(&scene, &kid);
    fs::remove_file(filler).unwrap();
    let again = until("the log goes on", LONG, || {
        let reply = scene.ecdh(&kid, &body);
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(again.bytes("ecdh"), secret);
    until("it is ready", LONG, || (health() == 200).then_some(()));
    until("the checkpoints go on", LONG, || {
        let status = scene.client.call("GET", "/api/system/status", None, None).json();
        status.get("log").is_none().then_some(())
    });
    let keys = scene.client.get("/api/keymgmt/list", &list).json();
    assert_eq!(keys["total"], 1, "what was refused was not done: {keys}");
    let entries: Vec<_> = log::files(&folder).iter().flat_map(|file| log::entries(file)).collect();
    let gap = entries.iter().find(|entry| entry.kind == "AUDIT_GAP").unwrap();
    assert!(gap.ext.contains("No space left on device"), "{gap:?}");
    let home = scene.stop();
    let proved = verify(&folder);
    assert_eq!(proved.code, 0, "{proved:?}");
    // First, so that the folder can go.
    drop(disk);
    drop(home);
}

/// The change is made before its entry is refused: then it is entered later, with the reason.
#[test]
fn a_change_whose_entry_is_refused_is_entered_when_the_log_goes_on() {
    let home = Home::new();
    let folder = home.at("audit");
    let Some(disk) = Mount::memory(&folder, 256 << 10, "a change without an entry") else { return };
    let (scene, kid) = used(home);
    let reconciled = |kind: &str| {
        let files = log::files(&folder);
        let entries: Vec<_> = files.iter().flat_map(|file| log::entries(file)).collect();
        let at = entries.iter().rposition(|entry| entry.kind == "AUDIT_RECONCILED")?;
        let [change, told] = entries.get(at - 1..=at)? else { return None };
        if !told.ext.starts_with(&format!("LOG_TYPE_{kind} ")) {
            return None;
        }
        assert_eq!((change.head(), &change.subject), (format!("{kind} OK"), &"user".to_owned()));
        Some(change.ext.clone())
    };

    let import = scene.user("keymgmt:imp");
    let key = sooner_or_later(|| {
        let filler = fill(&folder);
        refused("an import", || {
            let key = Base64::encode_string(&SoftKey::random(Curve::Curve25519).public());
            let body = json!({ "label": "refused", "type": "CURVE25519", "pubkey": key });
            scene.client.post("/api/keymgmt/import", &import, &body).status
        });
        fs::remove_file(&filler).unwrap();
        until("the log goes on", LONG, || operates(&scene, &kid).then_some(()));
        reconciled("KEY_IMPORT")
    });
    let got = scene.client.get(&format!("/api/keymgmt/get/{key}"), &scene.user("keymgmt:get"));
    assert_eq!(got.status, 200, "{key} is in the log and not there");

    let mut running = Some(scene);
    sooner_or_later(|| {
        let scene = running.take().unwrap();
        let config = scene.user("system:config");
        let filler = fill(&folder);
        refused("a change of the settings", || {
            scene.client.post("/api/system/config", &config, &json!({ "user": "refused" })).status
        });
        let Scene { daemon, home, .. } = scene;
        daemon.kill();
        fs::remove_file(&filler).unwrap();
        running = Some(Scene::at(home));
        reconciled("CONFIG_UPDATED")
    });
    let scene = running.unwrap();
    let home = scene.stop();
    let proved = verify(&folder);
    assert_eq!(proved.code, 0, "{proved:?}");
    drop(disk);
    drop(home);
}

/// Has `attempt` done until its change is entered later. Where the checkpoint of an earlier entry is the
/// first thing that finds the disk full, the change is refused before it is made: then once more.
fn sooner_or_later<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..40 {
        if let Some(entered) = attempt() {
            return entered;
        }
    }
    panic!("40 times nothing was changed, or what was changed was not entered");
}

/// Asks until it is refused, and not for another reason than the log.
fn refused(what: &str, ask: impl Fn() -> u16) {
    let status =
        until(&format!("{what} is refused"), LONG, || Some(ask()).filter(|status| *status != 200));
    assert_eq!(status, 409, "{what}");
}

#[test]
fn a_disk_that_turns_read_only_refuses_and_loses_nothing() {
    let home = Home::new();
    let (folder, image) = (home.at("audit"), home.at("disk.img"));
    let name = "a read-only disk";
    let Some(disk) = Mount::ext4(&folder, &image, name) else { return };
    let (scene, kid) = used(home);
    let done = scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid }));
    let index = done.header("Audit-Index").to_owned();
    disk.turn_read_only();
    until("it refuses", LONG, || (!operates(&scene, &kid)).then_some(()));
    check_refusing(&scene, &kid);
    let Scene { daemon, home, .. } = scene;
    daemon.kill();
    drop(disk);
    let disk = Mount::ext4(&folder, &image, name).unwrap();
    let scene = Scene::at(home);
    let path = format!("/api/logger/proof/{index}");
    until("what was answered is there and proved", LONG, || {
        (scene.client.get(&path, &scene.user(LOG)).status == 200).then_some(())
    });
    let home = scene.stop();
    let proved = verify(&folder);
    assert_eq!(proved.code, 0, "{proved:?}");
    // First, so that the folder can go.
    drop(disk);
    drop(home);
}
