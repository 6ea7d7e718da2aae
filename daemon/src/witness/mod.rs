//! Has the checkpoints of the audit log cosigned by a witness, which has seen that the log only grew
//! (C2SP tlog-witness). Nothing waits for it.

mod client;

use std::sync::Arc;
use std::time::Duration;

use audit::{BadCosignature, Checkpoint, Log, ProofError, WitnessKey};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config;
use crate::outbound::{OutboundFault, client_config, server_name};
use crate::witness::client::{Answer, Client};

/// The task that asks a witness.
pub struct Witness {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Witness {
    /// Begins to have the checkpoints of `log` cosigned as `config` says. The witness need not be
    /// there.
    ///
    /// # Errors
    /// Which file of `config` can't be used, and why.
    pub(crate) fn start(log: &Log, config: &config::Witness) -> Result<Self, OutboundFault> {
        let host = config.url.place().host;
        let tls = match config.url.is_tls() {
            true => Some((server_name(&host)?, client_config(&config.ca, None)?)),
            false => None,
        };
        let (stop, stopped) = watch::channel(false);
        let client = Client::new(config.url.clone(), tls);
        let (log, key) = (log.clone(), Arc::new(config.key.0.clone()));
        let asker = Asker { client, log, key, known: 0, cosigned: 0, away: false };
        Ok(Self { stop, task: tokio::spawn(asker.run(stopped)) })
    }

    /// Has the last checkpoint of a log that was shut down cosigned, and waits for that a few seconds
    /// at most.
    pub(crate) async fn finish(self) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(LAST, self.task).await;
    }
}

struct Asker {
    client: Client,
    log: Log,
    key: Arc<WitnessKey>,
    /// The size that the witness has seen last, as far as is known.
    known: u64,
    /// The size of the checkpoint that it cosigned last, in this run.
    cosigned: u64,
    /// Whether the operator was told that it does not cosign.
    away: bool,
}

impl Asker {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let last = *stopped.borrow();
            let pause = match self.log.checkpoint() {
                Some(checkpoint) => self.attend_to(&checkpoint).await,
                None => IDLE,
            };
            if last {
                return;
            }
            let _ = tokio::time::timeout(pause, stopped.wait_for(|stop| *stop)).await;
        }
    }

    /// Has it cosigned, if it is new, and says how long to wait for the next one.
    async fn attend_to(&mut self, checkpoint: &Checkpoint) -> Duration {
        if checkpoint.size() == self.cosigned {
            return IDLE;
        }
        match self.have_cosigned(checkpoint).await {
            Ok(()) => {
                self.cosigned = checkpoint.size();
                if std::mem::take(&mut self.away) {
                    tracing::info!("the witness {} cosigns again", self.key.name());
                }
                PAUSE
            }
            Err(why) => {
                if !std::mem::replace(&mut self.away, true) {
                    tracing::warn!("the witness {} does not cosign: {why}", self.key.name());
                }
                RETRY
            }
        }
    }

    async fn have_cosigned(&mut self, checkpoint: &Checkpoint) -> Result<(), String> {
        for _ in 0..2 {
            let body = self.body(checkpoint).await?;
            match self.client.ask(body).await? {
                Answer::Cosigned(lines) => return self.keep(checkpoint, lines).await,
                Answer::Knows(size) if size > checkpoint.size() => {
                    return Err(format!(
                        "it has cosigned {size} lines and the log has {}: it was put back to an \
                         older state, or somebody else has the logger key",
                        checkpoint.size()
                    ));
                }
                Answer::Knows(size) => self.known = size,
                Answer::Refused(status, why) => return Err(format!("{status}: {why}")),
            }
        }
        Err("it says another size each time".to_owned())
    }

    /// The body of the request: the size that the witness has seen, the proof that the log only grew
    /// since then, and the checkpoint.
    async fn body(&self, checkpoint: &Checkpoint) -> Result<String, String> {
        let (log, old, new) = (self.log.clone(), self.known, checkpoint.size());
        let proof = match old == 0 || old == new {
            true => String::new(),
            false => blocking(move || log.prove_consistency(old, new))
                .await?
                .map_err(|error: ProofError| error.to_string())?,
        };
        // Its first two lines are the sizes.
        let hashes: String = proof.lines().skip(2).map(|hash| format!("{hash}\n")).collect();
        Ok(format!("old {old}\n{hashes}\n{checkpoint}"))
    }

    async fn keep(&mut self, checkpoint: &Checkpoint, lines: String) -> Result<(), String> {
        let cosignature = self.key.check(checkpoint, &lines);
        let cosignature = cosignature.map_err(|error: BadCosignature| error.to_string())?;
        self.known = checkpoint.size();
        let (log, checkpoint) = (self.log.clone(), checkpoint.clone());
        let kept = blocking(move || log.cosign(&checkpoint, cosignature)).await?;
        // One that is not the latest any more was seen by the witness nevertheless.
        kept.map(|_| ()).map_err(|error| format!("the cosignature can't be kept: {error}"))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}

/// Between looks at the log.
const IDLE: Duration = Duration::from_millis(100);

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(500);

/// After a request in vain.
const RETRY: Duration = Duration::from_secs(5);

/// Below what service managers wait.
const LAST: Duration = Duration::from_secs(3);
