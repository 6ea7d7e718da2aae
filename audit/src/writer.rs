//! The thread that writes: takes what is queued, writes it at once, one fdatasync,
//! then answers everyone who waits.

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::closing::{Receipt, Unwritten};
use crate::file::{Committed, Fault, LiveFile, Maker};
use crate::health::{Health, Places};
use crate::held::Displaced;
use crate::job::{Job, Message, Note};
use crate::ledger::Ledger;
use crate::outage::Outage;
use crate::waiting::Waiting;
use crate::watch::Watch;
use crate::window::WINDOW;

/// Owned by its thread.
pub(crate) struct Writer {
    maker: Maker,
    target: Target,
    inbox: Receiver<Message>,
    /// Rung when something is durable; has room for one ring.
    bell: Sender<()>,
    health: Arc<Health>,
    places: Places,
    ledger: Arc<Ledger>,
    watch: Option<Arc<dyn Watch>>,
    /// Where entries wait for their checkpoint, if they do.
    pub(crate) waiting: Option<Arc<Waiting>>,
    /// The last file of this run.
    last_id: u32,
    /// When the next attempt to heal is due.
    retry: Instant,
    /// What ended the last good run, until the log goes on.
    outage: Option<Outage>,
    /// Set by the end of a run.
    closed: bool,
    /// How long the last fdatasync took.
    synced: Duration,
    /// The lines of a batch, kept for its capacity.
    text: String,
}

/// Where entries go.
enum Target {
    Good(LiveFile),
    /// A write failed: the same file, once it is mended.
    Damaged(LiveFile),
    /// Somebody else laid hands on it: once it is rescued, a new file.
    Displaced(LiveFile),
    /// An fdatasync failed: only a new file will do.
    Lost,
}

impl Writer {
    pub(crate) fn new(
        maker: Maker,
        file: LiveFile,
        (inbox, bell): (Receiver<Message>, Sender<()>),
        (health, watch): (Arc<Health>, Option<Arc<dyn Watch>>),
        places: Places,
    ) -> Self {
        Self {
            watch,
            ledger: Arc::clone(&maker.ledger),
            maker,
            bell,
            waiting: None,
            closed: false,
            synced: Duration::ZERO,
            last_id: file.id(),
            target: Target::Good(file),
            inbox,
            health,
            places,
            retry: Instant::now(),
            outage: None,
            text: String::new(),
        }
    }

    /// Until it is told to stop or every handle is gone.
    pub(crate) fn run(mut self) {
        let _last_will = LastWill(Arc::clone(&self.health));
        loop {
            match self.next() {
                Ok(message) => {
                    if self.attend_to(message) == After::Stop {
                        return;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self.look_after(),
            }
        }
    }

    fn attend_to(&mut self, message: Message) -> After {
        match message {
            Message::Entry(job) => {
                if let Some(other) = self.batch(job) {
                    return self.attend_to(other);
                }
            }
            Message::Close(done) => {
                self.closed = true;
                let _ = done.send(());
            }
            Message::Note(note) => {
                let index = self.annotate(&note);
                // The notary may have given up waiting.
                let _ = note.done.send(index);
            }
            Message::Stop => return After::Stop,
        }
        After::GoOn
    }

    fn next(&self) -> Result<Message, RecvTimeoutError> {
        match self.target {
            Target::Good(_) => self.inbox.recv_timeout(WATCH),
            _ => self.inbox.recv_deadline(self.retry),
        }
    }

    /// What there is to do while nobody wants anything: seeing that the file is still there, or
    /// trying to heal.
    fn look_after(&mut self) {
        match mem::replace(&mut self.target, Target::Lost) {
            Target::Good(file) => match file.look() {
                Ok(()) => self.target = Target::Good(file),
                Err(fault) => self.fail(fault, file),
            },
            broken => {
                self.target = broken;
                self.heal();
            }
        }
    }

    /// Takes whatever else is queued and settles it. Returns what came after that was no entry.
    fn batch(&mut self, first: Job) -> Option<Message> {
        let mut jobs = vec![first];
        let mut other = self.drain(&mut jobs);
        if other.is_none() {
            other = self.linger(&mut jobs);
        }
        self.settle(jobs);
        other
    }

    /// Where many more entries are open, waits for some of them: they share the commit, and whoever
    /// has that many requests under way does not feel it. A few requests are never held up, nobody
    /// waits for operations that take long, and a slow disk has made them wait already.
    fn linger(&self, jobs: &mut Vec<Job>) -> Option<Message> {
        let others = |jobs: &Vec<Job>| self.places.taken().saturating_sub(jobs.len());
        let share = u32::try_from(others(jobs)).unwrap_or(u32::MAX);
        let most = SHARE.saturating_mul(share).min(LINGER).saturating_sub(self.synced);
        let began = Instant::now();
        while others(jobs) >= CROWD && began.elapsed() < most {
            let before = jobs.len();
            thread::sleep(SLICE);
            let other = self.drain(jobs);
            if other.is_some() || jobs.len() == before {
                return other;
            }
        }
        None
    }

    fn drain(&self, jobs: &mut Vec<Job>) -> Option<Message> {
        while jobs.len() < BATCH {
            match self.inbox.try_recv() {
                Ok(Message::Entry(job)) => jobs.push(job),
                Ok(message) => return Some(message),
                Err(_) => break,
            }
        }
        None
    }

    fn settle(&mut self, jobs: Vec<Job>) {
        if self.closed {
            return self.refuse(jobs);
        }
        match mem::replace(&mut self.target, Target::Lost) {
            Target::Good(mut file) => {
                match file.commit(jobs.iter().map(|job| &job.record), &mut self.text) {
                    Ok(Committed { sequence, index, synced }) => {
                        self.synced = synced;
                        // Counted first: whoever has an answer finds it in the figures.
                        if let Some(watch) = &self.watch {
                            watch.committed(jobs.len(), synced);
                        }
                        for (job, place) in jobs.into_iter().zip(0..) {
                            let (sequence, index) = (sequence + place, index + place);
                            let receipt = Receipt::written(file.id(), sequence, index);
                            match &self.waiting {
                                Some(waiting) => waiting.hold(job, receipt),
                                None => job.answer(Ok(receipt)),
                            }
                        }
                        self.target = Target::Good(file);
                        self.ring();
                    }
                    Err(fault) => {
                        self.fail(fault, file);
                        self.refuse(jobs);
                    }
                }
            }
            broken => {
                // Refused first: an attempt to heal may wait for the token.
                self.target = broken;
                self.refuse(jobs);
                if Instant::now() >= self.retry {
                    self.heal();
                }
            }
        }
    }

    /// The index of the line of a checkpoint, if it could be written. A checkpoint that lags too
    /// far behind is not: a verifier keeps the leaves since then in memory.
    fn annotate(&mut self, note: &Note) -> Option<u64> {
        if self.ledger.size().saturating_sub(note.size) > LAG {
            return None;
        }
        match mem::replace(&mut self.target, Target::Lost) {
            Target::Good(mut file) => match file.annotate(&note.line) {
                Ok(index) => {
                    self.target = Target::Good(file);
                    Some(index)
                }
                Err(fault) => {
                    self.fail(fault, file);
                    None
                }
            },
            broken => {
                self.target = broken;
                None
            }
        }
    }

    fn ring(&self) {
        // Full: it rings already.
        let _ = self.bell.try_send(());
    }

    fn refuse(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            if let Some(outage) = &mut self.outage {
                outage.refused = outage.refused.saturating_add(1);
            }
            job.answer(Err(Unwritten));
        }
    }

    fn fail(&mut self, fault: Fault, file: LiveFile) {
        self.retry = Instant::now() + RETRY;
        let lines_lost = matches!(fault, Fault::Displaced(Displaced::Truncated { .. }));
        let (id, length) = (file.id(), file.length());
        let (target, what) = match fault {
            Fault::Write(error) => (Target::Damaged(file), error.to_string()),
            Fault::Lost(error) => {
                self.maker.given_up.push((id, length));
                (Target::Lost, error.to_string())
            }
            Fault::Displaced(displaced) => {
                // The first attempt need not wait: nothing is known to be wrong with the disk.
                self.retry = Instant::now();
                (Target::Displaced(file), displaced.to_string())
            }
        };
        self.target = target;
        if let Some(watch) = &self.watch {
            watch.failed();
        }
        self.health.fail(format!("the audit log file {id:08x} failed: {what}"));
        let cause = || Outage { cause: format!("{id:08x} {what}"), lines_lost, refused: 0 };
        self.outage.get_or_insert_with(cause).lines_lost |= lines_lost;
    }

    fn heal(&mut self) {
        match mem::replace(&mut self.target, Target::Lost) {
            Target::Good(file) => self.target = Target::Good(file),
            Target::Damaged(mut file) => match file.mend() {
                Ok(()) => self.go_on(file),
                Err(fault) => self.fail(fault, file),
            },
            Target::Displaced(mut file) => match file.rescue() {
                Ok(()) => self.start_anew(),
                Err(error) => {
                    self.target = Target::Displaced(file);
                    self.put_off(&error);
                }
            },
            Target::Lost => self.start_anew(),
        }
    }

    fn start_anew(&mut self) {
        match self.maker.start(Some(self.last_id)) {
            Ok(file) => self.go_on(file),
            Err(error) => self.put_off(&error),
        }
    }

    fn put_off(&mut self, error: &dyn std::fmt::Display) {
        self.retry = Instant::now() + RETRY;
        if let Some(watch) = &self.watch {
            watch.failed();
        }
        self.health.fail(error.to_string());
    }

    /// Uses the file from here on, after an entry about the gap, whose fdatasync also shows that
    /// the file works.
    fn go_on(&mut self, mut file: LiveFile) {
        self.last_id = file.id();
        let gap = self.outage.as_ref().map(Outage::record);
        if let Err(fault) = file.commit(gap.iter(), &mut self.text) {
            return self.fail(fault, file);
        }
        self.outage = None;
        self.target = Target::Good(file);
        self.health.mend(self.last_id);
        self.ring();
    }
}

#[derive(Debug, Eq, PartialEq)]
enum After {
    GoOn,
    Stop,
}

/// However the thread ends, by a panic too, nobody opens entries any more.
struct LastWill(Arc<Health>);

impl Drop for LastWill {
    fn drop(&mut self) {
        self.0.shut();
    }
}

/// Entries per fdatasync at most.
const BATCH: usize = 512;

/// So many open entries beyond those at hand are worth waiting for.
const CROWD: usize = 16;

/// How long for each of them: less than one takes.
const SHARE: Duration = Duration::from_micros(100);

/// How long at most.
const LINGER: Duration = Duration::from_millis(4);

/// Between looks at what has come.
const SLICE: Duration = Duration::from_millis(2);

/// Leaves that may have been written since those of a checkpoint, when its line is.
const LAG: u64 = WINDOW / 2;

/// Between attempts to heal.
const RETRY: Duration = Duration::from_millis(100);

/// Between looks at the file while nothing is written.
const WATCH: Duration = Duration::from_millis(50);
