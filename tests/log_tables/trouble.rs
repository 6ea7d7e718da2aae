//! The rows that ask for something broken: a record that somebody changed, a token whose generator
//! is stuck, a folder of the log that can't be read.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use cryptoki_sys::CKR_OK;
use tests::daemon::{Home, write};
use tests::fault::{Fault, Faults};
use tests::log::{Entry, entries, files};
use tests::programs;
use tests::scene::Scene;

use crate::device::{CONFIG, LOG, START};
use crate::walk::{Row, Walk, row};

/// A8: what a self-test says of a key whose record somebody changed.
pub(crate) const DAMAGED: &[Row] = &[
    row(
        "POST /api/crypto/ecdh",
        "user keymgmt:use:<ec>",
        r#"{"kid":"<ec>","ext_kid":"<ec>"}"#,
        409,
        "",
    ),
    row(
        "GET /api/system/selftest",
        CONFIG,
        "",
        200,
        "KEY_INTEGRITY_ERROR FAILED user -; SELFTEST_PASSED OK user -",
    ),
];

/// A8: what it says of a token that gives no random bytes.
pub(crate) const STUCK: &[Row] = &[
    row(
        "GET /api/system/selftest",
        CONFIG,
        "",
        200,
        "TRNG_FAILED OK user -; NON_SECURE_STATE OK user -; SELFTEST_PASSED FAILED user -",
    ),
    row("GET /api/system/config/attestation", CONFIG, "", 409, ""),
];

/// A12: where the folder can't be read.
pub(crate) const UNREADABLE: &[Row] = &[
    row("GET /api/logger/list", LOG, "", 404, "LOGGER_LIST_LOG FAILED user -"),
    row("GET /api/logger/list/0", LOG, "", 404, "LOGGER_LIST_LOG FAILED user -"),
];

#[test]
fn a_changed_record_is_entered_at_the_start_and_at_a_self_test() {
    let scene = Scene::new();
    let kid = scene.create("SECP256R1", None);
    let home = scene.stop();
    let state = std::fs::read(home.at("state.db")).unwrap();
    let (label, other) = (b"a SECP256R1", b"b SECP256R1");
    let at = state.windows(label.len()).position(|part| part == label).unwrap();
    write(&home.at("state.db"), [&state[..at], other, &state[at + label.len()..]].concat());
    let scene = Scene::at(home);
    let told = entries(files(&scene.home.at("audit")).last().unwrap());
    let errors: Vec<_> = told.iter().filter(|entry| entry.kind.starts_with("KEY_INTEG")).collect();
    assert_eq!(errors.len(), 1, "{told:?}");
    let error = (errors[0].head(), errors[0].subject.as_str(), errors[0].ext.as_str());
    assert_eq!(error, ("KEY_INTEGRITY_ERROR FAILED".to_owned(), "", kid.as_str()));
    assert_eq!(told.len(), START.len() + 1, "{told:?}");
    let mut walk = Walk::new(&scene);
    walk.know("ec", kid);
    DAMAGED.iter().for_each(|row| walk.take(row));
    walk.settle();
}

#[test]
fn a_self_test_that_fails_is_entered() {
    if !Faults::applies("a_self_test_that_fails_is_entered") {
        return;
    }
    let (faults, scene) = Faults::scene();
    let mut walk = Walk::new(&scene);
    scene.user("system:config");
    // Nothing is asked of the token, and it is told that all went well.
    faults.fail("C_GenerateRandom", Fault::for_good(CKR_OK));
    STUCK.iter().for_each(|row| walk.take(row));
    walk.settle();
}

#[test]
fn a_folder_that_cannot_be_read_is_entered() {
    let home = Home::new();
    let daemon = home.start_by(without_privileges());
    let scene = Scene::of(home, daemon);
    let folder = scene.home.at("audit");
    let mode = |mode| std::fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    let before = std::fs::metadata(&folder).unwrap().mode();
    let mut walk = Walk::new(&scene);
    mode(0o300);
    UNREADABLE.iter().for_each(|row| walk.take(row));
    mode(before);
    walk.see("the folder can be read again", 200, "LOGGER_LIST_LOG OK user -", || {
        scene.client.get("/api/logger/list", &scene.user("logger:get"))
    });
    walk.settle();
    let told: Vec<_> = files(&folder).iter().flat_map(|file| entries(file)).collect();
    let failed = |entry: &&Entry| entry.head() == "LOGGER_LIST_LOG FAILED";
    assert_eq!(told.iter().filter(failed).count(), UNREADABLE.len());
}

/// The daemon's program, for a run that the modes of files hold for, whoever runs the tests.
fn without_privileges() -> Command {
    let program = programs::path("clavigerd");
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    for set in ["--bounding-set", "--inh-caps"] {
        command.args([set, "-dac_override,-dac_read_search"]);
    }
    command.arg(program);
    command
}
