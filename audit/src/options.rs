//! How a log is started.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::watch::Watch;

/// How a log is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are. It must exist and be writable by the daemon alone.
    pub directory: PathBuf,
    /// The comment at the top of each file, without `# `; cut to 200 characters,
    /// of which others than printable ASCII, and `|`, become `?`.
    pub banner: String,
    /// How many entries may be open or waiting to be written at a time, at least
    /// one. [`Log::open`](crate::Log::open) refuses more, so that an opened entry always has room.
    pub queue: usize,
    /// The name of the log in its checkpoints, if it is not the one that follows from the key
    /// (see [`named`](crate::LogKey::named)). It must stay the same as long as the directory is used.
    pub origin: Option<String>,
    /// What an answer waits for.
    pub acknowledge: Acknowledge,
    /// Between two checkpoints at least: so long an entry waits for its checkpoint at most,
    /// while the token signs at once.
    pub checkpoint_pause: Duration,
    /// Is told what is written, if anybody wants to know.
    pub watch: Option<Arc<dyn Watch>>,
}

impl Options {
    /// Options with a queue of 4096, a log named after its key, and a checkpoint a second.
    pub fn new(directory: impl Into<PathBuf>, banner: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            banner: banner.into(),
            queue: 4096,
            origin: None,
            acknowledge: Acknowledge::Durable,
            checkpoint_pause: Duration::from_secs(1),
            watch: None,
        }
    }
}

/// What an entry must be before its closing is done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Acknowledge {
    /// On the disk. A checkpoint follows.
    #[default]
    Durable,
    /// Covered by a signed checkpoint that is on the disk. Checkpoints are made one after the other
    /// then; while the token can't sign, entries come to [`Unwritten`](crate::Unwritten), although
    /// they are in the log.
    Signed,
}
