//! The end of a run: who may bring it about, and what comes after it.

use policies::{Permit, Reboot, Shutdown};
use tokio::sync::mpsc;

use crate::keyring::Wipe;

/// How a run ends.
#[derive(Debug)]
pub enum End {
    /// The process ends and stays down, as a caller asked.
    Halt,
    /// Everything behind the sockets is opened anew.
    Reboot,
    /// The process ends, as the service manager asked.
    Stop,
    /// All keys and settings are destroyed, then everything is opened anew.
    Wipe(Wipe),
}

/// Ends the run. Cloning is shallow.
#[derive(Clone)]
pub struct Switch(mpsc::Sender<End>);

impl Switch {
    /// A switch, and where it is heard. The first call counts.
    pub fn new() -> (Self, mpsc::Receiver<End>) {
        let (calls, heard) = mpsc::channel(1);
        (Self(calls), heard)
    }

    /// Stops the daemon once the answer has left.
    pub fn shut_down(&self, _leave: Permit<Shutdown>) {
        self.call(End::Halt);
    }

    /// Starts the daemon anew once the answer has left.
    pub fn reboot(&self, _leave: Permit<Reboot>) {
        self.call(End::Reboot);
    }

    /// Carries out an order to destroy everything, once the answer has left.
    pub fn wipe(&self, order: Wipe) {
        self.call(End::Wipe(order));
    }

    /// At once: the answer to the call still leaves, as does that of every request under way, and what
    /// comes later is for the next run.
    fn call(&self, end: End) {
        // Where it is full or nobody hears it, the run is ending already.
        let _ = self.0.try_send(end);
    }
}
