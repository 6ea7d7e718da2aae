//! The conformance kit, which knows the API's description and nothing of the daemon, passes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::daemon::{Daemon, Home, MASTER, USER};
use tests::programs::{self, Ran};

/// All but the delay after failed logins, which the other test waits for.
#[test]
fn a_daemon_that_runs_conforms_and_all_it_did_stands_in_its_log() {
    let home = Home::new();
    let daemon = home.start();
    let plain = daemon.ready().plain_url.clone().unwrap();
    let arguments = ["--disruptive", "--skip", "T-3.3", "--at-least", "200", "--plain-url", &plain];
    let verdicts = verdicts(&kit(&daemon, &arguments));
    assert_eq!(count(&verdicts, "FAIL"), 0, "{verdicts:#?}");
    assert!(count(&verdicts, "pass") >= 200, "{verdicts:#?}");
    // What depends on the arguments or on the daemon's state must not have been left out.
    for id in ["A1-418", "A8-reboot", "A8-userkey", "T-9-run", "T-10.4-anonymous", "T-11.5"] {
        assert_eq!(verdicts[id], "pass", "{id}");
    }
}

#[test]
fn a_fresh_daemon_is_initialised_and_slows_down_after_failed_logins() {
    let home = Home::uninitialised();
    let daemon = home.serve();
    let refused = kit(&daemon, &[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--provision"), "{refused:?}");
    let only = ["--provision", "--only", "T-2", "--only", "T-3.3", "--only", "A3-user"];
    let verdicts = verdicts(&kit(&daemon, &only));
    for id in ["T-2.1-refuses", "T-2.1", "T-2.2", "A3-user", "T-3.3"] {
        assert_eq!(verdicts[id], "pass", "{verdicts:#?}");
    }
}

/// A device that does something else is found out: here the root that signs its certificate.
#[test]
fn a_device_that_is_another_does_not_pass() {
    let (home, other) = (Home::new(), Home::new());
    let (daemon, stranger) = (home.start(), other.start());
    let ran = run(&daemon.ready().url, &stranger.ready().ca_file, &["--only", "T-1.2"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    let short = kit(&daemon, &["--only", "T-1.2", "--at-least", "2"]);
    assert_eq!(short.code, 1, "{short:?}");
}

#[test]
fn every_check_stands_in_its_document() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
    let text = std::fs::read_to_string(path).unwrap();
    let list = programs::run(Command::new(programs::path("conformance")).arg("--list")).good();
    assert!(list.lines().count() >= 200, "{list}");
    for line in list.lines() {
        let (id, says) = line.split_once(' ').unwrap();
        let row = format!("| {id} | {} |\n", says.trim().replace('|', "\\|"));
        assert!(text.contains(&row), "docs/conformance.md has no row {row}");
    }
}

fn kit(daemon: &Daemon, arguments: &[&str]) -> Ran {
    run(&daemon.ready().url, &daemon.ready().ca_file, &[&["--json"][..], arguments].concat())
}

fn run(url: &str, ca: &Path, arguments: &[&str]) -> Ran {
    let port = url.rsplit(':').next().unwrap();
    let mut command = Command::new(programs::path("conformance"));
    command.args(["--url", url, "--connect", &format!("127.0.0.1:{port}"), "--ca"]).arg(ca);
    command.env("CLAVIGER_USER_PASSPHRASE", USER).env("CLAVIGER_MASTER_PASSPHRASE", MASTER);
    programs::run(command.args(arguments))
}

/// The verdict of each check by its id; fails where the run did.
fn verdicts(ran: &Ran) -> BTreeMap<String, String> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let checks = report["checks"].as_array().unwrap();
    let bad: Vec<_> = checks.iter().filter(|check| check["verdict"] == "FAIL").collect();
    assert!(bad.is_empty() && ran.code == 0, "{bad:#?}\n{}", ran.stderr);
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks.iter().map(|check| (text(check, "id"), text(check, "verdict"))).collect()
}

fn count(verdicts: &BTreeMap<String, String>, name: &str) -> usize {
    verdicts.values().filter(|verdict| *verdict == name).count()
}
