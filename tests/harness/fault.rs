//! A daemon whose token fails when a test says so: between its worker and SoftHSM stands the fault
//! module.

use std::path::Path;
use std::time::{Duration, Instant};

pub use fault_module::{Act, Board, Fault};

use crate::daemon::Home;
use crate::make::{Make, SOFTHSM2, only_on};
use crate::patience::{LONG, until};
use crate::programs;
use crate::scene::Scene;

/// What a token is told to do wrong. It holds for all workers of a daemon, one after the other.
pub struct Faults(Board);

impl Faults {
    /// Puts the fault module into the configuration that the first start in `home` wrote.
    pub fn install(home: &Home) -> Self {
        Self(interpose(home, "faults"))
    }

    /// Whether `test` is about the token of this run: what calls an operation takes, and what its
    /// errors mean, is SoftHSM's.
    pub fn applies(test: &str) -> bool {
        only_on(&SOFTHSM2, test, "the fault module stands before SoftHSM")
    }

    /// A fresh device behind the fault module.
    pub fn scene() -> (Self, Scene) {
        let home = Home::new();
        home.start().stop();
        let faults = Self::install(&home);
        (faults, Scene::serving(home))
    }

    /// How often `function` was called.
    pub fn calls(&self, function: &str) -> u64 {
        self.0.calls(function)
    }

    /// How many calls of `function` failed as they were told to.
    pub fn failures(&self, function: &str) -> u64 {
        self.0.failures(function)
    }

    /// From now on `function` fails like this.
    pub fn fail(&self, function: &str, fault: Fault) {
        self.0.fail(function, fault);
    }

    /// `function` works again.
    pub fn lift(&self, function: &str) {
        self.0.lift(function);
    }

    /// From now on every function fails like this.
    pub fn fail_all(&self, fault: Fault) {
        Board::functions().for_each(|function| self.fail(function, fault));
    }

    /// Every function works again.
    pub fn lift_all(&self) {
        Board::functions().for_each(|function| self.lift(function));
    }

    /// `function` fails like this while `work` is done, and works again afterwards. Answers what
    /// `work` does, and how often the function failed.
    pub fn during<T>(&self, function: &str, fault: Fault, work: impl FnOnce() -> T) -> (T, u64) {
        let before = self.failures(function);
        self.fail(function, fault);
        let done = work();
        self.lift(function);
        (done, self.failures(function) - before)
    }

    /// Waits until nobody signs any more: the log asks for a signature within a second after an
    /// entry, which would use a fault up that is meant for another signature.
    pub fn wait_for_silence(&self) {
        wait_for_silence(|| self.calls("C_Sign"));
    }
}

/// Puts the fault module before the token of this run's make, in the configuration that the first start
/// in `home` wrote. The board is the file `name` in it.
pub(crate) fn interpose(home: &Home, name: &str) -> Board {
    let board = Board::create(&home.at(name)).unwrap();
    let make = Make::current();
    let real = make.module().canonicalize().unwrap();
    let line = |module: &Path| format!("module = \"{}\"\n", module.display());
    home.configure(&line(&real), &line(&programs::module("fault_module")));
    let conf = format!("{} = \"{}\"", make.variable, make.conf);
    let (names, real) = ((fault_module::BOARD, fault_module::REAL), real.display());
    let more = format!("{conf}, {} = \"{name}\", {} = \"{real}\"", names.0, names.1);
    home.configure(&conf, &more);
    board
}

/// Waits until the number of calls has stayed the same for longer than the log lets an entry wait
/// for its signature.
pub(crate) fn wait_for_silence(calls: impl Fn() -> u64) {
    let mut last = (calls(), Instant::now());
    until("the token is left alone", LONG, || {
        let calls = calls();
        if calls != last.0 {
            last = (calls, Instant::now());
        }
        (last.1.elapsed() >= SILENCE).then_some(())
    });
}

/// Longer than the log lets an entry wait for its signature.
const SILENCE: Duration = Duration::from_millis(1300);
