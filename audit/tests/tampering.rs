//! A log of a node under every change that a hand or a disk can make to it: all are found, and
//! the first bad line is the right one.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests, which the allowance for tests does not reach"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::{Cause, Checkpoint, Ext, Flaw, Log, LogKey, LogResult, LogType, NodeSummary, Options};
use audit::{Signer, SignerError, Subject, check_proof, prove, prove_consistency, verify_node};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tempfile::TempDir;

struct TestKey {
    key: SigningKey,
    /// How long a signature takes.
    takes: Duration,
}

impl TestKey {
    fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[42; 32]), takes: Duration::ZERO }
    }

    fn log_key() -> LogKey {
        LogKey::of(Self::new().key.verifying_key())
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        std::thread::sleep(self.takes);
        Ok(self.key.sign(message).to_bytes())
    }
}

/// A log directory that is changed and put right again.
struct Node {
    home: TempDir,
}

impl Node {
    /// A directory after some runs, each with so many entries.
    fn with_runs(runs: &[u16]) -> Self {
        let node = Self { home: TempDir::new().unwrap() };
        runs.iter().for_each(|entries| node.run(*entries));
        node.check().unwrap();
        node
    }

    fn run(&self, entries: u16) {
        self.run_by(TestKey::new(), entries);
    }

    fn run_by(&self, key: TestKey, entries: u16) {
        let mut options = Options::new(self.home.path(), "Claviger test");
        options.checkpoint_pause = Duration::from_millis(3);
        let log = Log::start(options, Box::new(key)).unwrap();
        for number in 0..entries {
            let mut kid = [0; 16];
            kid[..2].copy_from_slice(&number.to_le_bytes());
            let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
            let _ = log.append(kind, ok, Subject::User, Ext::Kid(kid)).unwrap();
        }
        log.shutdown();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
        files.sort_unstable();
        files
    }

    fn check(&self) -> Result<NodeSummary, Flaw> {
        verify_node(self.home.path(), &TestKey::log_key(), None)
    }

    fn check_since(&self, since: &Checkpoint) -> Result<NodeSummary, Flaw> {
        verify_node(self.home.path(), &TestKey::log_key(), Some(since))
    }

    fn checkpoint(&self) -> Checkpoint {
        let note = fs::read_to_string(self.path("checkpoint")).unwrap();
        Checkpoint::open(&note, &TestKey::log_key()).unwrap()
    }

    /// The flaw while `path` holds `bytes`.
    fn flaw_with(&self, path: &Path, bytes: &[u8], what: &str) -> Flaw {
        let before = fs::read(path).unwrap();
        put(path, bytes);
        let flaw = self.check();
        put(path, &before);
        assert!(flaw.is_err(), "{what} is not found: {flaw:?}");
        flaw.unwrap_err()
    }

    /// The same, and it must be in this file and line.
    fn found_at(&self, path: &Path, bytes: &[u8], line: usize, what: &str) -> Cause {
        let Flaw { file, finding } = self.flaw_with(path, bytes, what);
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = (name, u64::try_from(line).unwrap());
        assert_eq!((file.as_str(), finding.line), expected, "{what}: {finding}");
        finding.cause
    }
}

fn put(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// The lines with their ends.
fn lines(file: &[u8]) -> Vec<&[u8]> {
    file.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Flips every `stride`-th bit of the files and the checkpoint.
fn flip(node: &Node, stride: usize) {
    for path in node.files() {
        let file = fs::read(&path).unwrap();
        let mut line = 1;
        for place in 0..file.len() {
            for bit in (0..8).filter(|bit| (place * 8 + bit) % stride == 0) {
                let mut changed = file.clone();
                changed[place] ^= 1 << bit;
                node.found_at(&path, &changed, line, &format!("bit {bit} of byte {place}"));
            }
            line += usize::from(file[place] == b'\n');
        }
    }
    let path = node.path("checkpoint");
    let note = fs::read(&path).unwrap();
    for place in 0..note.len() * 8 {
        let mut changed = note.clone();
        changed[place / 8] ^= 1 << (place % 8);
        node.found_at(&path, &changed, 0, &format!("bit {place} of the checkpoint"));
    }
}

#[test]
fn every_bit_of_a_small_log() {
    flip(&Node::with_runs(&[6, 2]), 1);
}

/// Each bit of a byte somewhere; `CLAVIGER_EVERY_BIT=1` takes all of them, in some minutes.
#[test]
fn bits_of_a_log_of_300_entries() {
    let every = std::env::var_os("CLAVIGER_EVERY_BIT").is_some();
    flip(&Node::with_runs(&[300]), if every { 1 } else { 101 });
}

#[test]
fn every_line_dropped_doubled_and_swapped() {
    let node = Node::with_runs(&[300]);
    let path = node.files().remove(0);
    let file = fs::read(&path).unwrap();
    let lines = lines(&file);
    assert!(lines.len() > 302);
    for at in 0..lines.len() {
        let dropped = [&lines[..at], &lines[at + 1..]].concat().concat();
        // Of the last one only the line before it is left to be named.
        let line = if at + 1 < lines.len() { at + 1 } else { at };
        node.found_at(&path, &dropped, line, &format!("line {} dropped", at + 1));
        let doubled = [&lines[..=at], &lines[at..]].concat().concat();
        node.found_at(&path, &doubled, at + 2, &format!("line {} doubled", at + 1));
        if at + 1 < lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            node.found_at(&path, &swapped.concat(), at + 1, &format!("line {} swapped", at + 1));
        }
    }
}

#[test]
fn every_truncation() {
    let node = Node::with_runs(&[10, 40]);
    for path in node.files() {
        let file = fs::read(&path).unwrap();
        for length in 0..file.len() {
            let flaw = node.flaw_with(&path, &file[..length], &format!("{length} bytes left"));
            let whole_lines = length == 0 || file[length - 1] == b'\n';
            let last = path == node.files()[1];
            let expected = match (whole_lines, last) {
                (false, _) => "torn_tail",
                (true, true) => "truncated",
                (true, false) => "lines_missing",
            };
            assert_eq!(flaw.finding.cause.name(), expected, "{length}: {flaw}");
        }
    }
}

#[test]
fn every_older_state_restored() {
    let node = Node::with_runs(&[3]);
    let mut states = Vec::new();
    for _ in 0..4 {
        let names = ["checkpoint", "tree"].map(|name| node.path(name));
        let paths = node.files().into_iter().chain(names);
        let state: Vec<_> = paths.map(|path| (fs::read(&path).unwrap(), path)).collect();
        states.push((state, node.checkpoint()));
        node.run(3);
    }
    let latest = node.checkpoint();
    assert!(states.iter().all(|(_, earlier)| node.check_since(earlier).is_ok()));
    for (state, earlier) in states.into_iter().rev() {
        node.files().iter().for_each(|path| fs::remove_file(path).unwrap());
        state.iter().for_each(|(bytes, path)| put(path, bytes));
        let flaw = node.check_since(&latest).unwrap_err();
        assert_eq!(flaw.finding.cause.name(), "rolled_back", "{flaw}");
        // Nothing in the directory itself says that it was newer once.
        node.check().unwrap();
        node.check_since(&earlier).unwrap();
    }
    // Gone on from an older state, as if the rest had never been.
    (0..6).for_each(|_| node.run(4));
    let flaw = node.check_since(&latest).unwrap_err();
    assert_eq!(flaw.finding.cause.name(), "rewritten", "{flaw}");
}

/// What the HEM format alone lets through: whoever can read a file can make new tags.
#[test]
fn right_tags_on_other_lines() {
    let node = Node::with_runs(&[300, 5]);
    let path = node.files().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let all: Vec<_> = text.lines().collect();
    let record = |at: usize| !all[at].starts_with('#');
    let verified = |text: &str| {
        let key = TestKey::new().key.verifying_key();
        audit::verify(text.as_bytes(), &key).unwrap();
    };
    for at in (2..all.len()).filter(|at| record(*at)).step_by(10) {
        let mut edited = all.clone();
        let subject = all[at].replacen("|U|", "|M|", 1);
        edited[at] = &subject;
        let edited = tagged_anew(&edited);
        verified(&edited);
        let cause = node.found_at(&path, edited.as_bytes(), at + 1, "edited");
        assert_eq!(cause.name(), "forged_tag");
        let mut fewer = all.clone();
        fewer.remove(at);
        let fewer = tagged_anew(&fewer);
        verified(&fewer);
        // The next line now has this one's number, so nothing else differs before.
        node.found_at(&path, fewer.as_bytes(), at + 1, "taken out");
        let mut more = all.clone();
        more.insert(at, &subject);
        let more = tagged_anew(&more);
        verified(&more);
        node.found_at(&path, more.as_bytes(), at + 1, "put in");
    }
}

/// Found all the same, but not to the line: it is the named one, or one after it. That holds where
/// lines were written while their checkpoint was signed, and stand before its own line, too.
#[test]
fn right_tags_on_other_lines_without_the_tiles() {
    let node = Node { home: TempDir::new().unwrap() };
    node.run_by(TestKey { takes: Duration::from_millis(2), ..TestKey::new() }, 60);
    let path = node.files().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let all: Vec<_> = text.lines().collect();
    let covered = |line: &str| line.strip_prefix("# checkpoint ")?.split(' ').nth(1)?.parse().ok();
    let lagging =
        all.iter().enumerate().filter(|(at, line)| covered(line).is_some_and(|n: usize| n < *at));
    assert!(lagging.count() > 1, "no checkpoint came after lines that it does not cover");
    fs::remove_file(node.path("tree")).unwrap();
    for at in (2..all.len()).filter(|at| !all[*at].starts_with('#')) {
        let mut edited = all.clone();
        let subject = all[at].replacen("|U|", "|M|", 1);
        edited[at] = &subject;
        let flaw = node.flaw_with(&path, tagged_anew(&edited).as_bytes(), "edited");
        let before = all[..at].iter().filter_map(|line| covered(line)).next_back().unwrap_or(0);
        let line = usize::try_from(flaw.finding.line).unwrap();
        assert!((before + 1..=at + 1).contains(&line), "line {}: {flaw}", at + 1);
    }
}

/// The same records, numbered and tagged as the file's own key would have it.
fn tagged_anew(lines: &[&str]) -> String {
    let (mut text, mut sequence, mut mac) = (String::new(), 0, None);
    let mut time = String::new();
    for line in lines {
        let mut fields: Vec<_> = line.split('|').map(str::to_owned).collect();
        if fields.len() == 7 {
            let key = || Base64UrlUnpadded::decode_vec(&fields[4]).unwrap();
            let mac = mac.get_or_insert_with(|| Hmac::<Sha256>::new_from_slice(&key()).unwrap());
            fields[0] = format!("{sequence:x}");
            if fields[1] == "0" {
                fields[1] = time.clone();
            }
            time = fields[1].clone();
            fields[6] = String::new();
            let head = fields.join("|");
            let mut mac = mac.clone();
            mac.update(head.as_bytes());
            let tag: [u8; 32] = mac.finalize().into_bytes().into();
            text.push_str(&format!("{head}{}\r\n", Base64UrlUnpadded::encode_string(&tag[..16])));
            sequence += 1;
        } else {
            text.push_str(&format!("{line}\r\n"));
        }
    }
    text
}

#[test]
fn files_taken_away_put_in_or_swapped() {
    let node = Node::with_runs(&[4, 4, 4]);
    let files = node.files();
    let contents: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    for (at, path) in files.iter().enumerate() {
        fs::remove_file(path).unwrap();
        let flaw = node.check().unwrap_err();
        let expected = if at == 2 {
            "truncated"
        } else if at == 1 {
            "lines_missing"
        } else {
            "forged_tag"
        };
        assert_eq!(flaw.finding.cause.name(), expected, "{at}: {flaw}");
        put(path, &contents[at]);
    }
    let stray = node.path("00000001.log");
    put(&stray, &contents[0]);
    assert!(node.check().is_err());
    fs::remove_file(stray).unwrap();
    put(&files[0], &contents[1]);
    put(&files[1], &contents[0]);
    assert!(node.check().is_err());
}

#[test]
fn another_key_another_name_and_no_checkpoint() {
    let node = Node::with_runs(&[4]);
    let key = TestKey::log_key();
    let cause = |key: &LogKey| {
        let flaw = verify_node(node.home.path(), key, None).unwrap_err();
        (flaw.file, flaw.finding.cause.name())
    };
    let stranger = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let other = LogKey::named(key.origin(), stranger).unwrap();
    assert_eq!(cause(&other), ("checkpoint".to_owned(), "wrong_key"));
    let renamed = LogKey::named("example.org/log", *key.key()).unwrap();
    assert_eq!(cause(&renamed), ("checkpoint".to_owned(), "wrong_origin"));
    let note = fs::read(node.path("checkpoint")).unwrap();
    fs::remove_file(node.path("checkpoint")).unwrap();
    assert_eq!(cause(&key), ("checkpoint".to_owned(), "no_checkpoint"));
    put(&node.path("checkpoint"), &note);
    node.check().unwrap();
}

#[test]
fn a_wrong_tile_is_told_from_a_wrong_line() {
    let node = Node::with_runs(&[300]);
    let path = node.path("tile/0/000");
    let tile = fs::read(&path).unwrap();
    for byte in (0..tile.len()).step_by(97) {
        let mut changed = tile.clone();
        changed[byte] ^= 1;
        let flaw = node.flaw_with(&path, &changed, "a tile");
        assert_eq!((flaw.file.as_str(), flaw.finding.cause.name()), ("tile/0/000", "bad_tile"));
    }
}

#[test]
fn proofs_from_the_files_alone() {
    let node = Node::with_runs(&[150, 150]);
    let (key, size) = (TestKey::log_key(), node.checkpoint().size());
    let text: String = node.files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for (index, line) in text.lines().enumerate().take(usize::try_from(size).unwrap()).step_by(7) {
        let index = u64::try_from(index).unwrap();
        let proof = prove(node.home.path(), &key, index).unwrap().unwrap();
        let (proved, checkpoint) = check_proof(&proof, line.as_bytes(), &key).unwrap();
        assert_eq!((proved, checkpoint), (index, node.checkpoint()));
        assert!(check_proof(&proof, b"another line", &key).is_err());
    }
    assert_eq!(prove(node.home.path(), &key, size).unwrap(), None);
    assert_eq!(prove_consistency(node.home.path(), &key, size + 1).unwrap(), None);
    let proof = prove_consistency(node.home.path(), &key, 100).unwrap().unwrap();
    assert!(proof.starts_with(&format!("old 100\nnew {size}\n")));
}
