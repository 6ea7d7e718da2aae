//! What the writer is asked for.

use crossbeam_channel::Sender;
use futures_channel::oneshot;

use crate::closing::Answer;
use crate::entry::Record;

/// What the handles send.
#[derive(Debug)]
pub(crate) enum Message {
    Entry(Job),
    /// Takes no entries from here on, and says so.
    Close(Sender<()>),
    /// A line to be written.
    Note(Note),
    Stop,
}

/// The line that repeats a checkpoint.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) line: String,
    /// How many leaves the checkpoint covers.
    pub(crate) size: u64,
    /// Gets the index of the line when it is durable, or `None` if it is not written.
    pub(crate) done: Sender<Option<u64>>,
}

/// An entry and the one who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) record: Record,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Job {
    /// Gives the place back before the answer, so that whoever has the answer
    /// finds the place free. Nobody may be waiting any more: that is fine.
    pub(crate) fn answer(self, answer: Answer) {
        drop(self.record.place);
        let _ = self.answer.send(answer);
    }
}
