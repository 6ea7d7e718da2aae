//! Anchors: where the latest checkpoint is kept out of reach of whoever can put the log directory
//! back to an older state.

use std::time::{Duration, Instant};

use ed25519_dalek::VerifyingKey;
use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::log_key::LogKey;
use crate::start_error::StartError;

/// A place beside the log directory that keeps a checkpoint, a signed note of less than 1 KiB. The
/// calls may block; they come from one thread at a time.
pub trait Anchor: Send {
    /// Where it is, for messages, such as `the token`.
    fn place(&self) -> &'static str;

    /// The notes that are kept: one as a rule, none before the first, several after a crash.
    ///
    /// # Errors
    /// Why they can't be read. A log does not start without them.
    fn get(&self) -> Result<Vec<String>, AnchorError>;

    /// Keeps `note`, durably, in place of all that are there.
    ///
    /// # Errors
    /// Why it can't. The log goes on without; the anchor itself tells the operator.
    fn put(&self, note: &str) -> Result<(), AnchorError>;

    /// How long to wait between two checkpoints that are kept. The last one of a run always is.
    fn pause(&self) -> Duration;
}

/// Why an anchor can't be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct AnchorError(String);

impl AnchorError {
    /// An error with this text, which ends up in front of an operator: no secrets.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What an anchor holds, its signature checked.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) place: &'static str,
    pub(crate) key: LogKey,
    pub(crate) checkpoint: Checkpoint,
}

/// Reads all anchors: the notes by one of `keys`. Of a log that was begun anew only the latest
/// [generation](LogKey::generation) counts.
///
/// # Errors
/// [`StartError::Anchor`] where one can't be read, or holds what no such key signed.
pub(crate) fn read(
    anchors: &[Box<dyn Anchor>],
    keys: &[VerifyingKey],
) -> Result<Vec<Held>, StartError> {
    let mut all = Vec::new();
    for anchor in anchors {
        let place = anchor.place();
        let fault = |why: String| StartError::Anchor { place, why };
        for note in anchor.get().map_err(|error| fault(error.to_string()))? {
            let opened = Checkpoint::open_of(&note, keys);
            let (key, checkpoint) = opened.map_err(|bad| fault(bad.to_string()))?;
            all.push(Held { place, key, checkpoint });
        }
    }
    let latest = all.iter().map(|held| held.key.generation()).max();
    all.retain(|held| Some(held.key.generation()) == latest);
    Ok(all)
}

/// The anchors of a log that runs, each with when it is due.
pub(crate) struct Moorings(Vec<(Box<dyn Anchor>, Instant)>);

impl Moorings {
    pub(crate) fn new(anchors: Vec<Box<dyn Anchor>>) -> Self {
        Self(anchors.into_iter().map(|anchor| (anchor, Instant::now())).collect())
    }

    /// Keeps the checkpoint where it is due, or everywhere if it is the `last`.
    pub(crate) fn keep(&mut self, checkpoint: &Checkpoint, last: bool) {
        let now = Instant::now();
        for (anchor, due) in self.0.iter_mut().filter(|(_, due)| last || *due <= now) {
            // The anchor tells the operator; the next checkpoint tries again.
            let _ = anchor.put(&checkpoint.to_string());
            *due = Instant::now() + anchor.pause();
        }
    }
}
