//! For tests: a PKCS#11 module that hands every call on to another module, counts it, says how much CPU
//! time it took there, and fails on the n-th call of a function where a test says so.
//!
//! Two variables of the environment have to be set: [`REAL`] names the module behind it, [`BOARD`]
//! the [`Board`] through which a test counts and steers. The board is a file in shared memory: it is
//! opened once, as the module is loaded, because the process may open nothing later on. It outlives
//! the processes that load the module, so the n-th call is counted over all of them.
//!
//! A call costs two readings of the thread's clock more than without it, of which one is counted as
//! the real module's.

mod board;
mod functions;
mod module;
mod row;

pub use board::{Act, Board, Fault};

/// The variable that names the PKCS#11 module behind this one.
pub const REAL: &str = "FAULT_MODULE_REAL";

/// The variable that names the file of the [`Board`].
pub const BOARD: &str = "FAULT_MODULE_BOARD";
