//! The audit log of a daemon: proved offline, served to auditors, and without it nothing is done.

use std::fs;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tests::daemon::{MASTER, USER, write};
use tests::log::{self, Entry};
use tests::programs::{self, Ran};
use tests::scene::Scene;

#[test]
fn a_log_is_proved_and_a_changed_byte_is_found() {
    let scene = Scene::new();
    let key = busy_run(&scene);
    let home = scene.stop();
    let (folder, file) = (home.at("audit"), log::files(&home.at("audit")).pop().unwrap());
    let proved = verify(&folder, &key);
    assert_eq!(proved.code, 0, "{proved:?}");
    assert!(proved.stdout.contains("proved"), "{proved:?}");

    let entries = log::entries(&file);
    let heads: Vec<_> = entries.iter().map(Entry::head).collect();
    assert_eq!(heads[..4], ["KEY_INIT OK", "STARTUP OK", "SELFTEST_PASSED OK", "DEVICE_INITED OK"]);
    assert_eq!(heads.last().unwrap(), "SHUTDOWN OK");
    let counts = log::counts(&entries);
    for (head, count) in [
        ("KEY_GENERATION OK", 2),
        ("KEY_GENERATION ERROR", 1),
        ("CRYPTO_ECDH OK", 3),
        ("CRYPTO_ECDH FAILED", 1),
        ("FAILED_SCOPE_CHECK FAILED", 1),
        ("KEY_DELETE OK", 1),
    ] {
        assert_eq!(counts.get(head), Some(&count), "{head}: {counts:?}");
    }

    let good = fs::read(&file).unwrap();
    let lines = good.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
    // Lines that start with # are for people and prove nothing.
    let records: Vec<_> = (0..lines.len()).filter(|line| lines[*line][0] != b'#').collect();
    let middle = records[records.len() / 2];
    for line in [records[0], middle, *records.last().unwrap()] {
        let start: usize = lines[..line].iter().map(|line| line.len()).sum();
        // Of the time, the ext or the tag: whatever stands there.
        for at in [start + 4, start + lines[line].len() / 2, start + lines[line].len() - 4] {
            let mut bad = good.clone();
            bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
            write(&file, &bad);
            let found = verify(&folder, &key);
            assert_eq!(found.code, 8, "byte {at}: {found:?}");
            let named = format!("line {}", line + 1);
            assert!(found.stdout.contains(&named), "byte {at}, {named}: {found:?}");
        }
    }
    // A line that was taken out leaves a gap.
    let without = [&lines[..middle], &lines[middle + 1..]].concat().concat();
    write(&file, without);
    assert_eq!(verify(&folder, &key).code, 8);
    write(&file, &good);
    let other = Base64::encode_string(&[9; 32]);
    assert_ne!(verify(&folder, &other).code, 0, "another logger key");
    assert_eq!(verify(&folder, &key).code, 0);
}

#[test]
fn auditors_read_old_files_over_the_api() {
    let first = Scene::new();
    let key = first.client.get("/api/logger/key", &first.user("logger:get")).text("key");
    let scene = Scene::at(first.stop());
    let token = scene.user("logger:get");
    let files = log::files(&scene.home.at("audit"));
    let ids: Vec<_> =
        files.iter().map(|f| f.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let mut entries = scene.log();
    let mut get = |path: &str, status: u16, expected: &[&str]| {
        let reply = scene.client.get(path, &token);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        assert_eq!(entries.heads(), expected, "{path}");
        reply
    };
    let listed = ["LOGGER_LIST_LOG OK"];
    let list = get("/api/logger/list", 200, &listed).json();
    assert_eq!(list, json!({ "total": 2, "id": ids }), "oldest first");
    assert_eq!(get("/api/logger/list/1", 200, &listed).json()["id"], json!([ids[1]]));
    assert_eq!(get("/api/logger/list/9", 200, &listed).json()["id"], json!([]));
    get("/api/logger/list/x", 406, &[]);
    let old = get(&format!("/api/logger/{}", ids[0]), 200, &["LOGGER_READ_LOG OK"]);
    assert_eq!(old.header("Content-Type"), "text/plain");
    assert_eq!(old.body, fs::read(&files[0]).unwrap(), "byte for byte");
    get(&format!("/api/logger/{}", ids[1]), 406, &[]);
    for absent in ["00000001", "1", "zzzzzzzz", "000000001"] {
        get(&format!("/api/logger/{absent}"), 404, &["LOGGER_READ_LOG FAILED"]);
    }
    get("/api/logger/..%2fstate.db", 404, &["LOGGER_READ_LOG FAILED"]);
    let again = get("/api/logger/key", 200, &[]);
    assert_eq!(again.text("key"), key, "the same key at every start");
    let all = log::entries(&files[1]);
    let read = all.iter().find(|entry| entry.head() == "LOGGER_READ_LOG OK").unwrap();
    assert_eq!(read.ext, ids[0], "which file was read");
    who_may_read(&scene);
}

fn who_may_read(scene: &Scene) {
    let (master, other) = (scene.master("logger:get"), scene.user("keymgmt:list"));
    let mut log = scene.log();
    for path in
        ["/api/logger/key", "/api/logger/list", "/api/logger/list/0", "/api/logger/00000001"]
    {
        assert!([200, 404].contains(&scene.client.get(path, &master).status), "{path}");
        log.news();
        assert_eq!(scene.client.get(path, &other).status, 403, "{path}");
        assert_eq!(log.heads(), ["FAILED_SCOPE_CHECK FAILED"]);
        assert_eq!(scene.client.call("GET", path, None, None).status, 401, "{path}");
        assert_eq!(log.heads(), [""; 0]);
    }
}

#[test]
fn the_logger_key_speaks_for_itself() {
    let scene = Scene::new();
    let token = scene.user("logger:get");
    let (one, two) =
        (scene.client.get("/api/logger/key", &token), scene.client.get("/api/logger/key", &token));
    assert_ne!(one.bytes("nonce"), two.bytes("nonce"));
    for reply in [&one, &two] {
        let key = UnparsedPublicKey::new(&ED25519, reply.bytes("key"));
        assert_eq!(reply.bytes("nonce").len(), 32);
        key.verify(&reply.bytes("nonce"), &reply.bytes("nonce_signed")).unwrap();
    }
    let config = scene.client.get("/api/system/config", &token).json();
    assert_eq!(config["eid_sign"], json!(one.text("key")));
}

#[test]
fn no_secret_is_written_down() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let secret = scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid })).text("ecdh");
    let (token, pin) = (scene.user_of(&kid), fs::read_to_string(scene.home.at("pin")).unwrap());
    assert_eq!(scene.client.get("/api/keymgmt/list", &format!("{token}x")).status, 401);
    let home = scene.stop();
    let log = fs::read_to_string(log::files(&home.at("audit")).pop().unwrap()).unwrap();
    let state = String::from_utf8_lossy(&fs::read(home.at("state.db")).unwrap()).into_owned();
    for (place, text) in [("messages", home.messages()), ("log", log), ("state", state)] {
        assert!(!text.is_empty(), "{place}");
        for hidden in [USER, MASTER, pin.trim(), token.as_str(), secret.as_str()] {
            assert!(!text.contains(hidden), "{hidden} in the {place}");
        }
    }
}

/// Good requests and bad ones; answers the logger key.
fn busy_run(scene: &Scene) -> String {
    let (one, two) = (scene.create("SECP256R1", None), scene.create("SECP256R1", None));
    for _ in 0..3 {
        assert_eq!(scene.ecdh(&one, &json!({ "kid": one, "ext_kid": two })).status, 200);
    }
    assert_eq!(scene.ecdh(&one, &json!({ "kid": one })).status, 406);
    let bad: Value = json!({ "label": "", "type": "SECP256R1" });
    let token = scene.user("keymgmt:gen");
    assert_eq!(scene.client.post("/api/keymgmt/create", &token, &bad).status, 400);
    assert_eq!(scene.client.post("/api/crypto/ecdh", &token, &json!({ "kid": one })).status, 403);
    let path = format!("/api/keymgmt/delete/{two}");
    let deleted = scene.client.call("DELETE", &path, Some(&scene.user("keymgmt:del")), None);
    assert_eq!(deleted.status, 200);
    scene.client.get("/api/logger/key", &scene.master("logger:get")).text("key")
}

fn verify(folder: &Path, key: &str) -> Ran {
    let mut command = Command::new(programs::path("claviger-audit"));
    programs::run(command.arg("verify").arg(folder).args(["--key", key]))
}
