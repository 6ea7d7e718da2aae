//! Somebody lays hands on the log file of a daemon that runs (the table of docs/auditing.md).

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tests::log;
use tests::patience::{LONG, until};
use tests::programs;
use tests::scene::Scene;

/// Has `deed` done to the live file and waits for the entry about it, which starts the next file.
/// Answers its result and ext.
fn after(scene: &Scene, deed: fn(&Path)) -> (String, String) {
    let kid = scene.create("SECP256R1", None);
    // A login would be refused meanwhile, too.
    scene.user_of(&kid);
    let folder = scene.home.at("audit");
    let before = log::files(&folder);
    deed(before.last().unwrap());
    let file = until("the log goes on in another file", LONG, || {
        // Whatever is answered 200 is in the log; all else is refused.
        let reply = scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid }));
        assert!([200, 409].contains(&reply.status), "{reply:?}");
        let last = log::files(&folder).pop().filter(|last| !before.contains(last))?;
        let gap = log::entries(&last).into_iter().nth(1);
        gap.filter(|gap| gap.kind == "AUDIT_GAP")
    });
    // The entry can be read a moment before it is durable, and so before others are taken.
    until("the log goes on by itself", LONG, || {
        let again = scene.ecdh(&kid, &json!({ "kid": kid, "ext_kid": kid }));
        (again.status == 200).then_some(())
    });
    (file.result, file.ext)
}

fn verify(scene: &Scene) -> programs::Ran {
    let mut command = Command::new(programs::path("claviger-audit"));
    let folder = scene.home.at("audit");
    let key = folder.join("logger.vkey");
    programs::run(command.arg("verify").arg(folder).arg("--key").arg(key))
}

#[test]
fn a_deleted_file_is_seen_and_comes_back() {
    let scene = Scene::new();
    let live = log::files(&scene.home.at("audit")).pop().unwrap();
    let (result, ext) = after(&scene, |file| fs::remove_file(file).unwrap());
    let id = live.file_stem().unwrap().to_str().unwrap();
    assert_eq!(result, "OK");
    assert!(ext.starts_with(&format!("{id} deleted; ")), "{ext}");
    assert_eq!(log::entries(&live)[0].head(), "KEY_INIT OK", "its lines are back");
    let proved = verify(&scene);
    assert_eq!(proved.code, 0, "{proved:?}");
    let scene = Scene::at(scene.stop());
    assert_eq!(verify(&scene).code, 0);
}

#[test]
fn a_truncated_file_is_seen_and_its_loss_is_told() {
    let scene = Scene::new();
    let cut =
        |file: &Path| OpenOptions::new().write(true).open(file).unwrap().set_len(100).unwrap();
    let (result, ext) = after(&scene, cut);
    assert_eq!(result, "FAILED");
    assert!(ext.contains(" truncated to "), "{ext}");
    assert_eq!(verify(&scene).code, 8);
    // It was told, so the next start goes on; the lines stay missing for whoever verifies.
    let scene = Scene::at(scene.stop());
    assert_eq!(verify(&scene).code, 8);
}

#[test]
fn a_log_that_was_put_back_does_not_start_until_an_operator_says_so() {
    let home = Scene::new().stop();
    let state = ["state.db", "state.db-wal", "state.db-shm"];
    let (audit, copies) = (home.at("audit"), home.at("copies"));
    fs::create_dir(&copies).unwrap();
    let cp = |from: &Path, to: &Path| {
        let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
        assert!(done.unwrap().success());
    };
    cp(&audit, &copies.join("audit"));
    for name in state.into_iter().filter(|name| home.at(name).exists()) {
        cp(&home.at(name), &copies.join(name));
    }
    let home = Scene::at(home).stop();
    fs::remove_dir_all(&audit).unwrap();
    cp(&copies.join("audit"), &audit);
    let refused = |place: &str| {
        let refused = home.command(&["serve"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        let why = format!("rolled back: the checkpoint in {place} covers");
        assert!(refused.stderr.contains(&why), "{refused:?}");
    };
    refused("the state file");
    // Without it the token knows.
    for name in state {
        let _ = fs::remove_file(home.at(name));
        if copies.join(name).exists() {
            cp(&copies.join(name), &home.at(name));
        }
    }
    refused("the token");
    let begun = home.command(&["new-log", "--reason", "restored by mistake"]).good();
    assert!(begun.contains("set-aside/1"), "{begun}");
    let scene = Scene::at(home);
    assert_eq!(verify(&scene).code, 0);
    let first = log::entries(&log::files(&audit)[0]);
    assert_eq!(first[1].head(), "AUDIT_RESTARTED OK");
    assert!(first[1].ext.ends_with(": restored by mistake"), "{first:?}");
}
