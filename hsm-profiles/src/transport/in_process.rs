//! Operations done by threads of this process.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use super::{Health, Job, Transport, Vitals};
use crate::protocol::{Answer, Operation};

/// Does one operation after the other; it owns a session of the token.
pub type Executor = Box<dyn FnMut(Operation) -> Answer + Send>;

/// Threads that do operations. They end when it is dropped, each after what it has in hand.
pub struct InProcess {
    jobs: Sender<Job>,
    vitals: Arc<Vitals>,
}

impl InProcess {
    /// One thread for each of `executors`, all fed from one queue. If the last of them panics, the
    /// health is [`Health::Down`] for good.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(executors: Vec<Executor>) -> io::Result<Self> {
        let (jobs, queue) = unbounded();
        let vitals = Arc::new(Vitals::new(Health::Ready));
        let alive = Arc::new(Alive(Arc::clone(&vitals)));
        for mut executor in executors {
            let (queue, alive) = (queue.clone(), Arc::clone(&alive));
            thread::Builder::new().name("token".to_owned()).spawn(move || {
                let _alive = alive;
                queue.iter().for_each(|job: Job| job.run(&mut executor));
            })?;
        }
        Ok(Self { jobs, vitals })
    }
}

impl Transport for InProcess {
    fn submit(&self, job: Job) {
        // A job that can't be sent is dropped, which tells its caller.
        drop(self.jobs.send(job));
    }

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// The threads are of this process, and end with the last handle.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// Shared by the threads; dropped with the last of them.
struct Alive(Arc<Vitals>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set_health(Health::Down("every thread of the token has ended".to_owned()));
    }
}
