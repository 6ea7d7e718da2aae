//! The thread that has checkpoints signed, away from the writer: a token that is slow or gone
//! holds up no entry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use ed25519_dalek::VerifyingKey;

use crate::anchor::Moorings;
use crate::checkpoint::{Checkpoint, Claim};
use crate::disk::Shelf;
use crate::health::Health;
use crate::job::{Message, Note};
use crate::ledger::Ledger;
use crate::restore::CHECKPOINT;
use crate::saved::Saved;
use crate::signers::Signers;
use crate::tail::CLOSED;
use crate::waiting::Waiting;

/// Owned by its thread.
pub(crate) struct Notary {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) shelf: Arc<dyn Shelf>,
    pub(crate) signers: Arc<Signers>,
    /// The name of the log.
    pub(crate) origin: String,
    /// Rung by the writer when something is durable.
    pub(crate) bell: Receiver<()>,
    pub(crate) writer: Sender<Message>,
    pub(crate) health: Arc<Health>,
    /// Where one last checkpoint is asked for.
    pub(crate) last: Receiver<()>,
    /// Between two checkpoints at least.
    pub(crate) pause: Duration,
    /// Where checkpoints are kept beside the log directory.
    pub(crate) moorings: Moorings,
    /// The entries that wait for their checkpoint, if they do.
    pub(crate) waiting: Option<Arc<Waiting>>,
}

/// What the last checkpoint of this run was about: another one is made when that changed.
#[derive(Default)]
struct Covered {
    /// The lines, its own among them.
    size: u64,
    /// Who signed.
    by: Vec<VerifyingKey>,
}

impl Notary {
    /// Until it has made its last checkpoint or the writer is gone.
    pub(crate) fn run(mut self) {
        let (mut wanted, mut due, mut covered) = (true, Instant::now(), Covered::default());
        loop {
            if !wanted {
                select! {
                    recv(self.bell) -> rung => if rung.is_err() { return },
                    recv(self.last) -> asked => return asked.map(|()| self.end(covered)).unwrap_or_default(),
                }
            }
            // The bell stays rung meanwhile, so that no commit wakes this thread.
            match self.last.recv_deadline(due) {
                Ok(()) => return self.end(covered),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let began = Instant::now();
                    // What it rang for until now is covered.
                    let _ = self.bell.try_recv();
                    wanted = !self.attempt(&mut covered);
                    // Where somebody waits for it, the next one is due at once.
                    let at_once = self.waiting.is_some() && !wanted;
                    due = if at_once { began } else { began + self.pause };
                    if !wanted {
                        self.keep(false);
                    }
                }
            }
        }
    }

    /// Closes the run and makes its last checkpoint.
    fn end(mut self, mut covered: Covered) {
        // Where it can't be written, the lines that come after are taken for a crash's.
        let _ = self.write(CLOSED.to_owned(), self.ledger.size());
        self.attempt(&mut covered);
        self.keep(true);
    }

    /// Has the anchors keep what was published.
    fn keep(&mut self, last: bool) {
        if let Some(checkpoint) = self.ledger.published() {
            self.moorings.keep(&checkpoint, last);
        }
    }

    /// Makes a checkpoint if anything is new, and says whether all is well.
    fn attempt(&self, covered: &mut Covered) -> bool {
        let made = self.checkpoint(covered);
        let good = made.is_ok();
        self.health.tell_unsigned(made.err());
        if let (false, Some(waiting)) = (good, &self.waiting) {
            waiting.refuse();
        }
        good
    }

    /// Signs the tree as it is, has the checkpoint written into the log file, and only then
    /// puts it beside: so a log that is shorter than its checkpoint has been cut.
    fn checkpoint(&self, covered: &mut Covered) -> Result<(), String> {
        // First who signs, then what: a key that takes over signs nothing from before it was named.
        let keys = self.signers.signing();
        let (tree, position, earlier) = self.ledger.snapshot();
        if tree.size() == covered.size && keys == covered.by {
            return Ok(());
        }
        let claim = Claim { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        let checkpoint = self.signers.seal(&keys, claim);
        let checkpoint = checkpoint.map_err(|error| format!("no checkpoint is signed: {error}"))?;
        let written = self.written(&checkpoint)?;
        // From here on it is in the log file, so that it may be shown.
        self.ledger.publish(checkpoint.clone());
        if let Some(waiting) = &self.waiting {
            waiting.release(checkpoint.size());
        }
        // Its own line alone is nothing new.
        covered.size = if written == tree.size() { written + 1 } else { tree.size() };
        covered.by = keys;
        let saved = Saved { tree, position, earlier, checkpoint };
        self.ledger
            .store_tiles()
            .and_then(|()| saved.put(&*self.shelf))
            .and_then(|()| self.ledger.put_published(CHECKPOINT))
            .map_err(|error| {
                *covered = Covered::default();
                format!("the checkpoint can't be kept in the log directory: {error}")
            })?;
        Ok(())
    }

    /// The index of the line that repeats the checkpoint, once it is durable.
    fn written(&self, checkpoint: &Checkpoint) -> Result<u64, String> {
        self.write(checkpoint.line(), checkpoint.size())
            .ok_or_else(|| "the checkpoint can't be written into the log file".to_owned())
    }

    /// The index of a comment line about so many leaves, once it is durable.
    fn write(&self, line: String, size: u64) -> Option<u64> {
        let (done, outcome) = bounded(1);
        let _ = self.writer.send(Message::Note(Note { line, size, done }));
        outcome.recv().ok().flatten()
    }
}

/// However the thread ends, nobody waits for a checkpoint that will not come.
impl Drop for Notary {
    fn drop(&mut self) {
        if let Some(waiting) = &self.waiting {
            waiting.refuse();
        }
    }
}
