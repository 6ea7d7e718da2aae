//! A daemon whose token is measured: between its worker and the real module stands the fault module,
//! which says how much CPU time it is away.

use std::time::Duration;

use fault_module::Board;

use crate::daemon::Home;
use crate::fault;

/// What a token does for all workers of a daemon, one after the other.
pub struct Meter(Board);

/// What a token did until now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// Calls of PKCS#11.
    pub calls: u64,
    /// CPU time of the threads that made them, within the token's module.
    pub time: Duration,
}

impl Meter {
    /// Puts the module that measures into the configuration that the first start in `home` wrote. It
    /// holds from the next start on.
    pub fn install(home: &Home) -> Self {
        Self(fault::interpose(home, "meter"))
    }

    /// What the token did until now.
    pub fn read(&self) -> Reading {
        Reading { calls: self.calls(), time: self.0.time() }
    }

    /// Waits until the log has its signatures, so that nobody calls the token without being asked to.
    pub fn wait_for_silence(&self) {
        fault::wait_for_silence(|| self.calls());
    }

    fn calls(&self) -> u64 {
        Board::functions().map(|function| self.0.calls(function)).sum()
    }
}

impl Reading {
    /// What it did since `before`.
    pub fn since(self, before: Self) -> Self {
        Self { calls: self.calls - before.calls, time: self.time - before.time }
    }
}
