//! The worker against a real SoftHSM.
//!
//! A PKCS#11 module is initialised once a process and finds its configuration through the
//! environment, so this is a program without the usual harness: it starts itself again in several
//! roles. The steps build on each other, and each says what it shows.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, though without the harness that clippy knows tests by"
)]

#[path = "token/client.rs"]
mod client;
#[path = "token/employ.rs"]
mod employ;
#[path = "token/in_process.rs"]
mod in_process;
#[path = "token/sealed.rs"]
mod sealed;
#[path = "token/software.rs"]
mod software;
#[path = "token/software_aes.rs"]
mod software_aes;
#[path = "token/steps.rs"]
mod steps;
#[path = "../../tests/harness/tally.rs"]
#[expect(unreachable_pub, reason = "the file of a crate that this one can't depend on")]
mod tally;
#[path = "token/vectors/mod.rs"]
mod vectors;

use std::path::Path;
use std::process::{Command, ExitCode};

use hsm_profiles::{TokenFiles, WorkerOptions, init_token_main, worker_main};

use client::LABEL;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker"] => worker_main(&WorkerOptions {
            socket: 3,
            pin: 4,
            profile: "softhsm2".into(),
            module: None,
            token_label: LABEL.into(),
            sessions: Some(2),
        }),
        ["init", dir] => init_token_main("softhsm2", LABEL, Path::new(dir)),
        ["in-process", dir] => {
            in_process::heals_and_looks_right(&TokenFiles::under(Path::new(dir)).pin_file);
            ExitCode::SUCCESS
        }
        ["employ", dir] => {
            employ::comes_out_right(&TokenFiles::under(Path::new(dir)).pin_file);
            ExitCode::SUCCESS
        }
        ["vectors", dir] => {
            vectors::all(&TokenFiles::under(Path::new(dir)).pin_file);
            ExitCode::SUCCESS
        }
        ["steps", dir] => {
            steps::all(Path::new(dir));
            ExitCode::SUCCESS
        }
        _ => {
            let dir = tempfile::tempdir().unwrap();
            run("init", dir.path());
            run("steps", dir.path());
            run("in-process", dir.path());
            run("employ", dir.path());
            run("vectors", dir.path());
            ExitCode::SUCCESS
        }
    }
}

/// Runs this program in another role, with the token under `dir`.
fn run(role: &str, dir: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args([role.as_ref(), dir.as_os_str()])
        .env("SOFTHSM2_CONF", TokenFiles::under(dir).conf)
        .status()
        .unwrap();
    assert!(status.success(), "{role}: {status}");
}
