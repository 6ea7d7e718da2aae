//! `clavigerd hsm-init`: tokens that lie in files, of the make that the run is on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tests::daemon::Home;
use tests::make::{KRYOPTIC, Make, SOFTHSM2, only_on};
use tests::programs::{self, Ran};

#[test]
fn a_token_is_made_once_and_nobody_else_reads_its_files() {
    let home = Home::new();
    let dir = home.at("token");
    let said = init(&dir).good();
    let make = Make::current();
    for told in [make.variable, make.conf, "so-pin", "tokens"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let files = files(&dir);
    assert!(files.len() >= 4, "{files:?}");
    for (file, mode) in &files {
        assert_eq!(mode & 0o077, 0, "{file} is {mode:o}");
    }
    let pins = ["pin", "so-pin"].map(|name| std::fs::read_to_string(dir.join(name)).unwrap());
    assert_ne!(pins[0], pins[1]);
    for pin in &pins {
        let digits = pin.trim_end();
        assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert!(!said.contains(digits), "a PIN on the screen");
    }
    let again = init(&dir);
    assert_eq!((again.code, again.stdout.as_str()), (1, ""), "{again:?}");
    assert!(again.stderr.contains("take an empty directory"), "{again:?}");
    assert_eq!(std::fs::read_to_string(dir.join("pin")).unwrap(), pins[0], "untouched");
}

/// Both settings stay in the file: bytes 18 and 19 of its header are 2 for a write-ahead log (SQLite
/// file format, section 1.3), and the schema stands as text in its first page.
#[test]
fn the_embedded_token_has_its_log_and_its_index() {
    if !only_on(&KRYOPTIC, "the log and the index of the token's file", "it is another's file") {
        return;
    }
    let home = Home::new();
    let dir = home.at("token");
    init(&dir).good();
    let content = std::fs::read(dir.join("tokens/token.sql")).unwrap();
    assert_eq!(&content[18..20], [2, 2]);
    let index = b"ON objects (attr, val)";
    assert!(content[..4096].windows(index.len()).any(|part| part == index));
    // Nothing is left open or unmerged behind it.
    assert!(!dir.join("tokens/token.sql-wal").exists());
}

#[test]
fn what_can_not_be_made_is_refused_and_says_why() {
    let home = Home::new();
    for (profile, module, reason) in [
        ("luna", None, "vendor's tool"),
        ("nonsense", None, "no profile is called nonsense"),
        (Make::current().profile, Some("/none.so"), "/none.so"),
    ] {
        let mut command = Command::new(programs::path("clavigerd"));
        command.args(["hsm-init", "--profile", profile, "--dir"]).arg(home.at(profile));
        if let Some(module) = module {
            command.args(["--module", module]);
        }
        let ran = programs::run(&mut command);
        assert!([1, 78].contains(&ran.code) && ran.stderr.contains(reason), "{profile}: {ran:?}");
    }
}

#[test]
fn a_folder_keeps_its_make_of_token() {
    let home = Home::new();
    home.start().stop();
    let other = if *Make::current() == SOFTHSM2 { &KRYOPTIC } else { &SOFTHSM2 };
    let mut command = Command::new(programs::path("clavigerd"));
    command.args(["dev", "--profile", other.profile, "--listen", "127.0.0.1:0", "--dir"]);
    let ran = programs::run(command.arg(home.path()));
    assert_eq!(ran.code, 1, "{ran:?}");
    let current = format!("a token of the profile {}", Make::current().profile);
    assert!(ran.stderr.contains(&current), "{ran:?}");
}

fn init(dir: &Path) -> Ran {
    let make = Make::current();
    let mut command = Command::new(programs::path("clavigerd"));
    command.args(["hsm-init", "--profile", make.profile, "--dir"]).arg(dir);
    programs::run(command.arg("--module").arg(make.module()))
}

/// Every file and folder below `dir`, with its mode.
fn files(dir: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| {
        let own = (path.display().to_string(), path.metadata().unwrap().permissions().mode());
        let inner = if path.is_dir() { files(&path) } else { Vec::new() };
        std::iter::once(own).chain(inner)
    });
    below.collect()
}
