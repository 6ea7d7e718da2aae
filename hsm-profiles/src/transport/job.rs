//! An operation on its way, with whoever waits for it.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;

use crate::protocol::{Answer, Operation, TokenFault};

/// An operation that somebody waits for. Dropping it tells that somebody that its outcome will not
/// be known.
pub struct Job {
    pub(crate) operation: Operation,
    ticket: Ticket,
    /// How many workers died while they had it.
    deaths: u8,
}

impl Job {
    pub(crate) fn new(
        operation: Operation,
        reply: Reply,
        deadline: Instant,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { operation, ticket: Ticket { reply, deadline, place }, deaths: 0 }
    }

    /// Hands over the answer.
    pub(crate) fn answer(self, answer: Answer) {
        self.ticket.answer(answer);
    }

    /// Has it done by `executor`, unless nobody waits for it any more.
    pub(crate) fn run(self, executor: &mut dyn FnMut(Operation) -> Answer) {
        if let Some(job) = self.unless_stale() {
            job.ticket.answer(executor(job.operation));
        }
    }

    /// Gives it back, unless nobody waits for it any more or its time is up, which is answered.
    pub(crate) fn unless_stale(self) -> Option<Self> {
        if self.ticket.deadline <= Instant::now() {
            self.answer(Answer::Failed(TokenFault::Deadline));
            return None;
        }
        (!self.ticket.is_abandoned()).then_some(self)
    }

    /// When whoever waits gives up.
    pub(crate) fn deadline(&self) -> Instant {
        self.ticket.deadline
    }

    /// What becomes of it now that the worker which had it is dead: it is given back to be done
    /// again, or answered here.
    pub(crate) fn survive(mut self, reason: &str) -> Option<Self> {
        self.deaths += 1;
        if !self.operation.is_repeatable() {
            self.answer(Answer::Failed(TokenFault::OutcomeUnknown));
            return None;
        }
        if self.deaths >= DEADLY {
            // It may be what kills them.
            self.answer(Answer::Failed(TokenFault::Down(reason.to_owned())));
            return None;
        }
        Some(self)
    }
}

/// Where an answer goes.
pub(crate) enum Reply {
    /// To a task.
    Task(oneshot::Sender<Answer>),
    /// To a thread that blocks.
    Thread(SyncSender<Answer>),
}

struct Ticket {
    reply: Reply,
    deadline: Instant,
    /// The place in the queue, which is given back with the answer.
    place: OwnedSemaphorePermit,
}

impl Ticket {
    /// An answer that nobody takes any more is wiped and forgotten.
    fn answer(self, answer: Answer) {
        drop(self.place);
        match self.reply {
            Reply::Task(to) => drop(to.send(answer)),
            Reply::Thread(to) => drop(to.try_send(answer)),
        }
    }

    fn is_abandoned(&self) -> bool {
        matches!(&self.reply, Reply::Task(to) if to.is_closed())
    }
}

/// The jobs that no worker has yet.
pub(crate) struct Backlog {
    arriving: mpsc::UnboundedReceiver<Job>,
    fast: VecDeque<Job>,
    slow: VecDeque<Job>,
}

impl Backlog {
    /// What arrives through `arriving`; how many there are at most is up to the senders.
    pub(crate) fn new(arriving: mpsc::UnboundedReceiver<Job>) -> Self {
        Self { arriving, fast: VecDeque::new(), slow: VecDeque::new() }
    }

    /// Waits until more jobs have arrived, and takes in all of them. `false` where none ever will.
    /// May be cancelled.
    pub(crate) async fn more(&mut self) -> bool {
        let Some(first) = self.arriving.recv().await else {
            return false;
        };
        self.queue(first);
        self.take_in();
        true
    }

    /// Takes in what has arrived, without waiting for more.
    pub(crate) fn take_in(&mut self) {
        while let Ok(job) = self.arriving.try_recv() {
            self.queue(job);
        }
    }

    /// The next job that somebody still waits for. Those of whom that is not so are skipped.
    pub(crate) fn next(&mut self, slow: bool) -> Option<Job> {
        let lane = if slow { &mut self.slow } else { &mut self.fast };
        while let Some(job) = lane.pop_front() {
            if let Some(job) = job.unless_stale() {
                return Some(job);
            }
        }
        None
    }

    /// Puts jobs that a dead worker had in front of the others, in their order.
    pub(crate) fn put_back(&mut self, jobs: Vec<Job>) {
        for job in jobs.into_iter().rev() {
            let slow = job.operation.is_slow();
            let lane = if slow { &mut self.slow } else { &mut self.fast };
            lane.push_front(job);
        }
    }

    /// Answers everything that waits in the same way.
    pub(crate) fn refuse(&mut self, fault: &TokenFault) {
        self.take_in();
        for job in self.fast.drain(..).chain(self.slow.drain(..)) {
            job.answer(Answer::Failed(fault.clone()));
        }
    }

    fn queue(&mut self, job: Job) {
        let slow = job.operation.is_slow();
        if slow { self.slow.push_back(job) } else { self.fast.push_back(job) }
    }
}

/// An operation during which so many workers died is not tried again.
const DEADLY: u8 = 2;
