//! Frames in, operations to the threads, answers out in batches.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};

use super::token::{Seat, Shared, Token};
use super::{EXIT_DOWN, refuse};
use crate::protocol::{Answer, Operation, TokenFault};
use crate::transport::frame::{GREETING, Inbox, Outbox};

/// Serves until the daemon hangs up or the token is gone.
pub(super) fn serve(socket: UnixStream, token: &Token) -> ExitCode {
    let greeting = match token.0.status() {
        Ok(status) => Answer::Status(Box::new(status)),
        Err(failure) => return refuse(socket, TokenFault::Down(failure.to_string())),
    };
    let started = Desk::open(&socket).and_then(|desk| {
        let lanes = Lanes::start(token, &desk)?;
        Ok((desk, lanes))
    });
    let (desk, lanes) = match started {
        Ok(started) => started,
        Err(error) => return refuse(socket, TokenFault::Down(format!("no threads: {error}"))),
    };
    let mut outbox = Outbox::default();
    desk.answer(&mut outbox, GREETING, &greeting);
    desk.send(&mut outbox);
    let read = read_frames(&socket, &lanes, &desk);
    lanes.finish();
    match (token.0.ending(), read) {
        (Some(code), _) => ExitCode::from(code),
        (None, Ok(())) => ExitCode::SUCCESS,
        (None, Err(error)) => {
            tracing::error!("what the daemon says can't be understood: {error}");
            ExitCode::from(EXIT_DOWN)
        }
    }
}

/// Reads as much as there is, and hands it out.
fn read_frames(mut socket: &UnixStream, lanes: &Lanes, desk: &Desk) -> io::Result<()> {
    let mut inbox = Inbox::new();
    let mut outbox = Outbox::default();
    loop {
        match socket.read(inbox.space()) {
            Ok(0) => return Ok(()),
            Ok(count) => inbox.filled(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        while let Some((id, operation)) = inbox.take().map_err(io::Error::other)? {
            if let Err(fault) = lanes.queue(Job { id, operation }) {
                desk.answer(&mut outbox, id, &Answer::Failed(fault));
            }
        }
        desk.send(&mut outbox);
    }
}

/// An operation and the id of its answer.
struct Job {
    id: u64,
    operation: Operation,
}

/// The queues to the threads: slow operations have one thread of their own.
struct Lanes {
    fast: Sender<Job>,
    slow: Sender<Job>,
    /// Ends when the last thread has.
    over: Receiver<()>,
}

impl Lanes {
    fn start(token: &Token, desk: &Arc<Desk>) -> io::Result<Self> {
        let (fast, fast_jobs) = bounded(FAST_QUEUE);
        let (slow, slow_jobs) = bounded(SLOW_QUEUE);
        let (running, over) = bounded(0);
        for number in 0..=token.sessions() {
            let jobs = if number == 0 { slow_jobs.clone() } else { fast_jobs.clone() };
            let seat = token.seat().map_err(io::Error::other)?;
            let (desk, running) = (Arc::clone(desk), running.clone());
            thread::Builder::new().name(format!("session-{number}")).spawn(move || {
                work(seat, &jobs, &desk);
                drop(running);
            })?;
        }
        Ok(Self { fast, slow, over })
    }

    fn queue(&self, job: Job) -> Result<(), TokenFault> {
        let lane = if job.operation.is_slow() { &self.slow } else { &self.fast };
        lane.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => TokenFault::Busy,
            TrySendError::Disconnected(_) => TokenFault::Down("its threads have ended".into()),
        })
    }

    /// Lets the threads finish what is queued, but does not wait for ever: a module may hang.
    fn finish(self) {
        let Self { fast, slow, over } = self;
        drop((fast, slow));
        // Nothing is ever sent: this waits for the end of the threads.
        let _ = over.recv_timeout(GRACE);
    }
}

/// Where answers leave.
struct Desk {
    out: Mutex<UnixStream>,
}

impl Desk {
    fn open(socket: &UnixStream) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { out: Mutex::new(socket.try_clone()?) }))
    }

    /// Puts an answer into `outbox`.
    fn answer(&self, outbox: &mut Outbox, id: u64, answer: &Answer) {
        if outbox.push(id, answer).is_ok() {
            return;
        }
        let fault = TokenFault::Unsupported("an answer of more than 1 MiB".into());
        if outbox.push(id, &Answer::Failed(fault)).is_err() {
            tracing::error!("an answer can't be written");
        }
    }

    /// Writes and wipes what is in `outbox`.
    fn send(&self, outbox: &mut Outbox) {
        if outbox.is_empty() {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the daemon is gone the reader sees it, too, and ends the worker.
        let _ = out.write_all(outbox.bytes());
        drop(out);
        outbox.clear();
    }

    /// No more operations are taken: the reader comes to its end.
    fn close(&self) {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.shutdown(Shutdown::Read);
    }
}

/// The life of a session's thread. Answers travel together while there is more to do.
fn work(mut seat: Seat, jobs: &Receiver<Job>, desk: &Desk) {
    let mut outbox = Outbox::default();
    let mut waiting = 0;
    loop {
        let job = match jobs.try_recv() {
            Ok(job) => job,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                desk.send(&mut outbox);
                waiting = 0;
                match jobs.recv() {
                    Ok(job) => job,
                    Err(_) => break,
                }
            }
        };
        let answer = seat.perform(&job.operation);
        desk.answer(&mut outbox, job.id, &answer);
        waiting += 1;
        if waiting >= BATCH {
            desk.send(&mut outbox);
            waiting = 0;
        }
        if has_ended(&seat.token) {
            desk.send(&mut outbox);
            desk.close();
        }
    }
    desk.send(&mut outbox);
}

fn has_ended(token: &Shared) -> bool {
    token.ending().is_some()
}

/// More than the daemon has under way at a time.
const FAST_QUEUE: usize = 512;
const SLOW_QUEUE: usize = 16;

/// How many answers of one thread travel together at most.
const BATCH: usize = 4;

const GRACE: Duration = Duration::from_millis(500);
