//! Keeps a worker alive.
//!
//! A worker that dies is replaced at once, and what may be repeated is repeated. Where the next one
//! does not come up, or keeps dying, the breaker opens: operations are refused at once while starts
//! are tried again in the background. A refused PIN ends everything, for tokens lock themselves
//! after a few attempts.

use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::protocol::{Answer, TokenFault, TokenStatus};
use crate::transport::process::Launch;
use crate::transport::{Backlog, Breaker, Connection, End, Health, Job, Limits, Transport, Vitals};
use crate::worker::{EXIT_DOWN, EXIT_PIN};

/// A transport to whichever worker is alive. The last worker ends when it is closed or dropped.
pub(crate) struct Supervised {
    /// `None` when it is closed.
    jobs: RwLock<Option<mpsc::UnboundedSender<Job>>>,
    vitals: Arc<Vitals>,
    /// Ends when the last worker is buried. Nothing is ever sent.
    over: watch::Receiver<()>,
}

impl Transport for Supervised {
    fn submit(&self, job: Job) {
        // A job that can't be sent is dropped, which tells its caller.
        if let Some(jobs) = &*self.jobs.read().unwrap_or_else(PoisonError::into_inner) {
            drop(jobs.send(job));
        }
    }

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        *self.jobs.write().unwrap_or_else(PoisonError::into_inner) = None;
        let mut over = self.over.clone();
        Box::pin(async move { while over.changed().await.is_ok() {} })
    }
}

/// Starts the first worker; the others are started by a task of the current runtime.
///
/// # Errors
/// Why the first worker did not come up. Nothing is tried again then.
pub(crate) async fn supervise(
    launch: impl Launch,
    limits: Limits,
) -> Result<(Supervised, TokenStatus), TokenFault> {
    let (jobs, arriving) = mpsc::unbounded_channel();
    let vitals = Arc::new(Vitals::new(Health::Ready));
    let mut supervisor = Supervisor {
        launch,
        limits,
        backlog: Backlog::new(arriving),
        vitals: Arc::clone(&vitals),
        breaker: Breaker::default(),
    };
    let (worker, status) = supervisor.raise().await?;
    let (alive, over) = watch::channel(());
    tokio::spawn(async move {
        supervisor.run(worker).await;
        drop(alive);
    });
    Ok((Supervised { jobs: RwLock::new(Some(jobs)), vitals, over }, status))
}

struct Supervisor<L> {
    launch: L,
    limits: Limits,
    backlog: Backlog,
    vitals: Arc<Vitals>,
    breaker: Breaker,
}

struct Worker {
    connection: Connection,
    process: Option<Child>,
    born: Instant,
}

impl<L: Launch> Supervisor<L> {
    async fn run(mut self, first: Worker) {
        let mut worker = first;
        while let Some(next) = self.tend(worker).await {
            worker = next;
        }
    }

    /// Serves with `worker` as long as it lives. The next one; `None` when all is over.
    async fn tend(&mut self, mut worker: Worker) -> Option<Worker> {
        let end = worker.connection.serve(&mut self.backlog, &self.limits).await;
        self.vitals.set_worker(None);
        let life = worker.born.elapsed();
        let jobs = worker.connection.close();
        let patience = if matches!(end, End::Closed) { LAST_PATIENCE } else { PATIENCE };
        let exit = bury(worker.process, patience).await;
        let reason = match end {
            End::Closed => return None,
            End::Lost(reason) if !is_pin_refused(exit) => describe(&reason, exit),
            End::Lost(_) | End::PinRefused => return self.give_up(jobs).await,
        };
        tracing::warn!(reason, pending = jobs.len(), "the token worker is gone");
        let again = jobs.into_iter().filter_map(|job| job.survive(&reason)).collect();
        self.backlog.put_back(again);
        if let Some(pause) = self.breaker.died(life)
            && !self.refuse_for(reason, pause).await
        {
            return None;
        }
        self.raise_next().await
    }

    /// Tries until another worker is up; `None` when it shall not be tried any more.
    async fn raise_next(&mut self) -> Option<Worker> {
        loop {
            let reason = match self.raise().await {
                Ok((worker, _)) => {
                    self.vitals.count_restart();
                    tracing::info!(pid = self.vitals.worker(), "another token worker is up");
                    return Some(worker);
                }
                Err(TokenFault::PinRefused) => return self.give_up(Vec::new()).await,
                Err(TokenFault::Down(reason)) => reason,
                Err(other) => other.to_string(),
            };
            tracing::warn!(reason, "the token worker does not come up");
            let pause = self.breaker.failed_start();
            if !self.refuse_for(reason, pause).await {
                return None;
            }
        }
    }

    /// Starts one worker and waits for its greeting.
    async fn raise(&mut self) -> Result<(Worker, TokenStatus), TokenFault> {
        let launched = self.launch.launch().map_err(|error| {
            TokenFault::Down(format!("the token worker can't be started: {error}"))
        })?;
        let opened = timeout(self.limits.start, Connection::open(launched.stream)).await;
        let fault = match opened {
            Ok(Ok((connection, status))) => {
                self.breaker.started();
                self.vitals.set_worker(launched.process.as_ref().and_then(Child::id));
                self.vitals.set_health(Health::Ready);
                let (process, born) = (launched.process, Instant::now());
                return Ok((Worker { connection, process, born }, status));
            }
            Ok(Err(fault)) => fault,
            Err(_) => TokenFault::Down("the worker did not come up in time".to_owned()),
        };
        let exit = bury(launched.process, PATIENCE).await;
        Err(match fault {
            _ if is_pin_refused(exit) => TokenFault::PinRefused,
            TokenFault::Down(reason) => TokenFault::Down(describe(&reason, exit)),
            other => other,
        })
    }

    /// Refuses everything for `pause`. `false` when nobody is left who could ask.
    async fn refuse_for(&mut self, reason: String, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        self.vitals.set_health(Health::Down(reason.clone()));
        let fault = TokenFault::Down(reason);
        loop {
            self.backlog.refuse(&fault);
            match timeout_at(until, self.backlog.more()).await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(_) => return true,
            }
        }
    }

    /// The PIN was refused: no worker is started any more, whatever is asked.
    async fn give_up(&mut self, jobs: Vec<Job>) -> Option<Worker> {
        tracing::error!("{}", TokenFault::PinRefused);
        self.vitals.set_health(Health::PinRefused);
        let reason = TokenFault::PinRefused.to_string();
        for job in jobs.into_iter().filter_map(|job| job.survive(&reason)) {
            job.answer(Answer::Failed(TokenFault::PinRefused));
        }
        loop {
            self.backlog.refuse(&TokenFault::PinRefused);
            if !self.backlog.more().await {
                return None;
            }
        }
    }
}

/// Waits for the end of a worker whose socket is closed, and kills it when it takes too long.
async fn bury(process: Option<Child>, patience: Duration) -> Option<ExitStatus> {
    let mut process = process?;
    match timeout(patience, process.wait()).await {
        Ok(exit) => exit.ok(),
        Err(_) => {
            process.kill().await.ok()?;
            process.wait().await.ok()
        }
    }
}

fn is_pin_refused(exit: Option<ExitStatus>) -> bool {
    exit.and_then(|exit| exit.code()) == Some(i32::from(EXIT_PIN))
}

fn describe(reason: &str, exit: Option<ExitStatus>) -> String {
    match exit {
        // A worker that gives up has said why.
        Some(exit) if exit.code() == Some(i32::from(EXIT_DOWN)) => reason.to_owned(),
        Some(exit) => format!("{reason}: {exit}"),
        None => reason.to_owned(),
    }
}

/// How long a worker may take to end once its socket is closed.
const PATIENCE: Duration = Duration::from_millis(250);
/// The same when nothing waits for the next one, so that it can finish what it has in hand.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
