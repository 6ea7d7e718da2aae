//! The log on a disk that fails: each fault as "did not happen" and as "happened,
//! but was reported failed". Afterwards the power is cut and the files are read.

mod memory;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};

use self::memory::{Act, How, Memory};
use crate::restore::restore;
use crate::tree::{Hash, Tree};
use crate::{Ext, Log, LogResult, LogType, Options, Receipt, Signer, SignerError, StartError};
use crate::{Subject, Unwritten, rows, verify};

/// A logger key whose token can go away.
#[derive(Clone)]
struct TestKey {
    key: SigningKey,
    away: Arc<AtomicBool>,
}

impl TestKey {
    fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[3; 32]), away: Arc::default() }
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(SignerError::new("the token is away"));
        }
        Ok(self.key.sign(message).to_bytes())
    }
}

/// A log on a memory disk that numbers its entries by their KID.
struct Bench {
    disk: Memory,
    key: TestKey,
    log: Log,
    tried: u8,
    acknowledged: Vec<(Receipt, u8)>,
}

impl Bench {
    fn start(disk: Memory) -> Self {
        let key = TestKey::new();
        let options = Options::new("/nonexistent", "Claviger test");
        let log = Log::start_on(disk.both(), options, Box::new(key.clone()), Vec::new()).unwrap();
        Self { disk, key, log, tried: 0, acknowledged: Vec::new() }
    }

    fn append(&mut self) -> Result<(), Unwritten> {
        self.tried += 1;
        let (kind, ext) = (LogType::LOG_TYPE_CRYPTO_ECDH, Ext::Kid([self.tried; 16]));
        let receipt = self.log.append(kind, LogResult::LOG_RESULT_OK, Subject::User, ext)?;
        self.acknowledged.push((receipt, self.tried));
        Ok(())
    }

    fn append_three(&mut self) {
        for _ in 0..3 {
            self.append().unwrap();
        }
    }

    /// Nothing gets through for several attempts to heal, and refusals are quick.
    fn stays_refused(&mut self) {
        let until = Instant::now() + Duration::from_millis(250);
        let mut quickest = Duration::MAX;
        while Instant::now() < until || quickest == Duration::MAX {
            assert!(!self.log.healthy());
            let asked = Instant::now();
            assert_eq!(self.append(), Err(Unwritten));
            // A busy machine may keep any one of them waiting.
            quickest = quickest.min(asked.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        assert!(quickest < Duration::from_millis(100), "{quickest:?}");
        assert!(self.log.fault().is_some());
    }

    fn heals(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.log.healthy() {
            assert!(Instant::now() < until, "not healed: {:?}", self.log.fault());
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.log.fault(), None);
    }

    /// The tree is that over the files of a disk, and each receipt has its line's index.
    fn check_tree(&self, left: &Memory, known: Option<u64>) {
        let (mut tree, mut lines, files) = (Tree::default(), Vec::new(), left.contents());
        for line in files.values().flat_map(|file| str::from_utf8(file).unwrap().lines()) {
            tree.push(Hash::of_leaf(line.as_bytes()), |_, _| {});
            lines.push(line);
        }
        for (receipt, _) in &self.acknowledged {
            let line = lines[usize::try_from(receipt.index().unwrap()).unwrap()];
            assert!(line.starts_with(&format!("{:x}|", receipt.sequence().unwrap())));
        }
        if let Some(covered) = known {
            assert!(covered < tree.size(), "{covered} {}", tree.size());
        }
        let (_, shelf) = left.both();
        let again = restore(&mut left.clone(), &shelf, (self.log.keys(), &[])).unwrap();
        assert_eq!(again.tree.root(), tree.root());
        assert!(again.set_aside.is_empty());
    }

    /// Cuts the power and reads all that was acknowledged. `whole`: every file
    /// verifies and holds nothing else; otherwise the current one verifies.
    fn check(&self, whole: bool, gaps: u64) {
        // Checkpoints go on being made: what is known now is in what is left a moment later.
        let known = self.log.checkpoint().map(|checkpoint| checkpoint.size());
        let left = self.disk.after_the_cut();
        let files = left.contents();
        for (receipt, number) in &self.acknowledged {
            let file = &files[&receipt.file().unwrap()];
            let kid = format!("{number:02x}").repeat(16);
            let row = rows(file.as_slice())
                .map_while(Result::ok)
                .find(|row| Some(row.sequence) == receipt.sequence());
            assert_eq!(row.expect("an acknowledged entry is there").ext, kid);
        }
        self.check_tree(&left, known);
        let verified = |file: &[u8]| verify(file, &self.key.key.verifying_key()).unwrap();
        let current = verified(&files[&self.log.current()]);
        if whole {
            assert_eq!(files.len(), 1);
            let acknowledged = u64::try_from(self.acknowledged.len()).unwrap();
            assert_eq!(current.records, 1 + gaps + acknowledged);
        }
        assert!(self.disk.world().files.values().all(|image| !image.abused));
    }
}

#[test]
fn no_fault_loses_an_acknowledged_entry() {
    use Act::{Create, Cut, Name, Remove, ShortWrite, Sync, SyncDirectory, Truncate, Write};
    use After::{AnotherFile, SameFile};
    // What fails first, what fails while it tries to heal, and where it goes on.
    let table: [(&[Act], &[Act], After); 16] = [
        (&[Write], &[Write], SameFile),
        (&[ShortWrite], &[ShortWrite], SameFile),
        (&[Write, Truncate], &[Write], SameFile),
        (&[ShortWrite, Truncate], &[ShortWrite], SameFile),
        (&[Write], &[Sync], AnotherFile),
        (&[Write], &[Truncate, Create], AnotherFile),
        (&[ShortWrite, Truncate], &[Truncate, Create], AnotherFile),
        (&[Sync], &[Sync], AnotherFile),
        (&[Sync], &[Write], AnotherFile),
        (&[Sync], &[ShortWrite], AnotherFile),
        (&[Sync], &[Create], AnotherFile),
        (&[Sync], &[Cut], AnotherFile),
        (&[Sync], &[Name], AnotherFile),
        (&[Sync], &[Name, Remove], AnotherFile),
        (&[Sync], &[SyncDirectory], AnotherFile),
        (&[Sync], &[SyncDirectory, Remove], AnotherFile),
    ];
    for (first, later, after) in table {
        for how in [How::NotDone, How::DoneButReportedFailed] {
            println!("{first:?}, then {later:?}: {how:?}");
            survives(first, later, how, after);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    AnotherFile,
    SameFile,
}

fn survives(first: &[Act], later: &[Act], how: How, after: After) {
    let mut bench = Bench::start(Memory::default());
    let id = bench.log.current();
    bench.append_three();
    let opened_before =
        bench.log.open(Some(LogType::LOG_TYPE_STARTUP), Subject::None).expect("still healthy");
    bench.disk.fail(first, how);
    assert_eq!(bench.append(), Err(Unwritten));
    bench.disk.fail(later, how);
    bench.stays_refused();
    let closed = opened_before.close(LogResult::LOG_RESULT_OK).wait();
    assert_eq!(closed.unwrap_err(), Unwritten);
    bench.disk.work_again();
    bench.heals();
    bench.append_three();
    assert_eq!(bench.acknowledged.len(), 6);
    assert_eq!(bench.log.current() == id, after == After::SameFile);
    bench.check(after == After::SameFile, 1);
    bench.log.shutdown();
    bench.check(after == After::SameFile, 1);
}

#[test]
fn a_new_file_waits_for_the_token() {
    let mut bench = Bench::start(Memory::default());
    bench.append_three();
    bench.key.away.store(true, Ordering::SeqCst);
    bench.disk.fail(&[Act::Sync], How::NotDone);
    assert_eq!(bench.append(), Err(Unwritten));
    bench.disk.work_again();
    bench.stays_refused();
    assert!(bench.log.fault().unwrap().contains("the token is away"));
    bench.key.away.store(false, Ordering::SeqCst);
    bench.heals();
    bench.append_three();
    bench.check(false, 1);
}

#[test]
fn a_mended_file_says_how_many_entries_it_misses() {
    let mut bench = Bench::start(Memory::default());
    bench.disk.fail(&[Act::Write], How::NotDone);
    assert_eq!(bench.append(), Err(Unwritten));
    bench.disk.work_again();
    bench.heals();
    let file = bench.disk.after_the_cut().contents().remove(&bench.log.current()).unwrap();
    let gap = rows(file.as_slice()).last().unwrap().unwrap();
    assert_eq!((gap.kind.as_str(), gap.result.as_str()), ("LOG_TYPE_AUDIT_GAP", "LOG_RESULT_OK"));
    let id = bench.log.current();
    assert_eq!(gap.ext, format!("{id:08x} Write fails; 1 entries refused"));
}

#[test]
fn writes_that_take_a_few_bytes_are_no_fault() {
    let disk = Memory::default();
    disk.world().crumbs = Some(3);
    let mut bench = Bench::start(disk);
    bench.append_three();
    bench.check(true, 0);
}

#[test]
fn a_log_that_can_not_be_written_does_not_start() {
    use Act::{Create, Name, ShortWrite, Sync, SyncDirectory, Write};
    for act in [Create, Write, ShortWrite, Sync, Name, SyncDirectory] {
        for how in [How::NotDone, How::DoneButReportedFailed] {
            let disk = Memory::default();
            disk.fail(&[act], how);
            let options = Options::new("/nonexistent", "");
            let started = Log::start_on(disk.both(), options, Box::new(TestKey::new()), Vec::new());
            let told = matches!(started, Err(StartError::Directory(_) | StartError::Write(_)));
            assert!(told, "{act:?} {how:?}");
        }
    }
}
