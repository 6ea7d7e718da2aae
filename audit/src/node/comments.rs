//! The lines that no tag covers: the daemon writes three kinds of them, each in its place.

use crate::checkpoint::Checkpoint;
use crate::reading::Cause;
use crate::tail::CLOSED;

/// What the comments of a file have shown so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Comments {
    /// Its run goes on.
    #[default]
    Open,
    /// Its run was closed by the line with this index, which its last checkpoint must cover.
    Closed(u64),
    /// That checkpoint was there: nothing follows.
    Ended,
}

impl Comments {
    /// Takes in a line of the file; `comment` says whether it is one.
    ///
    /// # Errors
    /// [`Cause::PutIn`]
    pub(super) fn line(
        &mut self,
        line: &str,
        (number, index): (u64, u64),
        comment: bool,
    ) -> Result<(), Cause> {
        let checkpoint = Checkpoint::of_line(line);
        *self = match (*self, checkpoint) {
            (Self::Closed(last), Some(Ok(read))) if read.claim.size == last + 1 => Self::Ended,
            (Self::Open, Some(_)) => Self::Open,
            (Self::Open, None) if !comment || number == 1 => Self::Open,
            (Self::Open, None) if line == CLOSED => Self::Closed(index),
            _ => return Err(Cause::PutIn),
        };
        Ok(())
    }
}
