//! A log directory that is changed and put right again.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use audit::{Cause, Checkpoint, Ext, Flaw, Log, LogKey, LogResult, LogType, NodeSummary, Options};
use audit::{Signer, SignerError, Subject, verify_node};
use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;

pub(crate) struct TestKey {
    pub(crate) key: SigningKey,
    /// What a signature waits for.
    pace: Arc<Pace>,
}

impl TestKey {
    pub(crate) fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[42; 32]), pace: Arc::default() }
    }

    pub(crate) fn log_key() -> LogKey {
        LogKey::of(Self::new().key.verifying_key())
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        self.pace.wait_for_lines();
        Ok(self.key.sign(message).to_bytes())
    }
}

/// Holds up signatures and lines so that lines fall between what a checkpoint covers and its own line,
/// however fast the disk is.
#[derive(Default)]
struct Pace {
    state: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    /// The entries that were begun; `None` before the first and after the last one.
    begun: Option<u16>,
    /// The signatures that wait.
    signing: u16,
}

impl Pace {
    /// While entries are written, a signature waits for three of them.
    fn wait_for_lines(&self) {
        let mut state = self.state.lock().unwrap();
        let Some(now) = state.begun else { return };
        state.signing += 1;
        self.changed.notify_all();
        let early = |state: &mut Lines| state.begun.is_some_and(|begun| begun < now + 3);
        state = self.changed.wait_while(state, early).unwrap();
        state.signing -= 1;
    }

    /// Every tenth entry waits for a signature that waits for it.
    fn tell_line(&self, number: Option<u16>) {
        let mut state = self.state.lock().unwrap();
        if number.is_some_and(|number| number % 10 == 9) {
            state = self.changed.wait_while(state, |state| state.signing == 0).unwrap();
        }
        state.begun = number;
        self.changed.notify_all();
    }
}

/// A log directory that is changed and put right again.
pub(crate) struct Node {
    home: TempDir,
}

impl Node {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    /// A directory after some runs, each with so many entries.
    pub(crate) fn with_runs(runs: &[u16]) -> Self {
        let node = Self::new();
        runs.iter().for_each(|entries| node.run(*entries));
        node.check().unwrap();
        node
    }

    pub(crate) fn run(&self, entries: u16) {
        self.run_by(TestKey::new(), entries, |_| ());
    }

    /// A run where each checkpoint but the last is signed while lines are written.
    pub(crate) fn run_late(&self, entries: u16) {
        let key = TestKey::new();
        let pace = Arc::clone(&key.pace);
        self.run_by(key, entries, |number| pace.tell_line(number));
    }

    fn run_by(&self, key: TestKey, entries: u16, before: impl Fn(Option<u16>)) {
        let mut options = Options::new(self.home(), "Claviger test");
        options.checkpoint_pause = Duration::from_millis(3);
        let log = Log::start(options, Box::new(key)).unwrap();
        for number in 0..entries {
            before(Some(number));
            let mut kid = [0; 16];
            kid[..2].copy_from_slice(&number.to_le_bytes());
            let (kind, ok) = (LogType::LOG_TYPE_CRYPTO_ECDH, LogResult::LOG_RESULT_OK);
            let _ = log.append(kind, ok, Subject::User, Ext::Kid(kid)).unwrap();
        }
        before(None);
        log.shutdown();
    }

    /// A run with so many entries, of which none waits for the one before.
    pub(crate) fn run_fast(&self, entries: u32) {
        let mut options = Options::new(self.home(), "Claviger test");
        options.queue = 1 << 14;
        let log = Log::start(options, Box::new(TestKey::new())).unwrap();
        let mut open = VecDeque::new();
        for _ in 0..entries {
            let entry = log.open(Some(LogType::LOG_TYPE_CRYPTO_ECDH), Subject::User).unwrap();
            open.push_back(entry.close(LogResult::LOG_RESULT_OK));
            if open.len() > 1 << 13 {
                open.drain(..1 << 12).for_each(|closing| drop(closing.wait().unwrap()));
            }
        }
        open.into_iter().for_each(|closing| drop(closing.wait().unwrap()));
        log.shutdown();
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Another directory with the same in it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        for name in self.names() {
            let to = copy.path(&name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(self.path(&name), to).unwrap();
        }
        copy
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        File::create(self.path(name)).unwrap().write_all(bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// The names of all files, those below folders too.
    pub(crate) fn names(&self) -> Vec<String> {
        let (mut names, mut folders) = (Vec::new(), vec![self.home().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.home()).unwrap();
                    names.push(name.to_str().unwrap().to_owned());
                }
            }
        }
        names.sort_unstable();
        names
    }

    /// The names of the log files.
    pub(crate) fn files(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name.ends_with(".log")).collect()
    }

    pub(crate) fn check(&self) -> Result<NodeSummary, Flaw> {
        verify_node(self.home(), &TestKey::log_key(), None)
    }

    pub(crate) fn check_since(&self, since: &Checkpoint) -> Result<NodeSummary, Flaw> {
        verify_node(self.home(), &TestKey::log_key(), Some(since))
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::open(&self.text("checkpoint"), &TestKey::log_key()).unwrap()
    }

    /// What `check` says while the file `name` holds `bytes`.
    pub(crate) fn with<T>(&self, name: &str, bytes: &[u8], check: impl FnOnce() -> T) -> T {
        let before = self.read(name);
        self.put(name, bytes);
        let said = check();
        self.put(name, &before);
        said
    }

    /// The flaw while the file `name` holds `bytes`.
    pub(crate) fn flaw_with(&self, name: &str, bytes: &[u8], what: &str) -> Flaw {
        let flaw = self.with(name, bytes, || self.check());
        assert!(flaw.is_err(), "{what} is not found: {flaw:?}");
        flaw.unwrap_err()
    }

    /// The same, and it must be in this file and line.
    pub(crate) fn found_at(&self, name: &str, bytes: &[u8], line: usize, what: &str) -> Cause {
        let Flaw { file, finding } = self.flaw_with(name, bytes, what);
        let expected = (name, u64::try_from(line).unwrap());
        assert_eq!((file.as_str(), finding.line), expected, "{what}: {finding}");
        finding.cause
    }

    /// Looks at each case, a part of them on each core, in a copy of the directory.
    pub(crate) fn each<T: Sync>(&self, cases: &[T], look: impl Fn(&Self, &T) + Sync) {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let part = cases.len().div_ceil(cores).max(1);
        thread::scope(|scope| {
            for cases in cases.chunks(part) {
                let (copy, look) = (self.copy(), &look);
                scope.spawn(move || cases.iter().for_each(|case| look(&copy, case)));
            }
        });
    }
}

/// The lines with their ends.
pub(crate) fn lines(file: &[u8]) -> Vec<&[u8]> {
    file.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Whether the long form was asked for: `make tamper`. The short one takes samples where the long one
/// takes all.
pub(crate) fn is_long() -> bool {
    std::env::var_os("CLAVIGER_EVERY_BIT").is_some()
}
