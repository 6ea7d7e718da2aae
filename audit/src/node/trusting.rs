//! Which keys a verification believes: the given one, and those that the log is found to name.

use crate::checkpoint::{BadCheckpoint, Checkpoint, Unchecked};
use crate::node::Flaw;
use crate::node::check::Node;
use crate::rotation::appointed;
use crate::verify::Loggers;

impl Node<'_> {
    /// Who may have signed the key of the file that begins here.
    pub(super) fn loggers(&self) -> Loggers {
        let keys = self.trusted.iter().map(|key| *key.key()).collect();
        Loggers { keys, lenient: self.lenient && self.window.size() + 1 < self.published.size }
    }

    /// The same for a file that an earlier visit ended in.
    pub(super) fn loggers_then(&self) -> Loggers {
        Loggers { lenient: self.lenient, ..self.loggers() }
    }

    /// A checkpoint by a trusted key. `None` where it may be by another one.
    pub(super) fn signed(&self, read: Unchecked) -> Result<Option<Checkpoint>, Flaw> {
        let within = read.claim.size <= self.published.size;
        match read.by(&self.trusted) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(BadCheckpoint::WrongKey) if self.lenient && within => Ok(None),
            Err(bad) => Err(self.flaw_here(bad)),
        }
    }

    /// Takes in a key that the line names, if a trusted one has appointed it.
    pub(super) fn take_in(&mut self, changed: &str) {
        let key = appointed(changed, &self.trusted);
        self.named.extend(key.map(|key| (self.here.index, key)));
    }

    /// Trusts the keys that are named in the first `size` lines, which a trusted key has signed.
    pub(super) fn trust(&mut self, size: u64) {
        let proved = self.named.extract_if(.., |(index, _)| *index < size);
        for (_, key) in proved {
            if !self.trusted.contains(&key) {
                self.trusted.push(key);
            }
        }
    }
}
