//! The log: where entries are opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use futures_channel::oneshot;

use crate::anchor::{Anchor, Moorings};
use crate::bundle::Bundles;
use crate::checkpoint::Checkpoint;
use crate::closing::{Closing, Receipt, Unopened, Unwritten};
use crate::cosignature::Cosignature;
use crate::disk::{self, Directory, Disk, Kept, Shelf};
use crate::entry::{Entry, Record};
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::file::Maker;
use crate::health::{Health, Places};
use crate::identity::{Identity, identify};
use crate::job::{Job, Message};
use crate::ledger::Ledger;
use crate::log_key::{LogKey, VKEY};
use crate::notary::Notary;
use crate::options::{Acknowledge, Options};
use crate::proofs::{self, ProofError};
use crate::restore::{CHECKPOINT, Restored, restore};
use crate::signer::Signer;
use crate::signers::Signers;
use crate::start_error::StartError;
use crate::waiting::Waiting;
use crate::writer::Writer;

/// The audit log of this process. Cloning is shallow.
///
/// When it can't be written, [`open`](Self::open) refuses at once and the writer
/// tries again every 100 ms; the log heals by itself.
#[derive(Clone, Debug)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Has room for every place, a note, the close and the stop.
    messages: Sender<Message>,
    last_checkpoint: Sender<()>,
    ledger: Arc<Ledger>,
    key: LogKey,
    /// All logger keys there are, under the same name.
    keys: Vec<LogKey>,
    signers: Arc<Signers>,
    places: Places,
    health: Arc<Health>,
    directory: PathBuf,
    bundles: Bundles,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    notary: JoinHandle<()>,
}

impl Log {
    /// Checks the files that are there against their last checkpoint, sets aside what a crash
    /// left torn, with an entry, starts the file of this boot, durably, and the threads that
    /// write it and have its checkpoints signed.
    ///
    /// # Errors
    /// [`StartError`] when the directory can't be written, the key doesn't sign, or the log was
    /// changed.
    pub fn start(options: Options, signer: Box<dyn Signer>) -> Result<Self, StartError> {
        Self::start_anchored(options, signer, Vec::new())
    }

    /// As [`start`](Self::start), with `anchors`: a log that is shorter than one of them, or another
    /// one, does not start.
    ///
    /// # Errors
    /// As [`start`](Self::start), and when an anchor can't be read.
    pub fn start_anchored(
        options: Options,
        signer: Box<dyn Signer>,
        anchors: Vec<Box<dyn Anchor>>,
    ) -> Result<Self, StartError> {
        let disk = Box::new(Directory(options.directory.clone()));
        let shelf = Arc::new(Directory(options.directory.clone()));
        Self::start_on((disk, shelf), options, signer, anchors)
    }

    pub(crate) fn start_on(
        places: (Box<dyn Disk>, Arc<dyn Shelf>),
        options: Options,
        signer: Box<dyn Signer>,
        anchors: Vec<Box<dyn Anchor>>,
    ) -> Result<Self, StartError> {
        Self::start_by(places, options, Signers::of(signer)?, anchors)
    }

    pub(crate) fn start_by(
        (mut disk, shelf): (Box<dyn Disk>, Arc<dyn Shelf>),
        options: Options,
        signers: Signers,
        anchors: Vec<Box<dyn Anchor>>,
    ) -> Result<Self, StartError> {
        let Identity { key, keys, held } =
            identify(&signers, &*shelf, options.origin.as_deref(), &anchors)?;
        let signers = Arc::new(signers);
        let Restored { tree, position, published, set_aside, files, taken_over } =
            restore(&mut *disk, &shelf, (&keys, &held))?;
        let ledger = Arc::new(Ledger::new(Arc::clone(&shelf), (tree, position, files), published));
        let mut maker = Maker {
            disk,
            signers: Arc::clone(&signers),
            banner: options.banner.clone(),
            ledger: Arc::clone(&ledger),
            given_up: Vec::new(),
        };
        let file = maker.start(None)?;
        put_vkey(&*shelf, &key)?;
        let health = Arc::new(Health::new(file.id()));
        let queue = options.queue.max(1);
        let (messages, inbox) = bounded(queue.saturating_add(3));
        let (bell, rings) = bounded(1);
        let (last_checkpoint, last) = bounded(1);
        let places = Places::new(queue);
        let (ends, seen) = ((inbox, bell), (Arc::clone(&health), options.watch));
        let signed = options.acknowledge == Acknowledge::Signed;
        let waiting = signed.then(|| Arc::new(Waiting::default()));
        let mut writer = Writer::new(maker, file, ends, seen, places.clone());
        writer.waiting.clone_from(&waiting);
        let notary = Notary {
            ledger: Arc::clone(&ledger),
            shelf,
            signers: Arc::clone(&signers),
            origin: key.origin().to_owned(),
            bell: rings,
            writer: messages.clone(),
            health: Arc::clone(&health),
            last,
            pause: options.checkpoint_pause,
            moorings: Moorings::new(anchors),
            waiting,
        };
        let threads = Mutex::new(Some(Threads {
            writer: spawn("audit", move || writer.run())?,
            notary: spawn("audit-notary", move || notary.run())?,
        }));
        let (directory, bundles) = (options.directory.clone(), Bundles::new(options.directory));
        let log = Self(Arc::new(Inner {
            messages,
            last_checkpoint,
            ledger,
            key,
            keys,
            signers,
            places,
            health,
            directory,
            bundles,
            threads,
        }));
        log.enter_recovery(set_aside, taken_over)?;
        Ok(log)
    }

    /// Opens an entry. `kind` is the type it gets when it is closed or dropped;
    /// `None` is for work whose success the specification does not list.
    ///
    /// # Errors
    /// At once: [`Unopened::Full`] when as many entries are open as the queue has places;
    /// [`Unopened::Unwritten`] when the log is known not to work, when it is shut, and for
    /// `LOG_TYPE_KEY_INIT`, which belongs to the log itself.
    pub fn open(&self, kind: Option<LogType>, subject: Subject) -> Result<Entry, Unopened> {
        if !self.0.health.good() || kind == Some(LogType::LOG_TYPE_KEY_INIT) {
            return Err(Unopened::Unwritten);
        }
        let place = self.0.places.take().ok_or(Unopened::Full)?;
        Ok(Entry::new(self.clone(), kind, subject, place))
    }

    /// How many entries are open or wait to be written.
    pub fn open_entries(&self) -> usize {
        self.0.places.taken()
    }

    /// Opens an entry for work that changes and tells nothing (a status, the log itself) and must
    /// go on while the log can't be written. Its receipt is for nothing; closed under a type, it
    /// comes to [`Unwritten`].
    pub fn observe(&self, subject: Subject) -> Entry {
        Entry::unplaced(self.clone(), subject)
    }

    /// Writes an entry and waits until it is durable: for what happens outside
    /// of requests (start, stop). Not for a thread that runs futures.
    ///
    /// # Errors
    /// As [`open`](Self::open), and when the write fails.
    pub fn append(
        &self,
        kind: LogType,
        result: LogResult,
        subject: Subject,
        ext: Ext,
    ) -> Result<Receipt, Unwritten> {
        self.open(Some(kind), subject)?.close_as(kind, result, ext).wait()
    }

    /// Whether entries can be written, as far as is known.
    pub fn healthy(&self) -> bool {
        self.0.health.good()
    }

    /// Why entries can't be written now, for an operator. `None` while they can,
    /// and after a shutdown in good order.
    pub fn fault(&self) -> Option<String> {
        self.0.health.fault()
    }

    /// The id of the file that is being written.
    pub fn current(&self) -> u32 {
        self.0.health.current()
    }

    /// The ids of all files in the directory, oldest first, the current one too.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn files(&self) -> io::Result<Vec<u32>> {
        disk::list(&self.0.directory)
    }

    /// Where the file with this id is, or would be.
    pub fn path_of(&self, id: u32) -> PathBuf {
        disk::path_of(&self.0.directory, id)
    }

    /// Where the log files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// What is durable.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// How many lines are durable.
    pub fn lines(&self) -> u64 {
        self.0.ledger.size()
    }

    /// What checks the checkpoints of this log: its current key; displayed it is the vkey.
    pub fn key(&self) -> &LogKey {
        &self.0.key
    }

    /// The same for all logger keys there are.
    pub(crate) fn keys(&self) -> &[LogKey] {
        &self.0.keys
    }

    /// Those that sign.
    pub(crate) fn signers(&self) -> &Signers {
        &self.0.signers
    }

    /// The latest checkpoint that is on the disk.
    pub fn checkpoint(&self) -> Option<Arc<Checkpoint>> {
        self.0.ledger.published()
    }

    /// Puts the `cosignature` of a witness to the latest checkpoint, durably, if that still is
    /// `checkpoint`. Says whether it is. Blocks.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn cosign(&self, checkpoint: &Checkpoint, cosignature: Cosignature) -> io::Result<bool> {
        self.0.ledger.cosign(CHECKPOINT, checkpoint, cosignature)
    }

    /// Why the last checkpoint could not be made, for an operator: entries are durable
    /// nevertheless, and the checkpoint is tried again. `None` while all is well.
    pub fn unsigned(&self) -> Option<String> {
        self.0.health.unsigned()
    }

    /// The proof that the line `index` (that of a [`Receipt`]) is covered by the latest
    /// checkpoint: a C2SP tlog-proof. Reads files.
    ///
    /// # Errors
    /// [`ProofError`], also while no checkpoint covers the line.
    pub fn prove(&self, index: u64) -> Result<String, ProofError> {
        proofs::inclusion(&self.0.ledger, index)
    }

    /// The proof that the log of `old` lines is the start of that of `new`, as a line `old N`,
    /// a line `new N`, and the hashes (RFC 6962, section 2.1.2) in base64, one a line. Reads
    /// files.
    ///
    /// # Errors
    /// [`ProofError`], also when the latest checkpoint covers less than `new` lines.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<String, ProofError> {
        proofs::consistency(&self.0.ledger, old, new)
    }

    /// A tile of the tree, or the first hashes of one, by its path below `tile/` (C2SP tlog-tiles):
    /// 32 bytes a hash. `None` for what is no such path. Reads files.
    ///
    /// # Errors
    /// [`ProofError`], also when the latest checkpoint does not cover that much.
    pub fn tile(&self, path: &str) -> Option<Result<Vec<u8>, ProofError>> {
        proofs::tile(&self.0.ledger, path)
    }

    /// The lines themselves, by their path below `tile/entries/` (C2SP tlog-tiles): each after its
    /// length, two bytes, big-endian. `None` for what is no such path. Reads files; whoever asks
    /// first for lines of earlier runs waits until they were read once.
    ///
    /// # Errors
    /// [`ProofError`], also when the latest checkpoint does not cover that much.
    pub fn bundle(&self, path: &str) -> Option<Result<Vec<u8>, ProofError>> {
        self.0.bundles.get(&self.0.ledger, path)
    }

    /// Writes what has been closed so far, has a last checkpoint made, which waits for the token
    /// as long as one signature takes, and stops; blocks until then.
    /// Entries closed later are [`Unwritten`].
    pub fn shutdown(&self) {
        self.0.health.shut();
        let mut threads = self.0.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Threads { writer, notary }) = threads.take() {
            // Any error here means that the thread has ended already.
            let (done, closed) = bounded(1);
            let _ = self.0.messages.send(Message::Close(done));
            let _ = closed.recv();
            self.0.ask_for_last_checkpoint();
            let _ = notary.join();
            let _ = self.0.messages.send(Message::Stop);
            let _ = writer.join();
        }
    }

    /// Enters what was set aside, and how many lines no checkpoint covered.
    fn enter_recovery(&self, set_aside: Vec<String>, taken_over: u64) -> Result<(), StartError> {
        let taken_over = (taken_over > 0).then(|| format!("{taken_over} lines taken over"));
        for text in set_aside.into_iter().chain(taken_over) {
            let (kind, result) = (LogType::LOG_TYPE_AUDIT_TAIL_RECOVERED, LogResult::LOG_RESULT_OK);
            let entered = self.append(kind, result, Subject::None, Ext::Text(text));
            let _ = entered.map_err(|_| StartError::Recovery)?;
        }
        Ok(())
    }

    /// Sends a record to the writer. Its place is its room in the channel.
    pub(crate) fn hand_over(&self, record: Record) -> Closing {
        if record.kind == LogType::LOG_TYPE_KEY_INIT {
            return Closing::known(Err(Unwritten));
        }
        if cfg!(feature = "unlogged") {
            return Closing::known(Ok(Receipt::nothing()));
        }
        let (answer, answered) = oneshot::channel();
        match self.0.messages.try_send(Message::Entry(Job { record, answer })) {
            Ok(()) => Closing::waiting(answered),
            Err(_) => Closing::known(Err(Unwritten)),
        }
    }
}

impl Inner {
    fn ask_for_last_checkpoint(&self) {
        // Full: it was asked for already.
        let _ = self.last_checkpoint.try_send(());
    }
}

/// Without a shutdown, what was closed is written, and the threads end by themselves.
impl Drop for Inner {
    fn drop(&mut self) {
        self.ask_for_last_checkpoint();
        let _ = self.messages.try_send(Message::Stop);
    }
}

/// Writes the vkey down for auditors.
pub(crate) fn put_vkey(shelf: &dyn Shelf, key: &LogKey) -> Result<(), StartError> {
    let vkey = format!("{key}\n");
    shelf.put(VKEY, vkey.as_bytes(), Kept::Durably).map_err(StartError::Directory)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(StartError::Thread)
}
