//! The file that is being written, while somebody lays hands on it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use audit::{Ext, Log, LogKey, LogResult, LogType, Options, Row, StartError};
use audit::{Subject, rows, verify_node};
use tempfile::TempDir;

use crate::key::TestKey;

fn start(directory: &Path) -> Result<Log, StartError> {
    let mut options = Options::new(directory, "Claviger test");
    options.checkpoint_pause = Duration::from_millis(20);
    Log::start(options, Box::new(TestKey::new()))
}

fn append(log: &Log) -> bool {
    let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
    log.append(kind, ok, Subject::User, Ext::None).is_ok()
}

/// Starts a log, does `deed` to its file, and waits until it goes on in another. Answers the file's
/// name and the entry about it.
fn goes_on_after(home: &Path, deed: fn(&Path)) -> (String, Row, Log) {
    let log = start(home).unwrap();
    assert!(append(&log));
    let (old, path) = (log.current(), log.path_of(log.current()));
    let done = Instant::now();
    deed(&path);
    while log.current() == old {
        let waited = done.elapsed();
        // Seen at once, even if nobody writes; then the next attempt heals it.
        assert!(waited < Duration::from_secs(60), "not seen: {:?}", log.fault());
        thread::sleep(Duration::from_millis(1));
    }
    while !log.healthy() {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(append(&log));
    let text = fs::read(log.path_of(log.current())).unwrap();
    let gap = rows(text.as_slice()).nth(1).unwrap().unwrap();
    assert_eq!(gap.kind, "LOG_TYPE_AUDIT_GAP");
    (format!("{old:08x}"), gap, log)
}

fn key() -> LogKey {
    TestKey::new().log_key()
}

#[test]
fn a_file_that_was_taken_away_comes_back_whole() {
    type Deed = fn(&Path);
    let deeds: [(Deed, &str); 4] = [
        (|path| fs::remove_file(path).unwrap(), "deleted"),
        (|path| fs::rename(path, path.with_extension("away")).unwrap(), "deleted"),
        (
            |path| {
                fs::rename(path, path.with_extension("away")).unwrap();
                File::create(path).unwrap().write_all(b"0|another").unwrap();
            },
            "replaced",
        ),
        (
            |path| {
                let mut file = OpenOptions::new().append(true).open(path).unwrap();
                file.write_all(b"# a line of somebody else\r\n").unwrap();
            },
            "grown to",
        ),
    ];
    for (deed, what) in deeds {
        let home = TempDir::new().unwrap();
        let (id, gap, log) = goes_on_after(home.path(), deed);
        assert_eq!(gap.result, "LOG_RESULT_OK");
        assert!(gap.ext.starts_with(&format!("{id} {what}")), "{}", gap.ext);
        log.shutdown();
        let found = verify_node(home.path(), &key(), None).unwrap();
        assert_eq!((found.files, found.unsigned_records), (2, 0), "{what}");
        let aside = home.path().join("quarantine").join(format!("{id}-foreign-1"));
        assert_eq!(aside.exists(), what != "deleted", "{what}");
        start(home.path()).unwrap().shutdown();
    }
}

#[test]
fn lines_that_were_cut_off_are_entered_and_not_forgotten() {
    let home = TempDir::new().unwrap();
    let cut = |path: &Path| OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
    let (id, gap, log) = goes_on_after(home.path(), cut);
    assert_eq!(gap.result, "LOG_RESULT_FAILED");
    assert!(gap.ext.starts_with(&format!("{id} truncated to ")), "{}", gap.ext);
    log.shutdown();
    assert!(verify_node(home.path(), &key(), None).is_err());
    // The entry is under a checkpoint, so the log goes on; but nobody is told that it is whole.
    start(home.path()).unwrap().shutdown();
    assert!(verify_node(home.path(), &key(), None).is_err());
    fs::remove_file(home.path().join("tree")).unwrap();
    let refused = start(home.path()).err().unwrap();
    assert!(matches!(refused, StartError::Shorter { .. } | StartError::Differs { .. }));
}

#[test]
fn an_entry_in_a_file_that_is_gone_is_not_acknowledged() {
    let home = TempDir::new().unwrap();
    let log = start(home.path()).unwrap();
    let mut acknowledged = 0;
    for _ in 0..20 {
        let old = log.current();
        fs::remove_file(log.path_of(old)).unwrap();
        // Whether it was seen before the entry came or by the entry.
        acknowledged += usize::from(append(&log));
        while log.current() == old || !log.healthy() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(append(&log));
        acknowledged += 1;
    }
    let text = |id| fs::read(log.path_of(id)).unwrap();
    let files: Vec<_> = log.files().unwrap().into_iter().map(text).collect();
    let all = files.iter().flat_map(|text| rows(text.as_slice()).map(Result::unwrap));
    let found = all.filter(|row| row.kind == "LOG_TYPE_CRYPTO_ECDH").count();
    assert_eq!(found, acknowledged);
    log.shutdown();
    verify_node(home.path(), &key(), None).unwrap();
}
