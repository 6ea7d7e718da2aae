//! The log on a disk that fails: each fault as "did not happen" and as "happened,
//! but was reported failed". Afterwards the power is cut and the files are read.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Cursor};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};

use crate::disk::{Disk, DiskFile, Kept, Shelf};
use crate::restore::restore;
use crate::tree::{Hash, Tree};
use crate::{Ext, Log, LogResult, LogType, Options, Receipt, Signer, SignerError, StartError};
use crate::{Subject, Unwritten, rows, verify};

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Create,
    Cut,
    Remove,
    /// Half is taken, then the rest fails.
    ShortWrite,
    Sync,
    SyncDirectory,
    Truncate,
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    DoneButReportedFailed,
    NotDone,
}

/// A file as the kernel shows it and as it would be after a power cut.
#[derive(Default)]
struct Image {
    cached: Vec<u8>,
    durable: Vec<u8>,
    /// The directory was synced since it was created.
    named: bool,
    /// An fdatasync failed: later ones succeed and prove nothing.
    lost: bool,
    /// Used although it was lost.
    abused: bool,
}

#[derive(Default)]
struct World {
    files: BTreeMap<u32, Image>,
    shelf: BTreeMap<String, Vec<u8>>,
    failing: Vec<Act>,
    how: Option<How>,
    half_taken: bool,
    /// Each write takes at most so many bytes.
    crumbs: Option<usize>,
}

impl World {
    /// Does `act` on the world unless it fails without happening.
    fn try_to(&mut self, act: Act, doing: impl FnOnce(&mut Self)) -> io::Result<()> {
        let how = if self.failing.contains(&act) { self.how } else { None };
        if how != Some(How::NotDone) {
            doing(self);
        }
        if how.is_some() { Err(io::Error::other(format!("{act:?} fails"))) } else { Ok(()) }
    }

    fn image(&mut self, id: u32) -> &mut Image {
        self.files.get_mut(&id).expect("a removed file is not used")
    }
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<World>>);

impl Memory {
    fn both(&self) -> (Box<dyn Disk>, Arc<dyn Shelf>) {
        (Box::new(self.clone()), Arc::new(self.clone()))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn fail(&self, failing: &[Act], how: How) {
        let mut world = self.world();
        world.failing = failing.to_vec();
        world.how = Some(how);
    }

    fn work_again(&self) {
        self.world().failing.clear();
    }

    /// What is left after a power cut.
    fn after_the_cut(&self) -> BTreeMap<u32, Vec<u8>> {
        let world = self.world();
        let named = world.files.iter().filter(|(_, image)| image.named);
        named.map(|(id, image)| (*id, image.durable.clone())).collect()
    }
}

impl Disk for Memory {
    fn list(&self) -> io::Result<Vec<u32>> {
        Ok(self.world().files.keys().copied().collect())
    }

    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>> {
        if self.world().files.contains_key(&id) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.world().try_to(Act::Create, |world| {
            world.files.insert(id, Image::default());
        })?;
        Ok(Box::new(MemoryFile { disk: self.clone(), id }))
    }

    fn remove(&mut self, id: u32) -> io::Result<()> {
        self.world().try_to(Act::Remove, |world| {
            world.files.remove(&id);
        })
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.world().try_to(Act::SyncDirectory, |world| {
            world.files.values_mut().for_each(|image| image.named = true);
        })
    }

    fn read(&self, id: u32, offset: u64) -> io::Result<Box<dyn BufRead>> {
        let mut cached = self.world().image(id).cached.clone();
        cached.drain(..usize::try_from(offset).unwrap());
        Ok(Box::new(Cursor::new(cached)))
    }

    fn cut(&mut self, id: u32, length: u64) -> io::Result<()> {
        let mut world = self.world();
        if !world.files.contains_key(&id) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.try_to(Act::Cut, |world| {
            let (image, length) = (world.image(id), usize::try_from(length).unwrap());
            image.cached.truncate(length);
            image.durable.truncate(length);
        })
    }
}

impl Shelf for Memory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.world().shelf.get(name).cloned())
    }

    fn put(&self, name: &str, bytes: &[u8], _: Kept) -> io::Result<()> {
        self.world().shelf.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }
}

struct MemoryFile {
    disk: Memory,
    id: u32,
}

impl DiskFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.disk.world();
        let mut count = bytes.len().min(world.crumbs.unwrap_or(usize::MAX));
        let mut act = Act::Write;
        if world.failing.contains(&Act::ShortWrite) {
            world.half_taken = !world.half_taken;
            if world.half_taken {
                count = count.div_ceil(2);
            } else {
                act = Act::ShortWrite;
            }
        }
        let image = world.image(self.id);
        image.abused |= image.lost;
        world.try_to(act, |world| {
            world.image(self.id).cached.extend_from_slice(&bytes[..count]);
        })?;
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.disk.world();
        let image = world.image(self.id);
        image.abused |= image.lost;
        let outcome = world.try_to(Act::Sync, |world| {
            let image = world.image(self.id);
            if !image.lost {
                image.durable = image.cached.clone();
            }
        });
        world.image(self.id).lost |= outcome.is_err();
        outcome
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.disk.world().try_to(Act::Truncate, |world| {
            let length = usize::try_from(length).unwrap();
            world.image(self.id).cached.truncate(length);
        })
    }
}

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
        let log = Log::start_on(disk.both(), options, Box::new(key.clone())).unwrap();
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
        while Instant::now() < until {
            assert!(!self.log.healthy());
            let asked = Instant::now();
            assert_eq!(self.append(), Err(Unwritten));
            assert!(asked.elapsed() < Duration::from_millis(100));
            thread::sleep(Duration::from_millis(5));
        }
        assert!(self.log.fault().is_some());
    }

    fn heals(&mut self) {
        let until = Instant::now() + Duration::from_secs(5);
        while !self.log.healthy() {
            assert!(Instant::now() < until, "not healed: {:?}", self.log.fault());
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.log.fault(), None);
    }

    /// The tree is that over the files, and each receipt has its line's index.
    fn check_tree(&self, files: &BTreeMap<u32, Vec<u8>>) {
        let (mut tree, mut lines) = (Tree::default(), Vec::new());
        for line in files.values().flat_map(|file| str::from_utf8(file).unwrap().lines()) {
            tree.push(Hash::of_leaf(line.as_bytes()), |_, _| {});
            lines.push(line);
        }
        for (receipt, _) in &self.acknowledged {
            let line = lines[usize::try_from(receipt.index().unwrap()).unwrap()];
            assert!(line.starts_with(&format!("{:x}|", receipt.sequence().unwrap())));
        }
        if let Some(checkpoint) = self.log.checkpoint() {
            assert!(checkpoint.size() < tree.size(), "{checkpoint} {}", tree.size());
        }
        let again = restore(&mut self.disk.clone(), &self.disk, self.log.key()).unwrap();
        assert_eq!(again.tree.root(), tree.root());
        assert!(again.set_aside.is_empty());
    }

    /// Cuts the power and reads all that was acknowledged. `whole`: every file
    /// verifies and holds nothing else; otherwise the current one verifies.
    fn check(&self, whole: bool) {
        let files = self.disk.after_the_cut();
        for (receipt, number) in &self.acknowledged {
            let file = &files[&receipt.file().unwrap()];
            let kid = format!("{number:02x}").repeat(16);
            let row = rows(file.as_slice())
                .map_while(Result::ok)
                .find(|row| Some(row.sequence) == receipt.sequence());
            assert_eq!(row.expect("an acknowledged entry is there").ext, kid);
        }
        self.check_tree(&files);
        let verified = |file: &[u8]| verify(file, &self.key.key.verifying_key()).unwrap();
        let current = verified(&files[&self.log.current()]);
        if whole {
            assert_eq!(files.len(), 1);
            assert_eq!(current.records, 1 + u64::try_from(self.acknowledged.len()).unwrap());
        }
        assert!(self.disk.world().files.values().all(|image| !image.abused));
    }
}

#[test]
fn no_fault_loses_an_acknowledged_entry() {
    use Act::{Create, Cut, Remove, ShortWrite, Sync, SyncDirectory, Truncate, Write};
    use After::{AnotherFile, SameFile};
    // What fails first, what fails while it tries to heal, and where it goes on.
    let table: [(&[Act], &[Act], After); 14] = [
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
    bench.check(after == After::SameFile);
    bench.log.shutdown();
    bench.check(after == After::SameFile);
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
    bench.check(false);
}

#[test]
fn a_mended_file_says_how_many_entries_it_misses() {
    let mut bench = Bench::start(Memory::default());
    bench.disk.fail(&[Act::Write], How::NotDone);
    assert_eq!(bench.append(), Err(Unwritten));
    bench.disk.work_again();
    bench.heals();
    let file = bench.disk.after_the_cut().remove(&bench.log.current()).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert!(text.ends_with("# 1 entries refused: the file failed\r\n"), "{text}");
}

#[test]
fn writes_that_take_a_few_bytes_are_no_fault() {
    let disk = Memory::default();
    disk.world().crumbs = Some(3);
    let mut bench = Bench::start(disk);
    bench.append_three();
    bench.check(true);
}

#[test]
fn a_log_that_can_not_be_written_does_not_start() {
    for act in [Act::Create, Act::Write, Act::ShortWrite, Act::Sync, Act::SyncDirectory] {
        for how in [How::NotDone, How::DoneButReportedFailed] {
            let disk = Memory::default();
            disk.fail(&[act], how);
            let options = Options::new("/nonexistent", "");
            let started = Log::start_on(disk.both(), options, Box::new(TestKey::new()));
            let told = matches!(started, Err(StartError::Directory(_) | StartError::Write(_)));
            assert!(told, "{act:?} {how:?}");
        }
    }
}
