//! Where the programs are that the workspace builds.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The program `name`, beside the test that runs.
///
/// # Panics
/// When it was not built; says how to.
pub fn path(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.exists(),
        "{} is missing: `make test` builds it, and so does `cargo build --workspace --bins`",
        path.display()
    );
    path
}

/// Where they are: a folder of the target folder.
pub fn folder() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    if folder.ends_with("deps") { folder.parent().unwrap().to_owned() } else { folder.to_owned() }
}

/// The PKCS#11 module `name`, a dependency of the tests and of the bench, so that it is there whenever
/// they are.
///
/// # Panics
/// When it is not.
pub fn module(name: &str) -> PathBuf {
    let path = folder().join("deps").join(format!("lib{name}.so"));
    assert!(path.exists(), "{} is missing: `cargo test -p tests` builds it", path.display());
    path
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ran {
    /// Its standard output.
    ///
    /// # Panics
    /// When its exit code is not 0.
    pub fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }
}
