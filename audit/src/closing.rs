//! What comes of an entry: a receipt, or word that it could not be written.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_channel::oneshot;
use thiserror::Error;

/// Proof that an entry is durable, or that the specification lists none for the
/// outcome. An answer costs one.
///
/// Only this crate makes receipts:
/// ```compile_fail,E0451
/// let forged = audit::Receipt { written: None };
/// ```
/// and each is good for one answer:
/// ```compile_fail,E0599
/// fn twice(receipt: audit::Receipt) -> (audit::Receipt, audit::Receipt) {
///     (receipt.clone(), receipt)
/// }
/// ```
#[must_use = "an answer costs a receipt"]
#[derive(Debug)]
pub struct Receipt {
    written: Option<Written>,
}

#[derive(Debug)]
struct Written {
    file: u32,
    sequence: u64,
    index: u64,
}

impl Receipt {
    pub(crate) fn written(file: u32, sequence: u64, index: u64) -> Self {
        Self { written: Some(Written { file, sequence, index }) }
    }

    pub(crate) fn nothing() -> Self {
        Self { written: None }
    }

    /// The index of the entry's line among all lines of the node, counted from 0, if one was
    /// written: that of its leaf in the tree.
    pub fn index(&self) -> Option<u64> {
        self.written.as_ref().map(|written| written.index)
    }

    /// The sequence number of the entry in its file, if one was written.
    pub fn sequence(&self) -> Option<u64> {
        self.written.as_ref().map(|written| written.sequence)
    }

    /// The id of the file the entry is in, if one was written.
    pub fn file(&self) -> Option<u32> {
        self.written.as_ref().map(|written| written.file)
    }
}

/// The entry could not be written, so nothing about the outcome may be told.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "the audit log can't be written, so the operation is not answered: make room or mend the disk \
     of the log directory, and the log goes on by itself; if it was shut down, start the daemon"
)]
pub struct Unwritten;

/// No entry could be opened, so the operation may not begin.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unopened {
    /// As many entries are open as there are places.
    #[error("too many entries of the audit log are open: try again in a moment")]
    Full,
    /// The log can't be written.
    #[error("{Unwritten}")]
    Unwritten,
}

impl From<Unopened> for Unwritten {
    fn from(_: Unopened) -> Self {
        Self
    }
}

pub(crate) type Answer = Result<Receipt, Unwritten>;

/// A closed entry on its way to the disk: a future of the receipt.
///
/// Dropping it does not stop the entry.
#[must_use = "the entry is durable only when this is done"]
#[derive(Debug)]
pub struct Closing(State);

#[derive(Debug)]
enum State {
    Known(Option<Answer>),
    Waiting(oneshot::Receiver<Answer>),
}

impl Closing {
    pub(crate) fn known(answer: Answer) -> Self {
        Self(State::Known(Some(answer)))
    }

    pub(crate) fn waiting(answer: oneshot::Receiver<Answer>) -> Self {
        Self(State::Waiting(answer))
    }

    /// Blocks until the entry is durable. Not for a thread that runs futures.
    ///
    /// # Errors
    /// [`Unwritten`] when the log can't be written.
    pub fn wait(self) -> Result<Receipt, Unwritten> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut closing = pin!(self);
        loop {
            match closing.as_mut().poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Closing {
    type Output = Result<Receipt, Unwritten>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Known(answer) => Poll::Ready(answer.take().unwrap_or(Err(Unwritten))),
            // A writer that is gone wrote nothing.
            State::Waiting(answer) => {
                Pin::new(answer).poll(context).map(|answered| answered.unwrap_or(Err(Unwritten)))
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
