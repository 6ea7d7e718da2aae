//! How operations get to where the token is, and answers back.
//!
//! [`process`] is what the daemon uses: a worker process at the other end of a socket, started again
//! by itself whenever it dies. [`in_process`] runs the same operations on threads of this process,
//! for tests and to measure what the wall between the processes costs.

mod breaker;
mod connection;
pub mod frame;
pub mod in_process;
mod job;
mod line;
pub mod process;
mod vitals;
mod watch;

pub(crate) use breaker::Breaker;
pub(crate) use connection::{Connection, End};
pub(crate) use job::Backlog;
pub use job::Job;
pub(crate) use line::Line;
pub use vitals::{Health, Vitals};
pub use watch::{Load, Watch};

use std::pin::Pin;
use std::time::Duration;

use crate::protocol::Operation;

/// A way to the token.
pub trait Transport: Send + Sync + 'static {
    /// Takes over `job`. It is answered later, or dropped where that is no longer possible; never
    /// blocks.
    fn submit(&self, job: Job);

    /// How the other end is.
    fn vitals(&self) -> &Vitals;

    /// Takes nothing over any more, for nobody who holds it, and waits until the other end is gone.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// How much work may wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Operations that may wait or be under way; one more is answered `Busy`.
    pub queue: usize,
    /// The same for slow operations, which are counted apart so that they can't crowd out others.
    pub slow_queue: usize,
    /// How many operations the worker is given at a time. The others wait in the daemon, where those
    /// whose caller has gone are skipped.
    pub in_flight: usize,
    /// The same for slow operations, which the worker does one by one.
    pub slow_in_flight: usize,
    /// How long an operation may take, waiting included.
    pub deadline: Duration,
    /// The same for slow operations.
    pub slow_deadline: Duration,
    /// How long a worker may take to come up.
    pub start: Duration,
    /// A worker that owes an answer for so long beyond the operation's deadline hangs, and is
    /// killed.
    pub hang: Duration,
}

impl Limits {
    /// How long `operation` may take.
    pub(crate) fn deadline_of(&self, operation: &Operation) -> Duration {
        if operation.is_slow() { self.slow_deadline } else { self.deadline }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 1024,
            slow_queue: 64,
            in_flight: 128,
            slow_in_flight: 2,
            deadline: Duration::from_secs(5),
            slow_deadline: Duration::from_secs(30),
            start: Duration::from_secs(10),
            hang: Duration::from_secs(10),
        }
    }
}
