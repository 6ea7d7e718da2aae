//! The PIN: one attempt a start, and none after a refusal until a person has mended it.

use std::fs;

use cryptoki_sys::*;
use serde_json::json;
use tests::curves::Curve;
use tests::daemon::{Home, write};
use tests::fault::{Fault, Faults};
use tests::patience::{LONG, until};
use tests::process::{kill_worker, worker};
use tests::scene::Scene;
use tests::user::User;

/// A folder with a token and a device, behind the fault module.
fn home() -> (Faults, Home) {
    let home = Home::new();
    home.start().stop();
    (Faults::install(&home), home)
}

/// A start that the PIN prevents. Answers what the daemon said.
fn refused_start(home: &Home) -> String {
    let ran = home.command(&["serve"]);
    assert_eq!(ran.code, 77, "{ran:?}");
    assert!(ran.stderr.contains("PIN"), "{ran:?}");
    ran.stderr
}

#[test]
fn a_start_logs_in_once_and_so_does_each_new_worker() {
    if !Faults::applies("a_start_logs_in_once_and_so_does_each_new_worker") {
        return;
    }
    let (faults, home) = home();
    let scene = Scene::serving(home);
    assert_eq!(faults.calls("C_Login"), 1);
    let user = User::new(&scene, "SECP256R1", None);
    let (peer, _) = user.peer(Curve::Secp256r1);
    assert_eq!(user.ask("/api/crypto/ecdh", json!({ "pubkey": peer })).status, 200);
    assert_eq!(faults.calls("C_Login"), 1);
    let old = worker(&scene.daemon);
    kill_worker(&scene.daemon);
    assert_eq!(user.ask("/api/crypto/ecdh", json!({ "pubkey": peer })).status, 200);
    assert_ne!(worker(&scene.daemon), old);
    assert_eq!(faults.calls("C_Login"), 2);
}

#[test]
fn a_wrong_pin_is_tried_once_whatever_restarts_the_daemon_until_it_is_mended() {
    if !Faults::applies("a_wrong_pin_is_tried_once_whatever_restarts_the_daemon_until_it_is_mended")
    {
        return;
    }
    let (faults, home) = home();
    let right = fs::read_to_string(home.at("pin")).unwrap();
    write(&home.at("pin"), "not the PIN\n");
    refused_start(&home);
    assert_eq!(faults.calls("C_Login"), 1);
    for _ in 0..3 {
        let said = refused_start(&home);
        assert!(said.contains("mend the PIN"), "{said}");
    }
    assert_eq!(faults.calls("C_Login"), 1, "it was refused before");
    let memory = fs::read_to_string(home.at("pin-refused")).unwrap();
    assert!(!memory.contains("not the PIN"), "{memory}");
    // Another PIN is another attempt, a wrong one, too.
    write(&home.at("pin"), "not the PIN either");
    refused_start(&home);
    assert_eq!(faults.calls("C_Login"), 2);
    refused_start(&home);
    assert_eq!(faults.calls("C_Login"), 2);
    write(&home.at("pin"), &right);
    let scene = Scene::serving(home);
    assert_eq!(faults.calls("C_Login"), 3);
    assert_eq!(fs::read_to_string(scene.home.at("pin-refused")).unwrap_or_default(), "");
    scene.stop();
}

#[test]
fn a_locked_pin_waits_for_the_person_who_unlocks_it() {
    if !Faults::applies("a_locked_pin_waits_for_the_person_who_unlocks_it") {
        return;
    }
    for value in [CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_USER_PIN_NOT_INITIALIZED] {
        let (faults, home) = home();
        faults.fail("C_Login", Fault::for_good(value));
        refused_start(&home);
        faults.lift("C_Login");
        let said = refused_start(&home);
        assert!(said.contains("pin-refused"), "how to go on with the same PIN: {said}");
        assert_eq!(faults.calls("C_Login"), 1);
        fs::remove_file(home.at("pin-refused")).unwrap();
        Scene::serving(home).stop();
        assert_eq!(faults.calls("C_Login"), 2);
    }
}

/// A token that is away says nothing about the PIN.
#[test]
fn a_login_that_fails_for_another_reason_is_tried_again() {
    if !Faults::applies("a_login_that_fails_for_another_reason_is_tried_again") {
        return;
    }
    let (faults, home) = home();
    faults.fail("C_Login", Fault::once(CKR_DEVICE_ERROR));
    let ran = home.command(&["serve"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("CKR_DEVICE_ERROR"), "{ran:?}");
    Scene::serving(home).stop();
    assert_eq!(faults.calls("C_Login"), 2);
}

#[test]
fn a_pin_that_is_refused_to_a_running_daemon_stops_all_work_and_is_not_tried_again() {
    if !Faults::applies(
        "a_pin_that_is_refused_to_a_running_daemon_stops_all_work_and_is_not_tried_again",
    ) {
        return;
    }
    let (faults, home) = home();
    let scene = Scene::serving(home);
    let user = User::new(&scene, "SECP256R1", None);
    let (peer, _) = user.peer(Curve::Secp256r1);
    let ask = || user.ask("/api/crypto/ecdh", json!({ "pubkey": peer })).status;
    assert_eq!(ask(), 200);
    faults.fail("C_Login", Fault::for_good(CKR_PIN_INCORRECT));
    kill_worker(&scene.daemon);
    let said = "the token refuses its PIN";
    until("the operator is told", LONG, || scene.home.messages().contains(said).then_some(()));
    for _ in 0..5 {
        assert_eq!(ask(), 409);
    }
    let status = scene.client.call("GET", "/api/system/status", None, None);
    assert_eq!(status.status, 200, "{status:?}");
    assert_eq!(faults.failures("C_Login"), 1);
    let home = scene.stop();
    refused_start(&home);
    assert_eq!(faults.failures("C_Login"), 1, "it is remembered");
}
