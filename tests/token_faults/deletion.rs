//! Destroying a key fails.

use std::os::unix::net::UnixListener;
use std::process::Command;

use cryptoki_sys::*;
use serde_json::json;
use tests::fault::{Act, Fault, Faults};
use tests::patience::{LONG, until};
use tests::scene::Scene;
use tests::token::{Object, Token};
use tests::{log, programs};

use crate::traces::{create, delete, results, settled};

#[test]
fn a_key_is_destroyed_or_still_there_but_never_half() {
    if !Faults::applies("a_key_is_destroyed_or_still_there_but_never_half") {
        return;
    }
    let (faults, scene) = Faults::scene();
    for (value, status) in [
        (CKR_SESSION_HANDLE_INVALID, 200),
        (CKR_USER_NOT_LOGGED_IN, 200),
        (CKR_OBJECT_HANDLE_INVALID, 200),
        (CKR_GENERAL_ERROR, 200),
        (CKR_DEVICE_ERROR, 409),
        (CKR_HOST_MEMORY, 409),
    ] {
        for act in [Act::Refuse(value), Act::Belie(value)] {
            let kid = until("keys can be made", LONG, || {
                let reply = create(&scene, "SECP256R1");
                (reply.status == 200).then(|| reply.text("kid"))
            });
            assert!(settled(&scene).contains(&kid));
            let mut log = scene.log();
            let fault = Fault { first: 1, times: 1, act };
            let (reply, failed) = faults.during("C_DestroyObject", fault, || delete(&scene, &kid));
            assert_eq!((reply.status, failed), (status, 1), "{act:x?}: {reply:?}");
            // A deletion whose outcome was not known is finished as soon as that can be done.
            until("it is destroyed", LONG, || (!settled(&scene).contains(&kid)).then_some(()));
            assert_eq!(results(&mut log, "KEY_DELETE"), ["OK"], "{act:x?}");
            assert_eq!(delete(&scene, &kid).status, 406, "{act:x?}: it was deleted");
        }
    }
}

/// In the token's store is what can't be synced, as where its disk is full: then it is not known
/// whether a key that was made or destroyed stays so.
fn keep_from_syncing(scene: &Scene) -> impl FnOnce() + use<> {
    let obstacle = scene.home.at("tokens/obstacle");
    let listener = UnixListener::bind(&obstacle).unwrap();
    // What was changed lately is synced.
    programs::run(Command::new("touch").args(["-d", "tomorrow"]).arg(&obstacle)).good();
    move || {
        std::fs::remove_file(obstacle).unwrap();
        drop(listener);
    }
}

#[test]
fn what_can_not_be_made_durable_is_finished_and_never_called_failed() {
    if !Faults::applies("what_can_not_be_made_durable_is_finished_and_never_called_failed") {
        return;
    }
    let (_faults, scene) = Faults::scene();
    let kid = create(&scene, "SECP256R1").text("kid");
    let before = settled(&scene);
    let mut log = scene.log();
    let clear = keep_from_syncing(&scene);
    let reply = delete(&scene, &kid);
    assert_eq!(reply.status, 409, "{reply:?}");
    assert!(!settled(&scene).contains(&kid));
    clear();
    assert_eq!(results(&mut log, "KEY_DELETE"), ["OK"]);

    let clear = keep_from_syncing(&scene);
    let reply = create(&scene, "SECP256R1");
    assert_eq!(reply.status, 409, "{reply:?}");
    clear();
    assert_eq!(results(&mut log, "KEY_GENERATION"), ["FAILED"]);
    let after = settled(&scene);
    assert_eq!(after.len() + 1, before.len());
}

/// Not for want of a token: it has its reasons, and the key is as good as before.
#[test]
fn a_key_that_the_token_does_not_destroy_is_in_use_again() {
    if !Faults::applies("a_key_that_the_token_does_not_destroy_is_in_use_again") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let kid = create(&scene, "SECP256R1").text("kid");
    let mut log = scene.log();
    let refuse = Fault { first: 1, times: 1000, act: Act::Refuse(CKR_ACTION_PROHIBITED) };
    let (reply, _) = faults.during("C_DestroyObject", refuse, || {
        let reply = delete(&scene, &kid);
        until("it is listed again", LONG, || settled(&scene).contains(&kid).then_some(()));
        reply
    });
    assert_eq!(reply.status, 406, "{reply:?}");
    until("that is told", LONG, || {
        log.news().into_iter().find(|entry| {
            entry.kind == "AUDIT_RECONCILED" && entry.ext.ends_with("not done; the key is in use")
        })
    });
    assert_eq!(delete(&scene, &kid).status, 200);
    assert!(!settled(&scene).contains(&kid));
}

/// What is destroyed has its entry, and what is not is destroyed by the next attempt.
#[test]
fn a_wipe_goes_on_where_the_token_failed() {
    if !Faults::applies("a_wipe_goes_on_where_the_token_failed") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut kids = [0; 3].map(|_| create(&scene, "SECP256R1").text("kid"));
    kids.sort();
    let config = scene.user("system:config");
    faults.fail("C_DestroyObject", Fault { first: 2, times: 1, act: Act::Die });
    let wiped = scene.client.post("/api/system/config", &config, &json!({ "wipeout": true }));
    assert_eq!(wiped.status, 200);
    until("everything is destroyed", LONG, || {
        let status = scene.client.try_send("GET", "/api/system/status", |ask| ask).ok()?;
        (status.json()["inited"] == false).then_some(())
    });
    assert_eq!(faults.failures("C_DestroyObject"), 1);
    let home = scene.stop();
    let entries: Vec<_> =
        log::files(&home.at("audit")).iter().flat_map(|file| log::entries(file)).collect();
    let deletions = entries.iter().filter(|entry| entry.kind == "KEY_DELETE");
    let (good, bad): (Vec<_>, Vec<_>) = deletions.partition(|entry| entry.result == "OK");
    assert_eq!(bad.len(), 1, "{entries:?}");
    let mut good: Vec<_> = good.into_iter().map(|entry| entry.ext.clone()).collect();
    good.sort();
    good.dedup();
    assert_eq!(good, kids, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.kind != "KEY_INTEGRITY_ERROR"), "{entries:?}");
    let left = Token::of(&home).list();
    assert!(left.iter().all(Object::is_the_daemons), "{left:?}");
}
