//! A log directory that is put back to an older state does not start while one anchor knows better.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audit::{Anchor, AnchorError, Ext, Log, LogKey, LogResult, LogType, Options};
use audit::{StartError, Subject, begin_anew, rows, verify_node};
use tempfile::TempDir;

use crate::key::TestKey;

/// Keeps notes in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    notes: Vec<String>,
    puts: usize,
    broken: bool,
}

impl Anchor for Memory {
    fn place(&self) -> &'static str {
        "the memory"
    }

    fn get(&self) -> Result<Vec<String>, AnchorError> {
        let kept = self.0.lock().unwrap();
        if kept.broken { Err(AnchorError::new("it is broken")) } else { Ok(kept.notes.clone()) }
    }

    fn put(&self, note: &str) -> Result<(), AnchorError> {
        let mut kept = self.0.lock().unwrap();
        kept.puts += 1;
        if kept.broken {
            return Err(AnchorError::new("it is broken"));
        }
        kept.notes = vec![note.to_owned()];
        Ok(())
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

fn options(home: &Path) -> Options {
    let mut options = Options::new(home, "Claviger test");
    options.checkpoint_pause = Duration::from_millis(5);
    options
}

fn start(home: &Path, anchor: &Memory) -> Result<Log, StartError> {
    Log::start_anchored(options(home), Box::new(TestKey::new()), vec![Box::new(anchor.clone())])
}

fn append(log: &Log) {
    let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
    drop(log.append(kind, ok, Subject::User, Ext::None).unwrap());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // A file that is just being put in place of another may be gone already.
            let copied = fs::copy(entry.path(), target).map(|_| ());
            assert!(copied.is_ok() || !entry.path().exists(), "{copied:?}");
        }
    }
}

fn key() -> LogKey {
    TestKey::new().log_key()
}

#[test]
fn every_older_state_of_the_directory_is_refused() {
    let (home, states) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (directory, anchor) = (home.path().join("audit"), Memory::default());
    fs::create_dir(&directory).unwrap();
    let mut count = 0;
    let mut keep = |directory: &Path| {
        copy(directory, &states.path().join(format!("{count:02}")));
        count += 1;
    };
    keep(&directory);
    for _ in 0..4 {
        let log = start(&directory, &anchor).unwrap();
        for _ in 0..4 {
            append(&log);
            keep(&directory);
        }
        log.shutdown();
        keep(&directory);
    }
    let mut all: Vec<_> =
        fs::read_dir(states.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    let latest = all.pop().unwrap();
    for state in &all {
        fs::remove_dir_all(&directory).unwrap();
        copy(state, &directory);
        let refused = start(&directory, &anchor).err().unwrap();
        let StartError::Shorter { place, signed, found } = refused else { panic!("{refused}") };
        assert!(place == "the memory" && signed >= found, "{}", state.display());
        // Not even its state file helps it.
        let _ = fs::remove_file(directory.join("tree"));
        assert!(start(&directory, &anchor).is_err());
    }
    fs::remove_dir_all(&directory).unwrap();
    copy(&latest, &directory);
    start(&directory, &anchor).unwrap().shutdown();
    verify_node(&directory, &key(), None).unwrap();
}

#[test]
fn an_older_state_that_went_on_by_itself_is_refused() {
    let (home, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let anchor = Memory::default();
    let log = start(home.path(), &anchor).unwrap();
    log.shutdown();
    copy(home.path(), other.path());
    let log = start(home.path(), &anchor).unwrap();
    append(&log);
    log.shutdown();
    // The copy gets longer, out of sight of the anchor.
    let log = Log::start(options(other.path()), Box::new(TestKey::new())).unwrap();
    (0..9).for_each(|_| append(&log));
    log.shutdown();
    let refused = start(other.path(), &anchor).err().unwrap();
    assert!(matches!(refused, StartError::Differs { place: "the memory", .. }), "{refused}");
    start(home.path(), &anchor).unwrap().shutdown();
}

/// A minute at most.
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn an_anchor_is_put_at_its_pace_and_at_the_end() {
    let (home, anchor) = (TempDir::new().unwrap(), Memory::default());
    let log = start(home.path(), &anchor).unwrap();
    let puts = || anchor.0.lock().unwrap().puts;
    until(|| puts() == 1);
    for _ in 0..5 {
        append(&log);
        let lines = log.lines();
        until(|| log.checkpoint().is_some_and(|latest| latest.size() >= lines));
    }
    assert_eq!(puts(), 1, "it waits");
    log.shutdown();
    let kept = anchor.0.lock().unwrap();
    assert_eq!(kept.puts, 2);
    assert_eq!(kept.notes, [log.checkpoint().unwrap().to_string()]);
}

#[test]
fn a_broken_anchor_stops_a_start_and_not_a_run() {
    let (home, anchor) = (TempDir::new().unwrap(), Memory::default());
    let log = start(home.path(), &anchor).unwrap();
    anchor.0.lock().unwrap().broken = true;
    append(&log);
    log.shutdown();
    let refused = start(home.path(), &anchor).err().unwrap();
    assert!(refused.to_string().contains("the memory"), "{refused}");
    let mut kept = anchor.0.lock().unwrap();
    kept.broken = false;
    kept.notes.push("forged\n1\nAAAA\n\n\u{2014} forged AAAA\n".to_owned());
    drop(kept);
    assert!(matches!(start(home.path(), &anchor), Err(StartError::Anchor { .. })));
}

#[test]
fn an_operator_can_begin_anew_and_the_log_says_so() {
    let (home, anchor) = (TempDir::new().unwrap(), Memory::default());
    let log = start(home.path(), &anchor).unwrap();
    append(&log);
    log.shutdown();
    let old = log.checkpoint().unwrap();
    let file = log.path_of(log.current());
    fs::File::create(&file).unwrap();
    for generation in 1..=2 {
        let anchors: Vec<Box<dyn Anchor>> = vec![Box::new(anchor.clone())];
        let begun =
            begin_anew(options(home.path()), Box::new(TestKey::new()), anchors, "disk died");
        let aside = home.path().join("set-aside").join(generation.to_string());
        assert_eq!(begun.unwrap(), aside);
        assert!(aside.join("checkpoint").exists());
        let log = start(home.path(), &anchor).unwrap();
        assert_eq!(log.key().generation(), generation);
        append(&log);
        log.shutdown();
        let found = verify_node(home.path(), &key(), None).unwrap();
        assert_eq!((found.files, found.unsigned_records), (2, 0));
        let first = fs::read(log.path_of(log.files().unwrap()[0])).unwrap();
        let entry = rows(first.as_slice()).nth(1).unwrap().unwrap();
        assert_eq!(entry.kind, "LOG_TYPE_AUDIT_RESTARTED");
        if generation == 1 {
            let (origin, size, root) = (key().origin().to_owned(), old.size(), old.root());
            assert_eq!(entry.ext, format!("{origin} {size} {root}: disk died"));
        }
    }
    // The old log does not come back.
    let put_back = TempDir::new().unwrap();
    copy(&home.path().join("set-aside/2"), put_back.path());
    assert!(start(put_back.path(), &anchor).is_err());
}
