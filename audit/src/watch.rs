//! Whoever counts what the log does.

use std::fmt::Debug;
use std::time::Duration;

/// Is told by the thread that writes what became of each batch. It must not block: every answer
/// waits for that thread.
pub trait Watch: Debug + Send + Sync {
    /// So many entries are durable, after an fdatasync of this length.
    fn committed(&self, entries: usize, synced: Duration);

    /// The log could not be written, or not be mended.
    fn failed(&self);
}
