//! The near end of a transport: asks, waits, and keeps the time.

use std::sync::Arc;
use std::sync::mpsc;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::job::{Job, Reply};
use super::{Limits, Load, Transport, Vitals};
use crate::protocol::{Answer, Operation, TokenFault};

/// Asks over a transport. Clones share its queue.
#[derive(Clone)]
pub(crate) struct Line {
    transport: Arc<dyn Transport>,
    limits: Limits,
    fast: Arc<Semaphore>,
    slow: Arc<Semaphore>,
}

impl Line {
    pub(crate) fn new(transport: impl Transport, limits: Limits) -> Self {
        Self {
            transport: Arc::new(transport),
            limits,
            fast: Arc::new(Semaphore::new(limits.queue)),
            slow: Arc::new(Semaphore::new(limits.slow_queue)),
        }
    }

    /// How the other end is.
    pub(crate) fn vitals(&self) -> &Vitals {
        self.transport.vitals()
    }

    /// Asks nothing any more, through any clone, and waits until the other end is gone.
    pub(crate) async fn close(&self) {
        self.transport.close().await;
    }

    /// Has `operation` done. A caller who stops waiting before it was begun takes it back.
    pub(crate) async fn ask(&self, operation: Operation) -> Result<Answer, TokenFault> {
        let (name, began) = (operation.name(), Instant::now());
        let outcome = self.wait(operation, began).await;
        self.tell(name, began, &outcome);
        outcome
    }

    /// The same for a thread that may block. A runtime need not be at hand.
    pub(crate) fn ask_blocking(&self, operation: Operation) -> Result<Answer, TokenFault> {
        let (name, began) = (operation.name(), Instant::now());
        let outcome = self.block(operation, began);
        self.tell(name, began, &outcome);
        outcome
    }

    /// How many wait or are under way.
    pub(crate) fn load(&self) -> Load {
        let Limits { queue, slow_queue, .. } = self.limits;
        Load {
            fast: queue.saturating_sub(self.fast.available_permits()),
            slow: slow_queue.saturating_sub(self.slow.available_permits()),
        }
    }

    fn tell(&self, name: &'static str, began: Instant, outcome: &Result<Answer, TokenFault>) {
        if let Some(watch) = self.vitals().watch() {
            watch.ended(name, outcome.as_ref().err(), began.elapsed());
        }
    }

    async fn wait(&self, operation: Operation, began: Instant) -> Result<Answer, TokenFault> {
        let loss = Loss::of(&operation);
        let deadline = began + self.limits.deadline_of(&operation);
        let (reply, answer) = oneshot::channel();
        self.submit(operation, Reply::Task(reply), deadline)?;
        match timeout_at(deadline, answer).await {
            Ok(Ok(Answer::Failed(fault))) => Err(fault),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(loss.stopped()),
            Err(_) => Err(loss.late()),
        }
    }

    fn block(&self, operation: Operation, began: Instant) -> Result<Answer, TokenFault> {
        let loss = Loss::of(&operation);
        let patience = self.limits.deadline_of(&operation);
        let (reply, answer) = mpsc::sync_channel(1);
        self.submit(operation, Reply::Thread(reply), began + patience)?;
        match answer.recv_timeout(patience) {
            Ok(Answer::Failed(fault)) => Err(fault),
            Ok(answer) => Ok(answer),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(loss.stopped()),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(loss.late()),
        }
    }

    fn submit(
        &self,
        operation: Operation,
        reply: Reply,
        deadline: Instant,
    ) -> Result<(), TokenFault> {
        self.vitals().admit()?;
        let places = if operation.is_slow() { &self.slow } else { &self.fast };
        let place = Arc::clone(places).try_acquire_owned().map_err(|_| TokenFault::Busy)?;
        self.transport.submit(Job::new(operation, reply, deadline, place));
        Ok(())
    }
}

/// What no answer means.
#[derive(Clone, Copy)]
struct Loss {
    repeatable: bool,
}

impl Loss {
    fn of(operation: &Operation) -> Self {
        Self { repeatable: operation.is_repeatable() }
    }

    /// The time is up. What changes the token may have been begun, and may yet be done.
    fn late(self) -> TokenFault {
        if self.repeatable { TokenFault::Deadline } else { TokenFault::OutcomeUnknown }
    }

    /// The other end is gone for good.
    fn stopped(self) -> TokenFault {
        match self.repeatable {
            true => TokenFault::Down("the way to the token was closed".to_owned()),
            false => TokenFault::OutcomeUnknown,
        }
    }
}
