//! The worker against a real token: SoftHSM, or the make that `CLAVIGER_TEST_PROFILE` names.
//!
//! A PKCS#11 module is initialised once a process and finds its configuration through the
//! environment, so this is a program without the usual harness: it starts itself again in several
//! roles. The steps build on each other, and each says what it shows.

#![expect(
    clippy::expect_used,
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
#[path = "token/mailbox.rs"]
mod mailbox;
#[path = "token/once.rs"]
mod once;
#[path = "token/post_quantum.rs"]
mod post_quantum;
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

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use hsm_profiles::{Profile, StoreKind, TokenFiles, WorkerOptions, init_token, worker_main};

use client::LABEL;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["worker"] => worker_main(&WorkerOptions {
            socket: 3,
            pin: 4,
            refusals: None,
            profile: profile().name,
            module: Some(module()),
            token_label: LABEL.into(),
            sessions: Some(2),
        }),
        ["init", dir] => init(Path::new(dir)),
        ["in-process", dir] => {
            in_process::heals_and_looks_right(&files(Path::new(dir)).pin_file);
            ExitCode::SUCCESS
        }
        ["employ", dir] => {
            employ::comes_out_right(&files(Path::new(dir)).pin_file);
            ExitCode::SUCCESS
        }
        ["vectors", dir] => {
            vectors::all(&files(Path::new(dir)).pin_file);
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

/// The profile of the make that the tests run on.
fn profile() -> Profile {
    let name = std::env::var("CLAVIGER_TEST_PROFILE");
    Profile::load(name.as_deref().unwrap_or("softhsm2")).unwrap()
}

/// Its module: the embedded token where it was built, not where it would be installed.
fn module() -> PathBuf {
    let profile = profile();
    if profile.store != StoreKind::Kryoptic {
        return profile.module().expect("install the package softhsm2").to_owned();
    }
    let built = "embedded-token/target/release/libclaviger_token.so";
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(built);
    assert!(built.exists(), "the embedded token is not built: `make token` builds it");
    built
}

fn files(dir: &Path) -> TokenFiles {
    TokenFiles::under(dir, profile().store).unwrap()
}

fn init(dir: &Path) -> ExitCode {
    match init_token(&profile(), Some(&module()), LABEL, dir) {
        Ok(made) => {
            assert_eq!(made, files(dir));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program in another role, with the token under `dir`.
fn run(role: &str, dir: &Path) {
    let files = files(dir);
    let status = Command::new(std::env::current_exe().unwrap())
        .args([role.as_ref(), dir.as_os_str()])
        .env(files.variable, files.conf)
        .status()
        .unwrap();
    assert!(status.success(), "{role}: {status}");
}
