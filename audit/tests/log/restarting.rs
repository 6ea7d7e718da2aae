//! The log through its starts: the tree goes on, checkpoints hold, torn tails are set aside, and
//! a log that was cut or changed does not start.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use audit::{
    Acknowledge, Checkpoint, Ext, Hash, Log, LogResult, LogType, Options, ProofError, Receipt,
};
use audit::{StartError, Subject, proves_consistency, proves_inclusion, rows};
use tempfile::TempDir;

use crate::key::TestKey;

fn options(directory: &Path) -> Options {
    let mut options = Options::new(directory, "Claviger test");
    options.checkpoint_pause = Duration::from_millis(20);
    options
}

fn try_start(directory: &Path) -> Result<Log, StartError> {
    Log::start(options(directory), Box::new(TestKey::new()))
}

fn start(directory: &Path) -> Log {
    try_start(directory).unwrap()
}

fn append(log: &Log, count: u8) -> Vec<Receipt> {
    let entry = |n| {
        let (kind, ext) = (LogType::LOG_TYPE_CRYPTO_ECDH, Ext::Kid([n; 16]));
        log.append(kind, LogResult::LOG_RESULT_OK, Subject::User, ext).unwrap()
    };
    (0..count).map(entry).collect()
}

fn log_files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    files.sort_unstable();
    files
}

/// Every line of the node, in order.
fn all_lines(directory: &Path) -> Vec<String> {
    let text = |path| fs::read_to_string(path).unwrap();
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    log_files(directory).into_iter().flat_map(|path| lines(text(path))).collect()
}

/// The latest checkpoint on the disk, checked.
fn checkpoint(directory: &Path) -> Checkpoint {
    let note = fs::read_to_string(directory.join("checkpoint")).unwrap();
    Checkpoint::open(&note, &TestKey::new().log_key()).unwrap()
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    File::create(path).unwrap().write_all(bytes.as_ref()).unwrap();
}

/// Until `done`, a minute at most.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn hashes(text: &str) -> Vec<Hash> {
    text.lines().map(|line| Hash::parse(line).unwrap()).collect()
}

/// Checks a tlog-proof for `line` by hand, and returns the size of its checkpoint.
fn check_proof(text: &str, index: u64, line: &str) -> u64 {
    let (head, note) = text.split_once("\n\n").unwrap();
    let rest = head.strip_prefix("c2sp.org/tlog-proof@v1\n").unwrap();
    let proof = rest.strip_prefix(&format!("index {index}")).unwrap().trim_start();
    let checkpoint = Checkpoint::open(note, &TestKey::new().log_key()).unwrap();
    let (leaf, size) = (Hash::of_leaf(line.as_bytes()), checkpoint.size());
    assert!(proves_inclusion(&leaf, index, size, checkpoint.root(), &hashes(proof)));
    size
}

#[test]
fn the_tree_runs_through_all_files() {
    let home = TempDir::new().unwrap();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let log = start(home.path());
        let receipts = append(&log, 100);
        log.shutdown();
        let (lines, latest) = (all_lines(home.path()), checkpoint(home.path()));
        // The last line repeats the last checkpoint, which covers all before it.
        assert_eq!(latest.size() + 1, u64::try_from(lines.len()).unwrap());
        assert_eq!(*log.checkpoint().unwrap(), latest);
        let start = lines.len() - 102;
        for (number, receipt) in receipts.iter().enumerate() {
            let line = &lines[usize::try_from(receipt.index().unwrap()).unwrap()];
            assert!(line.starts_with(&format!("{:x}|", receipt.sequence().unwrap())), "{number}");
        }
        assert!(start > 0);
        sizes.push((latest.size(), *latest.root()));
    }
    let log = start(home.path());
    let lines = all_lines(home.path());
    assert!(lines.len() > 400);
    for (index, line) in lines.iter().enumerate().take(400) {
        let index = u64::try_from(index).unwrap();
        check_proof(&log.prove(index).unwrap(), index, line);
    }
    for (old, old_root) in &sizes {
        for (new, new_root) in sizes.iter().filter(|(new, _)| new >= old) {
            let text = log.prove_consistency(*old, *new).unwrap();
            let proof = text.strip_prefix(&format!("old {old}\nnew {new}\n")).unwrap();
            assert!(proves_consistency((*old, old_root), (*new, new_root), &hashes(proof)));
        }
    }
    assert!(matches!(log.prove(1 << 40), Err(ProofError::NotYet { .. })));
    assert!(matches!(log.prove_consistency(2, 1), Err(ProofError::Backwards)));
    assert_eq!(
        fs::read_to_string(home.path().join("logger.vkey")).unwrap().trim(),
        log.key().to_string()
    );
}

#[test]
fn entries_get_their_checkpoint_soon_and_idle_logs_get_none() {
    let home = TempDir::new().unwrap();
    let log = start(home.path());
    let index = append(&log, 1)[0].index().unwrap();
    wait_for("a checkpoint", || log.checkpoint().is_some_and(|c| c.size() > index));
    let text = log.prove(index).unwrap();
    check_proof(&text, index, &all_lines(home.path())[usize::try_from(index).unwrap()]);
    let lines = all_lines(home.path()).len();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(all_lines(home.path()).len(), lines);
    assert_eq!(log.unsigned(), None);
}

#[test]
fn a_token_that_is_away_holds_up_no_entry() {
    let (home, key) = (TempDir::new().unwrap(), TestKey::new());
    let log = Log::start(options(home.path()), Box::new(key.clone())).unwrap();
    wait_for("the first checkpoint", || log.checkpoint().is_some());
    key.away.store(true, Ordering::SeqCst);
    let index = append(&log, 9)[8].index().unwrap();
    wait_for("word of it", || log.unsigned().is_some_and(|why| why.contains("the token is away")));
    assert!(log.checkpoint().unwrap().size() <= index);
    assert!(matches!(log.prove(index), Err(ProofError::NotYet { .. })));
    assert!(log.healthy());
    key.away.store(false, Ordering::SeqCst);
    wait_for("the checkpoint", || log.checkpoint().unwrap().size() > index);
    wait_for("all well", || log.unsigned().is_none());
}

#[test]
fn entries_that_wait_for_their_checkpoint_have_it() {
    let (home, key) = (TempDir::new().unwrap(), TestKey::new());
    let mut options = options(home.path());
    options.acknowledge = Acknowledge::Signed;
    // Nobody waits for it: twenty in a row would be a minute.
    options.checkpoint_pause = Duration::from_secs(3);
    let log = Log::start(options, Box::new(key.clone())).unwrap();
    let begun = Instant::now();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let log = log.clone();
            thread::spawn(move || {
                for _ in 0..20 {
                    let index = append(&log, 1)[0].index().unwrap();
                    assert!(log.checkpoint().unwrap().size() > index);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(50));
    key.away.store(true, Ordering::SeqCst);
    let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
    assert!(log.append(kind, ok, Subject::User, Ext::None).is_err());
    assert!(log.unsigned().is_some() && log.healthy());
    key.away.store(false, Ordering::SeqCst);
    wait_for("a checkpoint", || log.unsigned().is_none());
    append(&log, 1);
    log.shutdown();
    let lines = u64::try_from(all_lines(home.path()).len()).unwrap();
    assert_eq!(checkpoint(home.path()).size() + 1, lines);
}

/// Whatever the thread that signs is doing just then.
#[test]
fn a_stop_is_heard_at_any_moment() {
    for round in 0..300 {
        let home = TempDir::new().unwrap();
        let mut options = options(home.path());
        options.checkpoint_pause = Duration::from_micros(round * 10);
        let log = Log::start(options, Box::new(TestKey::new())).unwrap();
        append(&log, 1);
        log.shutdown();
        let lines = u64::try_from(all_lines(home.path()).len()).unwrap();
        assert_eq!(checkpoint(home.path()).size() + 1, lines);
    }
}

#[test]
fn a_start_trusts_neither_state_file_nor_tiles() {
    let home = TempDir::new().unwrap();
    for round in 0..3 {
        let log = start(home.path());
        append(&log, 200);
        log.shutdown();
        match round {
            0 => put(&home.path().join("tree"), "nonsense"),
            1 => fs::remove_file(home.path().join("tree")).unwrap(),
            _ => fs::remove_dir_all(home.path().join("tile")).unwrap(),
        }
    }
    // The state file is good, so nobody has missed the tiles yet; but nothing wrong is proved.
    let log = start(home.path());
    assert!(matches!(log.prove(1), Err(ProofError::Damaged(_))));
    log.shutdown();
    fs::remove_file(home.path().join("tree")).unwrap();
    let log = start(home.path());
    check_proof(&log.prove(1).unwrap(), 1, &all_lines(home.path())[1]);
}

#[test]
fn a_torn_tail_is_set_aside_with_an_entry() {
    let home = TempDir::new().unwrap();
    for (round, torn) in
        [&b"3|torn"[..], b"\0\0\0\0\0\0\r\n4|1|1|0|||whole\r\n", b"\0\0\0"].iter().enumerate()
    {
        let log = start(home.path());
        append(&log, 3);
        log.shutdown();
        let file = log.path_of(log.current());
        let before = fs::read(&file).unwrap();
        OpenOptions::new().append(true).open(&file).unwrap().write_all(torn).unwrap();
        let log = start(home.path());
        log.shutdown();
        assert_eq!(fs::read(&file).unwrap(), before);
        let name = format!("{}-{}", file.file_stem().unwrap().to_str().unwrap(), before.len());
        assert_eq!(fs::read(home.path().join("quarantine").join(&name)).unwrap(), *torn);
        let text = fs::read(log.path_of(log.current())).unwrap();
        let first = rows(text.as_slice()).nth(1).unwrap().unwrap();
        assert_eq!(
            (first.kind.as_str(), &first.ext),
            ("LOG_TYPE_AUDIT_TAIL_RECOVERED", &name),
            "{round}"
        );
    }
}

#[test]
fn a_log_that_was_cut_changed_or_swapped_does_not_start() {
    let home = TempDir::new().unwrap();
    for _ in 0..2 {
        let log = start(home.path());
        append(&log, 20);
        log.shutdown();
    }
    let files = log_files(home.path());
    let (first, last) = (&files[0], &files[1]);
    let (whole, early) = (fs::read_to_string(last).unwrap(), fs::read_to_string(first).unwrap());
    // Without the state file a start reads everything.
    let refused = |keep_state: bool| {
        let tree = fs::read(home.path().join("tree")).unwrap();
        if !keep_state {
            fs::remove_file(home.path().join("tree")).unwrap();
        }
        let refused = try_start(home.path()).unwrap_err();
        put(&home.path().join("tree"), tree);
        assert_eq!(log_files(home.path()).len(), files.len());
        refused
    };
    for end in
        whole.match_indices('\n').map(|(place, _)| place + 1).filter(|end| *end < whole.len())
    {
        put(last, &whole[..end]);
        assert!(matches!(refused(true), StartError::Shorter { .. }), "cut at {end}");
        assert!(matches!(refused(false), StartError::Shorter { .. }), "cut at {end}");
    }
    put(last, &whole);
    put(first, early.replacen("# Claviger test", "# Claviger Test", 1));
    assert!(matches!(refused(false), StartError::Differs { .. }));
    put(first, &early);
    let key = TestKey::of([1; 32]);
    let foreign = Log::start(options(home.path()), Box::new(key));
    assert!(matches!(foreign, Err(StartError::Checkpoint(_))));
    drop(start(home.path()));
}
