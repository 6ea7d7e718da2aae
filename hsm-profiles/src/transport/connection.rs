//! The socket to one worker, as long as it lives.
//!
//! One task does both directions: everything that waits goes out in one write, everything that came
//! is taken in with one read. Thus the wall between the processes costs two wake-ups when idle and
//! next to nothing under load.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::WriteHalf;
use tokio::task::yield_now;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Limits;
use super::frame::{BadFrame, GREETING, Inbox, Outbox};
use super::job::{Backlog, Job};
use crate::protocol::{Answer, TokenFault, TokenStatus};

/// The socket to a worker that has come up.
pub(crate) struct Connection {
    stream: UnixStream,
    inbox: Inbox,
    flights: Flights,
}

/// Why a connection is over.
pub(crate) enum End {
    /// Nobody is left who could ask.
    Closed,
    /// The worker is dead or as good as dead.
    Lost(String),
    /// The token refused the PIN in the middle of its life.
    PinRefused,
}

impl Connection {
    /// Waits for the worker's greeting.
    ///
    /// # Errors
    /// What the worker gave as its reason, or [`TokenFault::Down`] where it is gone or speaks
    /// another language.
    pub(crate) async fn open(stream: StdUnixStream) -> Result<(Self, TokenStatus), TokenFault> {
        let mut stream = stream
            .set_nonblocking(true)
            .and_then(|()| UnixStream::from_std(stream))
            .map_err(|error| down(&error))?;
        let mut inbox = Inbox::new();
        loop {
            match inbox.take().map_err(|bad| down(&bad))? {
                Some((GREETING, Answer::Status(status))) => {
                    return Ok((Self { stream, inbox, flights: Flights::default() }, *status));
                }
                Some((GREETING, Answer::Failed(fault))) => return Err(fault),
                Some(_) => return Err(down(&BadFrame::Body)),
                None => match stream.read(inbox.space()).await {
                    Ok(0) => return Err(down(&"the worker ended before it was ready")),
                    Ok(count) => inbox.filled(count),
                    Err(error) => return Err(down(&error)),
                },
            }
        }
    }

    /// Hands the jobs of `backlog` to the worker, and its answers to whoever waits, until either
    /// end is gone.
    pub(crate) async fn serve(&mut self, backlog: &mut Backlog, limits: &Limits) -> End {
        let Self { stream, inbox, flights } = self;
        let (mut reader, writer) = stream.split();
        let mut watch = interval(limits.hang.clamp(SHORTEST_WATCH, LONGEST_WATCH));
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            flights.take_off(backlog, limits);
            if let Err(error) = flights.write(&writer) {
                return End::Lost(error.to_string());
            }
            tokio::select! {
                read = reader.read(inbox.space()) => {
                    match read {
                        Ok(0) => return End::Lost("the worker ended".to_owned()),
                        Ok(count) => inbox.filled(count),
                        Err(error) => return End::Lost(error.to_string()),
                    }
                    if let Err(end) = flights.land(inbox) {
                        return end;
                    }
                }
                more = backlog.more() => {
                    if !more {
                        return End::Closed;
                    }
                    // Requests that are ready to run get their turn first, so that what they ask
                    // travels together: each write wakes the worker.
                    yield_now().await;
                    backlog.take_in();
                }
                _ = writer.writable(), if flights.has_unwritten() => {}
                _ = watch.tick(), if !flights.aloft.is_empty() => if flights.hang(limits) {
                    return End::Lost("the worker hangs".to_owned());
                },
            }
        }
    }

    /// Closes the socket. The jobs that the worker had, in their order.
    pub(crate) fn close(self) -> Vec<Job> {
        self.flights.aloft.into_values().collect()
    }
}

/// The operations that the worker has.
#[derive(Default)]
struct Flights {
    /// By id, which is their order.
    aloft: BTreeMap<u64, Job>,
    slow: usize,
    last: u64,
    outbox: Outbox,
    /// How much of the outbox is written.
    written: usize,
}

impl Flights {
    fn take_off(&mut self, backlog: &mut Backlog, limits: &Limits) {
        while self.aloft.len() - self.slow < limits.in_flight {
            let Some(job) = backlog.next(false) else { break };
            self.send(job);
        }
        while self.slow < limits.slow_in_flight {
            let Some(job) = backlog.next(true) else { break };
            self.send(job);
        }
    }

    fn send(&mut self, job: Job) {
        self.last += 1;
        match self.outbox.push(self.last, &job.operation) {
            Ok(()) => {
                self.slow += usize::from(job.operation.is_slow());
                self.aloft.insert(self.last, job);
            }
            Err(bad) => job.answer(Answer::Failed(TokenFault::Argument(bad.to_string()))),
        }
    }

    fn write(&mut self, writer: &WriteHalf<'_>) -> io::Result<()> {
        while let Some(unwritten @ [_, ..]) = self.outbox.bytes().get(self.written..) {
            match writer.try_write(unwritten) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.written = 0;
        self.outbox.clear();
        Ok(())
    }

    fn has_unwritten(&self) -> bool {
        !self.outbox.is_empty()
    }

    fn land(&mut self, inbox: &mut Inbox) -> Result<(), End> {
        while let Some((id, answer)) = inbox.take().map_err(|bad| End::Lost(bad.to_string()))? {
            let Some(job) = self.aloft.remove(&id) else {
                return Err(End::Lost("the worker answers what it was not asked".to_owned()));
            };
            self.slow -= usize::from(job.operation.is_slow());
            let refused = matches!(answer, Answer::Failed(TokenFault::PinRefused));
            job.answer(answer);
            if refused {
                return Err(End::PinRefused);
            }
        }
        Ok(())
    }

    /// Whether an answer is overdue by more than can be forgiven.
    fn hang(&self, limits: &Limits) -> bool {
        let now = Instant::now();
        self.aloft.values().any(|job| job.deadline() + limits.hang < now)
    }
}

fn down(reason: &dyn std::fmt::Display) -> TokenFault {
    TokenFault::Down(reason.to_string())
}

const SHORTEST_WATCH: Duration = Duration::from_millis(10);
const LONGEST_WATCH: Duration = Duration::from_secs(1);
