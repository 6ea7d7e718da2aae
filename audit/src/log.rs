//! The log: where entries are opened.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use futures_channel::oneshot;
use thiserror::Error;

use crate::closing::{Closing, Receipt, Unwritten};
use crate::disk::{self, Directory, Disk};
use crate::entry::{Entry, Record};
use crate::event::{LogResult, LogType};
use crate::field::{Ext, Subject};
use crate::file::{Maker, comment_line};
use crate::health::{Health, Places};
use crate::signer::{Signer, SignerError};
use crate::writer::{Job, Message, Writer};

/// How a log is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are. It must exist and be writable by the daemon alone.
    pub directory: PathBuf,
    /// The comment at the top of each file, without `# `; cut to 200 characters,
    /// of which others than printable ASCII, and `|`, become `?`.
    pub banner: String,
    /// How many entries may be open or waiting to be written at a time, at least
    /// one. [`Log::open`] refuses more, so that an opened entry always has room.
    pub queue: usize,
}

impl Options {
    /// Options with a queue of 4096.
    pub fn new(directory: impl Into<PathBuf>, banner: impl Into<String>) -> Self {
        Self { directory: directory.into(), banner: banner.into(), queue: 4096 }
    }
}

/// The audit log of this process. Cloning is shallow.
///
/// When it can't be written, [`open`](Self::open) refuses at once and the writer
/// tries again every 100 ms; the log heals by itself.
#[derive(Clone, Debug)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Has room for every place and the stop.
    messages: Sender<Message>,
    places: Places,
    health: Arc<Health>,
    directory: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Starts the file of this boot, durably, and the thread that writes it.
    ///
    /// # Errors
    /// [`StartError`] when the directory can't be written or the key doesn't sign.
    pub fn start(options: Options, signer: Box<dyn Signer>) -> Result<Self, StartError> {
        let disk = Box::new(Directory(options.directory.clone()));
        Self::start_on(disk, options, signer)
    }

    pub(crate) fn start_on(
        disk: Box<dyn Disk>,
        options: Options,
        signer: Box<dyn Signer>,
    ) -> Result<Self, StartError> {
        let Options { directory, banner, queue } = options;
        let queue = queue.max(1);
        let mut maker = Maker { disk, signer, banner: comment_line(&banner) };
        let file = maker.start(None)?;
        let health = Arc::new(Health::new(file.id()));
        let (messages, inbox) = bounded(queue.saturating_add(1));
        let writer = Writer::new(maker, file, inbox, Arc::clone(&health));
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(StartError::Thread)?;
        let (places, thread) = (Places::new(queue), Mutex::new(Some(thread)));
        Ok(Self(Arc::new(Inner { messages, places, health, directory, thread })))
    }

    /// Opens an entry. `kind` is the type it gets when it is closed or dropped;
    /// `None` is for work whose success the specification does not list.
    ///
    /// # Errors
    /// [`Unwritten`], at once, when the log is known not to work, when it is shut,
    /// when as many entries are open as the queue has places, and for
    /// `LOG_TYPE_KEY_INIT`, which belongs to the log itself.
    pub fn open(&self, kind: Option<LogType>, subject: Subject) -> Result<Entry, Unwritten> {
        if !self.0.health.good() || kind == Some(LogType::LOG_TYPE_KEY_INIT) {
            return Err(Unwritten);
        }
        let place = self.0.places.take().ok_or(Unwritten)?;
        Ok(Entry::new(self.clone(), kind, subject, place))
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

    /// Writes what has been closed so far and stops the writer; blocks until then.
    /// Entries closed later are [`Unwritten`].
    pub fn shutdown(&self) {
        self.0.health.shut();
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // Either error means that the writer has ended already.
            let _ = self.0.messages.send(Message::Stop);
            let _ = thread.join();
        }
    }

    /// Sends a record to the writer. Its place is its room in the channel.
    pub(crate) fn hand_over(&self, record: Record) -> Closing {
        if record.kind == LogType::LOG_TYPE_KEY_INIT {
            return Closing::known(Err(Unwritten));
        }
        let (answer, answered) = oneshot::channel();
        match self.0.messages.try_send(Message::Entry(Job { record, answer })) {
            Ok(()) => Closing::waiting(answered),
            Err(_) => Closing::known(Err(Unwritten)),
        }
    }
}

/// Why a log file could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The directory can't be read, or a file can't be created in it.
    #[error(
        "the directory of the audit log can't be used: {0}; it must exist, belong to the \
         daemon's user and have mode 0700"
    )]
    Directory(#[source] io::Error),
    /// A file has the highest id there is.
    #[error(
        "no id is left for a new audit log file: one named ffffffff.log is there; move it away \
         and check the host's clock"
    )]
    NoIdLeft,
    /// The system gave no random bytes.
    #[error("no random bytes for the key of the audit log file: {0}; check the kernel's getrandom")]
    Random(String),
    /// The logger key did not sign.
    #[error("the logger key did not sign the new audit log file: {0}")]
    Signer(#[from] SignerError),
    /// The writer's thread could not be started.
    #[error("the thread of the audit log can't be started: {0}; raise the limit of tasks")]
    Thread(#[source] io::Error),
    /// The new file can't be written.
    #[error("the new audit log file can't be written: {0}; make room or mend the disk")]
    Write(#[source] io::Error),
}
