//! The lines of a log, fetched in bundles.

use std::fs;
use std::path::Path;
use std::time::Duration;

use audit::{Ext, Log, LogResult, LogType, Options, Subject};
use tempfile::TempDir;

use crate::key::TestKey;

/// A run with so many entries, stopped; its log can still be read.
fn run(directory: &Path, entries: u16) -> Log {
    let mut options = Options::new(directory, "Claviger test");
    options.checkpoint_pause = Duration::from_millis(5);
    let log = Log::start(options, Box::new(TestKey::new())).unwrap();
    for _ in 0..entries {
        let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
        drop(log.append(kind, ok, Subject::User, Ext::None).unwrap());
    }
    log.shutdown();
    log
}

fn lines(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.retain(|path| path.extension().unwrap() == "log");
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The lines in a bundle.
fn unpacked(mut bundle: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let (line, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        bundle = rest;
    }
    assert!(bundle.is_empty());
    lines
}

#[test]
fn all_lines_of_all_files_come_in_any_order() {
    let home = TempDir::new().unwrap();
    run(home.path(), 300);
    run(home.path(), 200);
    let log = run(home.path(), 100);
    let all = lines(home.path());
    let size = usize::try_from(log.checkpoint().unwrap().size()).unwrap();
    let get = |path: &str| unpacked(&log.bundle(path).unwrap().unwrap());
    assert!(size > 512 && size < all.len());
    assert_eq!(get("001"), all[256..512]);
    assert_eq!(get("000"), all[..256]);
    let (number, width) = (size / 256, size % 256);
    let last = format!("{number:03}.p/{width}");
    if width > 0 {
        assert_eq!(get(&last), all[number * 256..size]);
    }
    assert_eq!(get("001.p/3"), all[256..259]);
    assert!(matches!(log.bundle("099"), Some(Err(_))));
    assert!(log.bundle("0").is_none() && log.bundle("x/000").is_none());
}

#[test]
fn a_line_that_is_not_that_of_the_tree_does_not_leave() {
    let home = TempDir::new().unwrap();
    let log = run(home.path(), 300);
    assert!(log.bundle("000.p/9").unwrap().is_ok());
    let path = log.path_of(log.current());
    let text = fs::read_to_string(&path).unwrap().replacen("|26|0|U|", "|26|0|M|", 1);
    std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
    let error = log.bundle("000.p/9").unwrap().unwrap_err();
    assert!(error.to_string().contains("do not hold the lines"), "{error}");
    assert!(log.bundle("000.p/2").unwrap().is_ok());
}
